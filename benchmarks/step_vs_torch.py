"""The training step and the forward pass of MACNN, in JAX and in PyTorch, side by side.

    python benchmarks/step_vs_torch.py --torch-python /path/to/an/interpreter/with/torch

Two processes are started on the same cores, one a framework, with the same weights; the script
first checks that logits and gradients agree to 1e-4 (relative to the largest), then lets them work
in turns, one repeat each, so that a disturbance of the machine meets both. The step is forward,
backward and Adam's update. Each framework may choose its layout: PyTorch NCHW or channels_last,
JAX the micro-batch, whose gradients it accumulates (the same sum: no statistic crosses images with
`group` or `none`; with `batch` the statistics are those of a micro-batch, another computation,
so that case is not measured). Times are processor seconds of the process, summed over its threads
when `--clock cpu`, or elapsed seconds (`--clock wall`, for a quiet machine).
"""

import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import tyro

TOLERANCE = 1e-4
CHECKS = 5
WORKERS = {"jax": "step_jax.py", "torch": "step_torch.py"}


@dataclass(frozen=True)
class Config:
    """What to measure."""

    torch_python: Path
    """Interpreter that has PyTorch; it needs nothing else but NumPy."""
    batches: tuple[int, ...] = (1, 16, 64)
    dtypes: tuple[Literal["float32", "bfloat16"], ...] = ("float32", "bfloat16")
    cores: tuple[int, ...] = (1, 2)
    """Numbers of cores to pin both processes to, one after the other."""
    norm: Literal["none", "group"] = "group"
    size: int = 128
    channels: int = 3
    micro_batches: tuple[int, ...] = (4, 8)
    """Sizes JAX may split a larger batch into; it may also take the batch whole."""
    keep_heap: bool = True
    """Let both processes keep freed memory (`mace.models.runtime.keep_heap`)."""
    repeats: int = 7
    clock: Literal["wall", "cpu"] = "wall"
    output: Path | None = None
    """Write the measurements here as JSON lines."""


@dataclass
class Worker:
    """A process that runs what it is told, one line of JSON a command."""

    process: subprocess.Popen[str]
    times: list[float] = field(default_factory=list)

    @classmethod
    def start(cls, python: Path, script: str, settings: dict[str, object]) -> "Worker":
        """Start `script` in the interpreter `python`."""
        command = [str(python), str(Path(__file__).with_name(script)), json.dumps(settings)]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        return cls(process)

    def ask(self, **command: object) -> dict[str, float]:
        """Send a command and wait for its answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.process.args} stopped; see its message above")
        return json.loads(line)

    def stop(self) -> None:
        """Let the process end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def layouts(framework: str, batch: int, what: str, config: Config) -> list[str | int]:
    if framework == "torch":
        return ["channels_last", "nchw"]
    if what == "forward":
        return [batch]
    return sorted({batch, *(m for m in config.micro_batches if m < batch and batch % m == 0)})


def measure(
    workers: dict[str, Worker], config: Config, *, what: str, batch: int
) -> dict[str, dict[str, float | str]]:
    """Return, of each framework, its best layout's least and median seconds."""
    jobs = [(name, layout) for name in workers for layout in layouts(name, batch, what, config)]
    times: dict[tuple[str, str | int], list[float]] = {job: [] for job in jobs}
    for repeat in range(config.repeats + 1):
        for name, layout in jobs:
            answer = workers[name].ask(what=what, batch=batch, layout=layout)
            if repeat:  # the first compiles and warms up
                times[name, layout].append(answer[config.clock])
    best = {}
    for name in workers:
        layout = min((job[1] for job in jobs if job[0] == name), key=lambda k: min(times[name, k]))
        seconds = times[name, layout]
        best[name] = {
            "layout": str(layout), "least": min(seconds), "median": float(np.median(seconds)),
        }  # fmt: skip
    return best


def check(folder: Path) -> None:
    """Stop unless the frameworks compute the same network, relative to each array's largest.

    The logits must agree for every batch and the gradients for one: where a unit's input is zero
    to rounding, the ReLU's gradient jumps, and both answers are right.
    """
    differences = []
    for seed in range(CHECKS):
        with np.load(folder / f"jax{seed}.npz") as ours, np.load(folder / f"torch{seed}.npz") as it:
            assert set(ours) == set(it), set(ours) ^ set(it)
            differences.append(
                {name: np.abs(ours[name] - it[name]).max() / np.abs(it[name]).max() for name in it}
            )
    logits = max(difference["logits"] for difference in differences)
    everything = min(max(difference.values()) for difference in differences)
    if max(logits, everything) > TOLERANCE:
        raise SystemExit(f"not the same network: {logits=:.1e}, gradients={everything:.1e}")


def main(config: Config) -> None:
    print("| cores | type | what | batch | JAX ms | PyTorch ms | JAX / PyTorch | layouts |")
    print("|---|---|---|---|---|---|---|---|")
    for cores in config.cores:
        for dtype in config.dtypes:
            with tempfile.TemporaryDirectory() as folder:
                compare(config, cores=cores, dtype=dtype, folder=Path(folder))


def compare(config: Config, *, cores: int, dtype: str, folder: Path) -> None:
    settings = {
        "cores": cores, "dtype": dtype, "norm": config.norm, "size": config.size,
        "channels": config.channels, "keep_heap": config.keep_heap,
        "checks": CHECKS, "folder": str(folder),
    }  # fmt: skip
    workers = {"jax": Worker.start(Path(sys.executable), WORKERS["jax"], settings)}
    workers["jax"].ask(what="check")
    workers["torch"] = Worker.start(config.torch_python, WORKERS["torch"], settings)
    workers["torch"].ask(what="check")
    check(folder)  # in float32, whatever the type measured
    for what in ("forward", "step"):
        for batch in config.batches:
            best = measure(workers, config, what=what, batch=batch)
            report(config, cores=cores, dtype=dtype, what=what, batch=batch, best=best)
    for worker in workers.values():
        worker.stop()


def milliseconds(seconds: float | str) -> str:
    return f"{1e3 * float(seconds):.1f}"


def report(config: Config, *, best: dict[str, dict[str, float | str]], **case: int | str) -> None:
    ours, theirs = best["jax"], best["torch"]
    ratio = float(ours["least"]) / float(theirs["least"])
    cells = [
        *map(str, case.values()),
        *(
            f"{1e3 * float(b['least']):.1f} ({1e3 * float(b['median']):.1f})"
            for b in (ours, theirs)
        ),
        f"{ratio:.2f}",
        f"{ours['layout']}, {theirs['layout']}",
    ]
    print("| " + " | ".join(cells) + " |", flush=True)
    if config.output is not None:
        with config.output.open("a", encoding="utf-8") as file:
            settings = {k: str(v) for k, v in asdict(config).items()}
            file.write(json.dumps({**case, **best, "ratio": ratio, "settings": settings}) + "\n")


if __name__ == "__main__":
    main(tyro.cli(Config))
