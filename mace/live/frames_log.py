"""What a recording says of every face in every frame: `frames.csv` and `frames.jsonl`."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from mace.live.labelled import LabelledFrame


def csv_header(classes: Sequence[str]) -> list[str]:
    """Return the columns of `frames.csv`; frame, timestamp, confidence and success as in OpenFace.

    `timestamp` is in seconds; `confidence` is 1 - registration error in px, at least 0; `success`
    is 1 for a tracked frame; `p_*` are the model's probabilities for this frame alone, `s_*` the
    smoothed ones. Cells of a frame without a face are empty. With several people in a frame there
    is a row for each, by `identity`.
    """
    fixed = ["frame", "timestamp", "identity", "status", "success", "confidence", "faces"]
    fixed += ["reference_id", "error_px", "x", "y", "width", "height"]
    fixed += ["sharpness", "roll", "turn", "size", "quality", "label"]
    return fixed + [f"p_{name}" for name in classes] + [f"s_{name}" for name in classes]


def csv_row(frame: LabelledFrame) -> list[str]:
    """Return one row of `frames.csv`."""
    box = frame.box or (None,) * 4
    probabilities, smoothed = (
        (None,) * frame.classes if values is None else values.tolist()
        for values in (frame.probabilities, frame.smoothed)
    )
    measured: tuple[float | None, ...] = (None,) * 4
    trusted = ""
    if (quality := frame.quality) is not None:
        measured = quality.sharpness, quality.roll_deg, quality.turn_deg, quality.size_px
        trusted = "1" if quality.ok else "0"
    return [
        str(frame.index),
        f"{frame.time:.6f}",
        str(frame.identity),
        frame.status,
        "1" if frame.tracked else "0",
        f"{frame.confidence:.6g}",
        str(frame.faces),
        str(frame.reference_id),
        *map(_number, (frame.error_px, *box, *measured)),
        trusted,
        frame.label or "",
        *map(_number, (*probabilities, *smoothed)),
    ]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def jsonl_record(frame: LabelledFrame, classes: Sequence[str]) -> dict[str, Any]:
    """Return one line of `frames.jsonl`: the same facts as the row, and the transform."""
    quality, transform = frame.quality, frame.transform
    return {
        "frame": frame.index,
        "timestamp": round(frame.time, 6),
        "identity": frame.identity,
        "status": frame.status,
        "faces": frame.faces,
        "reference_id": frame.reference_id,
        "error_px": frame.error_px,
        "box": frame.box,
        "transform": None if transform is None else list(map(_rounded, transform.tolist())),
        "sharpness": None if quality is None else round(quality.sharpness, 4),
        "roll": None if quality is None else round(quality.roll_deg, 3),
        "turn": None if quality is None else round(quality.turn_deg, 3),
        "size": None if quality is None else round(quality.size_px, 3),
        "quality": None if quality is None else int(quality.ok),
        "reasons": [] if quality is None else list(quality.reasons),
        "label": frame.label,
        "probabilities": _named(classes, frame.probabilities),
        "smoothed": _named(classes, frame.smoothed),
    }


def _rounded(values: Iterable[float]) -> list[float]:
    return [round(value, 6) for value in values]


def _named(classes: Sequence[str], values: np.ndarray | None) -> dict[str, float] | None:
    return None if values is None else dict(zip(classes, _rounded(values.tolist()), strict=True))
