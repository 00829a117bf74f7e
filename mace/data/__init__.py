"""Clips, and the arrays a network learns from."""
