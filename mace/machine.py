"""What this machine has for workers: its cores, or its GPUs."""

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Place:
    """What a worker has: a core of this process's own, or a GPU by CUDA's name for it."""

    core: int | None = None
    gpu: str | None = None

    def enter(self, *, crowded: bool) -> None:
        """Keep this process to the place, before JAX is imported; `crowded` if it is shared."""
        if self.gpu is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = self.gpu
            if crowded:
                # JAX takes three quarters of a GPU's memory at once unless it is told otherwise.
                os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
        if self.core is not None and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {self.core})


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
