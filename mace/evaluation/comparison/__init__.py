"""Results side by side, and the published numbers of the field beside them."""
