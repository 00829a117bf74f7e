"""What a pre-trained network makes of other crops than the usual one, before and after fitting.

Training draws windows from about this range, so none is wholly new to it; orders and signs of the
channels are.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np

from mace.adaptation.config import AdaptConfig
from mace.adaptation.convention import CONVENTIONS
from mace.adaptation.search import WindowSearch
from mace.datasets.synthetic.movement.action_units import PairClasses
from mace.datasets.synthetic.pairs.stored import StoredPairs
from mace.metrics import confusion_matrix, uf1
from mace.motion.conventions import PUBLIC_WINDOW, channels_of, cut
from mace.prediction import Trained, predict
from mace.pretraining.pair_tests import labels_of

_ROW = (PUBLIC_WINDOW[3] - PUBLIC_WINDOW[1]) / 28
_FITTING = 3  # the row of 28 in which the brows lie in `PUBLIC_WINDOW`

WINDOWS = ((2, 1.0), (5, 1.0), (7, 1.0), (9, 1.0), (3, 0.8), (3, 1.2), (7, 0.8), (7, 1.2))
"""Row of 28 in which the brows lie, and width of the crop in those of public images."""


def measure_windows(
    trained: Trained, pairs: StoredPairs, estimator: str, *, classes: PairClasses
) -> dict[str, Any]:
    """Return the UF1 on each window before and after fitting by the images, without labels.

    Half of the people choose the windows, the other half is scored, and the other way round. The
    last rows are the fitting window with its channels in other orders and with other signs.
    """
    labels = labels_of(pairs, classes)
    half = np.isin(pairs.person, np.unique(pairs.person)[::2])
    fields = jnp.asarray(pairs.of(estimator), jnp.float32)
    rows = {}
    cases = [
        (f"brows in row {row}, width {width}", row, width, CONVENTIONS[0])
        for row, width in ((_FITTING, 1.0), *WINDOWS)
    ]
    cases += [(str(convention), _FITTING, 1.0, convention) for convention in CONVENTIONS[1:]]
    for name, row, width, convention in cases:
        left, top, right, bottom = PUBLIC_WINDOW
        up = (row - _FITTING) * _ROW
        edges = jnp.asarray([left * width, top - up, right * width, bottom - up], jnp.float32)
        images = np.asarray(
            cut(channels_of(fields), jnp.tile(edges, (len(fields), 1)), size=trained.motion.size)
        )
        # What expects the images back: the transposed matrix turns them.
        images = images @ convention.matrix(images.shape[-1]).T
        search = WindowSearch(trained, images, config=AdaptConfig())
        predicted = np.empty(len(labels), np.int64)
        for chosen_by, scored in ((half, ~half), (~half, half)):
            fit = search.fit(np.flatnonzero(chosen_by))
            adaptation = fit.adaptation(images.shape[-1])
            predicted[scored] = predict(trained, images[scored], adaptation=adaptation).argmax(-1)
        count = len(trained.classes)
        before = confusion_matrix(labels, predict(trained, images).argmax(-1), count)
        rows[name] = {
            "before": float(uf1(before)),
            "after": float(uf1(confusion_matrix(labels, predicted, count))),
            "window": fit.windows[0],
            "convention": str(fit.convention),
        }
    return rows
