"""What one worker process gets of this machine: a core or a GPU."""

import importlib.util
import os
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from mace.workers import environment


@dataclass(frozen=True)
class Place:
    """A core of this process' own, or a GPU by the name that CUDA knows it by."""

    core: int | None = None
    gpu: str | None = None


def find_places() -> list[Place]:
    """Return one place for each GPU that JAX could use, or else for each core of this process.

    Nothing is asked of JAX, which would take most of a GPU's memory for this process.
    """
    gpus = [Place(gpu=name) for name in _gpus()]
    if gpus:
        return gpus
    if hasattr(os, "sched_getaffinity"):
        return [Place(core=core) for core in sorted(os.sched_getaffinity(0))]
    return [Place()] * (os.cpu_count() or 1)


def children_in(place: Place, *, crowded: bool) -> AbstractContextManager[None]:
    """Processes started within see the GPU of `place` alone; `crowded` if they share it."""
    wanted = {}
    if place.gpu is not None:
        wanted["CUDA_VISIBLE_DEVICES"] = place.gpu
        if crowded:
            # JAX takes three quarters of a GPU's memory at once unless it is told otherwise.
            wanted["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
    return environment(wanted)


def _gpus() -> list[str]:
    platforms = os.environ.get("JAX_PLATFORMS", "")
    plugins = importlib.util.find_spec("jax_plugins")
    if plugins is None or (platforms and not {"cuda", "gpu"} & set(platforms.split(","))):
        return []
    folders = [Path(folder) for folder in plugins.submodule_search_locations or ()]
    if not any(path for folder in folders for path in folder.glob("xla_cuda*")):
        return []
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name for name in visible.split(",") if name and name != "-1"]
    return [str(number) for number in range(len(list(Path("/dev").glob("nvidia[0-9]*"))))]
