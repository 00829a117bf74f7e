"""Descriptors of the field from before networks, as scikit-learn has them."""
