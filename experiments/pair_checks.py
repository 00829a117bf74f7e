"""Rendered test sets for a pre-trained network: other people, other recordings, other estimators.

`same` differs from the training pairs in its people alone; `shifted` also in the recording, whose
ranges lie at or beyond the edge of what training draws, and is measured by an estimator that
training does not use. Each comes twice, with different people and seeds: settings are chosen on the
validation half, figures are reported of the test half, whose estimator no choice has seen.
"""

import functools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float16

from mace.datasets.synthetic.pairs.config import HeadConfig, PairConfig
from mace.datasets.synthetic.pairs.picture_config import PictureConfig
from mace.datasets.synthetic.pairs.stored import StoredPairs, make_pairs
from mace.motion import remove_head_motion
from mace.motion.conventions import OWN_WINDOW, PUBLIC_WINDOW, channels_of, cut

type View = Literal["public", "own"]
VIEWS: tuple[View, ...] = ("public", "own")

type Part = Literal["validation", "test"]
PEOPLE_FROM: dict[Part, int] = {"validation": 900_000, "test": 950_000}
"""Seeds of the first person of each part; training takes its people from other ranges."""

UNSEEN: dict[Part, str] = {"validation": "farneback", "test": "lucas-kanade"}
"""The estimator that only this part uses."""

SHIFTED_HEAD = HeadConfig(turn_deg=0.5, shift=0.012, scale=0.003, uncorrected=0.6)
SHIFTED_PICTURE = PictureConfig(
    native_px=(24.0, 60.0),
    noise=2.0,
    gamma=0.25,
    contrast=0.25,
    light=2.0,
    hard=0.5,
    flicker=1.0,
    compressed=1.0,
    quality=(40.0, 70.0),
    glasses=0.4,
)
"""Smaller, noisier, harder compressed and lit pictures than those of training."""

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
    """

    name: str
    part: Part
    estimator: str
    people: int
    pairs_each: int
    pairs: PairConfig
    picture: PictureConfig

    def make(self, *, workers: int | None, cache_dir: Path | None) -> StoredPairs:
        """Render and measure it, or read what is stored."""
        first = PEOPLE_FROM[self.part] + (10_000 if self.name == "shifted" else 0)
        return make_pairs(
            range(first, first + self.people),
            self.pairs_each,
            seed=first,
            config=self.pairs,
            picture=self.picture,
            estimators=("exact", "dis", "tvl1", "farneback", "lucas-kanade"),
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
    """Return `same` and `shifted` for pairs and pictures such as training draws."""
    same = PairTest(
        name="same",
        part=part,
        estimator="dis",
        people=people,
        pairs_each=pairs_each,
        pairs=pairs,
        picture=picture,
    )
    shifted = replace(
        same,
        name="shifted",
        estimator=UNSEEN[part],
        pairs=replace(pairs, head=SHIFTED_HEAD),
        picture=SHIFTED_PICTURE,
    )
    return same, shifted


def present_still(
    fields: Float16[np.ndarray, "n r r 2"], view: View, *, size: int
) -> Float[np.ndarray, "n size size 3"]:
    """Return fields as one side presents them, nothing drawn at random."""
    images = []
    for start in range(0, len(fields), _BATCH):
        index = np.minimum(np.arange(start, start + _BATCH), len(fields) - 1)
        shown = _still(fields[index], view=view, size=size)
        images.append(np.asarray(shown)[: len(fields) - start])
    return np.concatenate(images)


@functools.partial(jax.jit, static_argnames=("view", "size"))
def _still(fields: Array, *, view: View, size: int) -> Array:
    fields = fields.astype(jnp.float32)
    if view == "own":
        fields = remove_head_motion(fields, method="affine")
    window = jnp.asarray(OWN_WINDOW if view == "own" else PUBLIC_WINDOW, jnp.float32)
    return cut(channels_of(fields), jnp.tile(window, (len(fields), 1)), size=size)
