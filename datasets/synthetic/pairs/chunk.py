"""Pairs of a few people, rendered and measured into one file: the unit of stored work."""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mace.datasets.synthetic.pairs.canvas import on_cells
from mace.datasets.synthetic.pairs.cast import CastConfig, make_cast
from mace.datasets.synthetic.pairs.config import PairConfig
from mace.datasets.synthetic.pairs.estimators import measure
from mace.datasets.synthetic.pairs.planning import plan_pairs
from mace.datasets.synthetic.pairs.rendering import render_pictures
from mace.datasets.synthetic.picture.picture_config import PictureConfig
from mace.files import atomic_path

_FORMAT = 3


@dataclass(frozen=True)
class PairSettings:
    """Everything that decides what is stored of a person."""

    pairs_each: int
    poses_each: int
    seed: int
    config: PairConfig
    picture: PictureConfig
    cast: CastConfig
    estimators: tuple[str, ...]
    prototypes: str
    version: int = _FORMAT


def store_chunk(settings: PairSettings, chunk: tuple[Path, Sequence[int]]) -> int:
    """Render and measure the pairs of some of the people into a file; returns their number."""
    path, people = chunk
    cv2.setNumThreads(1)
    with contextlib.redirect_stderr(io.StringIO()):  # too few for a display of their own
        cast = make_cast(people, poses_each=settings.poses_each, config=settings.cast)
    plans = plan_pairs(
        cast, pairs_each=settings.pairs_each, seed=settings.seed, config=settings.config
    )
    pictures = render_pictures(plans, cast, picture=settings.picture, seed=settings.seed)
    measured = [
        on_cells(
            pictures.motion
            if name == "exact"
            else measure(pictures.reference, pictures.target, estimator=name)
        )
        for name in settings.estimators
    ]
    rows = plans.entry
    traits = {n: np.asarray(getattr(cast, n))[rows] for n in ("male", "age", "tone", "pose")}
    recorded = ("emotion", "peak_px", "aus", "unit_px", "side", "head", "corrected")
    truth = {name: getattr(plans, name) for name in recorded}
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        person = np.asarray(cast.seeds)[rows]
        np.savez(stream, fields=np.stack(measured), person=person, **traits, **truth)
    return len(rows)
