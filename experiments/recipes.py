"""Recipes: what is computed from clips and how a network learns from it, ready to be varied.

The commands start from `FLOW`, so that every setting has a reasoned value and a command line names
only what it changes.
"""

from dataclasses import dataclass, replace

from mace.augment import AugmentConfig
from mace.data import VariantConfig
from mace.models import ModelConfig
from mace.motion import MotionConfig
from mace.training import OptimiserConfig, TrainConfig


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """From clips to a trained network."""

    motion: MotionConfig
    """The network's input."""
    variants: VariantConfig
    """Further frame pairs of each clip that training may choose from."""
    train: TrainConfig
    """The network and its training."""


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
        # turning or enlarging would mix channels of different ranges (`mace.flow_images`).
        augment=AugmentConfig(
            temporal=False, shift=0.03, rotation=0.0, scale=0.0, magnitude=0.0, noise=0.0
        ),
        epochs=25,
    ),
)
"""MACNN on the public 28 x 28 flow images of MEGC 2019, whose makers did all before the network.

Its settings were not chosen on those images, which are not here: 68 folds in minutes on two cores,
and no assumption about what the stretching to 8 bits has lost.
"""


def default_recipe(dataset: str) -> Recipe:
    """Return the recipe that a command starts from for the data set `dataset`, `name/config`."""
    return FLOW_IMAGES if dataset.partition("/")[0] == "megc2019_flow" else FLOW
