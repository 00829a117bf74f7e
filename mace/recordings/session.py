"""A recorded session, read back as far as it was written."""

import html
import json
import shutil
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mace.annotation.action_units import unit_column
from mace.errors import DataError, OutputError
from mace.files import atomic_folder
from mace.live.recorder import (
    FRAMES_CSV,
    FRAMES_JSONL,
    PLAIN_VIDEO,
    SESSION,
    VIDEO,
    being_written,
)
from mace.spotting.events import Event
from mace.spotting.records import EVENTS_JSONL, events_table, read_events, read_lines
from mace.video.reader import VideoReader

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


_COLOURS = {
    "micro": "#b4440e",
    "macro": "#33688f",
    "blink": "#8f8a82",
    "speech": "#4f7f3a",
    "head": "#8a5aa8",
}
# Two samples further apart than this, in s, have nothing between them.
_GAP_S = 0.5
# Heights in lanes: of an event's bar, and of all probabilities together.
_EVENT, _CURVES = 0.5, 3.0


@dataclass(frozen=True)
class Line:
    """What the page shows of one line of `frames.jsonl`.

    Attributes:
        frame: index of the frame.
        time: of the frame, s.
        identity: number of the person in the session, from 0; -1: nobody.
        smoothed: probability of each class, smoothed, by name; None where there is none.
    """

    frame: int
    time: float
    identity: int
    smoothed: dict[str, float] | None


@dataclass(frozen=True, eq=False, repr=False)
class Session:
    """A recorded session, as far as it was recorded.

    Attributes:
        folder: where it lies; one without `out` lasts as long as this object.
        facts: what `session.json` says: source, network, settings, versions.
        spotted: the events, by the time at which they became certain.
        lines: of `frames.jsonl`: one a frame and person.
        video: its pictures.
        remarks: what is missing, in sentences.
    """

    folder: Path
    facts: dict[str, Any]
    spotted: tuple[Event, ...]
    lines: tuple[Line, ...]
    video: Path | None
    remarks: tuple[str, ...]

    @cached_property
    def events(self) -> "pd.DataFrame":
        """A row for each movement, by onset, with the columns of `events.csv`.

        Times are in s, `strength_px` in px of the 128-px crop; `label`, `confidence` and `p_*`
        are missing where the network was not asked: it names micro-expressions alone.
        """
        classes, units = (
            [str(name) for name in self.facts.get(key, ())] for key in ("classes", "units")
        )
        return events_table(self.spotted, classes, units)

    @cached_property
    def frames(self) -> "pd.DataFrame":
        """A row for each frame and person: the columns of `frames.csv`; `timestamp` is in s.

        Raises:
            DataError: if there is no `frames.csv`.
        """
        import pandas as pd

        path = self.folder / FRAMES_CSV
        if not path.is_file():
            raise DataError(f"{path} is missing; the session holds no frames")
        # A class may be called `none`, which is no missing value.
        return pd.read_csv(path, keep_default_na=False, na_values=[""])

    def plot(self, axes: "Axes | None" = None, *, probabilities: bool = False) -> "Axes":
        """Draw what moved: a lane of events for every person, and one for each action unit.

        Args:
            axes: where; a new figure without.
            probabilities: also those of every frame, which mean nothing where nothing moves.
        """
        from matplotlib import pyplot as plt

        lanes = _lanes(self)
        if axes is None:
            height = 1.2 + 0.28 * len(lanes) + 1.6 * probabilities
            axes = plt.subplots(figsize=(9, height), layout="constrained")[1]
        for base, (_, spans) in enumerate(reversed(lanes)):
            for event, thickness in spans:
                colour = _COLOURS[event.kind]
                length = max(event.offset - event.onset, 0.02)
                axes.broken_barh(
                    [(event.onset, length)], (base + 0.5 - thickness / 2, thickness), color=colour
                )
                if event.label is not None and thickness == _EVENT:
                    axes.annotate(event.label, (event.offset, base + 0.5), xytext=(3, 0),
                                  textcoords="offset points", va="center", fontsize=8)  # fmt: skip
        names = [name for name, _ in reversed(lanes)]
        axes.set_yticks([base + 0.5 for base in range(len(names))], names, fontsize=8)
        bottom = -_CURVES if probabilities else 0
        ends = [event.offset for event in self.spotted] + [line.time for line in self.lines]
        axes.set(xlabel="s", xlim=(0, max(ends, default=1.0)), ylim=(bottom, len(names)))
        axes.grid(axis="y", alpha=0)
        axes.spines[["top", "right"]].set_visible(False)
        for kind, colour in _COLOURS.items():
            if any(event.kind == kind for event in self.spotted):
                axes.plot([], [], color=colour, linewidth=5, label=kind)
        if probabilities:
            _draw_probabilities(self, axes)
        if axes.get_legend_handles_labels()[1]:
            axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=8)
        return axes

    def save(self, folder: str | Path) -> Path:
        """Copy the session into a folder, as `mace live --out` writes it, and return the folder.

        Raises:
            OutputError: if the folder is there already, or cannot be written.
        """
        folder = Path(folder)
        if folder.exists():
            raise OutputError(f"{folder} exists already; choose another folder, or remove it")
        with atomic_folder(folder, marker=SESSION, what="session") as temporary:
            shutil.copytree(self.folder, temporary, dirs_exist_ok=True)
        return folder

    def __repr__(self) -> str:
        kinds = Counter(event.kind for event in self.spotted)
        events = ", ".join(f"{count} {kind}" for kind, count in kinds.items()) or "no movement"
        return f"{self.facts.get('source', self.folder.name)}: {events}"

    def _repr_html_(self) -> str:
        notes = [repr(self), *self.facts.get("remarks", ()), *self.remarks]
        notes.append(self.facts.get("notice", ""))
        text = "".join(f"<p>{html.escape(str(note))}</p>" for note in notes if note)
        return text + (self.events.to_html(float_format="{:.3f}".format) if self.spotted else "")


def load_session(folder: Path) -> Session:
    """Read what `mace live` recorded in `folder`, also where it was killed.

    Raises:
        DataError: if there is no session in `folder`, or a file of it is damaged.
    """
    folder = Path(folder)
    if folder.is_file() and folder.name in (EVENTS_JSONL, FRAMES_JSONL, SESSION):
        folder = folder.parent
    if not folder.is_dir():
        raise DataError(f"there is no session at {folder}; name a folder that `mace live` left")
    present = {file.name for file in folder.iterdir()}
    if not present & {EVENTS_JSONL, FRAMES_JSONL, SESSION}:
        raise DataError(
            f"{folder} holds no session (none of {SESSION}, {EVENTS_JSONL}, {FRAMES_JSONL}); "
            "name a folder that `mace live` left"
        )
    remarks = []
    facts = _facts(folder / SESSION) if SESSION in present else {}
    if not facts.get("complete", False):
        remarks.append("The session did not end well; it holds what was written until then.")
    events = read_events(folder / EVENTS_JSONL) if EVENTS_JSONL in present else ()
    if EVENTS_JSONL not in present:
        remarks.append(f"There is no {EVENTS_JSONL}, so no events are known.")
    lines = _lines(folder / FRAMES_JSONL) if FRAMES_JSONL in present else ()
    name = PLAIN_VIDEO if PLAIN_VIDEO in present else VIDEO
    video = folder / name if name in present else None
    if video is not None and not _plays(video):
        video = None
        remarks.append(f"{name} cannot be played, so that the events have no pictures.")
    elif video is None:
        remarks.append(f"There is no {name}, so that the events have no pictures.")
    return Session(folder, facts, events, lines, video, tuple(remarks))


def recorded_source(folder: Path) -> str | None:
    """Return what the session in a folder, or now being written there, is of; None without one."""
    try:
        facts = _facts((being_written(folder) or folder) / SESSION)
    except DataError:
        return None
    source = facts.get("recording", facts.get("source"))
    return source if isinstance(source, str) else None


def _lines(path: Path) -> tuple[Line, ...]:
    lines = []
    for number, record in read_lines(path):
        try:
            named = record.get("smoothed")
            lines.append(
                Line(
                    frame=int(record["frame"]),
                    time=float(record["timestamp"]),
                    identity=int(record.get("identity", 0)),
                    smoothed=None
                    if named is None
                    else {name: float(named[name]) for name in named},
                )
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"{path}, line {number}: no frame with its time and probabilities; restore the "
                "file, or remove it to review the events alone"
            ) from error
    return tuple(lines)


def _plays(video: Path) -> bool:
    try:
        VideoReader(video)
    except DataError:
        return False
    return True


def _facts(path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as JSON; restore or remove it") from error
    if not isinstance(facts, dict):
        raise DataError(f"{path}: expected an object; restore or remove it")
    return facts


def _lanes(session: Session) -> list[tuple[str, list[tuple[Event, float]]]]:
    """Return each lane's name and its events with the thickness of their bars, from the top."""
    people = sorted({event.identity for event in session.spotted} | {0})
    lanes: list[tuple[str, list[tuple[Event, float]]]] = []
    for identity in people:
        mine = [event for event in session.spotted if event.identity == identity]
        lanes.append((f"person {identity}", [(event, _EVENT) for event in mine]))
        called = {name for event in mine for name, unit in event.units.items() if unit.called}
        for name in sorted(called, key=int):
            moves = [event for event in mine if name in event.units and event.units[name].called]
            bars = [(event, min(max(event.units[name].px, 0.1), 1.0) * 0.9) for event in moves]
            lanes.append((unit_column(name), bars))
    return lanes


def _draw_probabilities(session: Session, axes: "Axes") -> None:
    first = min((line.identity for line in session.lines if line.smoothed), default=0)
    lines = [line for line in session.lines if line.identity == first]
    time = np.array([line.time for line in lines])
    for name in next((line.smoothed for line in lines if line.smoothed), {}):
        values = np.array([np.nan if not line.smoothed else line.smoothed[name] for line in lines])
        breaks = np.flatnonzero(np.diff(time) > _GAP_S) + 1
        height = (values - 1) * _CURVES  # from -_CURVES for 0 up to the lowest lane for 1
        axes.plot(
            np.insert(time, breaks, np.nan), np.insert(height, breaks, np.nan),
            linewidth=1, label=name,
        )  # fmt: skip
