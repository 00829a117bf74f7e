"""From a licensed data set as it lies on disk to clips: sheets, frame folders, repairs, report."""
