"""Anybody's motion images, brought to the windows and the signs that a network was trained on."""
