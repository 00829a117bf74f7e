"""Recordings that are stored as one picture a frame: what counts as one, their order, their pixels.

Live sources, spotting and the readers of data sets all look at folders of pictures through here.
"""
