"""What the parts measure: networks, random clips, and what cards can do at most."""

from dataclasses import replace

import jax
import numpy as np

from mace.augment.config import NO_AUGMENT
from mace.data.motion_set import MotionSet
from mace.models.config import ModelConfig
from mace.models.presets import MODELS
from mace.motion.config import MotionConfig
from mace.recipes import FLOW_IMAGES
from mace.training.config import OptimiserConfig, TrainConfig
from mace.training.member import Member
from on_device.sizes import PopulationSize, random_arrays

SMALL = FLOW_IMAGES.train.model
"""The MACNN of 28 px that the recipe for flow images has."""

TOY_MACNN = replace(SMALL, widths=(8,), depths=(1,), dilations=(1,), head_grid=2)


def networks(*, tiny: bool) -> dict[str, ModelConfig]:
    """Return what populations are made of, by name."""
    return {"ststnet": MODELS["ststnet_plain"], "macnn28": TOY_MACNN if tiny else SMALL}


PEAKS = {
    "H100": {"float32": 495e12, "bfloat16": 989e12},
    "H200": {"float32": 495e12, "bfloat16": 989e12},
    "A100": {"float32": 156e12, "bfloat16": 312e12},
}
"""Dense operations a second of the tensor cores by the makers' data sheets; float32 as TF32."""


def on_cpu() -> bool:
    """Return whether there is no accelerator: then less is measured, and said so in its line."""
    return jax.default_backend() == "cpu"


def peak(dtype: str) -> float | None:
    """Return operations a second that this device reaches at most; None of one not in the table."""
    kind = jax.devices()[0].device_kind
    return next((each[dtype] for name, each in PEAKS.items() if name in kind), None)


def random_set(size: PopulationSize) -> MotionSet:
    """Return the same as a set of clips."""
    inputs, labels, groups = random_arrays(size)
    return MotionSet(
        inputs=inputs[:, None],
        labels=labels,
        groups=groups,
        subjects=tuple(f"random/{i}" for i in range(size.subjects)),
        clips=tuple(map(str, range(size.clips))),
        classes=("a", "b", "c"),
        motion=MotionConfig(size=28),
    )


def training(model: ModelConfig, size: PopulationSize) -> TrainConfig:
    """Return a training that PyTorch's loop can have too: no augmentation, no mixing."""
    return TrainConfig(model=model, augment=NO_AUGMENT, epochs=size.epochs, batch_size=size.batch)


def members(model: ModelConfig, motion_set: MotionSet, size: PopulationSize) -> list[Member]:
    """Return every fold with every setting."""
    base = training(model, size)
    configs = [
        replace(base, optimiser=OptimiserConfig(learning_rate=rate))
        for rate in np.geomspace(3e-4, 3e-3, size.settings)
    ]
    return [
        Member(config=config, train_index=np.flatnonzero(motion_set.groups != subject))
        for config in configs
        for subject in range(size.subjects)
    ]
