"""The forms of the Micro-Expression Grand Challenges, read, whoever wrote them.

The forms are those of `mace.spotting.megc`.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mace.errors import DataError
from mace.files import decode_text
from mace.spotting.measures import IOU, Counts, Interval, Video, iou
from mace.spotting.megc import DATA_SETS, TYPES, subject_number, word

_DATA_SET = re.compile(r"[0-9]|[^0-9].*")
_RESULTS = ("TP", "FP", "FN")
_COLUMNS = {
    "video": ("vid", "video"),
    "onset": ("onset", "pred_onset", "gt_onset", "onset_frame"),
    "offset": ("offset", "pred_offset", "gt_offset", "offset_frame"),
}


def is_spotting(path: Path) -> bool:
    """Say whether a file has one of the three forms, by its first lines."""
    try:
        lines = _lines(path)
    except DataError:
        return False
    rows = [line.split() for _, line in lines[:3]]
    log = any(len(row) == 6 and row[5] in _RESULTS for row in rows)
    return bool(lines) and (
        log or _places(_cells(lines[0][1], _separator(lines[0][1]))) is not None
    )


@dataclass(frozen=True)
class SpottingLog:
    """A log of MEGC 2020.

    Attributes:
        counts: by the data set that it names.
        remarks: what is wrong with it, in sentences.
    """

    counts: Mapping[str, Counts]
    remarks: tuple[str, ...]


def read_log(path: Path) -> SpottingLog:
    """Read a log of MEGC 2020 and count what its lines say.

    It does not say which intervals are micro-expressions, so that there are counts of all alone.

    Raises:
        DataError: naming file and line, if it is missing or a line is none of the form.
    """
    counts: dict[str, Counts] = defaultdict(Counts)
    seen: dict[tuple[str, ...], int] = {}
    names = {number: name for name, number in DATA_SETS.items()}
    database, twice, weak = "", [], []
    lines = _lines(path)
    videos = {cells[0] for _, line in lines if len(cells := line.split()) > 1}
    for number, line in lines:
        cells = line.split()
        # A video's name alone is what is left of a line that was cut off.
        if len(cells) == 1 and cells[0] not in videos and _DATA_SET.fullmatch(cells[0]):
            database = names.get(cells[0], cells[0])
            continue
        if len(cells) != 6 or cells[5] not in _RESULTS:
            raise DataError(
                f"{path}, line {number}: expected the number of a data set, or `video true-onset "
                f"true-offset onset offset TP|FP|FN`, found {line[:60]!r}"
            )
        result = cells[5]
        true, spotted = (_interval(path, number, cells[k : k + 2]) for k in (1, 3))
        if (true is None) != (result == "FP") or (spotted is None) != (result == "FN"):
            raise DataError(f"{path}, line {number}: {result} does not fit its intervals")
        if true is not None and spotted is not None and iou(true, spotted) < IOU:
            weak.append(number)
        if true is not None:
            mark = (database, cells[0], cells[1], cells[2])
            if result == "TP" and mark in seen:
                twice.append(number)
            seen[mark] = number
        at = _RESULTS.index(result)
        counts[database] += Counts(*(int(k == at) for k in range(3)))
    if not counts:
        raise DataError(f"{path} holds no interval")
    remarks = []
    if weak:
        remarks.append(f"{len(weak)} TP overlap by an IoU below {IOU}, first in line {weak[0]}")
    if twice:
        remarks.append(f"{len(twice)} true intervals are hit twice, first in line {twice[0]}")
    return SpottingLog(dict(counts), tuple(remarks))


def read_videos(
    spotted: Path, true: Path, *, classes: Collection[str] = ()
) -> tuple[list[Video], tuple[str, ...]]:
    """Read tables of MEGC 2022 to 2025, of what was spotted and of what is true.

    A video without a true interval is known by what was spotted in it alone. Videos are the same
    in whatever case, and with their subject in a column of its own or before their name, as a
    number or as a data set's authors write it.

    Args:
        spotted: what was spotted.
        true: what the annotators say.
        classes: those that are analysed, others being no class; all, if there are none.

    Returns:
        The videos, and what is remarkable about them, in sentences.

    Raises:
        DataError: naming file and line, if a table is missing or damaged, or nothing is true.
    """
    (ours, our_names), (theirs, their_names) = (_read_table(path) for path in (spotted, true))
    if not theirs:
        raise DataError(f"{true} holds no interval, and something must be true to be spotted")
    remarks = []
    named = {i.label for side in (ours, theirs) for own in side.values() for i in own if i.label}
    if unknown := [name for name in classes if name not in named]:
        remarks.append(
            f"no interval has the class {' or '.join(unknown)}; there are: "
            f"{', '.join(sorted(named)) or 'none'}"
        )
    videos = []
    for name in sorted({*ours, *theirs}):
        mine, true_ones = (_of_classes(side.get(name, ()), classes) for side in (ours, theirs))
        videos.append(Video(name, "", 0.0, mine, true_ones))
    if ours and not ours.keys() & theirs.keys():
        remarks.append(
            f"no video of {spotted} is one of {true}: is {our_names[min(ours)]} spelt there as it "
            f"is here, and {their_names[min(theirs)]}?"
        )
    kinds = {interval.kind for intervals in theirs.values() for interval in intervals}
    extra = sum(i.kind not in kinds for intervals in ours.values() for i in intervals)
    if extra:
        unknown = " or ".join(kind for kind in TYPES if kind not in kinds)
        remarks.append(
            f"{extra} of the spotted intervals are {unknown}, of which {true} has none: not scored"
        )
    return videos, tuple(remarks)


def _of_classes(intervals: Sequence[Interval], classes: Collection[str]) -> tuple[Interval, ...]:
    """Return intervals whose names are classes; without classes, every name is one."""
    return tuple(
        replace(interval, label=None) if classes and interval.label not in classes else interval
        for interval in intervals
    )


def _read_table(path: Path) -> tuple[dict[str, list[Interval]], dict[str, str]]:
    """The intervals of each video by what it is known by, and how the table spells it."""
    lines = _lines(path)
    separator = _separator(lines[0][1]) if lines else ","
    head = _cells(lines[0][1], separator) if lines else []
    places = _places(head)
    if places is None:
        raise DataError(
            f"{path} has no columns vid or video, onset and offset (of MEGC 2022 to 2025) but "
            f"{', '.join(head)[:80] or 'nothing'}"
        )
    videos: dict[str, list[Interval]] = defaultdict(list)
    names: dict[str, str] = {}
    for number, line in lines[1:]:
        cells = _cells(line, separator)
        if len(cells) != len(head):
            raise DataError(f"{path}, line {number}: {len(cells)} cells, expected {len(head)}")
        row = {name: cells[place] for name, place in places.items()}
        interval = _interval(path, number, [row["onset"], row["offset"]])
        if interval is None:
            continue  # a video in which nothing was spotted
        kind = row.get("type", "me").casefold()
        if kind not in ("me", "micro", "mae", "macro"):
            raise DataError(f"{path}, line {number}: the type is {kind!r}, expected me or mae")
        interval = replace(
            interval,
            kind="micro" if kind in ("me", "micro") else "macro",
            label=row.get("emotion", "").casefold() or None,
        )
        subject, video = row.get("subject", ""), row["video"]
        known = _same_video(subject, video)
        names.setdefault(known, f"{subject} {video}".strip())
        videos[known].append(interval)
    return videos, names


def _places(head: Sequence[str]) -> dict[str, int] | None:
    """Where the columns stand; None for another table."""
    names = [name.strip().casefold() for name in head]
    places: dict[str, int] = {}
    for column, spellings in _COLUMNS.items():
        place = next((names.index(name) for name in spellings if name in names), None)
        if place is None:
            return None
        places[column] = place
    return places | {n: names.index(n) for n in ("subject", "type", "emotion") if n in names}


def _interval(path: Path, number: int, cells: Sequence[str]) -> Interval | None:
    if all(cell in ("-", "") for cell in cells):
        return None
    try:
        onset, offset = (round(float(cell)) for cell in cells)
    except (ValueError, OverflowError):
        raise DataError(f"{path}, line {number}: {' '.join(cells)!r} is no interval") from None
    if offset < onset:
        raise DataError(f"{path}, line {number}: the offset {offset} is before the onset {onset}")
    return Interval(onset, offset)


def _lines(path: Path) -> list[tuple[int, str]]:
    try:
        text = decode_text(path.read_bytes())
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    if text is None:
        raise DataError(f"{path} is no text")
    lines = enumerate(text.splitlines(), start=1)
    return [(number, line.strip()) for number, line in lines if line.strip()]


def _separator(head: str) -> str:
    return max(",;\t", key=head.count)


def _cells(line: str, separator: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line], delimiter=separator))]


def _same_video(subject: str, name: str) -> str:
    """What a video is known by however its person is written: 6_1, whether of 6 and 006_1 or alone.

    In small letters.
    """
    subject, name = subject.casefold(), name.casefold()
    head, _, rest = name.partition("_")
    person, own = subject_number(subject) or subject, subject_number(head)
    if own is not None and person in ("", own) and not name.isdecimal():
        return word(f"{own}_{rest}" if rest else own)
    return word(f"{person}_{name}" if person else name)
