"""What a search is asked to do: how, what, kept where, and in which processes it trains."""

import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mace.config import UNHASHED
from mace.errors import ConfigError
from mace.protocols.benchmarks import BenchmarkName
from mace.training.config import TrainConfig

if TYPE_CHECKING:  # `--help` is to show at once
    from mace.search.space import SearchSpace

SamplerName = Literal["tpe", "random", "grid", "qmc"]
PruneName = Literal["none", "asha", "hyperband"]
EngineKind = Literal["inline", "local", "ray"]

# The trials, in the study's folder, unless a database has them.
STORAGE = "study.db"


@dataclass(frozen=True, kw_only=True)
class SearchConfig:
    """What a search does; with the data, the recipe and the space it decides what is chosen.

    Attributes:
        trials: settings proposed for each group; may be raised later, and the search goes on.
        groups: parts that the subjects are dealt into. For each part there is a search of its own
            that never sees the part's subjects.
        inner_folds: folds by subject that judge a setting, within the subjects outside the part.
        seed: of the dealing, the proposals and the trainings.
        sampler: `tpe` learns from earlier results (Watanabe, "Tree-structured Parzen estimator",
            2023); `random`, `grid` and `qmc` (scrambled Sobol points) depend on nothing but seed
            and number, so that an interrupted search ends as an undisturbed one.
        prune: end a setting early that is behind the others after as many epochs: `asha` (Li et
            al., "A system for massively parallel hyperparameter tuning", MLSys 2020) or
            `hyperband` (Li et al., JMLR 2018).
        first_rung: epochs before the first look; 0 chooses so that there are three looks.
        reduction: how many times more epochs up to the next look, and of how many settings one
            goes on.
        latency: also judge by the time that the network takes for one picture on the processor.
        latency_limit_ms: choose among the settings that are at most this slow; 0 for all.
        per_job: settings that one worker trains side by side.
    """

    trials: int = field(default=30, metadata=UNHASHED)
    groups: int = 3
    inner_folds: int = 3
    seed: int = 0
    sampler: SamplerName = "tpe"
    prune: PruneName = "none"
    first_rung: int = 0
    reduction: int = 3
    latency: bool = False
    latency_limit_ms: float = field(default=0.0, metadata=UNHASHED)
    per_job: int = field(default=1, metadata=UNHASHED)

    def __post_init__(self) -> None:
        for name, least in (
            ("trials", 1), ("groups", 2), ("inner_folds", 2), ("seed", 0), ("first_rung", 0),
            ("reduction", 2), ("per_job", 1),
        ):  # fmt: skip
            if getattr(self, name) < least:
                raise ConfigError(
                    f"a search has {name.replace('_', '-')} {getattr(self, name)}, expected "
                    f"{least} or more"
                )
        if not 0 <= self.latency_limit_ms < float("inf"):
            raise ConfigError(
                f"the latency limit is {self.latency_limit_ms} ms, expected 0 or more"
            )
        if self.latency and self.prune != "none":
            raise ConfigError(
                "pruning compares one score after some epochs and cannot be had with latency as a "
                "second one; leave out --prune or --latency"
            )
        if self.latency_limit_ms and not self.latency:
            raise ConfigError("a latency limit needs --latency, which measures it")

    def rungs(self, epochs: int) -> tuple[int, ...]:
        """Return the numbers of epochs, below `epochs`, after which a setting may be ended."""
        if self.prune == "none":
            return ()
        rung, rungs = self.least_epochs(epochs), []
        while rung < epochs:
            rungs.append(rung)
            rung *= self.reduction
        return tuple(rungs)

    def least_epochs(self, epochs: int) -> int:
        """Return the epochs before the first look for a training of at most `epochs`."""
        return self.first_rung or max(1, epochs // self.reduction**2)


@dataclass(frozen=True, eq=False, kw_only=True)
class SearchPlan:
    """What is searched, and where it is kept.

    Attributes:
        train: the recipe's training, which the space varies.
        space: what may be tried.
        config: how.
        out: folder of the study.
        storage: URL of the database that has the trials, or path of a file; by default the
            folder's own file.
        name: of the study in the storage; by default that of the folder.
        join: work beside other searches on this study, and leave the outer score to one of them.
        earlier: folders of studies whose best settings are tried first.
        benchmark: the protocol that the outer score is called after, if any.
        title: what tables call the result.
        description: further facts for the report.
        command: that makes the results; this process's by default.
    """

    train: TrainConfig
    space: "SearchSpace"
    config: SearchConfig
    out: Path
    storage: str = ""
    name: str = ""
    join: bool = False
    earlier: Sequence[Path] = ()
    benchmark: BenchmarkName | None = None
    title: str = "MACNN, searched"
    description: Mapping[str, str] = field(default_factory=dict)
    command: str = field(default_factory=lambda: shlex.join(sys.argv))

    def __post_init__(self) -> None:
        object.__setattr__(self, "storage", self.storage or str(Path(self.out) / STORAGE))
        object.__setattr__(self, "name", self.name or Path(self.out).resolve().name)

    def name_of(self, group: str) -> str:
        """Return the name of a group's own study."""
        return f"{self.name}/{group}"

    @property
    def owner(self) -> str:
        """The folder whose lock says that the search lives; those that join hold none."""
        return "" if self.join else f"{platform.node()}:{Path(self.out).resolve()}"


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
