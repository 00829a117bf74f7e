"""Rows of annotation tables: cells to values, with what could not be read reported."""

from mace.datasets.reading.cells import CellError
from mace.datasets.reading.records import Change
from mace.datasets.reading.tables import Row
from mace.errors import DataError


def frame_of(row: Row, column: str, where: str, clip: str, changes: list[Change]) -> int | None:
    """Return a cell as frame number, None where it is blank or, with a change, unreadable."""
    try:
        return row.frame(column)
    except CellError as error:
        changes.append(
            Change(
                kind="repair", code=f"{column}-unreadable", where=where, row=row.number, clip=clip,
                reason=f"{column} {error}; taken as missing",
            )
        )  # fmt: skip
        return None


def missing_names(row: Row, *columns: str) -> None:
    """Check that a row names its clip.

    Args:
        row: the row.
        columns: that must not be blank; by default subject, clip and emotion.

    Raises:
        DataError: with the reason to drop the row.
    """
    blank = [name for name in columns or ("subject", "clip", "emotion") if not row.text(name)]
    if blank:
        raise DataError(f"its {' and '.join(blank)} cell is blank")


def note(where: str, code: str, reason: str, row: int | None = None, clip: str = "") -> Change:
    """Return a remark."""
    return Change(kind="remark", code=code, where=where, row=row, clip=clip, reason=reason)
