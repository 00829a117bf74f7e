"""Everything that decides what one training run learns, as frozen dataclasses."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mace.augment.config import AugmentConfig
from mace.config import UNHASHED, number
from mace.errors import ConfigError
from mace.losses.config import LossConfig
from mace.models.config import ModelConfig


@dataclass(frozen=True, kw_only=True)
class OptimiserConfig:
    """AdamW with a linear warm-up and a cosine decay.

    Attributes:
        learning_rate: at the peak.
        warmup: part of all steps.
        final: learning rate of the last step, of the peak.
        weight_decay: of kernels; biases and the scales of normalisation do not decay.
        clip_norm: largest global norm of the gradient; 0 does not clip.
        b1: decay of the gradient's running mean.
        b2: decay of the running mean of its square.
    """

    learning_rate: float = number(1e-3)
    warmup: float = number(0.1)
    final: float = number(0.01)
    weight_decay: float = number(0.01)
    clip_norm: float = number(1.0, off=math.inf)
    b1: float = 0.9
    b2: float = 0.999

    def __post_init__(self) -> None:
        _within("optimiser.learning_rate", self.learning_rate, 0, 10)
        _within("optimiser.warmup", self.warmup, 0, 1)
        _within("optimiser.final", self.final, 0, 1)
        _within("optimiser.weight_decay", self.weight_decay, 0, 10)
        _within("optimiser.clip_norm", self.clip_norm, 0, float("inf"))
        _within("optimiser.b1", self.b1, 0, 1)
        _within("optimiser.b2", self.b2, 0, 1)


Freeze = Literal["none", "stem", "all_but_head"]


@dataclass(frozen=True, kw_only=True)
class FineTuneConfig:
    """What holds a network back that does not begin with random parameters.

    How fast and how long it learns is the run's `optimiser` and `epochs`.

    Attributes:
        freeze: the part that stays as it is, bit for bit.
        anchor: a of the penalty a/2 · |p - p0|² on the way from the start p0, per unit of learning
            rate, as weight decay is; 0 for none.
    """

    freeze: Freeze = "none"
    anchor: float = number(0.0, off=0.0)

    def __post_init__(self) -> None:
        _within("fine_tune.anchor", self.anchor, 0, 1e12)


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """One training run; with the data, the split and the seed it decides the parameters.

    bfloat16 is a setting of the network (`model.dtype`): parameters, loss and optimiser stay in
    float32.

    Attributes:
        model: the network.
        loss: what is minimised.
        optimiser: how.
        augment: random changes of the inputs.
        fine_tune: for a run that goes on from a pre-trained network.
        normalise: `training` takes mean and standard deviation of each channel from the training
            clips, `image` from each image itself, `none` leaves the inputs alone.
        epochs: passes through the training clips.
        batch_size: clips a step, over all devices.
        mixup: alpha of the Beta distribution that mixes two clips (Zhang et al., "mixup: Beyond
            Empirical Risk Minimization", ICLR 2018); 0 mixes none.
        unit_weight: of the loss of `model.units`, which are learnt beside the classes from clips
            whose annotation lists any; at 0 the network has no layer for them.
        ema: decay of a running mean of the parameters that is used instead of them; 0 for none.
        selection: `last` keeps the last epoch, which needs no validation clips; `best` the epoch
            with the highest UF1 on the validation clips, which must be of training subjects.
        patience: with `best`, epochs without a better score after which training ends.
        flip_average: predict the mean over a clip and its mirror image.
        pair_average: predict the mean over all frame pairs of a clip, not the annotated one alone.
            Sensor noise differs from frame to frame, and so does the error of the annotation.
        devices: local devices that share a batch.
        checkpoint_every: epochs between checkpoints.
    """

    model: ModelConfig = field(default_factory=ModelConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    fine_tune: FineTuneConfig = field(default_factory=FineTuneConfig)
    normalise: Literal["training", "image", "none"] = "training"
    epochs: int = 60
    batch_size: int = 32
    mixup: float = 0.0
    unit_weight: float = number(0.0, off=0.0)
    ema: float = number(0.0, off=0.0)
    selection: Literal["last", "best"] = "last"
    patience: int | None = None
    flip_average: bool = False
    pair_average: bool = False
    devices: int = field(default=1, metadata=UNHASHED)
    checkpoint_every: int = field(default=10, metadata=UNHASHED)

    def __post_init__(self) -> None:
        _within("epochs", self.epochs, 1, 1_000_000)
        _within("batch_size", self.batch_size, 1, 1_000_000)
        _within("mixup", self.mixup, 0, 100)
        _within("unit_weight", self.unit_weight, 0, 1000)
        _within("ema", self.ema, 0, 1)
        _within("devices", self.devices, 1, self.batch_size)
        _within("checkpoint_every", self.checkpoint_every, 1, 1_000_000)
        if self.batch_size % self.devices:
            raise ConfigError(
                f"batch_size {self.batch_size} cannot be shared by {self.devices} devices; choose "
                f"a multiple of {self.devices}"
            )
        if self.unit_weight and not self.model.units:
            raise ConfigError(
                f"unit_weight is {self.unit_weight}, but the network names no action units; say "
                "which, such as --recipe.train.model.units 1 2 4 12"
            )
        if self.patience is not None:
            _within("patience", self.patience, 1, 1_000_000)
            if self.selection != "best":
                raise ConfigError('patience needs selection = "best", which watches a score')


@dataclass(frozen=True, kw_only=True)
class MixConfig:
    """Which clips share every batch, by what they are and by where they lie (`mixing.save_mix`).

    Attributes:
        path: the file.
        fingerprint: of the set.
        share: of every batch, above 0 and below 1.
    """

    path: Path = field(metadata=UNHASHED)
    fingerprint: str
    share: float


def _within(name: str, value: float, low: float, high: float) -> None:
    # Written so that NaN fails as well.
    if not low <= value <= high:
        raise ConfigError(f"setting {name} is {value}, expected {low:g} to {high:g}")
