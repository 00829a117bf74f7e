"""What is put under the folds: the network, a pre-trained one, and the baselines beside it."""
