"""Settings of pre-training, without JAX, so that the command's help shows at once."""

from dataclasses import dataclass, field

from mace.augment.config import NO_AUGMENT
from mace.datasets.synthetic.movement.action_units import UNITS
from mace.datasets.synthetic.pairs.config import PairConfig
from mace.datasets.synthetic.picture.picture_config import PictureConfig
from mace.errors import ConfigError
from mace.models.config import ModelConfig
from mace.motion.config import ConventionConfig
from mace.training.config import OptimiserConfig, TrainConfig


@dataclass(frozen=True, kw_only=True)
class PairStreamConfig:
    """What a batch is made of.

    Attributes:
        pairs: what happens in the pairs of motion space; those rendered have their own copy.
        conventions: how pairs are presented.
        rendered: share of a batch that comes from the store.
        estimators: whose flow of the rendered pairs is learnt from, equally often. That of motion
            space is perfect.
    """

    pairs: PairConfig = field(default_factory=PairConfig)
    conventions: ConventionConfig = field(default_factory=ConventionConfig)
    rendered: float = 0.6
    estimators: tuple[str, ...] = ("dis", "tvl1", "farneback")

    def __post_init__(self) -> None:
        if not 0 <= self.rendered <= 1:
            raise ConfigError(f"stream.rendered is {self.rendered}, expected 0 to 1")


@dataclass(frozen=True, kw_only=True)
class PretrainingConfig:
    """Everything that decides the pre-trained network.

    Attributes:
        people: whose pairs are rendered; motion space shows the same ones.
        pairs_each: rendered pairs of each.
        pairs: what happens in them.
        poses_each: still poses of each in motion space.
        picture: how pairs are recorded.
        stream: what happens in motion space, and what batches are made of.
        train: the network and its training; an epoch is `steps_per_epoch` batches.
        steps_per_epoch: batches between two looks at the validation pairs.
        seed: of everything random.
    """

    people: int = 2560
    pairs_each: int = 16
    poses_each: int = 3
    pairs: PairConfig = field(default_factory=PairConfig)
    picture: PictureConfig = field(default_factory=PictureConfig)
    stream: PairStreamConfig = field(default_factory=PairStreamConfig)
    train: TrainConfig = field(
        default_factory=lambda: TrainConfig(
            model=ModelConfig(
                widths=(32, 48),
                depths=(1, 1),
                stem="space_to_depth",
                stem_stride=4,
                head="grid",
                head_grid=4,
                norm="group",
                dropout=0.3,
                units=UNITS,
            ),
            optimiser=OptimiserConfig(learning_rate=3e-3, weight_decay=0.05, warmup=0.05),
            # The stream moves windows and mirrors; mixing pairs cost 0.007 of UF1 (validation).
            augment=NO_AUGMENT,
            mixup=0.0,
            normalise="image",
            epochs=200,
            batch_size=64,
            unit_weight=1.0,
            ema=0.999,
            flip_average=True,
        )
    )
    steps_per_epoch: int = 250
    seed: int = 0

    def __post_init__(self) -> None:
        if self.train.model.units and not self.train.unit_weight:
            raise ConfigError(
                "train.unit_weight is 0, so the action units of train.model.units would not be "
                "learnt; leave the units out as well, or give them a weight"
            )
