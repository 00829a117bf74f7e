"""Pre-training on rendered faces: the stream of pairs, the network, its measures and its card."""
