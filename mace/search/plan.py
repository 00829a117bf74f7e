"""What a search is asked to do, and what must be the same whenever somebody goes on with it."""

import functools
import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from mace.config import flattened, hashed_settings
from mace.errors import ConfigError
from mace.protocols.benchmarks import BenchmarkName
from mace.search.config import SearchConfig
from mace.search.space import SearchSpace, plain
from mace.training.config import TrainConfig

# The trials, in the study's folder, unless a database has them.
STORAGE = "study.db"

# What decides the score of a setting. Reports, commands and loaders do not: what the loaders gave
# is in the data's fingerprint.
DECIDING = (
    "augment", "losses", "models", "training", "metrics.py", "prediction.py",
    "protocols/folds.py", "protocols/inner.py", "evaluation/network.py", "search/folds.py",
    "search/objective.py", "search/sampler.py",
)  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class SearchPlan:
    """What is searched, and where it is kept.

    Attributes:
        train: the recipe's training, which the space varies.
        space: what may be tried.
        config: how.
        out: folder of the study.
        name: of the study in a shared storage; that of the folder if empty.
        database: URL of a database, or path of a file, in place of the folder's own file.
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
    database: str = ""
    join: bool = False
    earlier: Sequence[Path] = ()
    benchmark: BenchmarkName | None = None
    title: str = "MACNN, searched"
    description: Mapping[str, str] = field(default_factory=dict)
    command: str = ""

    @property
    def storage(self) -> str:
        """Where the trials are: a URL, or the path of a file."""
        return self.database or str(Path(self.out) / STORAGE)

    @property
    def study_name(self) -> str:
        """The study's name in the storage."""
        return self.name or Path(self.out).resolve().name

    def name_of(self, group: str) -> str:
        """Return the name of a group's own study."""
        return f"{self.study_name}/{group}"

    @property
    def owner(self) -> str:
        """The folder whose lock says that the search lives; those that join hold none."""
        return "" if self.join else f"{platform.node()}:{Path(self.out).resolve()}"

    def identity(self) -> dict[str, Any]:
        """Return what the study is about, but for its data."""
        return {
            "recipe": {"train": hashed_settings(self.train)},
            "space": self.space.to_dict(),
            "search": hashed_settings(self.config),
            "code": code_version(),
        }


def refuse_difference(known: Mapping[str, Any], now: Mapping[str, Any], *, what: str) -> None:
    """Refuse to go on with a study under other settings, as far as both say what they are.

    Raises:
        ConfigError: naming the first one that differs.
    """
    before = flattened({name: value for name, value in known.items() if name in now})
    after = flattened(plain(now))
    for path in dict.fromkeys([*before, *after]):
        if before.get(path) != after.get(path):
            raise ConfigError(
                f"{what} was begun with {path} {_short(before.get(path))}, now it is "
                f"{_short(after.get(path))}; go back to that, or choose another --out (in a "
                "database another --name) and take over its best settings with --from"
            )


@functools.cache
def code_version() -> str:
    """Return 12 hexadecimal digits of the source that decides a score, and of JAX's version."""
    folder = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for name in DECIDING:
        path = folder / name
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(f"{file.relative_to(folder)}\n".encode())
            digest.update(file.read_bytes())
    for package in ("jax", "jaxlib", "flax", "optax"):
        digest.update(f"{package} {metadata.version(package)}\n".encode())
    return digest.hexdigest()[:12]


def _short(value: Any) -> str:
    text = "absent" if value is None else json.dumps(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
