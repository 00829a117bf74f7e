"""What every study does with a recipe: compute its inputs, train the network that is kept."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mace.config import to_dict
from mace.data import Clip, MotionSet, make_motion_set
from mace.experiments.recipes import Recipe
from mace.face import FaceConfig
from mace.training import fit, make_bundle, save_bundle


def motion_set(clips: Sequence[Clip], recipe: Recipe, *, cache_dir: Path | None) -> MotionSet:
    """Return the recipe's inputs for all clips; classes are the emotions present, in order."""
    classes = tuple(sorted({clip.emotion for clip in clips}))
    return make_motion_set(
        clips, motion=recipe.motion, variants=recipe.variants, classes=classes, cache_dir=cache_dir
    )


def train_final(inputs: MotionSet, recipe: Recipe, *, seed: int, out: Path) -> None:
    """Train on every clip and save the bundle; its quality is what the cross-validation said."""
    fitted = fit(
        inputs,
        np.arange(len(inputs)),
        config=recipe.train,
        seed=seed,
        run_dir=out.with_name(f"{out.name}-run"),
        label="training the final model",
    )
    databases = tuple(sorted({subject.split("/")[0] for subject in inputs.subjects}))
    save_bundle(out, make_bundle(fitted, face=to_dict(FaceConfig()), trained_on=databases))
