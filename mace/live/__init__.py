"""From a video to labelled frames: the stored clip's path, one frame at a time."""
