"""The folder of an evaluation: what survives an interruption, and what a report is made from.

    config.json         what was evaluated on what, and the hash that names it
    predictions.jsonl   one line for each finished (method, seed, fold), only ever appended to
    heat/               where the network looked: one .npz for each fold of the first seed
    results.json        the summary, written when every fold is there
    predictions.csv     every method's predictions and probabilities, a row for each clip and seed
    predictions-seedN.log  the network's predictions in MEGC form, one file a seed
    leaky.json, leaky/  scores that are wrong on purpose, where somebody asked for them

A line carries the hash of its method's settings, the folds and the data. Lines of other settings
stay in the file and are passed over, so changing a setting back finds its results again.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from mace.config import from_dict
from mace.errors import ConfigError, DataError
from mace.evaluation.results import Leak
from mace.files import append_line, atomic_path, one_at_a_time, write_json

if TYPE_CHECKING:  # a run is read back without JAX
    from mace.evaluation.methods.method import DataUse, FoldPredictions

type RecordKey = tuple[str, int, str]
"""Hash of the method's settings, seed, name of the fold."""

# Made of the lines.
DERIVED = ("results.json", "leaky.json", "predictions.csv", "predictions-seed*.log")

# Digits of a stored probability: enough for any score, and a line stays readable.
DIGITS = 6


class RunFolder:
    """Reads and writes the files of one evaluation."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes from writing here: what they evaluate would be taken for this.

        Raises:
            ConfigError: if one does.
            OutputError: if the folder cannot be written to.
        """
        with ExitStack() as stack:
            try:
                stack.enter_context(one_at_a_time(self.path, wait=False))
            except BlockingIOError as error:
                raise ConfigError(
                    f"another evaluation is writing {self.path}; wait for it, or choose another "
                    "--out"
                ) from error
            yield

    def write_config(self, config: Mapping[str, Any]) -> None:
        """Store what is being evaluated; what was made of anything else goes.

        Raises:
            OutputError: if the folder cannot be written to.
        """
        try:
            same = self.read_config()["methods"] == config["methods"]
        except (DataError, KeyError, TypeError):
            same = False
        if not same:
            for pattern in DERIVED:
                for path in self.path.glob(pattern):
                    path.unlink()
        write_json(self.path / "config.json", config)

    def write_results(self, results: Mapping[str, Any]) -> None:
        """Store the summary.

        Raises:
            OutputError: if the folder cannot be written to.
        """
        write_json(self.path / "results.json", results)

    def read_config(self) -> dict[str, Any]:
        """Return what `write_config` stored.

        Raises:
            DataError: if the folder holds no evaluation.
        """
        try:
            return json.loads((self.path / "config.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(
                f"{self.path} holds no evaluation (no readable config.json); run one first"
            ) from error

    def read_leaks(self) -> tuple[Leak, ...]:
        """Return the scores that are wrong on purpose; none where none were made."""
        path = self.path / "leaky.json"
        if not path.exists():
            return ()
        rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
        return tuple(from_dict(Leak, row, where="leaks") for row in rows)

    def append(self, key: RecordKey, record: Mapping[str, Any]) -> None:
        """Add one finished fold as a line.

        Raises:
            OutputError: if the file cannot be written to.
        """
        line = json.dumps({"key": key[0], "seed": key[1], "fold": key[2], **record})
        append_line(self._predictions, line)

    def records(self) -> dict[RecordKey, dict[str, Any]]:
        """Return the finished folds; the later of two lines with one key counts."""
        if not self._predictions.exists():
            return {}
        records: dict[RecordKey, dict[str, Any]] = {}
        for line in self._predictions.read_bytes().splitlines():
            try:
                record = json.loads(line)
                records[record["key"], record["seed"], record["fold"]] = record
            except (ValueError, KeyError, TypeError):
                continue  # torn by a crash: that fold simply runs again
        return records

    def write_heat(
        self, key: RecordKey, clips: Sequence[str], heat: Float[np.ndarray, "m h w"]
    ) -> None:
        """Store maps of where a method looked, one for each clip, as uint8.

        Raises:
            OutputError: if the folder cannot be written to.
        """
        with atomic_path(self.heat_path(key)) as temporary:
            whole = np.round(255 * np.clip(heat, 0, 1)).astype(np.uint8)
            np.savez_compressed(temporary, clips=np.array(clips), heat=whole)

    def read_heat(self, key: RecordKey) -> dict[str, Float[np.ndarray, "h w"]]:
        """Return the maps of a fold by clip, in [0, 1]; nothing if none were stored."""
        path = self.heat_path(key)
        if not path.exists():
            return {}
        with np.load(path) as stored:
            maps = stored["heat"].astype(np.float32) / np.float32(255)
            return dict(zip(stored["clips"].tolist(), maps, strict=True))

    def heat_path(self, key: RecordKey) -> Path:
        """Return where `write_heat` puts the maps of a fold."""
        fold = "".join(c if c.isalnum() else "-" for c in key[2])
        return self.path / "heat" / f"{key[0]}-{key[1]}-{fold}.npz"

    @property
    def _predictions(self) -> Path:
        return self.path / "predictions.jsonl"


def encode_index(index: Int[np.ndarray, " m"]) -> list[list[int]]:
    """Return positions as sorted ranges [first, last + 1]: short where subjects lie together."""
    positions = np.unique(index)
    if not positions.size:
        return []
    breaks = np.flatnonzero(np.diff(positions) > 1) + 1
    return [[int(run[0]), int(run[-1]) + 1] for run in np.split(positions, breaks)]


def decode_index(ranges: Sequence[Sequence[int]]) -> Int[np.ndarray, " m"]:
    """Return the positions that `encode_index` was given, sorted."""
    return np.concatenate([np.zeros(0, np.int64), *(np.arange(a, b) for a, b in ranges)])


def encode_predictions(predictions: "FoldPredictions") -> dict[str, Any]:
    """Return the part of a line that holds a method's predictions for a fold."""
    probabilities = predictions.probabilities
    return {
        "prediction": predictions.predicted.tolist(),
        "probabilities": None
        if probabilities is None
        else np.round(probabilities.astype(np.float64), DIGITS).tolist(),
        "history": {name: list(map(float, curve)) for name, curve in predictions.history.items()},
        "data_use": None
        if predictions.data_use is None
        else _encode_data_use(predictions.data_use),
    }


def _encode_data_use(data_use: "DataUse") -> dict[str, Any]:
    def ranges(index: np.ndarray | None) -> list[list[int]] | None:
        return None if index is None else encode_index(index)

    return {
        "fitted": encode_index(data_use.fitted),
        "validation": ranges(data_use.validation),
        "normalised": ranges(data_use.normalised),
        "selection": data_use.selection,
    }
