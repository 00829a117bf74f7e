"""`fit_stream`: from batches without end to a trained network."""

from pathlib import Path
from typing import Any

import jax.numpy as jnp

from mace.config import hashed_settings, to_dict
from mace.training.config import TrainConfig
from mace.training.fitted import Fitted
from mace.training.loop import run_to_the_end
from mace.training.run import Run
from mace.training.source import Stream
from mace.training.state import FoldArrays


def fit_stream(
    stream: Stream,
    *,
    config: TrainConfig,
    steps_per_epoch: int,
    seed: int = 0,
    run_dir: Path | None = None,
    label: str = "pre-training",
) -> Fitted:
    """Train a network on a stream; a run found in `run_dir` goes on where it was.

    An epoch is `steps_per_epoch` batches. `augment` and `mixup` of the configuration are the
    stream's own business, and the inputs come normalised, each image by itself. Everything else is
    as in `fit`, errors included.
    """
    fold = stream_fold(stream, steps_per_epoch=steps_per_epoch, epochs=config.epochs, seed=seed)
    identity: dict[str, Any] = {
        "config": hashed_settings(config),
        "motion": to_dict(stream.motion),
        "seed": seed,
        "classes": list(stream.classes),
        "data": stream.fingerprint,
        "steps per epoch": steps_per_epoch,
    }
    run = Run(source=stream, config=config, fold=fold)
    return run_to_the_end(run, identity=identity, run_dir=run_dir, label=label)


def stream_fold(stream: Stream, *, steps_per_epoch: int, epochs: int, seed: int) -> FoldArrays:
    """Return the arrays of a run on a stream, which has no clips to deal to folds."""
    classes, channels = len(stream.classes), stream.example.shape[-1]
    return FoldArrays(
        seed=jnp.asarray(seed, jnp.uint32),
        member=jnp.ones(1),
        size=jnp.asarray(1, jnp.int32),
        steps_per_epoch=jnp.asarray(steps_per_epoch, jnp.int32),
        total_steps=jnp.asarray(steps_per_epoch * epochs, jnp.int32),
        class_counts=jnp.ones(classes),
        mean=jnp.zeros(channels),
        std=jnp.ones(channels),
    )
