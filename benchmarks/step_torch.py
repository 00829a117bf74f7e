"""PyTorch's half of step_vs_torch.py: the same network, from the weights JAX has written."""

import contextlib
import ctypes
import json
import os
import sys
import time
from pathlib import Path

SETTINGS = json.loads(sys.argv[1])
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: SETTINGS["cores"]])

import numpy as np  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402
from torch_networks import MACNN  # noqa: E402

CLASSES = 5


def named(network: MACNN) -> dict[str, torch.nn.Parameter]:
    """Return the parameters by their names in JAX."""
    names = {}
    for i, (step, block) in enumerate(zip(network.steps, network.blocks, strict=True), start=1):
        prefix = "stem/conv3x3" if i == 1 else f"down{i}"
        modules = {f"{prefix}/conv": step.conv, f"{prefix}/norm": step.norm}
        prefix = f"stage{i}_block1"
        modules |= {f"{prefix}/branch{j}": branch for j, branch in enumerate(block.branches)}
        modules |= {f"{prefix}/norm": block.norm, f"{prefix}/fuse/conv": block.fuse}
        modules |= {f"{prefix}/fuse/norm": block.fuse_norm}
        for path, module in modules.items():
            kind = "kernel" if isinstance(module, nn.Conv2d) else "scale"
            names |= {
                f"{path}/{kind if key == 'weight' else 'bias'}": value
                for key, value in module.named_parameters()
            }
    names["head/classes/kernel"] = network.classes.weight
    names["head/classes/bias"] = network.classes.bias
    return names


def to_torch(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(
        array.transpose(3, 2, 0, 1) if array.ndim == 4 else array.T
    ).contiguous()


def to_jax(tensor: torch.Tensor) -> np.ndarray:
    array = tensor.detach().numpy()
    return array.transpose(2, 3, 1, 0) if array.ndim == 4 else array.T


class Runner:
    """The network in one layout, and its optimiser."""

    def __init__(self, layout: str, dtype: str) -> None:
        channels_last = layout == "channels_last"
        self.format = torch.channels_last if channels_last else torch.contiguous_format
        self.network = MACNN(
            SETTINGS["channels"], classes=CLASSES, normalise=SETTINGS["norm"] != "none"
        )
        with np.load(Path(SETTINGS["folder"]) / "weights.npz") as weights:
            parameters = named(self.network)
            assert set(parameters) == set(weights), set(parameters) ^ set(weights)
            for name, parameter in parameters.items():
                parameter.data.copy_(to_torch(weights[name]))
        self.network = self.network.to(memory_format=self.format)
        self.adam = torch.optim.Adam(self.network.parameters(), lr=1e-3)
        self.dtype = dtype

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits, with activations of the configured type."""
        low = self.dtype == "bfloat16"
        with torch.autocast("cpu", torch.bfloat16) if low else contextlib.nullcontext():
            return self.network(x)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits without a tape."""
        with torch.inference_mode():
            return self.logits(x)

    def gradient(self, x: torch.Tensor, y: torch.Tensor) -> None:
        """Leave the gradient of the mean cross-entropy in the parameters."""
        self.adam.zero_grad(set_to_none=True)
        F.cross_entropy(self.logits(x), y).backward()

    def step(self, x: torch.Tensor, y: torch.Tensor) -> None:
        """Take one step of Adam."""
        self.gradient(x, y)
        self.adam.step()

    def batch(self, count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the batch JAX sees, in this layout."""
        random = np.random.default_rng(seed)
        shape = (count, SETTINGS["size"], SETTINGS["size"], SETTINGS["channels"])
        x = torch.from_numpy(random.standard_normal(shape, np.float32)).permute(0, 3, 1, 2)
        return x.contiguous(memory_format=self.format), torch.arange(count) % CLASSES


def check() -> None:
    runner = Runner("channels_last", "float32")
    for seed in range(SETTINGS["checks"]):
        x, y = runner.batch(4, seed)
        runner.gradient(x, y)
        results = {"logits": runner.forward(x).numpy()}
        for name, parameter in named(runner.network).items():
            assert parameter.grad is not None
            results[name] = to_jax(parameter.grad)
        np.savez(Path(SETTINGS["folder"]) / f"torch{seed}.npz", **results)


def keep_heap() -> None:
    """What `mace.models.runtime.keep_heap` does for JAX: PyTorch profits too."""
    mallopt = ctypes.CDLL(None).mallopt
    for name, value in ((-8, 1), (-4, 0), (-1, 2**31 - 1), (-2, 2**26)):
        mallopt(name, value)


def main() -> None:
    if SETTINGS["keep_heap"]:
        keep_heap()
    torch.set_num_threads(SETTINGS["cores"])
    runners: dict[str, Runner] = {}
    for line in sys.stdin:
        command = json.loads(line)
        if command["what"] == "check":
            check()
            print("{}", flush=True)
            continue
        layout = command["layout"]
        if layout not in runners:
            runners[layout] = Runner(layout, SETTINGS["dtype"])
        runner = runners[layout]
        x, y = runner.batch(command["batch"])
        wall, cpu = time.perf_counter(), time.process_time()
        if command["what"] == "forward":
            runner.forward(x)
        else:
            runner.step(x, y)
        answer = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
