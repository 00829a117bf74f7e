"""How far a score can be trusted: the bootstrap over subjects.

Clips of one person are alike, so resampling clips would promise too much; whole subjects are
drawn with replacement instead (the cluster bootstrap: Davison & Hinkley, "Bootstrap Methods and
their Application", 1997, section 3.8). The counts of the drawn subjects are pooled and scored
like the real ones. Where a method was trained with several seeds, each draw scores every seed and
averages, so the interval is that of the printed mean. The interval speaks about other people drawn
from the same population, not about other training runs, cameras or data sets.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from mace.errors import ConfigError
from mace.metrics import class_f1, class_mean, class_recall


class Interval(NamedTuple):
    """Lower and upper end of a percentile interval."""

    low: float
    high: float


@dataclass(frozen=True, eq=False)
class ScoreDraws:
    """One value for each bootstrap draw, averaged over the seeds.

    Attributes:
        uf1: unweighted F1.
        uar: unweighted average recall.
        accuracy: share of clips named rightly.
    """

    uf1: Float[np.ndarray, " r"]
    uar: Float[np.ndarray, " r"]
    accuracy: Float[np.ndarray, " r"]


def subject_counts(
    labels: Int[np.ndarray, " n"],
    predictions: Int[np.ndarray, "s n"],
    groups: Int[np.ndarray, " n"],
    classes: int,
) -> Int[np.ndarray, "g s k k"]:
    """Count a confusion matrix for each subject and seed."""
    subjects, group = np.unique(groups, return_inverse=True)
    counts = np.zeros((subjects.size, len(predictions), classes, classes), np.int64)
    seed = np.arange(len(predictions))[:, None]
    np.add.at(counts, (group[None], seed, labels[None], predictions), 1)
    return counts


def bootstrap(
    counts: Int[np.ndarray, "g s k k"], *, resamples: int = 2000, seed: int = 0
) -> ScoreDraws:
    """Score `resamples` random draws of as many subjects as there are.

    Draw number i takes the same subjects for every method given the same `seed`, so that the
    difference of two methods' draws is a paired comparison. A class that a draw happens to miss
    is left out of that draw's means, as everywhere.

    Raises:
        ConfigError: if `resamples` is below 1.
    """
    if resamples < 1:
        raise ConfigError(f"{resamples} bootstrap draws are too few; choose 1 or more")
    subjects = len(counts)
    rng = np.random.default_rng(seed)
    # How often each subject is drawn; pooling is then one product.
    drawn = rng.multinomial(subjects, np.full(subjects, 1 / subjects), size=resamples)
    pooled = np.tensordot(drawn, counts, axes=1)
    hits = np.diagonal(pooled, axis1=-2, axis2=-1).sum(axis=-1)
    return ScoreDraws(
        uf1=class_mean(class_f1(pooled)).mean(axis=1),
        uar=class_mean(class_recall(pooled)).mean(axis=1),
        accuracy=(hits / pooled.sum(axis=(-2, -1))).mean(axis=1),
    )


def percentile_interval(draws: Float[np.ndarray, " r"], *, confidence: float = 0.95) -> Interval:
    """Return the interval that holds the middle `confidence` of the draws.

    Raises:
        ConfigError: if `confidence` is not between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise ConfigError(f"the confidence is {confidence}, expected between 0 and 1")
    tail = 50 * (1 - confidence)
    low, high = np.percentile(draws, (tail, 100 - tail))
    return Interval(float(low), float(high))
