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
from torch_networks import STSTNet, macnn28  # noqa: E402

NETWORKS = {"ststnet": STSTNet, "macnn": macnn28}


def train(inputs: torch.Tensor, labels: torch.Tensor, held_out: int, groups: np.ndarray) -> None:
    """Train one fold from random weights: as many epochs and clips a step as MACE's."""
    train = torch.from_numpy(np.flatnonzero(groups != held_out))
    mean, std = inputs[train].mean((0, 2, 3)), inputs[train].std((0, 2, 3))
    images = (inputs - mean[:, None, None]) / std[:, None, None]
    network = NETWORKS[SETTINGS["network"]]().train()
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
    network = NETWORKS[SETTINGS["network"]]()
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
