"""Onset-apex pairs without end: one drawing of what happens, rendered or as exact motion."""
