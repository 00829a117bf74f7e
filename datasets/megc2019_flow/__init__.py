"""The public flow images of the MEGC2019 composite: no licence, no video, no frames."""
