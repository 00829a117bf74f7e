"""Finding movements in long recordings: onset, apex and offset, and what kind they are."""
