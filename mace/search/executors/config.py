"""Which engine runs the jobs, and on how much of what there is."""

from dataclasses import dataclass
from typing import Literal

from mace.errors import ConfigError

EngineKind = Literal["inline", "local", "ray"]


@dataclass(frozen=True, kw_only=True)
class EngineConfig:
    """Where jobs run; it decides nothing about their results.

    Attributes:
        kind: `inline` is this process, `local` worker processes with a core or a GPU each, `ray` a
            Ray cluster.
        workers: how many; by default one per core or GPU, on a cluster all that it holds.
        address: of the cluster, HOST:PORT of its head, or `auto` on one of its machines; None
            starts a cluster of this machine alone.
        gpus_per_worker: of the cluster's GPUs; 0.25 lets four workers share one, 0 works on cores.
        retries: how often a job runs again after its worker died.

    Raises:
        ConfigError: for a number out of range, or a setting of another engine.
    """

    kind: EngineKind = "local"
    workers: int | None = None
    address: str | None = None
    gpus_per_worker: float = 0.0
    retries: int = 3

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise ConfigError(f"engine.workers is {self.workers}, expected 1 or more")
        if self.retries < 0:
            raise ConfigError(f"engine.retries is {self.retries}, expected 0 or more")
        # Written so that NaN fails as well.
        if not 0 <= self.gpus_per_worker <= 64:
            raise ConfigError(f"engine.gpus_per_worker is {self.gpus_per_worker}, expected 0 to 64")
        if self.gpus_per_worker > 1 and self.gpus_per_worker % 1:
            raise ConfigError(
                f"engine.gpus_per_worker is {self.gpus_per_worker}; above 1 only whole GPUs can be "
                "given to a worker"
            )
        if self.kind == "inline" and self.workers not in (None, 1):
            raise ConfigError(
                f"engine.workers is {self.workers}, but the engine inline is this process alone; "
                "choose the engine local"
            )
        if self.kind != "ray" and (self.address is not None or self.gpus_per_worker):
            name = "address" if self.address is not None else "gpus_per_worker"
            raise ConfigError(f"engine.{name} is for the engine ray, not for {self.kind}")
