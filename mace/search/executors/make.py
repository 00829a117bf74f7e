"""From a configuration to the engine it names."""

from collections.abc import Callable
from typing import Any

from mace.search.executors.config import EngineConfig
from mace.search.executors.inline import InlineExecutor
from mace.search.executors.local import LocalExecutor
from mace.search.executors.on_ray import RayExecutor
from mace.search.executors.protocol import Executor, Work
from mace.search.executors.ray_cluster import require_cluster

type Engine = Callable[[Work, Any], Executor]
"""`(work, shared)` to an executor."""


def make_engine(config: EngineConfig) -> Engine:
    """Return the engine of a configuration; its workers start when the executor is entered.

    Raises:
        ConfigError: if the engine is not installed, or its cluster is not there.
    """
    if config.kind == "ray":
        require_cluster(config.address)

    def engine(work: Work, shared: Any) -> Executor:
        if config.kind == "inline":
            return InlineExecutor(work, shared)
        if config.kind == "local":
            return LocalExecutor(work, shared, workers=config.workers, retries=config.retries)
        return RayExecutor(
            work,
            shared,
            workers=config.workers,
            address=config.address,
            gpus_per_worker=config.gpus_per_worker,
            retries=config.retries,
        )

    return engine
