"""One of several processes that train together; writes its parameters beside what it was told."""

import json
import sys
from dataclasses import replace
from pathlib import Path

settings = json.loads(sys.argv[1])

import jax  # noqa: E402

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_num_cpu_devices", settings["local_devices"])

from mace.errors import MaceError  # noqa: E402
from mace.hosts.agreement import is_writer, join_hosts  # noqa: E402
from mace.hosts.meeting import HostsConfig  # noqa: E402

number = settings["process_id"]
try:
    if settings["processes"] > 1:
        join_hosts(
            HostsConfig(
                coordinator=settings["coordinator"],
                processes=settings["processes"],
                process_id=number,
                timeout_s=settings.get("timeout_s", 60),
            )
        )
    import numpy as np
    from training_cases import SHARED, make_set

    from mace.training.checkpoint import named_leaves
    from mace.training.fit import fit

    config = replace(SHARED, devices=jax.device_count(), **settings.get("config", {}))
    fitted = fit(
        make_set(32),
        range(28),
        config=config,
        seed=settings.get("seed", 0),
        validation_index=range(28, 32),
        run_dir=Path(settings["folder"]) / settings.get("run", "run"),
    )
except MaceError as error:
    sys.exit(f"process {number}: {error}")
np.savez(
    Path(settings["folder"]) / f"variables-{settings.get('run', 'run')}-{number}.npz",
    history=json.dumps(fitted.history),
    chosen=fitted.chosen_epoch,
    writer=is_writer(),
    **named_leaves(fitted.variables),
)
