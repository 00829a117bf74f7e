"""Members in a process of their own that is killed at its n-th event, if it gets that far.

Usage: child_resume.py RUN_DIR CACHE_DIR N MEMBERS

An event is a step, the begin of a checkpoint, or the moment between its files and their list.
"""

import itertools
import os
import signal
import sys
from pathlib import Path

import jax

run_dir, cache_dir = Path(sys.argv[1]), Path(sys.argv[2])
last, count = int(sys.argv[3]), int(sys.argv[4])
# As in conftest.py, so that parent and child compile the same program for the same machine.
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_num_cpu_devices", 2)

from training_cases import make_set, members_and_plan  # noqa: E402

from mace.compilation import keep_compiled  # noqa: E402
from mace.training import checkpoint  # noqa: E402
from mace.training.fit import train_population  # noqa: E402
from mace.training.program import Program  # noqa: E402

events = itertools.count()


def event() -> None:
    if next(events) == last:
        os.kill(os.getpid(), signal.SIGKILL)


def before(function):
    def killed_before(*arguments, **settings):
        event()
        return function(*arguments, **settings)

    return killed_before


def stepwise(advance):
    def stepping(self, *arguments, stop, **settings):
        return advance(self, *arguments, stop=before(stop), **settings)

    return stepping


keep_compiled(cache_dir)
Program.advance = stepwise(Program.advance)
checkpoint.CheckpointStore.save = before(checkpoint.CheckpointStore.save)
checkpoint.write_json = before(checkpoint.write_json)
members, plan = members_and_plan(count)
train_population(make_set(), members, plan=plan, run_dir=run_dir)
print(next(events))
