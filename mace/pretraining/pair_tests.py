"""Rendered test sets for a pre-trained network: other people, other recordings, other estimators.

`same` differs from the training pairs in its people alone; `shifted` also in the recording, whose
ranges lie at or beyond the edge of what training draws, and in the estimator, which training does
not use. Each comes twice, with different people and seeds: settings are chosen on the
validation half, figures are reported of the test half, whose estimator no choice has seen.
"""

import functools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float16, Int

from mace.datasets.synthetic.movement.action_units import PairClasses
from mace.datasets.synthetic.movement.prototypes import labels_of_emotions
from mace.datasets.synthetic.pairs.cast import CastConfig
from mace.datasets.synthetic.pairs.config import PairConfig
from mace.datasets.synthetic.pairs.stored import StoredPairs, make_pairs
from mace.datasets.synthetic.picture.picture_config import PictureConfig
from mace.metrics import confusion_matrix, uar, uf1
from mace.motion.conventions import OWN_WINDOW, PUBLIC_WINDOW, channels_of, cut
from mace.motion.detrend import remove_head_motion
from mace.prediction import Trained, in_batches, predict

type View = Literal["public", "own"]
VIEWS: tuple[View, ...] = ("public", "own")

type Part = Literal["validation", "test"]
PEOPLE_FROM: dict[Part, int] = {"validation": 900_000, "test": 980_000}
"""Seeds of the first person of each part; training takes its people from other ranges."""

UNSEEN: dict[Part, str] = {"validation": "dis-medium", "test": "lucas-kanade"}
"""The estimator that only this part uses."""

TESTED_ESTIMATORS = ("exact", "dis", "dis-medium", "tvl1", "farneback", "lucas-kanade")

SHIFTED_CAST = CastConfig(yaw_sd_deg=7.0, pitch_sd_deg=7.0, distance_dm=(20.0, 40.0))
SHIFTED_PICTURE = PictureConfig(
    native_px=(80.0, 150.0),
    gamma=0.3,
    contrast=0.3,
    exposure=0.3,
    light=2.0,
    hard=0.4,
    flicker=0.8,
    mottling=0.7,
    compressed=1.0,
    quality=(70.0, 90.0),
    glasses=0.5,
    backdrop=2.0,
)
"""A long lens, turned heads, harder light, steeper tone curves, spotted skin, more glasses, every
picture compressed: other than in training, but with as much to see, since a score that fell with
the resolution would say nothing about the shift."""

_BATCH = 256


@dataclass(frozen=True, kw_only=True)
class PairTest:
    """A rendered test set.

    Attributes:
        name: `same` or `shifted`.
        part: what it is for.
        estimator: whose fields are tested.
        people: how many.
        pairs_each: of each.
        pairs: what happens.
        picture: how it is recorded.
        cast: how people stand before the camera.
    """

    name: str
    part: Part
    estimator: str
    people: int
    pairs_each: int
    pairs: PairConfig
    picture: PictureConfig
    cast: CastConfig

    def make(
        self,
        *,
        workers: int | None,
        cache_dir: Path | None,
        estimators: tuple[str, ...] = TESTED_ESTIMATORS,
    ) -> StoredPairs:
        """Render and measure it, or read what is stored."""
        first = PEOPLE_FROM[self.part] + (10_000 if self.name == "shifted" else 0)
        return make_pairs(
            range(first, first + self.people),
            self.pairs_each,
            seed=first,
            config=self.pairs,
            picture=self.picture,
            cast=self.cast,
            estimators=estimators,
            workers=workers,
            cache_dir=cache_dir,
        )


def pair_tests(
    pairs: PairConfig,
    picture: PictureConfig,
    *,
    part: Part,
    people: int = 96,
    pairs_each: int = 8,
) -> tuple[PairTest, PairTest]:
    """Return `same` and `shifted` for pairs and pictures such as training draws.

    Prototypes come as often as they are listed, whatever training draws.
    """
    same = PairTest(
        name="same",
        part=part,
        estimator="dis",
        people=people,
        pairs_each=pairs_each,
        pairs=replace(pairs, mixture="listed"),
        picture=picture,
        cast=CastConfig(),
    )
    shifted = replace(
        same,
        name="shifted",
        estimator=UNSEEN[part],
        picture=SHIFTED_PICTURE,
        cast=SHIFTED_CAST,
    )
    return same, shifted


def labels_of(pairs: StoredPairs, classes: PairClasses) -> Int[np.ndarray, " n"]:
    """Return the label of every pair in a set of classes."""
    return labels_of_emotions(classes)[pairs.emotion]


def present_still(
    fields: Float16[np.ndarray, "n r r 2"], view: View, *, size: int
) -> Float[np.ndarray, "n size size 3"]:
    """Return fields as one side presents them, nothing drawn at random."""
    return in_batches(functools.partial(_still, view=view, size=size), fields, size=_BATCH)


def score(
    trained: Trained, fields: Float16[np.ndarray, "n r r 2"], labels: Int[np.ndarray, " n"]
) -> dict[str, dict[str, float]]:
    """Return UF1 and UAR of a network for each of `VIEWS`."""
    scores = {}
    for view in VIEWS:
        images = present_still(fields, view, size=trained.motion.size)
        predicted = predict(trained, images).argmax(axis=-1)
        counts = confusion_matrix(labels, predicted, len(trained.classes))
        scores[view] = {"uf1": float(uf1(counts)), "uar": float(uar(counts))}
    return scores


@functools.partial(jax.jit, static_argnames=("view", "size"))
def _still(fields: Array, *, view: View, size: int) -> Array:
    fields = fields.astype(jnp.float32)
    if view == "own":
        fields = remove_head_motion(fields, method="affine")
    window = jnp.asarray(OWN_WINDOW if view == "own" else PUBLIC_WINDOW, jnp.float32)
    return cut(channels_of(fields), jnp.tile(window, (len(fields), 1)), size=size)
