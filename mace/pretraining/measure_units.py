"""What a pre-trained network knows about the action units of rendered people it has not seen."""

from typing import Any

import numpy as np
from jaxtyping import Bool
from sklearn.metrics import roc_auc_score

from mace.datasets.synthetic.movement.action_units import UNITS
from mace.datasets.synthetic.movement.prototypes import class_names
from mace.datasets.synthetic.pairs.draw import UNIT_COLUMNS, present_units
from mace.datasets.synthetic.pairs.stored import StoredPairs
from mace.emfacs import emotion_probabilities
from mace.metrics import class_f1, confusion_matrix, uar, uf1
from mace.prediction import Trained
from mace.pretraining.pair_tests import VIEWS, labels_of, present_still
from mace.unit_prediction import predict_units

_CLEAR_SIDE = 0.5  # the weaker half makes a third of the movement, or less


def measure_units(trained: Trained, pairs: StoredPairs, estimator: str) -> dict[str, Any]:
    """Return for each unit how well it is named, by both presentations of a test set.

    `auc` is the area under the ROC curve, `f1` the F1 score of the units that are called, `f1
    WHERE` the same within groups of pairs; `px_error` the median error of the strength where the
    unit is there, as our own clips show it, and `px` the median strength; `side` how often the half
    that makes more of it is right where one clearly does.
    """
    fields = pairs.of(estimator)
    by_view = {
        view: predict_units(trained, present_still(fields, view, size=trained.motion.size))
        for view in VIEWS
    }
    truth = present_units(pairs.unit_px)
    turned = np.rad2deg(np.abs(pairs.pose[:, :2]).max(axis=1))
    groups = {
        "below 0.6 px": pairs.peak_px < 0.6,
        "0.6 px and more": pairs.peak_px >= 0.6,
        "turned below 5 degrees": turned < 5,
        "turned 5 degrees and more": turned >= 5,
    }
    twice = np.tile(truth, (len(VIEWS), 1))
    presence = np.concatenate([by_view[view].presence for view in VIEWS])
    called = np.concatenate([by_view[view].called for view in VIEWS])
    own = by_view["own"]
    rows = {}
    for column, unit in enumerate(UNITS):
        there, mine = twice[:, column], called[:, column]
        px, side = (values[:, UNIT_COLUMNS[column]] for values in (pairs.unit_px, pairs.side))
        shown = truth[:, column]
        clear = shown & (np.abs(side) > _CLEAR_SIDE)
        rows[unit] = {
            "pairs": int(shown.sum()),
            "auc": float(roc_auc_score(there, presence[:, column])),
            "f1": _f1(there, mine),
            **{
                f"f1 {name}": _f1(there[where], mine[where])
                for name, where in ((n, np.tile(w, len(VIEWS))) for n, w in groups.items())
            },
            "px": float(np.median(px[shown])),
            "px_error": float(np.median(np.abs(own.px[:, column] - px)[shown])),
            "side": float(np.mean(np.sign(own.side[:, column]) == np.sign(side), where=clear))
            if clear.any()
            else None,
        }
    return rows


def measure_emotions(trained: Trained, pairs: StoredPairs, estimator: str) -> dict[str, float]:
    """Return UF1 and UAR of the basic emotions and contempt, read from the action units.

    Pairs of other emotions are left out; both presentations count.
    """
    labels = labels_of(pairs, "7")
    asked = np.flatnonzero(labels >= 0)
    classes = class_names("7")
    predicted = []
    for view in VIEWS:
        images = present_still(pairs.of(estimator)[asked], view, size=trained.motion.size)
        units = predict_units(trained, images)
        read = emotion_probabilities(units.presence, units=units.names, classes=classes)
        predicted.append(read.argmax(axis=1))
    counts = confusion_matrix(
        np.tile(labels[asked], len(VIEWS)), np.concatenate(predicted), len(classes)
    )
    return {"pairs": len(asked), "uf1": float(uf1(counts)), "uar": float(uar(counts))}


def _f1(there: Bool[np.ndarray, " n"], called: Bool[np.ndarray, " n"]) -> float:
    counts = confusion_matrix(there.astype(np.int64), called.astype(np.int64), 2)
    return float(class_f1(counts)[1])
