"""Pairs of frames, onset and apex, without end: rendered, or as exact motion in JAX."""
