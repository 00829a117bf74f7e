"""A leave-one-subject-out evaluation as a population, beside PyTorch's loop over the folds.

    python benchmarks/population.py --torch-python /path/to/an/interpreter/with/torch

Both train a network from random weights in every fold of 442 random clips of 68 subjects
(28 x 28 x 3, three classes, the size of MEGC 2019's composite), with equal epochs, batch, dropout,
clipping and AdamW, without augmentation. Each has a process of its own and the same cores: MACE
trains all folds as one population; PyTorch one fold after the other, for which it may choose one
thread or as many as there are cores. PyTorch's time for all folds is scaled from `--torch-folds` of
them, half of which run before MACE's and half after.

`whole` is all from the start of the process, with imports and compilation, of both; `again` is a
second process of MACE, which finds the programs of the first on disk; `warm` is the training
alone. Wall times want a quiet machine; processor seconds, of PyTorch with one thread, stand beside
them: there the number of cores does not count, and both use all of theirs.
"""

import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from step_vs_torch import Worker


@dataclass(frozen=True)
class Config:
    """What to measure."""

    torch_python: Path
    """Interpreter that has PyTorch; it needs nothing else but NumPy."""
    networks: tuple[str, ...] = ("ststnet", "macnn")
    folds: int = 68
    torch_folds: int = 4
    epochs: int = 10
    batch: int = 32
    cores: int = 2


def save_random_set(path: Path, subjects: int = 68, clips: int = 442) -> None:
    rng = np.random.default_rng(0)
    np.savez(
        path,
        inputs=rng.normal(size=(clips, 28, 28, 3)).astype(np.float32),
        labels=(np.arange(clips) % 3).astype(np.int32),
        groups=(np.arange(clips) % subjects).astype(np.int32),
    )


def main(config: Config) -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data.npz"
        save_random_set(data)
        for network in config.networks:
            compare(config, network, data)


def compare(config: Config, network: str, data: Path) -> None:
    settings: dict[str, object] = {
        "network": network, "cores": config.cores, "epochs": config.epochs,
        "batch": config.batch, "data": str(data), "cache": str(data.parent / network),
    }  # fmt: skip
    start = time.perf_counter()
    torch = Worker.start(config.torch_python, "population_torch.py", settings)
    torch.ask()
    their_start = time.perf_counter() - start
    loop(torch, 1, 1)  # warms up
    half = max(config.torch_folds // 2, 1)
    times = {threads: loop(torch, threads, half) for threads in {1, config.cores}}
    first, again = (population(config, settings) for _ in range(2))
    for threads, found in times.items():
        found += loop(torch, threads, half)
    torch.stop()
    assert first["weights"] == times[1][0]["weights"], "not the same network"
    warm = again["wall"] - again["compile_seconds"]
    theirs = {
        threads: config.folds * float(np.mean([one["wall"] for one in found]))
        for threads, found in times.items()
    }
    threads = min(theirs, key=lambda key: theirs[key])
    their_cpu = config.folds * float(np.mean([one["cpu"] for one in times[1]]))
    their_whole = their_start + theirs[threads]
    each = ", ".join(f"{n} thread(s) {seconds:.1f} s" for n, seconds in theirs.items())
    lines = (
        f"{network}: {first['weights']} weights, {config.folds} folds, {config.epochs} epochs, "
        f"batch {config.batch}",
        f"  plan      {first['plan']}",
        f"  compiled  {first['compiled']:.0f} programs in {first['compile_seconds']:.1f} s; "
        f"again from disk in {again['compile_seconds']:.1f} s",
        f"  MACE      {warm:.1f} s warm, {first['whole']:.1f} s whole, {again['whole']:.1f} s "
        f"again; {again['cpu']:.1f} processor seconds",
        f"  PyTorch   {theirs[threads]:.1f} s, {their_whole:.1f} s whole, scaled from {2 * half} "
        f"folds ({each}); {their_cpu:.1f} processor seconds with one",
        f"  ratio     {theirs[threads] / warm:.1f} warm, {their_whole / first['whole']:.1f} whole, "
        f"{their_whole / again['whole']:.1f} again; {their_cpu / again['cpu']:.1f} in processor "
        "seconds",
    )
    print("\n".join(lines), flush=True)


def population(config: Config, settings: dict[str, object]) -> dict[str, Any]:
    start = time.perf_counter()
    mace = Worker.start(Path(sys.executable), "population_mace.py", settings)
    report = mace.ask(folds=config.folds)
    whole = time.perf_counter() - start
    mace.stop()
    return report | {"whole": whole}


def loop(worker: Worker, threads: int, folds: int) -> list[dict[str, float]]:
    return [worker.ask(fold=fold, threads=threads) for fold in range(folds)]


if __name__ == "__main__":
    main(tyro.cli(Config))
