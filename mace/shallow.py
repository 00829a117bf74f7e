"""The field's methods that are no networks, as scikit-learn classifiers by name.

`mace.cross_validate("bi_woof", images, ...)`, and rows of `mace zoo`. They are of NumPy and
draw nothing at random.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Self

import numpy as np
from jaxtyping import Float, Shaped
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from mace.classifiers import Channels, as_images
from mace.descriptors.bi_woof import BiWOOF
from mace.descriptors.lbp_top import LBPTOP
from mace.errors import ConfigError
from mace.kernel_ridge import (
    BalancedRidge,
    mean_squared_distances,
    mirrored_kernel,
    shrunk,
    standardised,
)
from mace.motion.config import MotionConfig


@dataclass(frozen=True, kw_only=True)
class Shallow:
    """A method by what a table says about it.

    Attributes:
        title: what tables call it.
        paper: who described it, and where.
        images: what it looks at.
        published: its name among the published results; empty where it has none.
    """

    title: str
    paper: str
    images: str
    published: str = ""


SHALLOW: Mapping[str, Shallow] = MappingProxyType(
    {
        "lbp_top": Shallow(
            title="LBP-TOP, linear SVM",
            paper="Zhao and Pietikäinen 2007, IEEE TPAMI",
            images="frames of clips",
            published="LBP-TOP",
        ),
        "bi_woof": Shallow(
            title="Bi-WOOF, linear SVM",
            paper="Liong et al. 2018, Signal Process. Image Commun.",
            images="any px, u, v, strain",
            published="Bi-WOOF",
        ),
        "kernel_ridge": Shallow(
            title="Kernel ridge (RBF)",
            paper="Saunders et al. 1998, ICML",
            images="any px, any",
        ),
    }
)
"""The methods by name."""


def shallow_classifier(name: str) -> Any:
    """Return a classifier by its name, not fitted.

    Raises:
        ConfigError: for a name that is none of `SHALLOW`.

    Examples:
        >>> from mace.shallow import shallow_classifier
        >>> [step for step, _ in shallow_classifier("bi_woof").steps]
        ['biwoof', 'svc']
    """
    if name == "kernel_ridge":
        return KernelRidgeClassifier()
    descriptors = {"lbp_top": LBPTOP, "bi_woof": BiWOOF}
    if name not in descriptors:
        raise ConfigError(f"there is no method {name!r}; there are: {', '.join(SHALLOW)}")
    return make_pipeline(descriptors[name](), SVC(kernel="linear", class_weight="balanced"))


class KernelRidgeClassifier(ClassifierMixin, BaseEstimator):
    """Kernel ridge of images with a Gaussian kernel, every class weighing the same.

    Each channel of each image is brought to mean 0 and deviation 1: where something moves counts,
    not how much. `mace evaluate` has it beside every score, its settings chosen in inner folds.

    Args:
        width: γ of exp(−γ d²), d² being the mean squared difference, between 0 and 4.
        strength: of the regularisation, the more the smoother.
        size: side in px that larger square images are averaged down to.
        channels: `flow` for u, v and what follows: the kernel is then the mean over an image and
            its mirror image. None says nothing of the channels, and mirrors nothing.

    Attributes:
        classes_: the labels seen by `fit`, sorted.

    Examples:
        >>> import numpy as np
        >>> from mace.shallow import KernelRidgeClassifier
        >>> rng = np.random.default_rng(0)
        >>> labels = np.repeat(["brow", "mouth"], 10)
        >>> images = rng.normal(size=(20, 28, 28, 3))
        >>> images[:10, :9] += 2
        >>> images[10:, 20:] += 2
        >>> KernelRidgeClassifier(channels="flow").fit(images, labels).score(images, labels)
        1.0
    """

    def __init__(
        self,
        *,
        width: float = 0.5,
        strength: float = 1.0,
        size: int = 28,
        channels: Channels = None,
    ) -> None:
        self.width = width
        self.strength = strength
        self.size = size
        self.channels: Channels = channels

    def fit(self, X: Shaped[np.ndarray, "n h w *c"], y: Any) -> Self:
        """Learn from images and their labels.

        Raises:
            ValueError: for arrays that scikit-learn refuses: of different lengths, not finite, of
                a single class.
        """
        self._rows, self._turned = self._forms(X)
        labels = column_or_1d(y, warn=True)
        check_classification_targets(labels)
        check_consistent_length(self._rows, labels)
        self._ridge = BalancedRidge(self.strength)
        self._ridge.fit(self._kernel(self._rows), labels)
        self.classes_ = self._ridge.classes_
        if len(self.classes_) < 2:
            raise ValueError(
                f"y holds one class, {self.classes_[0]!r}; a classifier needs two or more"
            )
        return self

    def predict(self, X: Shaped[np.ndarray, "n h w *c"]) -> Shaped[np.ndarray, " n"]:
        """Return the class with the highest score for each image.

        Raises:
            ValueError: for images of another shape than those of `fit`.
        """
        check_is_fitted(self, "classes_")
        rows, _ = self._forms(X)
        if rows.shape[1] != self._rows.shape[1]:
            raise ValueError(
                f"X has images of {rows.shape[1]} numbers, but {type(self).__name__} was fitted "
                f"with {self._rows.shape[1]}"
            )
        return self._ridge.predict(self._kernel(rows))

    def __sklearn_tags__(self) -> Any:
        """Say that images are taken."""
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def _forms(self, X: Any) -> tuple[Float[np.ndarray, "n d"], Float[np.ndarray, "n d"]]:
        images = as_images(check_array(X, allow_nd=True, dtype="float32", estimator=self))
        if images.shape[1] == images.shape[2] > self.size:
            images = shrunk(images, self.size)
        kind = "flow" if self.channels == "flow" else "own"
        own, turned = map(
            np.asarray, standardised(images, motion=MotionConfig(representation=kind))
        )
        return own, turned if kind == "flow" else own

    def _kernel(self, rows: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n m"]:
        distances = [mean_squared_distances(rows, some) for some in (self._rows, self._turned)]
        return mirrored_kernel((distances[0], distances[1]), self.width)
