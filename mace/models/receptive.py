"""How much of the picture one output of the network can see."""

from dataclasses import dataclass

from mace.models.config import ModelConfig


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


def receptive_fields(config: ModelConfig) -> dict[str, ReceptiveField]:
    """Return the field of every map by its name among the network's intermediates.

    Parallel branches see what the widest of them sees.
    """
    field = ReceptiveField(1, 1)
    if config.arch == "ststnet":  # one convolution, then the maximum of 3x3
        field = field.through().through(stride=3)
        return {"stem": field, "features": field}
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
