"""The schema of an event: as JSON can hold it, as a line, as a row of a table, and back."""

import csv
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

from mace.annotation.action_units import unit_column
from mace.errors import DataError, OutputError
from mace.spotting.events import Event, Kind, Unit

if TYPE_CHECKING:
    import pandas as pd

EVENTS_JSONL = "events.jsonl"
EVENTS_CSV = "events.csv"
_TEXTS = ("kind", "regions", "label", "units")
_WHOLE = ("identity", "onset_frame", "apex_frame", "offset_frame")


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


def _unit_record(unit: Unit) -> dict[str, Any]:
    return {
        "p": round(unit.presence, 4),
        "px": round(unit.px, 4),
        "side": round(unit.side, 4),
        "called": unit.called,
    }


# As lines of JSON


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
                data = event_line(event)
                while data:
                    data = data[os.write(self._file.fileno(), data) :]
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


def event_line(event: Event) -> bytes:
    """Return `event` as one line of `events.jsonl`."""
    return (json.dumps(event_record(event), ensure_ascii=False) + "\n").encode()


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


def read_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the JSON objects in `path` with their line numbers, but for a cut-off last line.

    Raises:
        DataError: if the file cannot be read, or another line is no JSON object.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    # A whole line ends in a newline, so what follows the last newline is nothing, or cut off.
    for number, line in enumerate(data.split(b"\n")[:-1], start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:  # UnicodeDecodeError is one
            raise DataError(f"{path}, line {number}: no JSON; restore the file") from error
        if not isinstance(record, dict):
            raise DataError(f"{path}, line {number}: expected an object; restore the file")
        yield number, record


# As a table


def write_table(
    path: Path, events: Sequence[Event], classes: Sequence[str], units: Sequence[str] = ()
) -> None:
    """Write events by onset as CSV; times in s, strength in px of the 128-px crop.

    Args:
        path: of the file.
        events: in any order.
        classes: of the network, for the columns of the probabilities.
        units: action units that it names, FACS numbers: `units` holds those that are there, such
            as `1 2 L14` (L, R: on that side of the person alone), `AU01_p` and `AU01_px` how
            likely each is there and how strong it is.

    Raises:
        OSError: if it cannot be written.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(event_columns(classes, units))
        rows.writerows(event_rows(events, classes, units))


def events_table(
    events: Sequence[Event], classes: Sequence[str], units: Sequence[str] = ()
) -> "pd.DataFrame":
    """Return events by onset as a data frame of the columns of `events.csv`."""
    import pandas as pd

    columns = event_columns(classes, units)
    rows = event_rows(events, classes, units)
    table = pd.DataFrame(rows, columns=columns).replace("", None)
    numbers = [name for name in table if name not in _TEXTS]
    return table.astype(dict.fromkeys(numbers, float)).astype(dict.fromkeys(_WHOLE, int))


def event_columns(classes: Sequence[str], units: Sequence[str] = ()) -> list[str]:
    """Return the columns of `events.csv`."""
    fixed = ["identity", "kind", "onset", "apex", "offset", "duration"]
    fixed += ["onset_frame", "apex_frame", "offset_frame", "strength_px", "regions"]
    fixed += ["label", "confidence", *(f"p_{name}" for name in classes)]
    if not units:
        return fixed
    names = [unit_column(name) for name in units]
    return [*fixed, "units", *(f"{name}_p" for name in names), *(f"{name}_px" for name in names)]


def event_rows(
    events: Sequence[Event], classes: Sequence[str], units: Sequence[str]
) -> list[list[str]]:
    """Return the rows of `events.csv`, by onset."""
    ordered = sorted(events, key=lambda event: (event.onset, event.identity))
    return [_row(event, classes, units) for event in ordered]


def _row(event: Event, classes: Sequence[str], units: Sequence[str]) -> list[str]:
    """What the network was not asked about is left empty."""
    record = event_record(event)
    named, read = record["label"] is not None, record["units"]
    times = [record[name] for name in ("onset", "apex", "offset")]
    row = [str(record["identity"]), record["kind"]]
    row += [f"{time:.6f}" for time in (*times, event.offset - event.onset)]
    row += [str(record[name]) for name in ("onset_frame", "apex_frame", "offset_frame")]
    row += [f"{record['strength_px']:.4f}", " ".join(record["regions"]), record["label"] or ""]
    row += [f"{record['confidence']:.6f}" if named else ""]
    row += [f"{record['probabilities'][name]:.6f}" if named else "" for name in classes]
    if units:
        row.append(" ".join(record["shown"]))
        for value in ("p", "px"):
            row += [f"{read[name][value]:.4f}" if read else "" for name in units]
    return row
