"""Recipes: what is computed from clips and how a network learns from it, ready to be varied.

The commands start from `FLOW`, so that every setting has a reasoned value and a command line names
only what it changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mace.augment.config import AugmentConfig
from mace.config import from_dict
from mace.data.config import VariantConfig
from mace.errors import CheckpointError, MaceError
from mace.models.config import ModelConfig
from mace.motion.config import MotionConfig
from mace.pretrained.bundle_files import describe_bundle
from mace.training.config import FineTuneConfig, OptimiserConfig, TrainConfig


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """From clips to a trained network.

    Attributes:
        motion: the network's input.
        variants: further frame pairs of each clip that training may choose from.
        train: the network and its training.
    """

    motion: MotionConfig
    variants: VariantConfig
    train: TrainConfig


FLOW = Recipe(
    motion=MotionConfig(representation="flow", flow="dis", size=32),
    variants=VariantConfig(extra=8),
    train=TrainConfig(
        model=ModelConfig(
            widths=(32, 48),
            depths=(1, 1),
            # Flow is smooth, so 4 x 4 pixels fold into channels without loss, and every step
            # costs a quarter of one at full resolution.
            stem="space_to_depth",
            stem_stride=4,
            head="grid",
            head_grid=4,
            # Batches of 32 give noisy statistics; a group's do not depend on the batch.
            norm="group",
            dropout=0.5,
        ),
        optimiser=OptimiserConfig(learning_rate=2e-3, weight_decay=0.05),
        # Corrected faces lie within a pixel of their canonical place; larger changes of geometry
        # cost more than they teach.
        augment=AugmentConfig(shift=0.015, rotation=2.0, scale=0.02, magnitude=0.3),
        epochs=50,
        mixup=0.2,
        flip_average=True,
        pair_average=True,
    ),
)
"""MACNN on optical flow: the recipe of the main job."""

APPEARANCE = replace(FLOW, motion=replace(FLOW.motion, representation="appearance"))
"""The same network on the apex frame alone, the paper's setting.

On synthetic faces it is the leak check: every emotion is rendered on every identity, under the same
light and nuisances, so a still picture must not tell the classes apart.
"""

FLOW_IMAGES = Recipe(
    motion=MotionConfig(representation="flow", flow="images", size=28),
    variants=VariantConfig(extra=0),
    train=replace(
        FLOW.train,
        model=replace(FLOW.train.model, widths=(24, 32)),
        # The pictures were stretched one by one: there is no strength of motion to vary, and
        # turning or enlarging would mix channels of different ranges (`mace.data.flow_images`).
        # They come one a clip; `temporal` is for what is mixed in, which comes in several windows.
        augment=AugmentConfig(shift=0.03, rotation=0.0, scale=0.0, magnitude=0.0, noise=0.0),
        epochs=25,
    ),
)
"""MACNN on the public 28 x 28 flow images of MEGC 2019, whose makers did all before the network.

Its settings were not chosen on those images, which are not here: 68 folds in minutes on two cores,
and no assumption about what the stretching to 8 bits has lost.
"""


FINE_TUNE = replace(
    FLOW,
    train=replace(
        FLOW.train,
        optimiser=OptimiserConfig(learning_rate=3e-4, weight_decay=0.0),
        # The pull towards the start takes the place of the decay towards zero. On three rendered
        # folders with 15 % wrong labels (`flow_image_folder`, 5 folds) the mean UF1 was 0.63 with
        # 300 and for the network as it is, 0.60 with 1 or 10, 0.62 with a frozen body.
        fine_tune=FineTuneConfig(anchor=300.0),
        epochs=20,
    ),
)
"""Going on from a pre-trained network, whose input and layers take the place of these."""


def default_recipe(dataset: str, start: str | Path | None = None) -> Recipe:
    """Return the recipe that a command begins with.

    Args:
        dataset: the data set, `name/config`.
        start: the bundle whose network is fine-tuned or evaluated as it is, a folder or the word
            `pretrained`; None for a network of its own.

    Raises:
        CheckpointError: if there is no such bundle, or it is of another version.
    """
    images = dataset.partition("/")[0] == "megc2019_flow"
    own = FLOW_IMAGES if images else FLOW
    if start is None:
        return own
    notes = describe_bundle(start)
    try:
        return _starting_from(notes, own, images=images)
    except (MaceError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"the model {start} does not fit this version of MACE: {error}"
        ) from error


def _starting_from(notes: Mapping[str, Any], own: Recipe, *, images: bool) -> Recipe:
    motion = from_dict(MotionConfig, notes["motion"], where="motion.")
    model = from_dict(ModelConfig, notes["model"], where="model.")
    return Recipe(
        # Ready-made images are what they are; the network must take them or refuse.
        motion=own.motion if images else motion,
        variants=own.variants,
        train=replace(
            FINE_TUNE.train,
            model=model,
            normalise=notes["normalisation"]["kind"],
            flip_average=notes["flip_average"],
            augment=own.train.augment,
        ),
    )
