"""Faces in frames as a table: the rows of `frames.csv`, and data frames of the same columns."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mace.live.results import Result

if TYPE_CHECKING:
    import pandas as pd

_BEFORE_BOX = ("identity", "status", "success", "confidence", "faces", "reference_id", "error_px")
_BOX = ("x", "y", "width", "height")
_AFTER_BOX = ("sharpness", "roll", "turn", "size", "quality", "label")


def frame_columns(classes: Sequence[str]) -> list[str]:
    """Return the columns of `frames.csv`; frame, timestamp, confidence and success as in OpenFace.

    `timestamp` is in seconds; `confidence` is 1 - registration error in px, at least 0; `success`
    is 1 for a tracked frame; `p_*` are the model's probabilities for this frame alone, `s_*` the
    smoothed ones. Cells of a frame without a face are empty. With several people in a frame there
    is a row for each, by `identity`.
    """
    fixed = ["frame", "timestamp", *_BEFORE_BOX, *_BOX, *_AFTER_BOX]
    return fixed + [f"p_{name}" for name in classes] + [f"s_{name}" for name in classes]


def frame_row(record: Mapping[str, Any], classes: Sequence[str]) -> list[str]:
    """Return one row of `frames.csv`: what `FaceResult.to_dict` says of a face."""
    nothing = dict.fromkeys(classes)
    probabilities, smoothed = (record[name] or nothing for name in ("probabilities", "smoothed"))
    return [
        str(record["frame"]),
        f"{record['timestamp']:.6f}",
        *(_cell(record[name]) for name in _BEFORE_BOX),
        *map(_cell, record["box"] or (None,) * 4),
        *(_cell(record[name]) for name in _AFTER_BOX),
        *(_cell(probabilities[name]) for name in classes),
        *(_cell(smoothed[name]) for name in classes),
    ]


def frames_table(results: Iterable[Result]) -> "pd.DataFrame":
    """Return a row for each face in each result, with the columns of `frames.csv`.

    Frames in which nobody is seen have none.
    """
    import pandas as pd

    faces = [face for result in results for face in result.faces]
    classes = faces[0].classes if faces else ()
    rows = [_values(face.to_dict()) for face in faces]
    return pd.DataFrame(rows, columns=frame_columns(classes))


def _values(record: Mapping[str, Any]) -> dict[str, Any]:
    box = dict(zip(_BOX, record["box"] or (None,) * 4, strict=True))
    named = {
        f"{letter}_{name}": value
        for letter, key in (("p", "probabilities"), ("s", "smoothed"))
        for name, value in (record[key] or {}).items()
    }
    return {**record, **box, **named}


def _cell(value: float | str | None) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
