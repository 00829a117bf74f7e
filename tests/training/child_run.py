"""A training run in a process of its own that gets a real signal in the middle of an epoch.

Usage: child_run.py RUN_DIR CACHE_DIR SIGNAL STEP [DEVICES]

With DEVICES it runs on as many simulated ones. On an accelerator the signal comes after the epoch.
"""

import signal
import sys
from dataclasses import replace
from pathlib import Path

import jax

run_dir, cache_dir, name, at, *several = sys.argv[1:]
# As in conftest.py, so that parent and child compile the same program for the same machine.
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_num_cpu_devices", int(several[0]) if several else 2)
if several:
    jax.config.update("jax_platforms", "cpu")

from training_cases import CONFIG, make_set, signalling  # noqa: E402

from mace.compilation import keep_compiled  # noqa: E402
from mace.errors import MaceError  # noqa: E402
from mace.training.fit import fit  # noqa: E402
from mace.training.program import Program  # noqa: E402

config = replace(CONFIG, devices=int(several[0])) if several else CONFIG
keep_compiled(Path(cache_dir))
Program.advance = signalling(Program.advance, int(at), getattr(signal, name))
try:
    fit(make_set(), range(20), config=config, seed=5, run_dir=Path(run_dir))
except MaceError as error:
    print(error)
    sys.exit(error.exit_code)
