"""Anybody's motion images, brought to the window and the signs that a network was trained on."""
