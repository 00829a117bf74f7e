"""What a result is worth: cross-validation over subjects, baselines, intervals, report."""
