"""What was spotted in one video, as a folder: events as JSON lines and as a table, and how."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mace.errors import DataError, OutputError
from mace.files import atomic_folder, write_json
from mace.result_folders import result_folder
from mace.spotting.events import Event
from mace.spotting.records import EVENTS_CSV, EVENTS_JSONL, EventsLog, read_events, write_table

SPOTTING = "spotting.json"


def fingerprint(facts: Mapping[str, Any]) -> str:
    """Return a number that changes with what went into the result."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def files_fingerprint(files: Iterable[Path]) -> str:
    """Return what changes with the name, the size or the time of any of the files.

    Raises:
        DataError: if one of them is gone.
    """
    digest = hashlib.sha256()
    for file in files:
        try:
            stat = file.stat()
        except OSError as error:
            raise DataError(f"{file} cannot be read ({error.strerror or error})") from error
        digest.update(os.fsencode(file.name) + b"\0%d %d\n" % (stat.st_size, stat.st_mtime_ns))
    return digest.hexdigest()[:16]


def write_spotted(
    folder: Path,
    events: Sequence[Event],
    *,
    classes: Sequence[str],
    units: Sequence[str] = (),
    made_from: Mapping[str, Any],
    notes: Mapping[str, Any],
    others: Mapping[str, Sequence[Event]] | None = None,
    also: Callable[[Path], object] | None = None,
) -> None:
    """Write the folder, whole or not at all; an older one is replaced.

    Args:
        folder: where.
        events: what was spotted, by onset.
        classes: of the network, for the table's columns.
        units: action units that it names, likewise.
        made_from: what the result depends on.
        notes: everything else worth keeping.
        others: what other methods spotted, by their names.
        also: writes what else belongs to the result, into the folder that it is called with.

    Raises:
        OutputError: if it cannot be written, or is something else.
    """
    with atomic_folder(folder, marker=SPOTTING, what="result of `mace spot`") as temporary:
        with EventsLog(temporary / EVENTS_JSONL) as log:
            log.write(events)
        for method, spotted in (others or {}).items():
            with EventsLog(temporary / f"{method}.jsonl") as log:
                log.write(spotted)
        write_table(temporary / EVENTS_CSV, events, classes, units)
        if also is not None:
            also(temporary)
        facts = {**notes, "made_from": dict(made_from), "fingerprint": fingerprint(made_from)}
        write_json(temporary / SPOTTING, facts)


def check_place(folder: Path) -> None:
    """See whether a result may be written to a folder, before an hour is spent on it.

    Raises:
        OutputError: if something else is there.
    """
    try:
        taken = folder.exists() and not (folder / SPOTTING).is_file() and any(folder.iterdir())
    except OSError:
        taken = True
    if taken:
        raise OutputError(f"{folder} exists and is no result of `mace spot`; choose another --out")


def spotted_folder(out: Path, names: Sequence[str], recording: str) -> tuple[Path, list[str]]:
    """Return the folder below `out` for what is spotted in a recording.

    Args:
        out: the folder of all results.
        names: what it may be called, the best first.
        recording: what the results are of.

    Returns:
        The folder, and a remark if another recording's results are where these should be.
    """
    folder, taken = result_folder(out, names, recording, owner=spotted_recording)
    return folder, [] if taken is None else [taken]


def spotted_recording(folder: Path) -> str | None:
    """Return what the result in a folder was made from; None where there is no result."""
    try:
        recording = json.loads((folder / SPOTTING).read_text(encoding="utf-8"))["made_from"][
            "video"
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return recording if isinstance(recording, str) else None


def read_spotted(folder: Path, made_from: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the notes of a result that was made from the same, None if there is none."""
    try:
        notes = json.loads((folder / SPOTTING).read_text(encoding="utf-8"))
        same = notes["fingerprint"] == fingerprint(made_from)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return notes if same and (folder / EVENTS_JSONL).is_file() else None


def spotted_events(folder: Path, *, method: str | None = None) -> tuple[Event, ...]:
    """Return the events of a result, or what another method spotted.

    Raises:
        DataError: if they are damaged.
    """
    path = folder / (EVENTS_JSONL if method is None else f"{method}.jsonl")
    if not path.is_file():
        raise DataError(f"{path} is missing; remove {folder} to have it made again")
    return read_events(path)
