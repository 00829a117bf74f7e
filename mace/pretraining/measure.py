"""What a pre-trained network is worth, measured on rendered people and one warped photograph.

The test half of `pair_tests` has people, recordings and an estimator that training has not seen;
settings are to be chosen on the validation half.

    mace pretrain --measure      writes measured.json and MODEL_CARD.md beside the network
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from sklearn.linear_model import LogisticRegression

from mace.datasets.synthetic.movement.prototypes import (
    class_names,
    labels_of_emotions,
    prototype_table,
)
from mace.datasets.synthetic.pairs.canvas import on_cells
from mace.datasets.synthetic.pairs.cast import make_cast
from mace.datasets.synthetic.pairs.estimators import measure
from mace.datasets.synthetic.pairs.stored import StoredPairs
from mace.evaluation.bootstrap import bootstrap, percentile_interval, subject_counts
from mace.metrics import confusion_matrix, uar, uf1
from mace.prediction import Trained, predict
from mace.pretraining.config import PretrainingConfig
from mace.pretraining.measure_units import measure_emotions, measure_units
from mace.pretraining.measure_windows import measure_windows
from mace.pretraining.pair_tests import (
    PEOPLE_FROM,
    VIEWS,
    PairTest,
    Part,
    labels_of,
    pair_tests,
    present_still,
)
from mace.pretraining.photograph import astronaut, prototype_plans, warp_photograph
from mace.pretraining.pretrain import training_pairs

type Predictor = Callable[[Float[np.ndarray, "n h w c"]], Int[np.ndarray, " n"]]

_WARPS_EACH = 40


@dataclass(frozen=True)
class Shown:
    """A test set as the network sees it: both views of one estimator, one after the other.

    Attributes:
        images: the inputs.
        labels: the true class of each.
        people: number of the person in each.
    """

    images: Float[np.ndarray, "n h w c"]
    labels: Int[np.ndarray, " n"]
    people: Int[np.ndarray, " n"]


def measure_network(
    trained: Trained,
    config: PretrainingConfig,
    *,
    part: Part,
    workers: int | None,
    cache_dir: Path | None,
) -> dict[str, Any]:
    """Return all that the model card says, as numbers.

    Args:
        trained: the network.
        config: how it was trained.
        part: `test` for figures to report, `validation` to choose by.
        workers: processes that render.
        cache_dir: where rendered pairs are kept.
    """
    classes = config.stream.pairs.classes
    tests = {
        test.name: (test, test.make(workers=workers, cache_dir=cache_dir))
        for test in pair_tests(config.pairs, config.picture, part=part)
    }

    def network(images: Float[np.ndarray, "n h w c"]) -> Int[np.ndarray, " n"]:
        return predict(trained, images).argmax(axis=-1)

    size = trained.motion.size
    stored = training_pairs(config, workers=workers, cache_dir=cache_dir)
    methods: dict[str, Predictor] = {
        "network": network,
        "logistic": logistic(stored, classes, size),
    }
    scores: dict[str, Any] = {}
    for name, (test, pairs) in tests.items():
        for estimator in dict.fromkeys((*config.stream.estimators, test.estimator)):
            shown = show(pairs, estimator, classes=classes, size=size)
            scores[f"{name}, {estimator}"] = compare(methods, shown, classes=len(trained.classes))
    return {
        "part": part,
        "scores": scores,
        "unseen": {name: test.estimator for name, (test, _) in tests.items()},
        "groups": groups(network, tests["same"][1], classes=classes, size=size),
        "light": light(network, tests["same"][0], workers=workers, cache_dir=cache_dir, size=size),
        "photograph": photograph(network, part=part, size=size),
        "units": {
            name: measure_units(trained, pairs, test.estimator)
            for name, (test, pairs) in tests.items()
        },
        "emotions": {
            name: measure_emotions(trained, pairs, test.estimator)
            for name, (test, pairs) in tests.items()
        },
        "windows": measure_windows(
            trained, tests["shifted"][1], tests["shifted"][0].estimator, classes=classes
        ),
    }


def show(pairs: StoredPairs, estimator: str, *, classes: Any, size: int) -> Shown:
    """Return both presentations of a test set."""
    fields = pairs.of(estimator)
    images = [present_still(fields, view, size=size) for view in VIEWS]
    return Shown(
        images=np.concatenate(images),
        labels=np.tile(labels_of(pairs, classes), len(VIEWS)),
        people=np.tile(pairs.person, len(VIEWS)),
    )


def compare(methods: Mapping[str, Predictor], shown: Shown, *, classes: int) -> dict[str, Any]:
    """Return UF1 and UAR of each method, and the network's lead with intervals over people."""
    predicted = {name: predictor(shown.images) for name, predictor in methods.items()}
    rows: dict[str, Any] = {}
    draws = {}
    for name, prediction in predicted.items():
        counts = confusion_matrix(shown.labels, prediction, classes)
        by_person = subject_counts(shown.labels, prediction[None], shown.people, classes)
        draws[name] = bootstrap(by_person).uf1
        rows[name] = {
            "uf1": float(uf1(counts)),
            "uar": float(uar(counts)),
            "interval": percentile_interval(draws[name]),
        }
    lead = draws["network"] - draws["logistic"]
    return rows | {"lead": {"uf1": float(lead.mean()), "interval": percentile_interval(lead)}}


def logistic(stored: StoredPairs, classes: Any, size: int) -> Predictor:
    """Return a logistic regression on the pixels of the training pairs, presented both ways."""
    images, labels = [], []
    pairs = np.arange(len(stored))
    for turn, view in enumerate(VIEWS):
        # Every pair both ways, and every estimator equally often.
        fields = stored.fields[(pairs + turn) % len(stored.estimators), pairs]
        images.append(_rows(present_still(fields, view, size=size)))
        labels.append(labels_of(stored, classes))
    model = LogisticRegression(C=3e-4, max_iter=300)
    model.fit(np.concatenate(images), np.concatenate(labels))
    return lambda images: np.asarray(model.predict(_rows(images)))


def _rows(images: Float[np.ndarray, "n h w c"]) -> Float[np.ndarray, "n d"]:
    """Normalise every channel of every image, as the network does, and flatten."""
    centred = images - images.mean((1, 2), keepdims=True)
    return (centred / np.maximum(centred.std((1, 2), keepdims=True), 1e-6)).reshape(len(images), -1)


def groups(predictor: Predictor, pairs: StoredPairs, *, classes: Any, size: int) -> dict[str, Any]:
    """Return the UF1 within groups of people, poses, head motions and strengths."""
    tone = np.quantile(np.unique(pairs.tone), [1 / 3, 2 / 3])
    turned = np.rad2deg(np.abs(pairs.pose[:, :2]).max(axis=1))
    moved = np.rad2deg(np.abs(pairs.head[:, :3]).max(axis=1))
    parts: dict[str, dict[str, Bool[np.ndarray, " n"]]] = {
        "skin tone": {
            "dark": pairs.tone < tone[0],
            "medium": (pairs.tone >= tone[0]) & (pairs.tone < tone[1]),
            "light": pairs.tone >= tone[1],
        },
        "sex of the head shape": {"female": pairs.male < 0.5, "male": pairs.male >= 0.5},
        "age of the head shape": {"younger": pairs.age < 0.35, "older": pairs.age >= 0.35},
        "pose": {"below 5 degrees": turned < 5, "5 degrees and more": turned >= 5},
        "turn of the head between the frames": {
            "below 0.3 degrees": moved < 0.3,
            "0.3 degrees and more": moved >= 0.3,
        },
        "crop": {
            "follows the head": pairs.corrected.astype(bool),
            "stays": ~pairs.corrected.astype(bool),
        },
        "peak": {
            "below 0.4 px": pairs.peak_px < 0.4,
            "0.4 to 0.8 px": (pairs.peak_px >= 0.4) & (pairs.peak_px < 0.8),
            "0.8 px and more": pairs.peak_px >= 0.8,
        },
    }
    shown = show(pairs, "dis", classes=classes, size=size)
    predicted = predictor(shown.images)
    count = len(class_names(classes))
    return {
        title: {
            name: _group(shown, predicted, np.tile(where, len(VIEWS)), count)
            for name, where in members.items()
        }
        for title, members in parts.items()
    }


def _group(shown: Shown, predicted: np.ndarray, where: np.ndarray, classes: int) -> dict[str, Any]:
    labels, people = shown.labels[where], shown.people[where]
    counts = confusion_matrix(labels, predicted[where], classes)
    by_person = subject_counts(labels, predicted[where][None], people, classes)
    return {
        "pairs": int(where.sum()) // len(VIEWS),
        "people": len(np.unique(people)),
        "uf1": float(uf1(counts)),
        "interval": percentile_interval(bootstrap(by_person).uf1),
    }


def light(
    predictor: Predictor, test: PairTest, *, workers: int | None, cache_dir: Path | None, size: int
) -> dict[str, Any]:
    """Return the UF1 of the same pairs under a lamp in front and under a hard one from the side."""
    rows = {}
    for name, hard in (("laboratory lamps", 0.0), ("a hard lamp from the side", 1.0)):
        lit = replace(test, picture=replace(test.picture, hard=hard), people=48)
        pairs = lit.make(workers=workers, cache_dir=cache_dir, estimators=(test.estimator,))
        shown = show(pairs, test.estimator, classes=test.pairs.classes, size=size)
        everything = np.ones(len(shown.labels), bool)
        count = len(class_names(test.pairs.classes))
        rows[name] = _group(shown, predictor(shown.images), everything, count)
    return rows


def photograph(predictor: Predictor, *, part: Part, size: int) -> dict[str, Any]:
    """Return how often each prototype of at least 1 px is recognised on the warped photograph."""
    first = PEOPLE_FROM[part]
    cast = make_cast(range(first, first + 64))
    plans = prototype_plans(cast, each=_WARPS_EACH, seed=first)
    still, moved = warp_photograph(astronaut(), cast, plans, seed=first)
    fields = on_cells(measure(still, moved, estimator="dis"))
    labels = labels_of_emotions("3")[plans.emotion]
    right = {view: predictor(present_still(fields, view, size=size)) == labels for view in VIEWS}
    prototypes = {
        prototype_table().names[row]: {
            "warps": int((plans.prototype == row).sum()),
            **{view: float(right[view][plans.prototype == row].mean()) for view in VIEWS},
        }
        for row in np.unique(plans.prototype)
    }
    return {
        "warps": len(labels),
        **{view: float(right[view].mean()) for view in VIEWS},
        "prototypes": prototypes,
    }
