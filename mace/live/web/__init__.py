"""Live results on a page: for a machine elsewhere, or for the camera of a browser."""
