"""A lab's own clips: folders of frames or videos, and one table of annotations."""
