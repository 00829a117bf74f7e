"""What every study does with a recipe: compute its inputs, train the network that is kept."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mace.config import to_dict
from mace.data import Clip, MotionSet, make_motion_set
from mace.evaluation import Evaluation
from mace.evaluation.config import NETWORK
from mace.experiments.recipes import Recipe
from mace.face import FaceConfig
from mace.pretrained import BundleFile
from mace.spotting.temperature import fit_temperature
from mace.training import (
    MixConfig,
    fit,
    load_mix,
    make_bundle,
    pixel_statistics,
    save_bundle,
)
from mace.training.hosts import by_writer


def motion_set(clips: Sequence[Clip], recipe: Recipe, *, cache_dir: Path | None) -> MotionSet:
    """Return the recipe's inputs for all clips; classes are the emotions present, in order."""
    classes = tuple(sorted({clip.emotion for clip in clips}))
    return make_motion_set(
        clips, motion=recipe.motion, variants=recipe.variants, classes=classes, cache_dir=cache_dir
    )


def held_out_temperature(evaluation: Evaluation) -> float:
    """Return what makes the network's probabilities mean what they say, by the folds' test clips.

    Nobody among them was seen by the network that answered for them.
    """
    probabilities = evaluation.methods[NETWORK].probabilities
    assert probabilities is not None  # a network always gives them
    return fit_temperature(probabilities[0], evaluation.labels)


def train_final(
    inputs: MotionSet,
    recipe: Recipe,
    *,
    seed: int,
    out: Path,
    start: BundleFile | None = None,
    mix: MixConfig | None = None,
    temperature: float = 1.0,
) -> None:
    """Train on every clip and save the bundle; its quality is what the cross-validation said.

    The bundle says what it was trained on, its `start` and what is mixed in included, and holds
    the pixel statistics of the data set's clips, and the `temperature` that the answers for clips
    held out called for.
    """
    begun = None if start is None else start.load()
    mixed = None if mix is None else load_mix(mix)
    fitted = fit(
        inputs,
        np.arange(len(inputs)),
        config=recipe.train,
        seed=seed,
        start=begun,
        mix=mixed,
        run_dir=out.with_name(f"{out.name}-run"),
        label="training the final model",
    )
    people = inputs.subjects + (() if mixed is None else mixed.motion_set.subjects)
    databases = {subject.split("/")[0] for subject in people}
    if begun is not None:
        databases |= set(begun.trained_on)
    trained_on = tuple(sorted(databases))

    def save() -> None:
        bundle = make_bundle(fitted, face=to_dict(FaceConfig()), trained_on=trained_on)
        statistics = pixel_statistics(bundle, inputs.inputs.reshape(-1, *inputs.inputs.shape[2:]))
        save_bundle(out, replace(bundle, reference=statistics, temperature=temperature))

    by_writer(save)
