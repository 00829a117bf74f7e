"""CASME: spontaneous micro-expressions at 60 frames/s, sections A and B."""
