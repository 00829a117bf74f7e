"""The folder of a study: what survives an interruption, and what a report is made from.

study.json      what is searched on what: space, recipe, groups, protocol
results.jsonl   one line for each evaluated setting, only ever appended to
journal.log     Optuna's proposals, unless a database has them; `optuna-dashboard` opens it
chosen.json     the setting chosen for each group, and every outer score computed so far
outer/          the outer score, an ordinary evaluation: `mace report`, `audit`, `compare`
status/, lock   processes at work
"""

import json
from pathlib import Path
from typing import Any

from mace.errors import DataError
from mace.files import write_json

KIND = "mace search"


class StudyFolder:
    """Reads and writes the files of one study."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)

    @property
    def outer(self) -> Path:
        """Folder of the outer evaluation."""
        return self.path / "outer"

    def write(self, study: dict[str, Any]) -> None:
        """Store what is searched.

        Raises:
            OutputError: if the folder cannot be written to.
        """
        write_json(self.path / "study.json", {"kind": KIND, **study})

    def read(self) -> dict[str, Any]:
        """Return what `write` stored.

        Raises:
            DataError: if the folder holds no study.
        """
        study = self.find()
        if study is None:
            raise DataError(
                f"{self.path} holds no search (no readable study.json); `mace search` makes one"
            )
        return study

    def find(self) -> dict[str, Any] | None:
        """Return what `write` stored; None if the folder holds no study."""
        study = self._read("study.json")
        return study if study is not None and study.get("kind") == KIND else None

    def write_chosen(self, chosen: dict[str, Any]) -> None:
        """Store the choices and the outer scores.

        Raises:
            OutputError: if the folder cannot be written to.
        """
        write_json(self.path / "chosen.json", chosen)

    def read_chosen(self) -> dict[str, Any] | None:
        """Return what `write_chosen` stored; None while the search goes on."""
        return self._read("chosen.json")

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            found = json.loads((self.path / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None


def is_study(path: Path) -> bool:
    """Return whether a folder holds a search."""
    return StudyFolder(path).find() is not None
