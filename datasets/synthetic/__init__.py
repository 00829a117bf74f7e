"""Rendered micro-expressions with exact truth: data that need no download."""
