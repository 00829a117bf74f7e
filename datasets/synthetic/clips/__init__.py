"""Clips and videos: a person, movements over time, a recording, and the truth about them."""
