"""PyTorch's half of population.py: the ordinary loop, one fold after the other."""

import json
import os
import sys
import time

SETTINGS = json.loads(sys.argv[1])
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: SETTINGS["cores"]])

import numpy as np  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402


class STSTNet(nn.Module):
    """Three streams as Liong et al. 2019 have them."""

    def __init__(self) -> None:
        super().__init__()
        self.streams = nn.ModuleList(nn.Conv2d(3, n, 3, padding=1) for n in (3, 5, 8))
        self.pool, self.average = nn.MaxPool2d(3, 3, 1), nn.AvgPool2d(2, 2)
        self.dropout, self.classes = nn.Dropout(0.5), nn.Linear(400, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        x = torch.cat([self.pool(F.relu(stream(x))) for stream in self.streams], 1)
        return self.classes(self.dropout(self.average(x).flatten(1)))


def norm(channels: int) -> nn.Module:
    return nn.GroupNorm(channels // 8, channels)


class Block(nn.Module):
    """Parallel atrous branches, joined, mixed, added to the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=d, dilation=d, bias=False) for d in (1, 2, 3)
        )
        self.norm = norm(3 * width)
        self.fuse, self.fuse_norm = nn.Conv2d(3 * width, width, 1, bias=False), norm(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the activations."""
        joined = torch.cat([branch(x) for branch in self.branches], 1)
        return F.relu(x + self.fuse_norm(self.fuse(F.relu(self.norm(joined)))))


class MACNN(nn.Module):
    """The network of the recipe for flow images of 28 px."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.stem_norm = nn.Conv2d(48, 24, 3, padding=1, bias=False), norm(24)
        self.down = nn.Conv2d(24, 32, 3, stride=2, padding=1, bias=False)
        self.down_norm = norm(32)
        self.one, self.two = Block(24), Block(32)
        self.dropout, self.classes = nn.Dropout(0.5), nn.Linear(16 * 32, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        x = self.one(F.relu(self.stem_norm(self.stem(F.pixel_unshuffle(x, 4)))))
        x = self.two(F.relu(self.down_norm(self.down(x))))
        return self.classes(self.dropout(F.adaptive_avg_pool2d(x, 4).flatten(1)))


def train(inputs: torch.Tensor, labels: torch.Tensor, held_out: int, groups: np.ndarray) -> None:
    """Train one fold from random weights: as many epochs and clips a step as MACE's."""
    train = torch.from_numpy(np.flatnonzero(groups != held_out))
    mean, std = inputs[train].mean((0, 2, 3)), inputs[train].std((0, 2, 3))
    images = (inputs - mean[:, None, None]) / std[:, None, None]
    network = {"ststnet": STSTNet, "macnn": MACNN}[SETTINGS["network"]]().train()
    adam = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.01)
    steps = -(-len(train) // SETTINGS["batch"]) * SETTINGS["epochs"]
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
    for _ in range(SETTINGS["epochs"]):
        order = train[torch.randperm(len(train))]
        for batch in order.split(SETTINGS["batch"]):
            adam.zero_grad()
            F.cross_entropy(network(images[batch]), labels[batch]).backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            adam.step()
            schedule.step()


def main() -> None:
    torch.manual_seed(0)
    with np.load(SETTINGS["data"]) as data:
        inputs = torch.from_numpy(data["inputs"]).permute(0, 3, 1, 2).contiguous()
        labels = torch.from_numpy(data["labels"]).long()
        groups = data["groups"]
    network = {"ststnet": STSTNet, "macnn": MACNN}[SETTINGS["network"]]()
    weights = sum(parameter.numel() for parameter in network.parameters())
    for line in sys.stdin:
        command = json.loads(line)
        if not command:  # asks whether all is loaded
            print("{}", flush=True)
            continue
        torch.set_num_threads(command["threads"])
        wall, cpu = time.perf_counter(), time.process_time()
        train(inputs, labels, command["fold"], groups)
        answer = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        print(json.dumps(answer | {"weights": weights}), flush=True)


if __name__ == "__main__":
    main()
