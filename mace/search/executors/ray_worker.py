"""One worker on a Ray cluster: an actor with a core, or a part of a GPU, of some machine."""

import os
import sys
from typing import Any, NamedTuple

from mace import __version__
from mace.search.executors.protocol import Work


class Arrival(NamedTuple):
    """What a worker says of itself."""

    node: str
    version: str


class RayWorker:
    """Runs jobs one after the other; `shared` comes from the machine's object store."""

    def __init__(self, work: Work, shared: Any, *, gpu: bool) -> None:
        self._work, self._shared = work, shared
        if "jax" not in sys.modules:
            return
        import jax

        from mace.compilation import default_cache_dir
        from mace.search.executors.process import prepare_jax

        # Ray hides no GPU from a worker that asked for none.
        if not gpu:
            jax.config.update("jax_platforms", "cpu")
        prepare_jax(default_cache_dir())

    def arrive(self) -> Arrival:
        """Say where it is, and that it is ready."""
        import ray  # pyright: ignore[reportMissingImports]

        return Arrival(node=ray.get_runtime_context().get_node_id(), version=__version__)

    def keep_to_core(self, number: int) -> None:
        """Keep to one core, the workers of a machine being numbered from 0."""
        if hasattr(os, "sched_setaffinity"):
            cores = sorted(os.sched_getaffinity(0))
            os.sched_setaffinity(0, {cores[number % len(cores)]})

    def run(self, job: Any) -> Any:
        """Return the result of a job."""
        return self._work(self._shared, job)
