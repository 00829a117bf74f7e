"""The parts of `accelerator.py`: each measures one thing on whatever device JAX finds."""
