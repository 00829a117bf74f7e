"""A leave-one-subject-out evaluation as a population, beside PyTorch's loop over the folds.

    python benchmarks/population.py --torch-python /path/to/an/interpreter/with/torch

Both train a network from random weights in every fold of 442 random clips of 68 subjects
(28 x 28 x 3, three classes, the size of MEGC 2019's composite), with equal epochs, batch, dropout,
clipping and AdamW, without augmentation. MACE trains all folds in one process a core; PyTorch one
fold after the other, for which it may choose one thread or as many as there are cores. PyTorch's
time for all folds is scaled from `--torch-folds` of them, half of which run before MACE's and half
after. `warm` leaves out MACE's start of the processes and compilation, which `whole` has; a short
run is mostly that. Wall times want a quiet machine; processor seconds, of PyTorch with one thread,
stand beside them: there the number of cores does not count, and both use all of theirs.
"""

import itertools
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from step_vs_torch import Worker

from mace.augment import NO_AUGMENT
from mace.data import MotionSet
from mace.evaluation.workers import worker_map
from mace.experiments.recipes import FLOW_IMAGES
from mace.models import MODELS, count_parameters
from mace.motion import MotionConfig
from mace.training import TrainConfig
from mace.training.population import Member, make_plan, train_population
from mace.training.population.compiling import COMPILATIONS

NETWORKS = {"ststnet": MODELS["ststnet"], "macnn": FLOW_IMAGES.train.model}


@dataclass(frozen=True)
class Config:
    """What to measure."""

    torch_python: Path
    """Interpreter that has PyTorch; it needs nothing else but NumPy."""
    networks: tuple[str, ...] = tuple(NETWORKS)
    folds: int = 68
    torch_folds: int = 4
    epochs: int = 10
    batch: int = 32
    cores: int = 2


@dataclass(frozen=True)
class Job:
    """Folds that a process trains before it comes back."""

    config: TrainConfig
    folds: tuple[int, ...]


def random_set(subjects: int = 68, clips: int = 442) -> MotionSet:
    rng = np.random.default_rng(0)
    return MotionSet(
        inputs=rng.normal(size=(clips, 1, 28, 28, 3)).astype(np.float32),
        labels=(np.arange(clips) % 3).astype(np.int32),
        groups=(np.arange(clips) % subjects).astype(np.int32),
        subjects=tuple(f"random/{i}" for i in range(subjects)),
        clips=tuple(map(str, range(clips))),
        classes=("a", "b", "c"),
        motion=MotionConfig(size=28),
    )


def train(motion_set: MotionSet, job: Job) -> dict[str, float]:
    """Train some folds; return seconds without compilation, and what was compiled."""
    compiled = COMPILATIONS.count, COMPILATIONS.seconds
    wall, cpu = time.perf_counter(), time.process_time()
    members = [
        Member(config=job.config, train_index=np.flatnonzero(motion_set.groups != fold))
        for fold in job.folds
    ]
    results = train_population(motion_set, members)
    assert all(result.status == "finished" for result in results)
    assert results[0].fitted is not None
    seconds = COMPILATIONS.seconds - compiled[1]
    return {
        "wall": time.perf_counter() - wall - seconds,
        "cpu": time.process_time() - cpu,
        "compiled": COMPILATIONS.count - compiled[0],
        "compile_seconds": seconds,
        "folds": len(job.folds),
        "weights": count_parameters(results[0].fitted.variables),
    }


def main(config: Config) -> None:
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: config.cores])
    motion_set = random_set()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.npz"
        np.savez(
            path,
            inputs=motion_set.inputs[:, 0],
            labels=motion_set.labels,
            groups=motion_set.groups,
        )
        for network in config.networks:
            compare(config, network, motion_set, path)


def compare(config: Config, network: str, motion_set: MotionSet, data: Path) -> None:
    train_config = TrainConfig(
        model=NETWORKS[network], augment=NO_AUGMENT, epochs=config.epochs, batch_size=config.batch
    )
    settings: dict[str, object] = {
        "network": network, "cores": config.cores, "epochs": config.epochs,
        "batch": config.batch, "data": str(data),
    }  # fmt: skip
    torch = Worker.start(config.torch_python, "population_torch.py", settings)
    half = max(config.torch_folds // 2, 1)
    times = {threads: loop(torch, threads, half) for threads in {1, config.cores}}
    # The first fold of a process compiles, all others are warm.
    size = -(-(config.folds - config.cores) // config.cores)
    batches = [
        *((fold,) for fold in range(config.cores)),
        *itertools.batched(range(config.cores, config.folds), size),
    ]
    jobs = [Job(train_config, folds) for folds in batches]
    start = time.perf_counter()
    reports = [report for _, report in worker_map(train, jobs, motion_set, workers=config.cores)]
    whole = time.perf_counter() - start
    for threads, found in times.items():
        found += loop(torch, threads, half)
    torch.stop()
    assert reports[0]["weights"] == times[1][0]["weights"], "not the same network"
    warmed = [report for report in reports if not report["compiled"]]
    share = config.folds / sum(report["folds"] for report in warmed)
    warm = share * sum(report["wall"] for report in warmed) / config.cores
    our_cpu = share * sum(report["cpu"] for report in warmed)
    theirs = {
        threads: config.folds * float(np.mean([one["wall"] for one in found]))
        for threads, found in times.items()
    }
    threads = min(theirs, key=lambda key: theirs[key])
    their_cpu = config.folds * float(np.mean([one["cpu"] for one in times[1]]))
    plan = make_plan(NETWORKS[network], 28, members=config.folds)
    total = {name: sum(report[name] for report in reports) for name in reports[0]}
    weights = f"{reports[0]['weights']} weights"
    each = ", ".join(f"{n} thread(s) {seconds:.1f} s" for n, seconds in theirs.items())
    lines = (
        f"{network}: {weights}, {config.folds} folds, {config.epochs} epochs, batch {config.batch}",
        f"  plan      {config.cores} processes of one core; {plan}",
        f"  compiled  {total['compiled']:.0f} programs in all processes, "
        f"{total['compile_seconds']:.1f} s of theirs",
        f"  MACE      {warm:.1f} s warm, {whole:.1f} s whole; {our_cpu:.1f} processor seconds warm",
        f"  PyTorch   {theirs[threads]:.1f} s, scaled from {2 * half} folds ({each}); "
        f"{their_cpu:.1f} processor seconds with one",
        f"  ratio     {theirs[threads] / warm:.1f} warm, {theirs[threads] / whole:.1f} whole; "
        f"{their_cpu / our_cpu:.1f} in processor seconds",
    )
    print("\n".join(lines), flush=True)


def loop(worker: Worker, threads: int, folds: int) -> list[dict[str, float]]:
    return [worker.ask(fold=fold, threads=threads) for fold in range(folds)]


if __name__ == "__main__":
    main(tyro.cli(Config))
