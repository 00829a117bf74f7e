"""Which windows of unlabelled motion images tell a network most, and in which convention.

Laboratories crop faces in their own ways: more forehead, less chin, a narrower cut, v before u. A
network that learnt from other crops is wrong about them and, what shows without a label, unsure.
A few windows and one order and sign of the channels are looked for that all images of a set share;
a window must pay for being far from the one given, since noise prefers some window to all others.

A window is worth the information between images and classes: the entropy of the mean prediction
less the mean entropy of the predictions. On other crops of rendered validation people it chose
better than the mean confidence. Source: Bridle, Heading and MacKay, "Unsupervised Classifiers,
Mutual Information and 'Phantom Targets'", NIPS 1991. Which of the best is best is mostly noise, so
predictions are averaged over several: on the same people the mean over the eight best was better
than the best, and the more so the fewer clips chose.

Orders and signs of the channels are told apart by how sure the network is and by how well the
motion agrees with what it has learnt from: turned upside down, a lowered brow is a raised one that
moves inwards, which the network is fairly sure about and has never seen.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace

import jax
import numpy as np
from jaxtyping import Array, Float, Int, PyTree

from mace.adaptation.config import AdaptConfig, Window
from mace.adaptation.convention import CONVENTIONS, Convention
from mace.bundle import Bundle, NormaliseKind
from mace.errors import ConfigError, DataError
from mace.models.config import ModelConfig
from mace.motion.config import MotionConfig
from mace.prediction import (
    Adaptation,
    Trained,
    in_batches,
    make_prediction,
    normalise,
    program_arguments,
    program_settings,
)

WHOLE: Window = (0.0, 0.0, 1.0, 1.0)
_BATCH = 64
# By how much in mean plausibility, in standard errors of it, and on how many clips another
# convention must win over the expected one: to take it wrongly costs everything, to miss it is seen
# at once.
_GAIN, _ERRORS, _FEWEST = 0.04, 4.0, 10
_FLAT = 0.01


@dataclass(frozen=True, kw_only=True)
class WindowFit:
    """The windows and the convention that were chosen, and how clear the choice was.

    Attributes:
        windows: left, top, right, bottom in shares of the images; the best first.
        convention: of their channels.
        before: mean confidence with the images as they are.
        after: and in the best window and convention.
        flat: whether all windows were about as good.
        edge: whether the best window lies at the edge of what was tried.
        clips: from how many it was chosen.
    """

    windows: tuple[Window, ...]
    convention: Convention
    before: float
    after: float
    flat: bool
    edge: bool
    clips: int

    def adaptation(self, channels: int) -> Adaptation:
        """Return what prediction does to images of that many channels."""
        return Adaptation(
            windows=np.asarray(self.windows, np.float32), channels=self.convention.matrix(channels)
        )

    def best(self) -> "WindowFit":
        """Return the fit with the best window alone, for what is shown no other."""
        return replace(self, windows=self.windows[:1])

    def figures(self) -> dict[str, list[float]]:
        """Return the choice as numbers, by name; the convention is a place in `CONVENTIONS`."""
        return {
            "windows": [edge for window in self.windows for edge in window],
            "convention": [float(CONVENTIONS.index(self.convention))],
            "confidence": [self.before, self.after],
            "edge": [float(self.edge)],
            "flat": [float(self.flat)],
        }

    def __str__(self) -> str:
        left, top, right, bottom = self.windows[0]
        others = f" and {len(self.windows) - 1} more like these" if self.windows[1:] else ""
        words = [
            f"rows {top:+.2f} to {bottom:.2f} and columns {left:+.2f} to {right:.2f} of the "
            f"images{others} are shown (mean confidence {self.before:.3f} before, "
            f"{self.after:.3f} after, {self.clips} clips without labels)"
        ]
        if self.convention != CONVENTIONS[0]:
            words.append(f"channels taken for: {self.convention}; look at the images' origin")
        if self.edge:
            words.append("the best window is at the edge of those tried; look at the mean images")
        if self.flat:
            words.append("all windows are about as good, so the choice means little")
        return "; ".join(words)


def windows(config: AdaptConfig) -> Float[np.ndarray, "w 4"]:
    """Return all windows tried; the whole image is the first."""
    steps = round(config.shift / config.step)
    tried = [WHOLE]
    for shift in np.arange(-steps, steps + 1) * config.step:
        for height in config.heights:
            for width in config.widths:
                left, top = 0.5 - width / 2, 0.5 + shift - height / 2
                tried.append((left, top, left + width, top + height))
    return np.unique(np.array(tried, np.float32), axis=0)


def information(probabilities: Float[np.ndarray, "w n k"]) -> Float[np.ndarray, " w"]:
    """Return the information in nats between images and classes, of each window."""
    mean = probabilities.mean(axis=1)
    return _entropy(mean) - _entropy(probabilities).mean(axis=1)


def _entropy(probabilities: Float[np.ndarray, "*s k"]) -> Float[np.ndarray, "*s"]:
    return -(probabilities * np.log(np.maximum(probabilities, 1e-9))).sum(axis=-1)


def window_predictions(
    trained: Trained,
    inputs: Float[np.ndarray, "n h w c"],
    tried: Float[np.ndarray, "w 4"],
    convention: Convention,
) -> Float[np.ndarray, "w n k"]:
    """Return the class probabilities of each image in each window."""
    program = _program(*program_settings(trained))
    variables, mean, std = program_arguments(trained)
    matrix = convention.matrix(inputs.shape[-1])
    return in_batches(
        lambda images: program(variables, images, mean, std, tried, matrix),
        inputs,
        size=_BATCH,
        axis=1,
    )


class WindowSearch:
    """Fits to parts of a set of images, which are looked at once for all of them.

    Args:
        trained: the network.
        inputs: motion images of clips, the annotated pair of each.
        config: what is tried.

    Raises:
        DataError: for no images, or images of another size than the network's.
        ConfigError: for a network that reads something else than optical flow.
    """

    def __init__(
        self, trained: Trained, inputs: Float[np.ndarray, "n h w c"], *, config: AdaptConfig
    ) -> None:
        if not len(inputs):
            raise DataError("there are no images to fit a window to; give at least one clip")
        if trained.motion.representation != "flow":
            raise ConfigError(
                f"windows are fitted to optical flow, this network reads "
                f"{trained.motion.representation}; leave out --adapt"
            )
        typical = trained.typical if isinstance(trained, Bundle) else None
        if typical is not None and typical.shape[1:] != inputs.shape[1:]:
            sizes = [" x ".join(map(str, shape[1:])) for shape in (inputs.shape, typical.shape)]
            raise DataError(
                f"the motion images are {sizes[0]} (height, width, channels), the network learnt "
                f"from {sizes[1]}; make them of that size"
            )
        self._trained, self._inputs, self._config = trained, inputs, config
        self._typical = typical
        self._tables: dict[tuple[Convention, bool], Float[np.ndarray, "w n k"]] = {}
        self._agreements: dict[tuple[Convention, int], Float[np.ndarray, "n k"]] = {}
        # Conventions are compared on windows of the images' own size, an eighth of all.
        self._coarse = windows(replace(config, heights=(1.0,), widths=(1.0,)))
        self._windows = windows(config)

    def fit(self, index: Int[np.ndarray, " m"]) -> WindowFit:
        """Return the fit to some of the images; nothing of the others has a part in it.

        Raises:
            DataError: for none.
        """
        if not len(index):
            raise DataError("there are no images to fit a window to; give at least one clip")
        convention, tried = self._convention(index), self._windows
        table, worth = self._worth(convention, index, coarse=False)
        best = (-worth).argsort(kind="stable")[: self._config.best]
        shifts = np.abs(tried[:, 1] + tried[:, 3] - 1) / 2
        as_they_are, _ = self._worth(CONVENTIONS[0], index, coarse=True)
        whole = int(distances(self._coarse).argmin())
        left, top, right, bottom = np.round(tried[best].astype(float), 4).T.tolist()
        return WindowFit(
            windows=tuple(zip(left, top, right, bottom, strict=True)),
            convention=convention,
            before=float(as_they_are[whole].max(axis=-1).mean()),
            after=float(table[best[0]].max(axis=-1).mean()),
            flat=bool(np.ptp(information(table)) < _FLAT),
            edge=bool(0 < shifts.max() < shifts[best[0]] + 1e-6),
            clips=len(index),
        )

    def _convention(self, index: Int[np.ndarray, " m"]) -> Convention:
        expected, *others = CONVENTIONS
        if not self._config.conventions or len(index) < _FEWEST:
            return expected
        rivals = {convention: self._plausibility(convention, index) for convention in others}
        rival = max(others, key=lambda convention: rivals[convention].mean())
        gain = rivals[rival] - self._plausibility(expected, index)
        error = gain.std(ddof=1) / np.sqrt(len(gain))
        return rival if gain.mean() > max(_GAIN, _ERRORS * error) else expected

    def _plausibility(
        self, convention: Convention, index: Int[np.ndarray, " m"]
    ) -> Float[np.ndarray, " m"]:
        """Return what speaks for a convention in each image, shown in the window that fits best.

        How sure the network is and, where it is known what it learnt from, how well the motion
        agrees with what is typical of the predicted classes: alone, either told conventions of
        rendered validation people apart less surely than their sum.
        """
        table, worth = self._worth(convention, index, coarse=True)
        best = int(worth.argmax())
        sure = table[best].max(axis=-1)
        if self._typical is None:
            return sure
        agreement = self._agreement(convention, best, self._typical)[index]
        return sure + (table[best] * agreement).sum(axis=-1)

    def _agreement(
        self, convention: Convention, place: int, typical: Float[np.ndarray, "k h w c"]
    ) -> Float[np.ndarray, "n k"]:
        """Return how all images, in one of the coarse windows, agree with each class's motion."""
        if (convention, place) not in self._agreements:
            matrix = convention.matrix(self._inputs.shape[-1])
            adaptation = Adaptation(windows=self._coarse[[place]], channels=matrix)
            _, mean, std = program_arguments(self._trained)
            kind = self._trained.normalisation.kind
            shown = in_batches(
                lambda images: normalise(adaptation(images), mean, std, kind=kind),
                self._inputs,
                size=_BATCH,
            )
            self._agreements[convention, place] = correlations(shown, typical)
        return self._agreements[convention, place]

    def _worth(
        self, convention: Convention, index: Int[np.ndarray, " m"], *, coarse: bool
    ) -> tuple[Float[np.ndarray, "w m k"], Float[np.ndarray, " w"]]:
        """Return the predictions of some images in each window, and what it is worth, paid for."""
        tried = self._coarse if coarse else self._windows
        if (convention, coarse) not in self._tables:
            self._tables[convention, coarse] = window_predictions(
                self._trained, self._inputs, tried, convention
            )
        table = self._tables[convention, coarse][:, index]
        price = self._config.price * (1 + self._config.clips / len(index))
        return table, information(table) - price * distances(tried)


def correlations(
    images: Float[np.ndarray, "n h w c"], typical: Float[np.ndarray, "k h w c"]
) -> Float[np.ndarray, "n k"]:
    """Return the correlation of u and v over the face, of each image with each typical one.

    It is 0 where nothing moves.
    """
    motion, expected = (
        (image - image.mean(axis=(1, 2), keepdims=True)).reshape(len(image), -1)
        for image in (images[..., :2], typical[..., :2])
    )
    lengths = np.outer(np.linalg.norm(motion, axis=1), np.linalg.norm(expected, axis=1))
    return motion @ expected.T / np.maximum(lengths, 1e-6)


def distances(tried: Float[np.ndarray, "w 4"]) -> Float[np.ndarray, " w"]:
    """Return how far windows are from the whole image.

    A shift by its height counts 1, and so does a size twice or half its own.
    """
    left, top, right, bottom = np.asarray(tried, np.float64).T
    shift = np.hypot((left + right - 1) / 2, (top + bottom - 1) / 2)
    return shift + np.abs(np.log2(right - left)) + np.abs(np.log2(bottom - top))


@functools.lru_cache(maxsize=4)
def _program(
    model: ModelConfig, motion: MotionConfig, classes: int, kind: NormaliseKind, flip_average: bool
) -> Callable[..., Float[Array, "w b k"]]:
    predicted = make_prediction(model, motion, classes, kind, flip_average)

    @jax.jit
    def in_windows(
        variables: PyTree[Array],
        images: Float[Array, "b h w c"],
        mean: Float[Array, " c"],
        std: Float[Array, " c"],
        tried: Float[Array, "w 4"],
        channels: Float[Array, "c c"],
    ) -> Float[Array, "w b k"]:
        def within(window: Float[Array, "4"]) -> Float[Array, "b k"]:
            adaptation = Adaptation(windows=window[None], channels=channels)
            return predicted(variables, images, mean, std, adaptation)

        return jax.lax.map(within, tried)

    return in_windows
