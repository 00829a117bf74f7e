"""Cross-validation over subjects: every method, seed and fold, stored as it finishes."""

import functools
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from mace.compilation import cache_dir_in_use, keep_compiled
from mace.config import config_hash, to_dict
from mace.data.motion_set import MotionSet
from mace.errors import ConfigError
from mace.evaluation.config import (
    NETWORK,
    EstimatorConfig,
    EstimatorProtocol,
    EvaluationConfig,
    ProtocolConfig,
)
from mace.evaluation.fingerprints import digest, perceptual_hash
from mace.evaluation.loading import load_evaluation
from mace.evaluation.logs.forms import write_log
from mace.evaluation.long_table import write_long_table
from mace.evaluation.method_scores import figures_json
from mace.evaluation.methods.gradcam import explains
from mace.evaluation.methods.make import make_methods
from mace.evaluation.methods.method import FoldPredictions, Method
from mace.evaluation.methods.population import population_predictions, trains_together
from mace.evaluation.protocol_folds import make_folds
from mace.evaluation.results import Evaluation
from mace.evaluation.store import RecordKey, RunFolder, encode_index, encode_predictions
from mace.evaluation.summary import summarise
from mace.models.runtime import keep_heap
from mace.progress import progress
from mace.protocols.folds import Fold
from mace.provenance import provenance
from mace.training.signals import Interrupted
from mace.workers import check_workers, parallel_map


@dataclass(frozen=True, kw_only=True)
class _Identity:
    """What a method's predictions depend on, apart from seed and fold."""

    method: Method
    kind: str
    protocol: ProtocolConfig | EstimatorProtocol
    fingerprint: str


@dataclass(frozen=True, eq=False, kw_only=True)
class _Job:
    key: RecordKey
    name: str
    method: Method
    fold: Fold
    seed: int
    explain: bool


def evaluate_methods(
    motion_set: MotionSet,
    *,
    config: EvaluationConfig | EstimatorConfig,
    run_dir: Path,
    title: str = "MACNN",
    description: Mapping[str, str] | None = None,
    command: str | None = None,
    workers: int = 0,
    methods: Mapping[str, Method] | None = None,
    folds: Sequence[Fold] | None = None,
    log: Callable[[str], None] | None = None,
    scored: Callable[[Evaluation], object] = lambda evaluation: None,
) -> Evaluation:
    """Run every fold that `run_dir` does not hold yet, and return the whole evaluation.

    The folds and seeds of a network are one population (`mace.training.population`): one program,
    compiled once, in as many threads as this process has cores.

    Args:
        motion_set: the clips; the baselines and the tests see variant 0.
        config: methods, folds and seeds.
        run_dir: folder of the results; an interrupted evaluation goes on from there.
        title: what tables call the network, such as `MACNN, flow`.
        description: further facts for the report, by name.
        command: the command that makes these results; that of this process by default.
        workers: processes that share the folds of what this process does not train as a
            population, each on one core; the results do not depend on their number. 0, and any
            number where there is an accelerator, runs in this process, whose cores add up in
            another order: its results differ slightly from theirs.
        methods: what to evaluate instead of the methods of `config`; must hold `network`, the
            one that all seeds apply to.
        folds: the folds instead of those of `config.protocol`; nothing checks them but an audit.
        log: is told how the network's folds are computed, and what was compiled for them.
        scored: is given the whole evaluation before any score of it is written.

    Raises:
        ConfigError: for impossible settings, or a folder that another process writes to.
        DataError: if there are too few subjects.
        OutputError: if `run_dir` cannot be written to.
        TrainingError: if a network's training fails.
        WorkerError: if a worker process dies.
    """
    if isinstance(config, EvaluationConfig):
        methods = make_methods(config) if methods is None else methods
        folds = make_folds(motion_set, config.protocol) if folds is None else folds
    check_workers(workers)  # before networks are trained that need none
    if methods is None or folds is None:
        raise ConfigError("an estimator's evaluation needs its methods and its folds")
    if NETWORK not in methods:
        raise ConfigError(f"the methods {', '.join(methods)} lack {NETWORK!r}, the evaluated one")
    folder = RunFolder(run_dir)
    jobs = _jobs(motion_set, config, methods, folds)
    settings = {
        "title": title,
        "config": to_dict(config),
        "config_hash": config_hash(config),
        "motion": to_dict(motion_set.motion),
        "description": dict(description or {}),
        "classes": list(motion_set.classes),
        "subjects": list(motion_set.subjects),
        "clips": list(motion_set.clips),
        "labels": motion_set.labels.tolist(),
        "groups": motion_set.groups.tolist(),
        "fingerprint": motion_set.fingerprint,
        "folds": [fold.name for fold in folds],
        "splits": _splits(folds),
        "fingerprints": _fingerprints(motion_set),
        "methods": _plan(jobs),
        "command": command or shlex.join(sys.argv),
        "provenance": (made := provenance()),
    }
    with folder.held():
        folder.write_config(settings)
        _run(
            jobs,
            motion_set,
            folder,
            workers=workers,
            label=f"evaluating {title}",
            revision=made["git_revision"],
            log=log,
        )
        evaluation = load_evaluation(run_dir)
        scored(evaluation)
        folder.write_results(figures_json(summarise(evaluation)))
        write_long_table(run_dir, evaluation)
        network = evaluation.methods[NETWORK]
        for seed, predicted in zip(network.seeds, network.predicted, strict=True):
            path = folder.path / f"predictions-seed{seed}.log"
            write_log(
                path,
                evaluation.clips,
                evaluation.labels.tolist(),
                predicted.tolist(),
                classes=evaluation.classes,
            )
    return evaluation


def _splits(folds: Sequence[Fold]) -> dict[str, dict[str, list[list[int]]]]:
    return {
        fold.name: {
            "train": encode_index(fold.train_index),
            "test": encode_index(fold.test_index),
        }
        for fold in folds
    }


def _fingerprints(motion_set: MotionSet) -> dict[str, list[str]]:
    """Return digest and perceptual hash of what the network is tested on, for each clip."""
    images = motion_set.inputs[:, 0]
    return {
        "digest": [digest(image) for image in images],
        "hash": [perceptual_hash(image) for image in images],
    }


def _jobs(
    motion_set: MotionSet,
    config: EvaluationConfig | EstimatorConfig,
    methods: Mapping[str, Method],
    folds: Sequence[Fold],
) -> list[_Job]:
    jobs = []
    explained = config.explain
    if isinstance(config, EvaluationConfig):
        explained = explained and explains(config.train.model)
    for name, method in methods.items():
        identity = _Identity(
            method=method,
            kind=type(method).__name__,
            protocol=config.protocol,
            fingerprint=motion_set.fingerprint,
        )
        key = config_hash(identity)
        # The baselines draw nothing at random: one seed says it all.
        for seed in config.seeds if name == NETWORK else config.seeds[:1]:
            explain = explained and name == NETWORK and seed == config.seeds[0]
            jobs += [
                _Job(
                    key=(key, seed, fold.name),
                    name=name,
                    method=method,
                    fold=fold,
                    seed=seed,
                    explain=explain,
                )
                for fold in folds
            ]
    return jobs


def _plan(jobs: Sequence[_Job]) -> dict[str, dict[str, Any]]:
    """Return, for each method, the hash and the seeds that its lines carry."""
    plan: dict[str, dict[str, Any]] = {}
    for job in jobs:
        entry = plan.setdefault(job.name, {"key": job.key[0], "seeds": []})
        if job.seed not in entry["seeds"]:
            entry["seeds"].append(job.seed)
    return plan


def _run(
    jobs: Sequence[_Job],
    motion_set: MotionSet,
    folder: RunFolder,
    *,
    workers: int,
    label: str,
    revision: str | None,
    log: Callable[[str], None] | None,
) -> None:
    done = folder.records()
    left = [
        job
        for job in jobs
        if job.key not in done
        # Trained without being asked where it looks; not every network can say.
        or (
            job.explain
            and not done[job.key].get("explained")
            and not folder.heat_path(job.key).exists()
        )
    ]
    whole = sum(job.name == NETWORK for job in jobs)
    with progress(label, len(jobs), done=len(jobs) - len(left)) as advance:
        try:
            for job, predictions, seconds in _predictions(left, whole, motion_set, workers, log):
                clips = [motion_set.clips[i] for i in job.fold.test_index]
                # The maps first: a line says that its fold is complete.
                if predictions.heat is not None:
                    folder.write_heat(job.key, clips, predictions.heat)
                line = {
                    "method": job.name,
                    "clips": clips,
                    "seconds": round(seconds, 3),
                    "revision": revision,
                    "explained": job.explain,
                }
                folder.append(job.key, line | encode_predictions(predictions))
                advance(note=f"{job.name}, seed {job.seed}, {job.fold.name}")
        except Interrupted as error:
            raise Interrupted(
                f"{error.number.name} ended {label}; every fold that is finished is kept in "
                f"{folder.path}, and the same command goes on from there",
                error.number,
            ) from error


def _predictions(
    jobs: Sequence[_Job],
    whole: int,
    motion_set: MotionSet,
    workers: int,
    log: Callable[[str], None] | None,
) -> Iterator[tuple[_Job, FoldPredictions, float]]:
    """Yield predictions as they come, with the seconds that each took, or took off the others'."""
    together = [job for job in jobs if job.name == NETWORK and trains_together(job.method)]
    alone = [job for job in jobs if job not in together]
    if together and trains_together(network := together[0].method):
        runs = [(job.fold, job.seed, job.explain) for job in together]
        before = time.perf_counter()
        trained = population_predictions(motion_set, network, runs, whole=whole, log=log)
        for i, predictions in trained:
            now = time.perf_counter()
            yield together[i], predictions, now - before
            before = now
    # XLA adds up a convolution in another order on two cores than on one, and training makes a
    # difference in the seventh digit one in the second (measured: probabilities 0.012 apart after
    # three epochs). So every worker has exactly one core, and one gives bit for bit what many give;
    # this process, with whatever cores it has, is a choice of its own. An accelerator is not shared
    # between processes: there, all work is done in this one.
    spread = parallel_map(
        _predict,
        alone,
        motion_set,
        workers=workers if jax.default_backend() == "cpu" else 0,
        own_core=True,
        begin=functools.partial(_begin_worker, cache_dir_in_use()),
    )
    for job, (predictions, seconds) in spread:
        yield job, predictions, seconds


def _begin_worker(cache_dir: Path | None) -> None:
    keep_heap()
    if cache_dir is not None:
        keep_compiled(cache_dir)


def _predict(motion_set: MotionSet, job: _Job) -> tuple[FoldPredictions, float]:
    start = time.perf_counter()
    predictions = job.method(motion_set, job.fold, seed=job.seed, explain=job.explain)
    if np.shape(predictions.predicted) != job.fold.test_index.shape:
        raise ConfigError(
            f"method {job.name} gave {np.size(predictions.predicted)} predictions for "
            f"{job.fold.test_index.size} clips of fold {job.fold.name}; it must predict each once"
        )
    return predictions, time.perf_counter() - start
