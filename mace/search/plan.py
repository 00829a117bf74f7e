"""What a search is asked to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mace.protocols.benchmarks import BenchmarkName
from mace.search.config import SearchConfig
from mace.search.space import SearchSpace
from mace.search.storage import JOURNAL, StorageAddress
from mace.training.config import TrainConfig


@dataclass(frozen=True, eq=False, kw_only=True)
class SearchPlan:
    """What is searched, and where it is kept.

    Attributes:
        train: the recipe's training, which the space varies.
        space: what may be tried.
        config: how.
        out: folder of the study.
        name: of the study in a shared storage; that of the folder if empty.
        storage: URL of a database, or path of a journal, in place of the folder's own journal.
        join: work beside other searches on this study, and leave the outer score to one of them.
        earlier: folders of studies whose best settings are tried first.
        benchmark: the protocol that the outer score is called after, if any.
        title: what tables call the result.
        description: further facts for the report.
        command: that makes the results; this process's if empty.
    """

    train: TrainConfig
    space: SearchSpace
    config: SearchConfig
    out: Path
    name: str = ""
    storage: str = ""
    join: bool = False
    earlier: Sequence[Path] = ()
    benchmark: BenchmarkName | None = None
    title: str = "MACNN, searched"
    description: Mapping[str, str] = field(default_factory=dict)
    command: str = ""

    @property
    def address(self) -> StorageAddress:
        """Return where the proposals are kept."""
        return StorageAddress(self.storage or str(Path(self.out) / JOURNAL))

    @property
    def study_name(self) -> str:
        """Return the study's name in the storage; each group's has its own below it."""
        return self.name or Path(self.out).resolve().name
