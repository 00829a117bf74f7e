"""Rendered pairs as samples of the data set: clips of two frames, onset and apex."""

from typing import Any

import jax
import numpy as np

from mace.annotation.class_sets import classes_of
from mace.datasets.clip_features import clip_sample
from mace.datasets.synthetic.head.figure import figure
from mace.datasets.synthetic.movement.action_units import UNITS
from mace.datasets.synthetic.movement.prototypes import EMOTION_NAMES
from mace.datasets.synthetic.pairs import canvas
from mace.datasets.synthetic.pairs.cast import make_cast
from mace.datasets.synthetic.pairs.config import PairConfig
from mace.datasets.synthetic.pairs.draw import plan_pairs, present_units
from mace.datasets.synthetic.pairs.rendering import render_pictures
from mace.datasets.synthetic.pairs.views import view
from mace.datasets.synthetic.person.person import make_person
from mace.datasets.synthetic.picture.picture_config import PictureConfig
from mace.face.clip import AlignedClip
from mace.face.tracked import Status

# The five points of dlib's small model among the 68: outer and inner corners, base of the nose.
_FIVE = (45, 42, 36, 39, 33)
# Frames per second of a clip that is nothing but its onset and apex a sixth of a second later.
_FPS = 6.0


def pair_samples(
    person: int, *, pairs: int, index: int, seed: int, config: PairConfig, picture: PictureConfig
) -> list[dict[str, Any]]:
    """Samples of one person's pairs, with au_weights (2, a) and motion (128, 128, 2) as truth.

    Args:
        person: seed, as of `make_person`.
        pairs: how many.
        index: of the person in the data set, from 0.
        seed: of pairs and recordings.
        config: what happens.
        picture: how it is recorded.
    """
    cast = make_cast([person], poses_each=2)
    plans = plan_pairs(cast, pairs_each=pairs, seed=seed, config=config)
    pictures = render_pictures(plans, cast, picture=picture, seed=seed)
    built, shape = make_person(person), figure()
    rows = shape.landmarks[list(_FIVE)]
    shift = np.array([[1.0, 0, -canvas.CROP[1].start], [0, 1, -canvas.CROP[0].start]])
    shown = np.asarray(present_units(plans.unit_px))
    samples = []
    for k in range(pairs):
        plan = jax.tree.map(lambda v, k=k: v[k], plans)
        emotion = EMOTION_NAMES[plan.emotion]
        camera, _ = view(plan, cast).cameras()
        canvases = np.stack([pictures.reference[k], pictures.target[k]])
        aligned = AlignedClip(
            frames=np.ascontiguousarray(canvases[:, canvas.CROP[0], canvas.CROP[1]]),
            transforms=np.stack([shift, shift]),
            landmarks=camera.project(built.pose(plan.reference)[rows]),
            error_px=np.zeros(2),
            status=(Status.TRACKED, Status.TRACKED),
            reference_ids=np.zeros(2, np.int64),
            faces=1,
            visible=1.0,
        )
        sample = clip_sample(
            aligned,
            fps=_FPS,
            database="synthetic",
            subject=f"sub{index + 1:02d}",
            clip=f"pair{index + 1:02d}_{k + 1:02d}",
            emotion=emotion,
            aus=tuple(np.array(UNITS)[shown[k]].tolist()),
            onset=0,
            apex=1,
            offset=1,
            classes=classes_of("synthetic", emotion),
        )
        motion = pictures.motion[k][canvas.CROP[0], canvas.CROP[1]]
        truth = {"au_weights": np.stack([np.zeros_like(plan.aus), plan.aus]), "motion": motion}
        samples.append({**sample, "truth": truth})
    return samples
