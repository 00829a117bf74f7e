"""Two runs of one seed: are they equal bit for bit, with which flags, and what does that cost?

Each run is a process of its own, since XLA reads its flags once and chooses algorithms anew in
every process. Within a process the network is trained twice, so that chance in the choice of
algorithms can be told from chance in the order of sums.
"""

import hashlib
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from mace.training.fit import fit
from on_device.cases import SMALL, TOY_MACNN, on_cpu, random_set, training
from on_device.results import Results
from on_device.sizes import FULL, TOY

FLAGS = {
    "default": "",
    "deterministic": "--xla_gpu_deterministic_ops=true",
    "deterministic_untuned": "--xla_gpu_deterministic_ops=true --xla_gpu_autotune_level=0",
}
"""`XLA_FLAGS` by name; on a CPU they are read and change nothing."""


def measure(results: Results, *, tiny: bool) -> None:
    """Run every set of flags in two processes, and compare."""
    for name, flags in list(FLAGS.items())[: 1 if tiny else None]:
        results.measure(name, lambda flags=flags: twice(flags, tiny=tiny))


def twice(flags: str, *, tiny: bool) -> dict[str, Any]:
    """Return whether weights were equal, and the seconds of a training that is compiled."""
    first, second = (_run(flags, tiny=tiny) for _ in range(2))
    return {
        "flags": flags,
        "equal_in_a_process": first["weights"][0] == first["weights"][1],
        "equal_between_processes": first["weights"] == second["weights"],
        "warm_s": min(first["warm_s"], second["warm_s"]),
        "first_s": min(first["first_s"], second["first_s"]),
    }


def _run(flags: str, *, tiny: bool) -> dict[str, Any]:
    command = [sys.executable, "-m", "on_device.determinism", *["tiny"] * tiny]
    every = " ".join(filter(None, [os.environ.get("XLA_FLAGS"), flags]))
    answer = subprocess.run(
        command,
        env={**os.environ, "XLA_FLAGS": every, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(answer.stdout.splitlines()[-1])


def main() -> None:
    tiny = sys.argv[1:] == ["tiny"]
    size = TOY if tiny else replace(FULL, epochs=5 if on_cpu() else 20)
    motion_set, config = random_set(size), training(TOY_MACNN if tiny else SMALL, size)
    weights, seconds = [], []
    for _ in range(2):
        start = time.perf_counter()
        fitted = fit(motion_set, np.arange(len(motion_set)), config=config, seed=0)
        seconds.append(time.perf_counter() - start)
        leaves = b"".join(np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(fitted.variables))
        weights.append(hashlib.sha256(leaves).hexdigest())
    print(json.dumps({"weights": weights, "first_s": seconds[0], "warm_s": seconds[1]}))


if __name__ == "__main__":
    main()
