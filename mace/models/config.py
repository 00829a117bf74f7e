"""What a network is made of, as one frozen dataclass."""

from dataclasses import dataclass, fields
from typing import Any, Literal

from mace.config import number
from mace.errors import ConfigError
from mace.models.networks import CHOICES, network_of
from mace.models.own_module import source_of

type HeadKind = Literal["grid", "average", "max", "attention"]
"""How the last map becomes a vector."""


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Every choice the abstract of the MACNN paper leaves open, with the reason for its default.

    `MODELS` of `mace.models.presets` holds ready-made ones, `make_model` of `mace.models.make`
    builds the network.

    Attributes:
        arch: the network. `macnn` and `resnet` (He et al. 2016's basic block) have every setting.
            The others of `mace zoo` have the layers of their papers: of the settings, `dropout`,
            `units`, `dtype`, `norm_momentum` and, of `ststnet`, `norm` (`batch` as its authors'
            weights have it, or `none`) are yours, and all others become what the paper's layers
            are, whatever they were. `module:attribute` is a Flax module of your own, as an instance
            or something that makes one of `classes`; no setting here is its.
        widths: channels of each stage (of each branch, for `macnn`).
        depths: blocks of each stage; a 3x3 convolution of stride 2 stands between two stages.
        dilations: rate of each parallel 3x3 branch. 1, 2, 3 leave no holes when blocks are stacked
            (Wang et al. 2018, "Understanding convolution for semantic segmentation", section 3.2).
        fusion: how the branches meet before the 1x1 convolution that mixes them.
        residual: whether a block adds its input to its output.
        separable: depthwise 3x3 then pointwise 1x1 branches (Chen et al. 2018, DeepLabv3+, section
            3.1).
        stem: 3x3 convolution of stride `stem_stride`, or pixels folded into channels and then 3x3.
        stem_stride: reduction of the picture before the first stage; 1 suits 28 px, 2 suits 64 to
            224 px.
        norm: batch statistics fold into the convolutions at inference; group statistics do not
            depend on who else is in the batch, so micro-batches give the same gradient as the whole
            batch.
        norm_momentum: share of the old running statistics a training step keeps (batch norm).
        head: how the last map becomes a vector. What a motion means depends on where it is (brow or
            mouth), and a global average forgets that, so the default averages over a small grid.
        head_grid: cells a side of the grid head.
        coordinates: append x and y in [-1, 1] as two input channels (Liu et al. 2018, CoordConv):
            the other way to tell a global head where it looks.
        units: FACS action units, such as ("1", "12"), that the head names beside the classes, from
            the same features: whether each is there, how strong it is and on which side; only
            where they are learnt (`unit_weight` of the training).
        dropout: share of the head's inputs dropped in training.
        dtype: type of the activations; parameters, statistics and logits stay float32.
    """

    arch: str = "macnn"
    widths: tuple[int, ...] = (16, 32, 64, 128)
    depths: tuple[int, ...] = (1, 1, 1, 1)
    dilations: tuple[int, ...] = (1, 2, 3)
    fusion: Literal["concat", "sum"] = "concat"
    residual: bool = True
    separable: bool = False
    stem: Literal["conv", "space_to_depth"] = "conv"
    stem_stride: int = 2
    norm: Literal["batch", "group", "none"] = "batch"
    norm_momentum: float = 0.9
    head: HeadKind = "grid"
    head_grid: int = 4
    coordinates: bool = False
    units: tuple[str, ...] = ()
    dropout: float = number(0.3, off=0.0)
    dtype: Literal["float32", "bfloat16"] = "float32"

    def __post_init__(self) -> None:
        """Take the paper's layers where the network has no others, and check what no type can say.

        Raises:
            ConfigError: for a network that is not there, or a value out of range, naming the
                setting.
        """
        network = network_of(self.arch)
        if network.settings is not None:
            for field in fields(ModelConfig):
                if field.name in network.settings or field.name not in CHOICES:
                    value = network.settings.get(field.name, field.default)
                    object.__setattr__(self, field.name, value)
            if self.norm not in network.norms:
                object.__setattr__(self, "norm", network.norms[0])
        if not self.widths or min(self.widths) < 1:
            raise ConfigError(f"setting widths is {self.widths}, expected positive channel counts")
        if len(self.depths) != len(self.widths) or min(self.depths) < 1:
            raise ConfigError(
                f"setting depths is {self.depths}, expected {len(self.widths)} positive block "
                f"counts, one for each of the widths {self.widths}"
            )
        if not self.dilations or min(self.dilations) < 1:
            raise ConfigError(f"setting dilations is {self.dilations}, expected rates of 1 or more")
        if self.stem_stride not in (1, 2, 4, 8):
            raise ConfigError(f"setting stem_stride is {self.stem_stride}, expected 1, 2, 4 or 8")
        if self.head_grid < 1:
            raise ConfigError(f"setting head_grid is {self.head_grid}, expected 1 or more")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"setting dropout is {self.dropout}, expected 0 <= dropout < 1")
        if not 0 <= self.norm_momentum < 1:
            raise ConfigError(
                f"setting norm_momentum is {self.norm_momentum}, expected 0 <= momentum < 1"
            )

    def hashed_besides(self) -> dict[str, Any]:
        """Return the source of a network of one's own: its results are no other's of that name."""
        source = source_of(self.arch)
        return {"source": source} if source else {}
