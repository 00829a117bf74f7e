"""What a recording says of every face in every frame: `frames.csv` and `frames.jsonl`."""

from collections.abc import Sequence
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
    fixed += ["sharpness", "roll", "size", "quality", "label"]
    return fixed + [f"p_{name}" for name in classes] + [f"s_{name}" for name in classes]


def csv_row(frame: LabelledFrame) -> list[str]:
    """Return one row of `frames.csv`."""

    def number(value: float | None) -> str:
        return "" if value is None else f"{value:.6g}"

    box = frame.box if frame.box is not None else (None,) * 4
    empty = (None,) * frame.classes
    probabilities = frame.probabilities if frame.probabilities is not None else empty
    smoothed = frame.smoothed if frame.smoothed is not None else empty
    measured, quality = [""] * 4, frame.quality
    if quality is not None:
        measured = [number(one) for one in (quality.sharpness, quality.roll_deg, quality.size_px)]
        measured.append(str(int(quality.ok)))
    return [
        str(frame.index),
        f"{frame.time:.6f}",
        str(frame.identity),
        frame.status,
        str(int(frame.tracked)),
        number(frame.confidence),
        str(frame.faces),
        str(frame.reference_id),
        number(frame.error_px),
        *map(number, box),
        *measured,
        frame.label or "",
        *map(number, probabilities),
        *map(number, smoothed),
    ]


def jsonl_record(frame: LabelledFrame, classes: Sequence[str]) -> dict[str, Any]:
    """Return one line of `frames.jsonl`: the same facts as the row, and the transform."""

    def named(values: Sequence[float] | np.ndarray | None) -> dict[str, float] | None:
        if values is None:
            return None
        return {name: round(float(p), 6) for name, p in zip(classes, values, strict=True)}

    quality = frame.quality
    return {
        "frame": frame.index,
        "timestamp": round(frame.time, 6),
        "identity": frame.identity,
        "status": frame.status,
        "faces": frame.faces,
        "reference_id": frame.reference_id,
        "error_px": frame.error_px,
        "box": frame.box,
        "transform": None if frame.transform is None else np.round(frame.transform, 6).tolist(),
        "sharpness": None if quality is None else round(quality.sharpness, 4),
        "roll": None if quality is None else round(quality.roll_deg, 3),
        "size": None if quality is None else round(quality.size_px, 3),
        "quality": None if quality is None else int(quality.ok),
        "reasons": [] if quality is None else list(quality.reasons),
        "label": frame.label,
        "probabilities": named(frame.probabilities),
        "smoothed": named(frame.smoothed),
    }
