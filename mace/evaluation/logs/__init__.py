"""Predictions of anybody's code, read from the forms that the field writes them in."""
