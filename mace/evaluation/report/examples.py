"""Which clips a report shows, and the faces it keeps to show them again without the data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from mace.errors import DataError
from mace.evaluation.config import NETWORK
from mace.evaluation.results import Evaluation
from mace.files import atomic_path

FACES = "faces.npz"


@dataclass(frozen=True, eq=False, kw_only=True)
class Example:
    """One clip of the first seed: its class, the prediction, and where the network looked.

    Attributes:
        clip: `database/subject/clip`.
        truth: name of its true class.
        prediction: name of the predicted class.
        probability: of the predicted class; None for a method that has none.
        truth_probability: of the true class, likewise.
        heat: map of where the network looked; None if none was made.
    """

    clip: str
    truth: str
    prediction: str
    probability: float | None
    truth_probability: float | None
    heat: Float[np.ndarray, "h w"] | None

    @property
    def right(self) -> bool:
        """Whether the prediction is the truth."""
        return self.truth == self.prediction


def draw_examples(evaluation: Evaluation, *, right: bool, count: int) -> list[Example]:
    """Draw right or wrong predictions of the first seed at random, in turn from each true class.

    Drawn rather than chosen: examples picked by hand or by confidence flatter the network. The
    draw depends on the evaluation alone.
    """
    network = evaluation.methods[NETWORK]
    prediction = network.predicted[0]
    candidates = np.flatnonzero((prediction == evaluation.labels) == right)
    order = np.random.default_rng(0).permutation(candidates)
    turn = np.zeros(len(order), np.int64)
    for label in range(len(evaluation.classes)):
        mine = evaluation.labels[order] == label
        turn[mine] = np.arange(mine.sum())
    chosen = order[np.argsort(turn, kind="stable")][:count]
    return [
        _example(evaluation, int(i)) for i in sorted(chosen, key=lambda i: evaluation.labels[i])
    ]


def save_faces(folder: Path, faces: Mapping[str, UInt8[np.ndarray, "s s"]]) -> None:
    """Keep faces by clip in `folder`.

    Raises:
        OutputError: if the folder cannot be written to.
    """
    with atomic_path(folder / FACES) as temporary:
        images = np.stack(list(faces.values())) if faces else np.zeros((0, 1, 1), np.uint8)
        np.savez_compressed(temporary, clips=np.array(list(faces), dtype=np.str_), faces=images)


def load_faces(folder: Path) -> dict[str, UInt8[np.ndarray, "s s"]]:
    """Return the faces that `save_faces` kept in `folder`, none if it did not.

    Raises:
        DataError: if the file is damaged.
    """
    path = folder / FACES
    if not path.exists():
        return {}
    try:
        with np.load(path) as stored:
            return dict(zip(stored["clips"].tolist(), stored["faces"], strict=True))
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path} is damaged; delete it and make the report again") from error


def _example(evaluation: Evaluation, i: int) -> Example:
    network = evaluation.methods[NETWORK]
    clip, truth, predicted = evaluation.clips[i], evaluation.labels[i], network.predicted[0, i]
    probabilities = None if network.probabilities is None else network.probabilities[0, i]
    return Example(
        clip=clip,
        truth=evaluation.classes[truth],
        prediction=evaluation.classes[predicted],
        probability=None if probabilities is None else float(probabilities[predicted]),
        truth_probability=None if probabilities is None else float(probabilities[truth]),
        heat=network.heat.get(clip),
    )


def shown_clips(examples: Sequence[Example]) -> tuple[str, ...]:
    """Return the clips of the examples, each once."""
    return tuple(dict.fromkeys(example.clip for example in examples))
