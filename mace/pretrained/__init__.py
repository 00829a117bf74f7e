"""The pre-trained network that comes with MACE, and bundles named on a command line; no JAX here.

`macnn/` holds `bundle.json`, `weights.npz` and `MODEL_CARD.md`, which says what the network was
trained on, what it is for and what it must not be used for.
"""
