"""`fit`: from a motion set, a split and a configuration to a trained network."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from mace.bundle import Bundle
from mace.config import hashed_settings, to_dict
from mace.data.motion_set import MotionSet
from mace.files import write_json
from mace.progress import progress, silence
from mace.training.checkpoint import CheckpointStore
from mace.training.checks import checked_indices, checked_start
from mace.training.config import TrainConfig
from mace.training.fine_tune import start_digest
from mace.training.fitted import Fitted
from mace.training.hosts import by_writer, is_writer, require_same
from mace.training.log import run_log
from mace.training.mixing import Mix, own_clips
from mace.training.run import Run
from mace.training.signals import stop_signals
from mace.training.source import ClipSource
from mace.training.state import make_fold

SHOWN = ("loss", "accuracy", "validation_uf1")


def fit(
    motion_set: MotionSet,
    train_index: Int[np.ndarray, " m"] | Sequence[int],
    *,
    config: TrainConfig,
    seed: int = 0,
    validation_index: Int[np.ndarray, " v"] | Sequence[int] | None = None,
    start: Bundle | None = None,
    mix: Mix | None = None,
    run_dir: Path | None = None,
    label: str = "training",
) -> Fitted:
    """Train a network on some clips of a set; a run found in `run_dir` goes on where it was.

    The parameters are a function of the arguments alone: a run that was killed and started again
    ends with the same ones, bit for bit, on the same machine.

    Args:
        motion_set: all clips.
        train_index: positions of the clips to learn from; their order does not matter.
        config: the run.
        seed: of all that is random.
        validation_index: positions of the clips for `selection = "best"` and the history; they
            must be of training subjects, and none of `train_index`.
        start: a pre-trained network of the same layers to go on from; its last layer is drawn anew
            if its classes are others. Inputs are normalised as `config` says, not as it did.
        mix: clips of other people that share every batch; they count neither as training clips of
            the fold for its statistics and class counts, nor for the length of an epoch.
        run_dir: where checkpoints, `config.json`, `metrics.jsonl` and TensorBoard's files go;
            None writes nothing.
        label: what the progress display says.

    Raises:
        ConfigError: for a setting that does not go with another or with this machine.
        DataError: for an index out of range, or inputs that do not fit `motion_set.motion`.
        CheckpointError: if `run_dir` holds a damaged checkpoint, or another run's.
        OutputError: if `run_dir` cannot be written to.
        TrainingError: if the loss or its gradient is not a number.
        Interrupted: after SIGINT or SIGTERM; the state is saved if there is a `run_dir`.
    """
    train, validation = checked_indices(motion_set, train_index, validation_index, config)
    variables = checked_start(motion_set, config, start)
    run = Run(
        source=ClipSource(motion_set, config=config, validation=validation, mix=mix),
        config=config,
        fold=make_fold(
            motion_set,
            train,
            config=config,
            seed=seed,
            start=variables,
            own=own_clips(mix, config.batch_size),
        ),
    )
    identity = _identity(motion_set, train, validation, config, seed)
    identity["start"] = None if variables is None else start_digest(variables)
    identity["mix"] = None
    if mix is not None:
        identity["mix"] = {"data": mix.motion_set.fingerprint, "share": mix.share}
    return run_to_the_end(run, identity=identity, run_dir=run_dir, label=label)


def run_to_the_end(
    run: Run, *, identity: Mapping[str, Any], run_dir: Path | None, label: str
) -> Fitted:
    """Go on with a run from its latest checkpoint in `run_dir`, if any, to its last epoch.

    `identity` says what decides the run's numbers; a folder that holds another run is refused.
    """
    require_same(
        "recipe, seed or data set", json.dumps([identity, to_dict(run.config)], default=str)
    )
    with ExitStack() as stack:
        if run_dir is not None:
            by_writer(lambda: _open_store(run, Path(run_dir), identity, stack))
            run.restore()
            by_writer(lambda: _open_log(run, Path(run_dir), stack))
        stop = stack.enter_context(stop_signals())
        shown = progress(label, run.config.epochs, done=run.epoch) if is_writer() else silence()
        advance = stack.enter_context(shown)
        while not run.finished:
            row = run.train_epoch(stop)
            notes = [f"{name} {row[name]:.3f}" for name in SHOWN if name in row]
            advance(note=", ".join(notes))
        return run.result()


def _open_store(run: Run, run_dir: Path, identity: Mapping[str, Any], stack: ExitStack) -> None:
    run.store = CheckpointStore(run_dir, identity)
    stack.callback(run.store.close)


def _open_log(run: Run, run_dir: Path, stack: ExitStack) -> None:
    write_json(run_dir / "config.json", to_dict(run.config))
    run.log = stack.enter_context(run_log(run_dir, run.history))


def _identity(
    motion_set: MotionSet,
    train: np.ndarray,
    validation: np.ndarray | None,
    config: TrainConfig,
    seed: int,
) -> dict[str, Any]:
    def clips(index: np.ndarray) -> str:
        names = "\n".join(motion_set.clips[i] for i in index)
        return f"{len(index)} clips ({hashlib.sha256(names.encode()).hexdigest()[:8]})"

    return {
        "config": hashed_settings(config),
        "motion": to_dict(motion_set.motion),
        "seed": seed,
        "classes": list(motion_set.classes),
        "data": motion_set.fingerprint,
        "training clips": clips(train),
        "validation clips": None if validation is None else clips(validation),
    }
