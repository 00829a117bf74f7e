"""PyTorch's half of zoo.py: the zoo's networks, written from the same tables of layers.

Names of submodules are those of MACE's trees of parameters, so that weights go over by name; but
STSTNet's are those of its authors' weights, which `mace.models.ststnet_weights` reads. Images are
(b, c, h, w); where a map becomes a row, channels are innermost, as MACE counts them.
"""

import itertools
import json
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


class Dense(nn.Module):
    """A dense layer with ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the activations."""
        return F.relu(self.dense(x))


class Head(nn.Module):
    """The last layer."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.classes = nn.Linear(inputs, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        return self.classes(x)


class ConvNorm(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, size: int, padding: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, padding=padding)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the activations."""
        return F.relu(self.norm(self.conv(x)))


def rows(x: torch.Tensor) -> torch.Tensor:
    """Return maps as rows, channels innermost."""
    return x.permute(0, 2, 3, 1).flatten(1)


class STSTNet(nn.Module):
    """As its authors' weights have it, rows as PyTorch flattens them."""

    def __init__(self) -> None:
        super().__init__()
        for i, width in enumerate((3, 5, 8), start=1):
            setattr(self, f"conv{i}", nn.Conv2d(3, width, 3, padding=2))
            setattr(self, f"bn{i}", nn.BatchNorm2d(width))
        self.fc = nn.Linear(400, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        maps = []
        for i in (1, 2, 3):
            y = getattr(self, f"bn{i}")(F.relu(getattr(self, f"conv{i}")(x)))
            maps.append(F.max_pool2d(y, 3, 3, 1))
        return self.fc(F.avg_pool2d(torch.cat(maps, 1), 2).flatten(1))


class OffStream(nn.Module):
    """Two convolutions of one component."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5, padding=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return a row."""
        for conv in (self.conv1, self.conv2):
            x = F.max_pool2d(F.relu(conv(x)), 2)
        return rows(x)


class OffApexNet(nn.Module):
    """Two streams and two dense layers."""

    def __init__(self) -> None:
        super().__init__()
        self.u, self.v = OffStream(), OffStream()
        self.dense1, self.dense2, self.head = Dense(1568, 1024), Dense(1024, 1024), Head(1024)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        x = torch.cat([self.u(x[:, :1]), self.v(x[:, 1:2])], 1)
        return self.head(self.dense2(self.dense1(x)))


class Inception(nn.Module):
    """Four paths."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.reduce5, self.reduce3 = nn.Conv2d(inputs, width, 1), nn.Conv2d(inputs, width, 1)
        self.conv5 = nn.Conv2d(width, width, 5, padding=2)
        self.conv3 = nn.Conv2d(width, width, 3, padding=1)
        self.pooled, self.straight = nn.Conv2d(inputs, width, 1), nn.Conv2d(inputs, width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return maps of half the size."""
        paths = [
            F.relu(self.conv5(F.relu(self.reduce5(x)))),
            F.relu(self.conv3(F.relu(self.reduce3(x)))),
            F.relu(self.pooled(F.max_pool2d(x, 3, 1, 1))),
            self.straight(x),
        ]
        return F.max_pool2d(torch.cat(paths, 1), 2)


class DualInception(nn.Module):
    """Two blocks for each component."""

    def __init__(self) -> None:
        super().__init__()
        self.u1, self.v1 = Inception(1, 6), Inception(1, 6)
        self.u2, self.v2 = Inception(24, 16), Inception(24, 16)
        self.dense, self.head = Dense(6272, 1024), Head(1024)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        u, v = rows(self.u2(self.u1(x[:, :1]))), rows(self.v2(self.v1(x[:, 1:2])))
        return self.head(self.dense(torch.cat([u, v], 1)))


class SSSNet(nn.Module):
    """Two convolutions with batch norm behind the maxima."""

    def __init__(self) -> None:
        super().__init__()
        self.block1, self.block2 = ConvNorm(3, 32, 5, 0), ConvNorm(32, 64, 3, 0)
        self.dense, self.head = Dense(5184, 256), Head(256)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        for block, pool in ((self.block1, 3), (self.block2, 2)):
            x = block.norm(F.max_pool2d(F.relu(block.conv(x)), pool))
        return self.head(self.dense(rows(x)))


class ResBlock(nn.Module):
    """Two convolutions beside a projection."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.project = nn.Conv2d(inputs, width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return maps of half the size."""
        y = F.relu(self.conv2(F.relu(self.conv1(x)))) + self.project(x)
        return F.max_pool2d(y, 2)


class SerialMACNN(nn.Module):
    """Residual blocks, two serial atrous convolutions, dense layers."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 32, 64, 128, 256)
        for i, (before, after) in enumerate(itertools.pairwise(widths), start=1):
            setattr(self, f"block{i}", ResBlock(before, after))
        self.atrous1 = nn.Conv2d(256, 256, 3, padding=4, dilation=4)
        self.atrous2 = nn.Conv2d(256, 256, 3, padding=2, dilation=2)
        self.dense1, self.dense2, self.head = Dense(12544, 4096), Dense(4096, 4096), Head(4096)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        for i in range(1, 5):
            x = getattr(self, f"block{i}")(x)
        x = F.relu(self.atrous2(F.relu(self.atrous1(x))))
        return self.head(self.dense2(self.dense1(rows(x))))


class Recurrent(nn.Module):
    """RCN-A."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.forward1 = ConvNorm(3, 64, 5, 0), ConvNorm(64, 64, 1, 0)
        self.recurrent1, self.head = ConvNorm(64, 64, 3, 1), Head(3136)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        x = F.max_pool2d(self.conv(x), 2)
        first = F.adaptive_avg_pool2d(x, 7)
        y = self.forward1(x)
        for _ in range(2):
            y = self.recurrent1(x + y)
        last = F.adaptive_avg_pool2d(F.max_pool2d(y, 2), 7)
        maps = []
        for weights in self.head.classes.weight.reshape(3, 7, 7, 64):
            part = (first * weights.permute(2, 0, 1)).mean(1, keepdim=True)
            part = part - part.amin((2, 3), keepdim=True)
            maps.append(part / part.amax((2, 3), keepdim=True))
        attention = torch.cat(maps, 1).mean(1, keepdim=True)
        return self.head(rows(last * attention))


class Attention(nn.Module):
    """A residual block whose places are weighed."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = ConvNorm(inputs, width, 3, 1), ConvNorm(width, width, 3, 1)
        self.project, self.mix = nn.Conv2d(inputs, width, 1), nn.Conv2d(3 * width, 3 * width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the maps."""
        first = self.conv1(x)
        second, projected = self.conv2(first), self.project(x)
        score = self.mix(torch.cat([first, second, projected], 1)).mean(1)
        weight = torch.softmax(score.flatten(1), 1).reshape(score.shape)[:, None]
        y = second + projected
        return y + y * weight


class MicroAttention(nn.Module):
    """Three such blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 32, 7, 2, 3)
        self.block1, self.block2 = Attention(32, 64), Attention(64, 128)
        self.block3, self.dense, self.head = Attention(128, 256), Dense(12544, 4096), Head(4096)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        x = F.max_pool2d(F.relu(self.conv(x)), 3, 2, 1)
        for block in (self.block1, self.block2, self.block3):
            x = F.max_pool2d(block(x), 2)
        return self.head(self.dense(rows(x)))


class Layer(nn.Module):
    """A transformer layer of HTNet on (b, places, channels)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.size = heads, width // heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attend = nn.Linear(width, 3 * heads * self.size, bias=False)
        self.join = nn.Linear(heads * self.size, width)
        self.widen, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the places."""
        query, key, value = (
            part.unflatten(2, (self.heads, self.size)).transpose(1, 2)
            for part in self.attend(self.norm1(x)).chunk(3, 2)
        )
        y = F.scaled_dot_product_attention(query, key, value)
        x = x + self.join(y.transpose(1, 2).flatten(2))
        return x + self.narrow(F.gelu(self.widen(self.norm2(x))))


class Level(nn.Module):
    """Layers within blocks of one place each."""

    def __init__(self, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.position_bias = nn.Parameter(torch.zeros(1))
        self.depth = depth
        for i in range(1, depth + 1):
            setattr(self, f"layer{i}", Layer(width, heads))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (b, c, h, w)."""
        y = x.permute(0, 2, 3, 1).reshape(-1, 1, x.shape[1]) + self.position_bias
        for i in range(1, self.depth + 1):
            y = getattr(self, f"layer{i}")(y)
        return y.reshape(len(x), *x.shape[2:], -1).permute(0, 3, 1, 2)


class HTNet(nn.Module):
    """Three levels."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(147, 256, 1)
        self.level1, self.level2, self.level3 = (
            Level(width, depth, heads)
            for width, depth, heads in ((256, 2, 3), (512, 2, 6), (1024, 10, 12))
        )
        self.merge1, self.merge2 = nn.Conv2d(256, 512, 3, padding=1), nn.Conv2d(512, 1024, 3, 1, 1)
        self.merge1_norm, self.merge2_norm = nn.LayerNorm(512), nn.LayerNorm(1024)
        self.norm, self.head = nn.LayerNorm(1024), Head(1024)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        x = x.unflatten(3, (4, 7)).unflatten(2, (4, 7)).permute(0, 3, 5, 1, 2, 4)
        x = self.level1(self.patches(x.flatten(1, 3)))
        for merge, norm, level in (
            (self.merge1, self.merge1_norm, self.level2),
            (self.merge2, self.merge2_norm, self.level3),
        ):
            y = norm(merge(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
            x = level(F.max_pool2d(y, 3, 2, 1))
        return self.head(self.norm(x.permute(0, 2, 3, 1)).mean((1, 2)))


NETWORKS = {
    "ststnet": (STSTNet, 28),
    "off_apexnet": (OffApexNet, 28),
    "dual_inception": (DualInception, 28),
    "sssnet": (SSSNet, 64),
    "rcn_a": (Recurrent, 60),
    "macnn_ecnu": (SerialMACNN, 112),
    "htnet": (HTNet, 28),
    "micro_attention": (MicroAttention, 224),
}


def main() -> None:
    name, folder = sys.argv[1], Path(sys.argv[2])
    torch.manual_seed(0)
    make, size = NETWORKS[name]
    network = make().eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
            nn.init.normal_(module.weight, 1, 0.3)
            nn.init.normal_(module.bias, 0, 0.1)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.normal_(module.bias, 0, 0.1)
    images = torch.randn(2, 3, size, size)
    with torch.no_grad():
        logits = network(images)
    np.savez(folder / "pair.npz", images=images.permute(0, 2, 3, 1), logits=logits)
    torch.save(network.state_dict(), folder / "weights.pth")
    print(json.dumps({"weights": sum(parameter.numel() for parameter in network.parameters())}))


if __name__ == "__main__":
    main()
