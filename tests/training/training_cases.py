"""A set and a network small enough to train in a second, shared by tests and child processes."""

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from mace.augment.config import AugmentConfig
from mace.data.motion_set import MotionSet
from mace.models.config import ModelConfig
from mace.motion.config import MotionConfig
from mace.training.config import OptimiserConfig, TrainConfig
from mace.training.member import Member
from mace.training.plan import Plan

MODEL = ModelConfig(
    arch="resnet", widths=(4,), depths=(1,), stem_stride=4, head="average", dropout=0.0
)
CONFIG = TrainConfig(
    model=MODEL, epochs=4, batch_size=8, checkpoint_every=1, augment=AugmentConfig(noise=0.1)
)

# What several devices share: everything that is drawn at random, a running mean, fast changes.
SHARED = replace(
    CONFIG,
    batch_size=16,
    mixup=0.4,
    ema=0.9,
    optimiser=OptimiserConfig(learning_rate=0.01),
)


# Two lanes, as on a CPU of two cores.
PLAN = Plan(kind="step", lanes=2, loop="python", convolutions="native")


def three_members() -> list[Member]:
    """Return members that differ in all that a population allows: one of them ends early."""
    best = replace(CONFIG, selection="best", patience=2, epochs=6)
    fast = replace(CONFIG, optimiser=OptimiserConfig(learning_rate=0.01), checkpoint_every=2)
    return [
        Member(config=CONFIG, train_index=range(20), seed=5),
        Member(config=best, train_index=range(16), validation_index=range(16, 24), seed=1),
        Member(config=fast, train_index=range(8, 24), validation_index=range(8), seed=2),
    ]


def members_and_plan(count: int) -> tuple[list[Member], Plan | None]:
    """Return a population of three in two lanes, or a run: one member, planned as `fit` plans."""
    return three_members()[:count], None if count == 1 else PLAN


def signalling(advance: Callable[..., Any], step: int, number: signal.Signals):
    """Return `Program.advance` with a signal to this process after a step of the first member.

    A loop on the device takes all steps of an epoch at once: the signal comes after that epoch.
    """

    def after(self, states, *arguments, stop, **settings):
        done = int(states.step[0])

        def look() -> bool:
            nonlocal done
            if done == step:  # a second signal would not be caught
                os.kill(os.getpid(), number)
            done += 1
            return stop()

        result = advance(self, states, *arguments, stop=look, **settings)
        if done < step <= int(result[0].step[0]):
            os.kill(os.getpid(), number)
        return result

    return after


def make_set(clips: int = 24, *, channels: int = 3, size: int = 28) -> MotionSet:
    """Return clips of six subjects whose class is the direction of a uniform horizontal flow."""
    rng = np.random.default_rng(0)
    labels = (np.arange(clips) % 3).astype(np.int32)
    inputs = rng.normal(scale=0.3, size=(clips, 2, size, size, channels)).astype(np.float32)
    # The vertical channel: mirroring leaves the classes alone.
    inputs[..., min(1, channels - 1)] += (labels - 1.0)[:, None, None, None].astype(np.float32)
    return MotionSet(
        inputs=inputs,
        labels=labels,
        groups=(np.arange(clips) // 4).astype(np.int32),
        subjects=tuple(f"made/{i}" for i in range(-(-clips // 4))),
        clips=tuple(f"made/{i // 4}/{i}" for i in range(clips)),
        classes=("down", "still", "up"),
        motion=MotionConfig(size=size),
    )
