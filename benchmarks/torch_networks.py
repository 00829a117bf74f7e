"""The networks of `mace.models` in PyTorch, for the benchmarks that compare with it."""

import torch
import torch.nn.functional as F
from torch import nn

DILATIONS, GROUP = (1, 2, 3), 8


class STSTNet(nn.Module):
    """Three streams as Liong et al. 2019 describe them (`ststnet_plain`), for images of 28 px."""

    def __init__(self, classes: int = 3) -> None:
        super().__init__()
        self.streams = nn.ModuleList(nn.Conv2d(3, n, 3, padding=1) for n in (3, 5, 8))
        self.pool, self.average = nn.MaxPool2d(3, 3, 1), nn.AvgPool2d(2, 2)
        self.dropout, self.classes = nn.Dropout(0.5), nn.Linear(400, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits (b, classes) of images (b, 3, 28, 28)."""
        x = torch.cat([self.pool(F.relu(stream(x))) for stream in self.streams], 1)
        return self.classes(self.dropout(self.average(x).flatten(1)))


class Step(nn.Module):
    """3x3 convolution, normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, *, stride: int, normalise: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=not normalise)
        self.norm = _norm(outputs, normalise)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the activations."""
        return F.relu(self.norm(self.conv(x)))


class Block(nn.Module):
    """Parallel atrous branches, joined, mixed, added to the input."""

    def __init__(self, width: int, *, normalise: bool) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=d, dilation=d, bias=not normalise) for d in DILATIONS
        )
        self.norm = _norm(len(DILATIONS) * width, normalise)
        self.fuse = nn.Conv2d(len(DILATIONS) * width, width, 1, bias=not normalise)
        self.fuse_norm = _norm(width, normalise)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the activations."""
        joined = torch.cat([branch(x) for branch in self.branches], 1)
        return F.relu(x + self.fuse_norm(self.fuse(F.relu(self.norm(joined)))))


class MACNN(nn.Module):
    """MACNN with one block a stage, as `mace.models` builds it.

    Args:
        inputs: channels of an image.
        widths: channels of the stages.
        classes: of the answer.
        fold: pixels a side that the stem folds into channels; 1 begins with a stride of 2 instead.
        normalise: by groups of 8 channels, or not at all.
        dropout: before the last layer.
    """

    def __init__(
        self,
        inputs: int = 3,
        *,
        widths: tuple[int, ...] = (16, 32, 64, 128),
        classes: int = 3,
        fold: int = 1,
        normalise: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.fold = fold
        channels = (inputs * fold**2, *widths)
        strides = (1 if fold > 1 else 2, *[2] * (len(widths) - 1))
        self.steps = nn.ModuleList(
            Step(before, after, stride=stride, normalise=normalise)
            for before, after, stride in zip(channels, widths, strides, strict=False)
        )
        self.blocks = nn.ModuleList(Block(width, normalise=normalise) for width in widths)
        self.dropout, self.classes = nn.Dropout(dropout), nn.Linear(16 * widths[-1], classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the float32 logits (b, classes) of images (b, inputs, h, w)."""
        if self.fold > 1:
            x = F.pixel_unshuffle(x, self.fold)
        for step, block in zip(self.steps, self.blocks, strict=True):
            x = block(step(x))
        with torch.autocast(x.device.type, enabled=False):
            # Channels last, as JAX's dense layer counts its weights.
            pooled = F.adaptive_avg_pool2d(x.float(), 4).permute(0, 2, 3, 1).flatten(1)
            return self.classes(self.dropout(pooled))


def macnn28(classes: int = 3) -> MACNN:
    """Return the network of the recipe for flow images of 28 px."""
    return MACNN(widths=(24, 32), classes=classes, fold=4, dropout=0.5)


def _norm(channels: int, normalise: bool) -> nn.Module:
    return nn.GroupNorm(channels // GROUP, channels) if normalise else nn.Identity()
