"""A trained network as one compiled-anywhere program, and back."""
