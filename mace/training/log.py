"""A run's numbers for people and tools: `metrics.jsonl` and TensorBoard, one row an epoch.

Where tensorboardX is absent, as on a cluster's image, there is `metrics.jsonl` alone.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from mace.errors import OutputError
from mace.files import require_space, write_text
from mace.training.fitted import Row


class WriteRow(Protocol):
    """Appends one epoch's numbers to a run's log."""

    def __call__(self, row: Mapping[str, int | float], /) -> None:
        """Append `row`, which has an `epoch`."""
        ...


@contextmanager
def run_log(run_dir: Path, history: Sequence[Row]) -> Iterator[WriteRow]:
    """Yield the function that logs an epoch below `run_dir`.

    Rows after the last of `history` are of epochs that the run repeats after a crash: they are
    dropped here and hidden in TensorBoard.

    Raises:
        OutputError: if the folder cannot be written to.
    """
    path = run_dir / "metrics.jsonl"
    write_text(path, "".join(json.dumps(row) + "\n" for row in history))
    purge = int(history[-1]["epoch"]) + 1 if history else 0
    try:
        board = _open_board(run_dir / "tensorboard", purge)
    except OSError as error:
        raise OutputError(f"cannot write {run_dir}: {error.strerror or error}") from error

    def write(row: Mapping[str, int | float], /) -> None:
        require_space(run_dir)
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            if board is not None:
                for name, value in row.items():
                    if name not in ("epoch", "step"):
                        board.add_scalar(name, value, int(row["epoch"]))
                board.flush()
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror or error}") from error

    try:
        yield write
    finally:
        if board is not None:
            with suppress(OSError):
                board.close()


def _open_board(folder: Path, purge: int) -> Any | None:
    """Return TensorBoard's writer that hides what was logged from epoch `purge` on, or None."""
    try:
        from tensorboardX import SummaryWriter
    except ModuleNotFoundError:
        print("no curves for TensorBoard: tensorboardX is not installed", file=sys.stderr)
        return None
    return SummaryWriter(str(folder), purge_step=purge, write_to_disk=True)
