"""Spotting in whole recordings: one, or hundreds, which are resumed where they were left."""

import csv
import functools
import hashlib
import io
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mace import __version__
from mace.bundle import DESCRIPTION as TRAINED
from mace.bundle import training_notice
from mace.config import to_dict
from mace.errors import DataError, OutputError
from mace.export.layout import DESCRIPTION as EXPORTED
from mace.export.layout import is_export
from mace.files import one_at_a_time, write_text
from mace.inference import Model, load_model, unit_names
from mace.live.config import LiveConfig
from mace.live.sources.opening import open_recording
from mace.live.sources.stored import StoredVideo
from mace.live.spotting import check_model
from mace.progress import Advance, progress, silence
from mace.provenance import provenance
from mace.recordings.event_card import write_cards
from mace.recordings.formulas import path_cell
from mace.recordings.page import PAGE, write_page
from mace.recordings.spot import spot_source
from mace.recordings.submission import submitted_video, write_submission
from mace.result_folders import distinct_names
from mace.spotting.events import EVENT_KINDS, Event
from mace.spotting.folder import (
    check_place,
    files_fingerprint,
    read_spotted,
    spotted_events,
    spotted_folder,
    write_spotted,
)
from mace.spotting.megc import FOLDER
from mace.spotting.records import EVENTS_CSV, event_columns, event_rows

SUMMARY_CSV = "summary.csv"
_SUMMARY = ("recording", "seconds", "frames", "tracked", *EVENT_KINDS, "micro_per_minute")
_SUMMARY_ENDS = ("out", "remarks", "error")
_TAKEN = (SUMMARY_CSV, EVENTS_CSV, PAGE, FOLDER)


@dataclass(frozen=True)
class Settings:
    """What a result depends on besides the recording.

    Attributes:
        model: the network.
        live: settings of the stages.
        made_from: the same as JSON can hold it, by which a result is known to be of this making.
        notes: what else is worth keeping with a result.
    """

    model: Model
    live: LiveConfig
    made_from: Mapping[str, Any]
    notes: Mapping[str, Any]

    @classmethod
    def load(cls, folder: Path, live: LiveConfig, *, name: str) -> "Settings":
        """Read the network in a folder, which results call `name`.

        Raises:
            CheckpointError: if there is none.
            ConfigError: see `mace.live.spotting.check_model`.
        """
        model = load_model(folder)
        check_model(model)
        facts = provenance()
        description = folder / (EXPORTED if is_export(folder) else TRAINED)
        made_from = {
            "model": hashlib.sha256(description.read_bytes()).hexdigest()[:16],
            "live": to_dict(live),
            "code": [__version__, facts["git_revision"]],
        }
        notes = {
            "model": name,
            "classes": list(model.classes),
            "units": list(unit_names(model)),
            "trained_on": list(model.trained_on),
            "notice": training_notice(model.trained_on),
            "time_base": "seconds since the first frame, by the video's clock",
            "provenance": facts,
        }
        return cls(model, live, made_from, notes)


def printable(name: str) -> str:
    """Return a name for a line of text: without line breaks and the like."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in name)


def spot_recordings(
    recordings: Sequence[Path],
    settings: Settings,
    *,
    out: Path,
    fps: float | None,
    cards: bool = False,
    each: Callable[[str, Mapping[str, Any]], None],
) -> dict[str, dict[str, Any]]:
    """Spot in recordings, leaving a folder of each and tables of all below `out`.

    Recordings that are done already are not done again, and one that cannot be read does not keep
    the others from it. The tables are `summary.csv`, a row a recording, and `events.csv`, all
    movements, `megc` has those that the Grand Challenge asks for, and `index.html` shows them; they
    are also written where somebody stops it.

    Args:
        recordings: videos, folders of pictures, or their patterns.
        settings: network and what counts as a movement.
        out: the folder.
        fps: frames per second, where the recordings do not say or say it wrongly.
        cards: leave a picture of each micro- and macro-expression as well, which shows the face.
        each: called with the name of each and its row.

    Returns:
        A row of each by its name: `out`, `seconds`, `frames`, `tracked`, `events` by kind,
        `micro_per_minute`, `remarks`, `done_before`; or `error`.

    Raises:
        DataError: if the only one cannot be read.
        KeyboardInterrupt: where somebody stops it; the message says how far it came.
        OutputError: if a result cannot be written.
    """
    rows: dict[str, dict[str, Any]] = {}
    numbers: dict[str, Sequence[int] | None] = {}
    count, names = len(recordings), distinct_names(recordings)
    try:
        with progress("recordings", count) if count > 1 else silence() as advance:
            for recording in recordings:
                name, over = str(recording), advance if count > 1 else None
                try:
                    source = open_recording(recording, fps=fps)
                    numbers[name] = source.numbers
                    places = [place for place in names[recording] if place.casefold() not in _TAKEN]
                    row = _spot(
                        recording, source, places, settings, out=out, cards=cards, over=over
                    )
                except DataError as error:
                    if count == 1:
                        raise
                    row = {"error": str(error)}
                rows[name] = row
                each(name, row)
                advance()
    except KeyboardInterrupt as stop:
        with suppress(OutputError):
            _write_tables(out, rows, numbers, settings)
        raise type(stop)(
            f"{len(rows)} of {count} recordings are done, and are in {out}; the same command goes "
            "on with the others"
        ) from None
    if any("error" not in row for row in rows.values()):
        _write_tables(out, rows, numbers, settings)
    return rows


def _noting(advance: Advance, name: str, count: int) -> Callable[[], None]:
    """Return what tells of each frame beside the progress of the recordings."""
    frames, whole = itertools.count(1), f" of {count}" if count else ""
    return lambda: advance(0, note=f"{name}: frame {next(frames)}{whole}")


def _spot(
    recording: Path,
    source: StoredVideo,
    places: Sequence[str],
    settings: Settings,
    *,
    out: Path,
    cards: bool,
    over: Advance | None,
) -> dict[str, Any]:
    whole = str(recording.resolve())
    made_from = {
        **settings.made_from,
        "video": whole,
        "files": files_fingerprint(source.files),
        "fps": source.fps,
    }
    folder, remarks = spotted_folder(out, places, whole)
    stored = read_spotted(folder, made_from)
    if stored and (stored.get("cards") or not cards):
        return _row(folder, spotted_events(folder), stored, remarks, done_before=True)
    check_place(folder)
    if over is None:
        with progress(folder.name, source.count) as advance:
            spotted = spot_source(source, settings.model, settings.live, advance=advance)
    else:
        advance = _noting(over, printable(recording.name), source.count)
        spotted = spot_source(source, settings.model, settings.live, advance=advance)
    facts = {
        "video": str(recording),
        "fps": source.fps,
        "frames": spotted.frames,
        "tracked": spotted.tracked,
        "looked_at": spotted.looked_at,
        "seconds": round(spotted.seconds, 6),
        "remarks": list(spotted.remarks),
        "cards": cards,
        **settings.notes,
    }
    with one_at_a_time(out):
        folder, remarks = spotted_folder(out, places, whole)  # as it is by now
        check_place(folder)
        write_spotted(
            folder,
            spotted.events,
            classes=settings.model.classes,
            units=unit_names(settings.model),
            made_from=made_from,
            notes=facts,
            also=functools.partial(write_cards, events=spotted.events) if cards else None,
        )
    return _row(folder, spotted.events, facts, remarks, done_before=False)


def _row(
    folder: Path,
    events: Sequence[Event],
    facts: Mapping[str, Any],
    remarks: Sequence[str],
    *,
    done_before: bool,
) -> dict[str, Any]:
    kinds = Counter(event.kind for event in events)
    minutes = facts["seconds"] / 60
    return {
        "out": str(folder),
        "seconds": facts["seconds"],
        "frames": facts["frames"],
        "tracked": facts["tracked"],
        "events": dict(kinds),
        "micro_per_minute": round(kinds["micro"] / minutes, 3) if minutes else 0.0,
        "remarks": [*facts["remarks"], *remarks],
        "done_before": done_before,
    }


def _write_tables(
    out: Path,
    rows: Mapping[str, Mapping[str, Any]],
    numbers: Mapping[str, Sequence[int] | None],
    settings: Settings,
) -> None:
    classes, units = settings.model.classes, unit_names(settings.model)
    events = {
        name: spotted_events(Path(row["out"])) for name, row in rows.items() if "error" not in row
    }
    summary = []
    for name, row in rows.items():
        kinds = row.get("events", {})
        cells = {**row, "recording": name, "remarks": " ".join(row.get("remarks", ()))}
        cells |= {key: path_cell(cells.get(key, "")) for key in ("recording", *_SUMMARY_ENDS)}
        cells |= {} if "error" in row else {kind: kinds.get(kind, 0) for kind in EVENT_KINDS}
        summary.append([cells.get(column, "") for column in (*_SUMMARY, *_SUMMARY_ENDS)])
    _write_csv(out / SUMMARY_CSV, [(*_SUMMARY, *_SUMMARY_ENDS), *summary])
    listed = (
        [path_cell(name), *cells]
        for name in events
        for cells in event_rows(events[name], classes, units)
    )
    _write_csv(out / EVENTS_CSV, [("recording", *event_columns(classes, units)), *listed])
    videos = [submitted_video(Path(name), events[name], numbers[name]) for name in events]
    write_submission(out, videos, [Path(rows[name]["out"]).name for name in events])
    write_page(out, rows, events, notice=settings.notes["notice"])


def _write_csv(path: Path, rows: Iterable[Iterable[Any]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    write_text(path, text.getvalue())


def summary_table(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the rows of many recordings as lines of text, and a line of all."""
    names = _short_names(list(rows))
    width = max(map(len, (*names.values(), "all")))
    head = " ".join(f"{kind:>6}" for kind in EVENT_KINDS)
    lines = [f"{'':<{width}} {'s':>8} {'tracked':>7} {head} {'micro/min':>9}"]
    total: Counter[str] = Counter()
    for name, row in rows.items():
        if "error" in row:
            lines.append(f"{names[name]:<{width}} cannot be read")
            continue
        total.update({key: row[key] for key in ("seconds", "frames", "tracked")})
        total.update(row["events"])
        lines.append(_line(names[name], width, row, row["events"]))
    lines.append(_line("all", width, total, total))
    return "\n".join(lines)


def _line(name: str, width: int, row: Mapping[str, Any], kinds: Mapping[str, int]) -> str:
    share = 100 * row["tracked"] / row["frames"] if row["frames"] else 0.0
    rate = 60 * kinds.get("micro", 0) / row["seconds"] if row["seconds"] else 0.0
    cells = " ".join(f"{kinds.get(kind, 0):>6}" for kind in EVENT_KINDS)
    return f"{name:<{width}} {row['seconds']:>8.1f} {share:>6.0f}% {cells} {rate:>9.2f}"


def _short_names(names: Sequence[str]) -> dict[str, str]:
    """The names without the folders that they share."""
    folders = [Path(name).parent.parts for name in names]
    shared = 0
    while all(len(parts) > shared and parts[shared] == folders[0][shared] for parts in folders):
        shared += 1
    return {name: printable(str(Path(*Path(name).parts[shared:]))) for name in names}
