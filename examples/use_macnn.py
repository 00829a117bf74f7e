"""Train MACNN on images as any classifier of scikit-learn, and name images it has not seen.

python examples/use_macnn.py --epochs 30
"""

import argparse

import numpy as np
from sklearn.model_selection import train_test_split

import mace


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=30)
    arguments = parser.parse_args()
    # In place of your own: (n, h, w, c) of any numbers, and a label of any kind for each.
    rng = np.random.default_rng(0)
    labels = rng.choice(["brows", "mouth"], 60)
    images = rng.normal(size=(60, 28, 28, 3))
    images[labels == "brows", 4:10] += 1
    images[labels == "mouth", 18:24] += 1
    train, test, known, true = train_test_split(images, labels, random_state=0)
    network = mace.MACNN(epochs=arguments.epochs, random_state=0).fit(train, known)
    print(f"{(network.predict(test) == true).mean():.0%} of {len(test)} images are named rightly")
    print(network.classes_, network.predict_proba(test[:3]).round(2), sep="\n")


if __name__ == "__main__":
    main()
