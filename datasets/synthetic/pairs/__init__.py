"""Onset–apex pairs without end: what moves is drawn once, then rendered or computed in JAX."""
