"""The folds of `population.py` in PyTorch: the loop that everybody writes, and an expert's.

`plain` trains one member after the other, each step from Python. `mapped` trains 68 members in one
step by `torch.func.vmap` over stacked parameters, with an AdamW of its own that is fused by
`torch._foreach`, and on a GPU replays the step as a CUDA graph. Both measure a part of the work and
scale it to all 544 trainings; both may use TF32, as JAX does.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from on_device.results import Results
from on_device.sizes import PopulationSize, random_arrays, size_of

try:
    import torch
except ModuleNotFoundError:
    torch = None


def measure(results: Results, *, tiny: bool) -> None:
    """Train a few members of both networks both ways."""
    if torch is None:
        results.measure("absent", lambda: {"skipped": "PyTorch is not installed"})
        return
    from torch_networks import STSTNet, macnn28

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    size = size_of(tiny=tiny, cpu=not torch.cuda.is_available())
    for name, make in (("ststnet", STSTNet), ("macnn28", macnn28)):
        results.measure(f"plain/{name}", lambda make=make: plain(make, size))
    for name, make in (("ststnet", STSTNet), ("macnn28", macnn28)):
        results.measure(f"mapped/{name}", lambda make=make: mapped(make, size))


class Clips:
    """The random set on the device, and what a fold's training clips are normalised by."""

    def __init__(self, size: PopulationSize) -> None:
        inputs, labels, self.groups = random_arrays(size)
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.images = torch.from_numpy(inputs).permute(0, 3, 1, 2).contiguous().to(self.device)
        self.labels = torch.from_numpy(labels).long().to(self.device)

    def fold(self, subject: int) -> tuple[Any, Any, Any]:
        """Return a fold's training clips, and the mean and deviation of their channels."""
        train = torch.from_numpy(np.flatnonzero(self.groups != subject)).to(self.device)
        chosen = self.images[train]
        return (
            train,
            chosen.mean((0, 2, 3), keepdim=True)[0],
            chosen.std((0, 2, 3), keepdim=True)[0],
        )

    def wait(self) -> None:
        """Wait for the device."""
        if self.device == "cuda":
            torch.cuda.synchronize()


def plain(make: Callable[[], Any], size: PopulationSize) -> dict[str, Any]:
    """Train some folds one after the other and scale to all; the first is there to warm up."""
    clips, seconds = Clips(size), []
    for subject in range(3):
        start = time.perf_counter()
        _train_fold(make, clips, subject, size)
        clips.wait()
        seconds.append(time.perf_counter() - start)
    each = float(np.mean(seconds[1:]))
    count = size.subjects * size.settings
    return {"members": count, "epochs": size.epochs, "member_s": each, "all_s": each * count}


def _train_fold(make: Callable[[], Any], clips: Clips, subject: int, size: PopulationSize) -> None:
    train, mean, std = clips.fold(subject)
    images = (clips.images - mean) / std
    network = make().to(clips.device).train()
    adam = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.01)
    steps = -(-len(train) // size.batch) * size.epochs
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
    for _ in range(size.epochs):
        order = train[torch.randperm(len(train), device=clips.device)]
        for batch in order.split(size.batch):
            adam.zero_grad()
            loss = torch.nn.functional.cross_entropy(network(images[batch]), clips.labels[batch])
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            adam.step()
            schedule.step()


def mapped(make: Callable[[], Any], size: PopulationSize) -> dict[str, Any]:
    """Train one setting of all folds, mapped over members, for some steps; scale to all."""
    clips = Clips(size)
    step = MappedStep(make, clips, size)
    for _ in range(3):
        step()  # warms up, as a CUDA graph must be
    run = step.captured() if clips.device == "cuda" else step
    clips.wait()
    timed_steps = 100 if clips.device == "cuda" else 3
    start = time.perf_counter()
    for _ in range(timed_steps):
        step.draw()
        run()
    clips.wait()
    each = (time.perf_counter() - start) / timed_steps
    smallest = min(len(clips.fold(subject)[0]) for subject in range(size.subjects))
    steps = -(-smallest // size.batch) * size.epochs * size.settings
    return {
        "members": size.subjects * size.settings,
        "epochs": size.epochs,
        "at_once": size.subjects,
        "graph": clips.device == "cuda",
        "step_s": each,
        "all_s": each * steps,
    }


class MappedStep:
    """A step of one member a fold, on tensors that stay in their places."""

    def __init__(self, make: Callable[[], Any], clips: Clips, size: PopulationSize) -> None:
        self.clips, self.size = clips, size
        networks = [make().to(clips.device).train() for _ in range(size.subjects)]
        parameters, _ = torch.func.stack_module_state(networks)
        self.parameters = {name: value.detach().clone() for name, value in parameters.items()}
        self.first = {name: torch.zeros_like(value) for name, value in self.parameters.items()}
        self.second = {name: torch.zeros_like(value) for name, value in self.parameters.items()}
        self.count = torch.zeros((), device=clips.device)
        folds = [clips.fold(subject) for subject in range(size.subjects)]
        shortest = min(len(train) for train, _, _ in folds)
        self.train = torch.stack([train[:shortest] for train, _, _ in folds])
        self.mean = torch.stack([mean for _, mean, _ in folds])[:, None]
        self.std = torch.stack([std for _, _, std in folds])[:, None]
        self.batch = torch.zeros(size.subjects, size.batch, dtype=torch.long, device=clips.device)
        self.draw()
        network = networks[0]

        def loss(parameters: Mapping[str, Any], images: Any, labels: Any) -> Any:
            logits = torch.func.functional_call(network, parameters, (images,))
            return torch.nn.functional.cross_entropy(logits, labels)

        self.gradient = torch.func.vmap(torch.func.grad(loss), randomness="different")

    def draw(self) -> None:
        """Choose the clips of the next step."""
        shape = self.batch.shape
        places = torch.randint(self.train.shape[1], shape, device=self.clips.device)
        self.batch.copy_(self.train.gather(1, places))

    def __call__(self) -> None:
        """Take a step: gradients, each member's clipped by its own norm, AdamW."""
        images = (self.clips.images[self.batch] - self.mean) / self.std
        gradient = self.gradient(self.parameters, images, self.clips.labels[self.batch])
        squares = [value.square().flatten(1).sum(1) for value in gradient.values()]
        scale = (1 / torch.stack(squares).sum(0).sqrt()).clamp(max=1.0)
        self.count += 1
        names = list(gradient)
        clipped = [
            gradient[name] * scale.view(-1, *[1] * (gradient[name].ndim - 1)) for name in names
        ]
        first, second = ([each[name] for name in names] for each in (self.first, self.second))
        parameters = [self.parameters[name] for name in names]
        torch._foreach_mul_(first, 0.9)
        torch._foreach_add_(first, clipped, alpha=0.1)
        torch._foreach_mul_(second, 0.999)
        torch._foreach_addcmul_(second, clipped, clipped, 0.001)
        root = torch._foreach_sqrt(torch._foreach_div(second, 1 - 0.999**self.count))
        torch._foreach_add_(root, 1e-8)
        direction = torch._foreach_div(torch._foreach_div(first, 1 - 0.9**self.count), root)
        torch._foreach_mul_(parameters, 1 - 1e-3 * 0.01)
        torch._foreach_add_(parameters, direction, alpha=-1e-3)

    def captured(self) -> Callable[[], None]:
        """Return the step as a CUDA graph."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            self()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self()
        return graph.replay
