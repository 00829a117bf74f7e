"""Kernel ridge of images that knows mirror images: distances, kernel, and the ridge itself.

Saunders, Gammerman and Vovk, "Ridge Regression Learning Algorithm in Dual Variables", ICML 1998;
invariant kernels by averaging: Haasdonk and Burkhardt, "Invariant kernel functions for pattern
analysis and machine learning", Machine Learning 68, 2007.
"""

import functools

import cv2
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped
from sklearn.kernel_ridge import KernelRidge as SklearnKernelRidge

from mace.augment.image import flip
from mace.motion.config import MotionConfig
from mace.prediction import normalise

type Distances = tuple[Float[np.ndarray, "m n"], Float[np.ndarray, "m n"]]
"""Mean squared distances of clips to others, and to the mirror images of those."""


class BalancedRidge:
    """scikit-learn's kernel ridge as a classifier of precomputed kernels, classes weighing alike.

    Args:
        strength: of the regularisation, above 0.

    Attributes:
        classes_: the labels seen by `fit`, sorted.
    """

    def __init__(self, strength: float) -> None:
        self._ridge = SklearnKernelRidge(alpha=strength, kernel="precomputed")  # pyright: ignore[reportArgumentType]
        self.classes_ = np.zeros(0, np.int64)

    def fit(self, kernel: Float[np.ndarray, "n n"], labels: Shaped[np.ndarray, " n"]) -> None:
        """Fit to products of the training clips with each other."""
        self.classes_, places, counts = np.unique(labels, return_inverse=True, return_counts=True)
        targets = np.eye(len(counts))[places] - 1 / len(counts)
        weights = (len(labels) / (len(counts) * counts))[places]
        self._ridge.fit(kernel, targets, sample_weight=weights)

    def scores(self, kernel: Float[np.ndarray, "m n"]) -> Float[np.ndarray, "m k"]:
        """Return a score of each of `classes_`, from products with the training clips."""
        return np.asarray(self._ridge.predict(kernel))

    def predict(self, kernel: Float[np.ndarray, "m n"]) -> Shaped[np.ndarray, " m"]:
        """Return the class with the highest score."""
        return self.classes_[self.scores(kernel).argmax(axis=1)]


def mirrored_kernel(distances: Distances, width: float) -> Float[np.ndarray, "m n"]:
    """Return the RBF kernel exp(-width d), the mean of that to images and to mirror images."""
    straight, mirrored = distances
    return (np.exp(-width * straight) + np.exp(-width * mirrored)) / 2


@functools.partial(jax.jit, static_argnames="motion")
def standardised(
    images: Float[Array, "n h w c"], *, motion: MotionConfig
) -> tuple[Float[Array, "n d"], Float[Array, "n d"]]:
    """Return images and their mirror images as rows, each channel of each brought to one scale."""
    nothing = jnp.zeros(images.shape[-1])  # statistics are each image's own
    mirrored = jax.vmap(functools.partial(flip, motion=motion))(images)
    own, turned = (
        normalise(form, nothing, nothing, kind="image").reshape(len(images), -1)
        for form in (images, mirrored)
    )
    return own, turned


def mean_squared_distances(
    rows: Float[np.ndarray, "n d"], others: Float[np.ndarray, "m d"]
) -> Float[np.ndarray, "n m"]:
    """Return the mean squared difference of every row to every other."""
    norms = [np.square(some).mean(axis=1, dtype=np.float64) for some in (rows, others)]
    products = (rows @ others.T) / rows.shape[1]
    return np.maximum(norms[0][:, None] + norms[1] - 2 * products, 0)


def shrunk(images: Float[np.ndarray, "n h w c"], size: int) -> Float[np.ndarray, "n s s c"]:
    """Return square images averaged down to a side of `size` px."""
    if images.shape[1] == size:
        return images
    small = [cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA) for image in images]
    return np.stack(small).reshape(len(images), size, size, -1)
