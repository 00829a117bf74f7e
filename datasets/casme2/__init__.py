"""CASME II: micro-expressions at 200 frames/s, in either coding and any of its frame trees."""
