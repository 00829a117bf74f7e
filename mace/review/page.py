"""A recorded session as one page: what happened, when, and the pictures of each event."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mace import __version__
from mace.config import setting_rows
from mace.files import write_text
from mace.recordings.session import Session
from mace.review.clips import cut_clips
from mace.serving.templates import page_template

_FACTS = ("source", "model", "fps", "size", "frames", "time_base", "trained_on")
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 600, 3600, 36_000)
# Points of one curve on the page; more cannot be told apart on a screen.
_CURVE_POINTS = 1200
_CURVE_COLOURS = ("#33688f", "#b4440e", "#4f7f3a", "#8a5aa8", "#9a7b16", "#2b8a86", "#a83d68")


def write_review(session: Session, *, out: Path, max_bytes: int = 24_000_000) -> Path:
    """Write the page of `session` to `out` and return its path; it needs nothing beside it.

    Args:
        session: from `load_session`.
        out: the page.
        max_bytes: of all pictures together; events beyond have none, micro-expressions last.

    Raises:
        OutputError: if `out` cannot be written.
    """
    clips = cut_clips(session, max_bytes=max_bytes)
    classes = [str(name) for name in session.facts.get("classes", ())] or _classes(session)
    remarks = list(session.remarks)
    if session.video is not None and len(clips) < len(session.spotted):
        missing = len(session.spotted) - len(clips)
        remarks.append(f"{missing} of {len(session.spotted)} events have no pictures.")
    page = page_template(Path(__file__).with_name("page.html.j2")).render(
        version=__version__,
        title=session.folder.name.strip("."),
        notice=session.facts.get("notice", ""),
        facts=[(name, _said(session.facts[name])) for name in _FACTS if name in session.facts],
        settings=setting_rows(
            {k: v for k, v in session.facts.items() if k not in (*_FACTS, "notice")}
        ),
        remarks=remarks,
        events=session.spotted,
        clips=[
            {"number": index + 1, "event": session.spotted[index], "clip": clip}
            for index, clip in sorted(clips.items())
        ],
        shown=set(clips),
        micro=sum(event.kind == "micro" for event in session.spotted),
        chart=_chart(session, classes),
        duration=_duration(session),
    )
    write_text(out, page)
    return out


def _classes(session: Session) -> list[str]:
    return list(next((line.smoothed for line in session.lines if line.smoothed), {}))


def _duration(session: Session) -> float:
    ends = [event.offset for event in session.spotted] + [line.time for line in session.lines[-1:]]
    return max((end for end in ends if math.isfinite(end)), default=0.0)


def _chart(session: Session, classes: Sequence[str]) -> dict[str, Any] | None:
    """Return the curves of the probabilities in a box of 1000 x 100 for each class."""
    duration = _duration(session)
    if duration <= 0:
        return None
    rows = []
    for index, name in enumerate(classes):
        paths = _paths(_samples(session, name), duration)
        rows.append(
            {"name": name, "paths": paths, "colour": _CURVE_COLOURS[index % len(_CURVE_COLOURS)]}
        )
    marks = [
        {
            "left": 1000 * event.onset / duration,
            "width": max(1000 * (event.offset - event.onset) / duration, 1.5),
            "kind": event.kind,
            "number": number,
        }
        for number, event in enumerate(session.spotted, start=1)
    ]
    step = next((step for step in _STEPS if duration / step <= 10), duration)
    count = int(duration / step) + 1
    ticks = [(100 * k * step / duration, f"{k * step:g} s") for k in range(count)]
    return {"rows": rows, "marks": marks, "ticks": ticks}


def _samples(session: Session, name: str) -> list[tuple[float, float | None]]:
    """Return times and probabilities of the first person, thinned to what a screen can show."""
    first = min((line.identity for line in session.lines if line.smoothed), default=0)
    samples = [
        (line.time, None if line.smoothed is None else line.smoothed.get(name))
        for line in session.lines
        if line.identity == first or line.smoothed is None
    ]
    step = max(1, len(samples) // _CURVE_POINTS)
    # The strongest of each group, or a peak of few frames would vanish.
    groups = (samples[start : start + step] for start in range(0, len(samples), step))
    return [
        max(group, key=lambda sample: -1.0 if sample[1] is None else sample[1]) for group in groups
    ]


def _paths(samples: Iterable[tuple[float, float | None]], duration: float) -> list[str]:
    """Return SVG's polyline points, one text for each stretch without a gap."""
    paths: list[list[str]] = [[]]
    for time, value in samples:
        if value is None or not math.isfinite(value):
            paths.append([])
        else:
            paths[-1].append(f"{1000 * time / duration:.1f},{100 - 100 * value:.1f}")
    return [" ".join(path) for path in paths if len(path) > 1]


def _said(value: object) -> str:
    if not isinstance(value, list):
        return str(value)
    between = " x " if all(isinstance(part, int) for part in value) else ", "
    return between.join(map(str, value))
