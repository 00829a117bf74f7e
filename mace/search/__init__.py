"""Searching for settings on training subjects alone, on one machine or many, across restarts."""
