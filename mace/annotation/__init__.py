"""What annotators wrote, in a form to compute with: action units, emotions, class sets."""
