"""On-device augmentation of one motion image: pure functions of an image and a key, for `vmap`.

Optical flow is not a picture: a mirrored face moves the other way, a turned face moves along
turned vectors, an enlarged face moves further. Channels are (u, v, strain) for flow, in px.
"""
