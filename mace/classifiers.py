"""The networks as scikit-learn classifiers, for arrays of anybody's own.

`fit`, `predict`, `predict_proba`, `get_params` and the rest are scikit-learn's, so that its
splitters, searches, pipelines and scores work with them as they are.
"""

from collections.abc import Sequence
from typing import Any, Literal, Self

import flax.linen as nn
import numpy as np
from jaxtyping import Float, Shaped
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import (
    assert_all_finite,
    check_array,
    check_consistent_length,
    check_random_state,
    column_or_1d,
)
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from mace.augment.config import NO_AUGMENT, AugmentConfig
from mace.data.motion_set import MotionSet
from mace.errors import ConfigError
from mace.models.config import ModelConfig
from mace.models.networks import no_network
from mace.models.own import OwnModel
from mace.models.presets import MODELS
from mace.motion.config import MotionConfig
from mace.prediction import predict
from mace.training.config import OptimiserConfig, TrainConfig
from mace.training.fit import fit
from mace.training.fitted import Fitted

type Channels = Literal["flow"] | None


class NetworkClassifier(ClassifierMixin, BaseEstimator):
    """A network that learns classes of images, with scikit-learn's interface.

    Args:
        network: name of one of `mace.models.presets.MODELS` (those that `mace zoo` lists, and smaller
            MACNNs), `module:attribute` of a file of your own, a `ModelConfig`, or a Flax module of
            your own that turns images (b, h, w, c) into logits (b, classes).
        epochs: passes through the training images.
        batch_size: images a step.
        learning_rate: of AdamW at its peak; a linear warm-up comes before, a cosine decay after.
        weight_decay: of kernels.
        mixup: alpha of the Beta distribution that mixes two images; 0 mixes none.
        channels: what the channels are, for changes that must know: `flow` is (u, v, strain);
            None says nothing, and no image is mirrored, turned or enlarged.
        augment: random changes in training; None makes none.
        random_state: an int, a NumPy RandomState, or None for the seed 0.

    Attributes:
        classes_: the labels seen by `fit`, sorted; columns of `predict_proba` are in their order.
        n_features_in_: columns, where X was a table.
        image_shape_: (h, w, c).
        fitted_: the network, as `mace.training.fit.fit` returns it.
        history_: a row an epoch: loss, accuracy and more.

    Examples:
        >>> import numpy as np
        >>> from mace.classifiers import NetworkClassifier
        >>> rng = np.random.default_rng(0)
        >>> labels = np.repeat(["negative", "positive"], 8)
        >>> images = rng.normal(size=(16, 28, 28, 3)) + 2 * (labels == "positive")[:, None, None, None]
        >>> network = NetworkClassifier("ststnet", epochs=20, learning_rate=0.01)
        >>> network.fit(images, labels).score(images, labels)
        1.0
    """  # noqa: E501 - a line of an example cannot be broken

    def __init__(
        self,
        network: str | ModelConfig | nn.Module = "macnn_small",
        *,
        epochs: int = 60,
        batch_size: int = 32,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.01,
        mixup: float = 0.0,
        channels: Channels = None,
        augment: AugmentConfig | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.network = network
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.mixup = mixup
        self.channels: Channels = channels
        self.augment = augment
        self.random_state = random_state

    def fit(
        self, X: Shaped[np.ndarray, "n h w *c"], y: Sequence[Any] | Shaped[np.ndarray, " n"]
    ) -> Self:
        """Learn from images and their labels.

        Args:
            X: images (n, h, w, c), or (n, h, w) of one channel; rows of a table (n, f) count as
                images of one row.
            y: a label of any kind for each.

        Raises:
            ConfigError: for settings that contradict each other.
            TrainingError: if the loss is no number.
            ValueError: for arrays that scikit-learn refuses: of different lengths, not finite, of
                a single class.
        """
        images, y = self._checked(X, y)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y holds one class, {self.classes_[0]!r}; a classifier needs two or more"
            )
        self.image_shape_ = images.shape[1:]
        motion_set = own_set(images, labels, classes=tuple(map(str, self.classes_)),
                             channels=self.channels)  # fmt: skip
        self.fitted_: Fitted = fit(
            motion_set,
            np.arange(len(images)),
            config=self._config(),
            seed=_seed(self.random_state),
            label=type(self).__name__,
        )
        self.history_ = self.fitted_.history
        return self

    def predict_proba(self, X: Shaped[np.ndarray, "n h w *c"]) -> Float[np.ndarray, "n k"]:
        """Return the probability of each of `classes_`, float32, rows summing to 1.

        Raises:
            ValueError: for images of another shape than those of `fit`.
        """
        check_is_fitted(self)
        images, _ = self._checked(X)
        if images.shape[1:] != self.image_shape_:
            raise ValueError(
                f"X has images of shape {images.shape[1:]}, but {type(self).__name__} was fitted "
                f"with {self.image_shape_}"
            )
        return predict(self.fitted_, images)

    def predict(self, X: Shaped[np.ndarray, "n h w *c"]) -> Shaped[np.ndarray, " n"]:
        """Return the most probable of `classes_` for each image."""
        likeliest = self.predict_proba(X).argmax(axis=1)  # which asks first whether it was fitted
        return self.classes_[likeliest]

    def __sklearn_tags__(self) -> Any:
        """Say that images are taken, and that equal inputs give equal results."""
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def _checked(self, X: Any, y: Any = None) -> tuple[Float[np.ndarray, "n h w c"], Any]:
        """Return finite float32 images and, for `fit`, as many labels."""
        if np.asarray(X).ndim == 2:  # a table, whose columns scikit-learn counts and may name
            X = validate_data(self, X, reset=y is not None, dtype=np.float32)
        else:
            X = check_array(X, allow_nd=True, dtype="float32", estimator=self)
        if y is not None:
            y = column_or_1d(y, warn=True)
            assert_all_finite(y, input_name="y")
            check_consistent_length(X, y)
        return as_images(X), y

    def _config(self) -> TrainConfig:
        return TrainConfig(
            model=model_of(self.network),
            optimiser=OptimiserConfig(
                learning_rate=self.learning_rate, weight_decay=self.weight_decay
            ),
            augment=NO_AUGMENT if self.augment is None else self.augment,
            epochs=self.epochs,
            batch_size=self.batch_size,
            mixup=self.mixup,
        )


class MACNN(NetworkClassifier):
    """MACNN as a scikit-learn classifier; arguments as those of `NetworkClassifier`.

    The network is `MODELS["macnn_small"]` of `mace.models.presets`, for images of 28 px and a
    little more; `macnn` suits 64 to 224 px.
    """


def model_of(network: str | ModelConfig | nn.Module) -> ModelConfig:
    """Return the configuration of a network that is named, configured or a Flax module.

    Raises:
        ConfigError: for a name that no network has, or anything else.
    """
    if isinstance(network, ModelConfig):
        return network
    if isinstance(network, str):
        if ":" in network:
            return ModelConfig(arch=network)
        if network not in MODELS:
            raise no_network(network, MODELS)
        return MODELS[network]
    return OwnModel(module=network)


def as_images(X: Shaped[np.ndarray, "n ..."]) -> Float[np.ndarray, "n h w c"]:
    """Return arrays of two to four axes as float32 images: a table's rows become one row each.

    Raises:
        ValueError: for more axes or fewer, and for images whose channels come first.
    """
    if X.ndim not in (2, 3, 4):
        raise ValueError(
            f"X has the shape {X.shape}, expected images (n, h, w, c) or (n, h, w), or a table"
        )
    if X.ndim == 4 and X.shape[1] <= 3 < X.shape[2] == X.shape[3]:
        raise ValueError(
            f"X has the shape {X.shape}, expected images (n, h, w, c), and these look like "
            "(n, c, h, w); give np.moveaxis(X, 1, -1)"
        )
    X = np.asarray(X, np.float32)
    if X.ndim == 2:
        return X[:, None, :, None]
    return X if X.ndim == 4 else X[..., None]


def own_set(
    images: Float[np.ndarray, "n h w c"],
    labels: np.ndarray,
    *,
    classes: tuple[str, ...],
    channels: Channels = None,
) -> MotionSet:
    """Return images and labels as a set of clips that nobody in particular shows."""
    if channels not in (None, "flow"):
        raise ConfigError(f"channels is {channels!r}, expected 'flow' or None")
    size = min(max(images.shape[1], 28), 224)
    own = MotionConfig(representation="own")
    motion = MotionConfig(flow="images", size=size) if channels == "flow" else own
    return MotionSet(
        inputs=images[:, None],
        labels=labels.astype(np.int32),
        groups=np.zeros(len(labels), np.int32),
        subjects=("own",),
        clips=tuple(map(str, range(len(labels)))),
        classes=classes,
        motion=motion,
    )


def _seed(random_state: int | np.random.RandomState | None) -> int:
    if random_state is None:
        return 0
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))
