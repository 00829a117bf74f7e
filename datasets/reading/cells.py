"""Cells of spreadsheets: numbers as text, text as numbers, and all the ways to write nothing."""

import math
import re
import unicodedata

from mace.protocols.names import clip_words, subject_number

# What people type where there is no value; "?" only where a number is expected.
_NOTHING = frozenset({"", "/", "\\", "-", "--", "—", "nan", "n/a", "na", "none", "null", "#n/a"})
_INTEGER = re.compile(r"[0-9]{1,12}(?:\.0*)?")
_WHOLE = re.compile(r"([0-9]+)\.0+")


class CellError(ValueError):
    """A cell that holds something where a frame number belongs; the message says what."""


def cell_raw(cell: object) -> str:
    """Return a cell as it is written, without surrounding blanks; "" for an empty one.

    A whole number has no decimal point, whatever type the sheet gave it.
    """
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return str(cell).strip()


def cell_text(cell: object) -> str:
    """Return what `cell_raw` does in plain characters, and "" for `/` and the like."""
    text = unicodedata.normalize("NFKC", cell_raw(cell)).strip()
    return "" if text.casefold() in _NOTHING else text


def cell_name(cell: object) -> str:
    """Return what `cell_text` does, without the `.0` that pandas puts behind a whole number."""
    text = cell_text(cell)
    match = _WHOLE.fullmatch(text)
    return match.group(1) if match else text


def cell_frame(cell: object) -> int | None:
    """Return a cell as a frame number, None where there is none (blank, `/`, `?`).

    12, 12.0, "12", "12.0" and " 0012 " are all 12.

    Raises:
        CellError: for anything else.
    """
    if isinstance(cell, bool):
        raise CellError(f"{cell} is no frame number")
    text = cell_text(cell)
    if not text or set(text) <= {"?"}:
        return None
    if not _INTEGER.fullmatch(text):
        raise CellError(f"{text[:40]!r} is no frame number")
    return int(text.partition(".")[0])


def normalise(name: object) -> str:
    """Return a header cell for comparison: its letters and digits in lower case."""
    text = unicodedata.normalize("NFKC", "" if name is None else str(name)).casefold()
    return "".join(letter for letter in text if letter.isalnum())


def subject_key(name: object) -> str:
    """Return a subject for comparison: 1, "01", `sub01`, `S1` and `spNO.1` are all "1"."""
    return subject_number(cell_text(name))


def clip_key(name: object) -> tuple[str, ...]:
    """Return a clip's name for comparison: its words and numbers, without leading zeros.

    `s01_ne_01` equals `s1_ne_1`, while `EP1_11` differs from `EP11_1`.
    """
    return clip_words(cell_text(name))
