"""Compare a Flax module of your own with MACNN on arrays of your own, one person left out a time.

python examples/train_on_arrays.py --epochs 30
"""

import argparse

import flax.linen as nn
import numpy as np

import mace


class Small(nn.Module):
    """From images (b, h, w, c) to a number for each of three classes."""

    @nn.compact
    def __call__(self, x):
        x = nn.relu(nn.Conv(8, (3, 3), strides=2)(x))
        return nn.Dense(3)(x.mean((1, 2)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=30)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)  # in place of your own arrays
    people, labels = np.repeat(np.arange(4), 9), np.tile(["happy", "sad", "surprised"], 12)
    images = rng.normal(size=(36, 28, 28, 3)) + (labels == "happy")[:, None, None, None]
    for network in (Small(), "macnn_small"):
        classifier = mace.NetworkClassifier(network, epochs=arguments.epochs, random_state=0)
        print(mace.cross_validate(classifier, images, labels, people).table())


if __name__ == "__main__":
    main()
