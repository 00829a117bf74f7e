"""How much of the picture one output of the network can see."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mace.errors import ConfigError
from mace.models.config import ModelConfig
from mace.models.networks import network_of


@dataclass(frozen=True)
class ReceptiveField:
    """What one unit of a layer sees of the input.

    Attributes:
        size: side of the square it sees, input px.
        stride: distance of two neighbours' squares, input px.
    """

    size: int
    stride: int

    def through(self, *, size: int = 3, stride: int = 1, dilation: int = 1) -> "ReceptiveField":
        """Return the field behind one more convolution.

        Araujo, Norris and Sim 2019, "Computing receptive fields of convolutional neural
        networks", section 2: r += (k - 1) d j, then j *= s.
        """
        grown = self.size + (size - 1) * dilation * self.stride
        return ReceptiveField(grown, self.stride * stride)


STEPS: Mapping[str, tuple[tuple[int, int, int], ...]] = MappingProxyType(
    {
        "ststnet": ((3, 1, 1), (3, 3, 1)),
        "off_apexnet": ((5, 1, 1), (2, 2, 1)) * 2,
        "dual_inception": ((5, 1, 1), (2, 2, 1)) * 2,
        "sssnet": ((5, 1, 1), (3, 3, 1), (3, 1, 1), (2, 2, 1)),
        "macnn_ecnu": ((3, 1, 1), (3, 1, 1), (2, 2, 1)) * 4 + ((3, 1, 4), (3, 1, 2)),
    }
)
"""Size, stride and dilation of every layer on the widest way to the last map of these networks."""


def receptive_fields(config: ModelConfig) -> dict[str, ReceptiveField]:
    """Return the field of every map by its name among the network's intermediates.

    Parallel branches see what the widest of them sees.

    Raises:
        ConfigError: for a network that has none: attention sees the whole image, and what a module
            of somebody's own sees is not known.
    """
    field = ReceptiveField(1, 1)
    if config.arch in STEPS:
        for size, stride, dilation in STEPS[config.arch]:
            field = field.through(size=size, stride=stride, dilation=dilation)
        return {"features": field}
    if network_of(config.arch).settings is not None:
        raise ConfigError(f"{config.arch} has no receptive field: a unit may see the whole image")
    if config.stem == "space_to_depth":
        field = ReceptiveField(config.stem_stride, config.stem_stride).through()
    else:
        field = field.through(stride=config.stem_stride)
    fields = {"stem": field}
    for stage, depth in enumerate(config.depths, start=1):
        if stage > 1:
            field = fields[f"down{stage}"] = field.through(stride=2)
        for i in range(1, depth + 1):
            if config.arch == "resnet":
                field = field.through().through()
            else:
                field = field.through(dilation=max(config.dilations))
            fields[f"stage{stage}_block{i}"] = field
    fields["features"] = field
    return fields


def receptive_field(config: ModelConfig) -> ReceptiveField:
    """Return the field of one cell of the last map, before the head pools it."""
    return receptive_fields(config)["features"]
