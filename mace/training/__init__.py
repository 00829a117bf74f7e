"""Training: `fit` makes a network of a motion set, `predict` asks it, a bundle keeps it."""
