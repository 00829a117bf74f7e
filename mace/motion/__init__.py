"""What moved between two aligned faces: appearance, difference, or optical flow with its strain.

`represent` is the one interface: training, evaluation and the live loop call the same function.
"""
