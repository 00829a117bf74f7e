"""Events as lines of JSON, each on the disk as soon as it is known."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from mace.errors import DataError, OutputError
from mace.spotting.events import Event, Kind, Unit

EVENTS_JSONL = "events.jsonl"


class EventsLog:
    """Appends events to `path`, one line each; a process that is killed loses none of them.

    Args:
        path: the file; it must not exist.

    Raises:
        OutputError: if it cannot be made.
    """

    def __init__(self, path: Path):
        self._path = path
        try:
            # Unbuffered: a line is with the operating system when `write` returns.
            self._file = path.open("xb", buffering=0)
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror or error}") from error

    def write(self, events: Sequence[Event]) -> None:
        """Append `events`.

        Raises:
            OutputError: if the disk is full.
        """
        try:
            for event in events:
                _write_whole(self._file.fileno(), event_line(event))
        except OSError as error:
            raise OutputError(f"cannot write {self._path}: {error.strerror or error}") from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _write_whole(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def event_line(event: Event) -> bytes:
    """Return `event` as one line of `events.jsonl`."""
    return (json.dumps(event_record(event), ensure_ascii=False) + "\n").encode()


def event_record(event: Event) -> dict[str, Any]:
    """Return `event` as JSON can hold it; times in s, strength in px of the 128-px crop."""
    return {
        "identity": event.identity,
        "kind": event.kind,
        "onset": round(event.onset, 6),
        "apex": round(event.apex, 6),
        "offset": round(event.offset, 6),
        "onset_frame": event.onset_frame,
        "apex_frame": event.apex_frame,
        "offset_frame": event.offset_frame,
        "strength_px": round(event.strength_px, 4),
        "regions": list(event.regions),
        "label": event.label,
        "probabilities": {name: round(float(p), 6) for name, p in event.probabilities.items()},
        "confidence": round(event.confidence, 6),
        "shown": list(event.shown),
        "units": {name: _unit_record(unit) for name, unit in event.units.items()},
    }


def _unit_record(unit: Unit) -> dict[str, Any]:
    return {
        "p": round(unit.presence, 4),
        "px": round(unit.px, 4),
        "side": round(unit.side, 4),
        "called": unit.called,
    }


def event_of(record: Mapping[str, Any]) -> Event:
    """Return the event that `event_record` wrote down.

    Raises:
        KeyError, TypeError, ValueError: if it is not one.
    """
    return Event(
        identity=int(record["identity"]),
        kind=cast(Kind, str(record["kind"])),
        onset=float(record["onset"]),
        apex=float(record["apex"]),
        offset=float(record["offset"]),
        onset_frame=int(record["onset_frame"]),
        apex_frame=int(record["apex_frame"]),
        offset_frame=int(record["offset_frame"]),
        strength_px=float(record["strength_px"]),
        regions=tuple(map(str, record.get("regions", ()))),
        label=None if record.get("label") is None else str(record["label"]),
        probabilities={str(k): float(v) for k, v in record.get("probabilities", {}).items()},
        confidence=float(record.get("confidence", 0.0)),
        units={
            str(name): Unit(
                presence=float(unit["p"]),
                px=float(unit["px"]),
                side=float(unit["side"]),
                called=bool(unit["called"]),
            )
            for name, unit in record.get("units", {}).items()
        },
    )


def read_events(path: Path) -> tuple[Event, ...]:
    """Return the events in `path`; a last line that was cut off is left out.

    Raises:
        DataError: if the file cannot be read, or another line is no event.
    """
    events = []
    for number, record in read_lines(path):
        try:
            events.append(event_of(record))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"{path}, line {number}: no event; restore the file") from error
    return tuple(events)


def read_lines(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """Return the JSON objects in `path` with their line numbers, but for a cut-off last line.

    Raises:
        DataError: if the file cannot be read, or another line is no JSON object.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    lines = data.split(b"\n")
    # A whole line ends in a newline, so what follows the last newline is nothing, or cut off.
    records = []
    for number, line in enumerate(lines[:-1], start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:  # UnicodeDecodeError is one
            raise DataError(f"{path}, line {number}: no JSON; restore the file") from error
        if not isinstance(record, dict):
            raise DataError(f"{path}, line {number}: expected an object; restore the file")
        records.append((number, record))
    return records
