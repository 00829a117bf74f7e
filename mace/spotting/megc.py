"""The forms in which the Micro-Expression Grand Challenges have spotted intervals.

MEGC 2020: a line with the number of the data set (1 SAMM Long Videos, 2 CAS(ME)^2), then a line for
each interval: video, true onset and offset, spotted onset and offset, `-` where there is none, and
TP, FP or FN. MEGC 2022 and 2023: a table `vid,pred_onset,pred_offset,type`, the type `me` or `mae`.
MEGC 2024 and 2025: a table `subject,video,onset,offset,emotion` of micro-expressions, the subject
as a number: 6 is 006, s06 or spNO.6. Frames have the numbers of the data set's authors. As used by
the challenges' baselines and the code of their participants; the measures are those of
`mace.spotting.measures`.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from mace.files import write_text
from mace.spotting.measures import Interval, Video, match

FOLDER = "megc"
"""The folder of what is spotted, in these forms."""
DATA_SETS: Mapping[str, str] = {"samm": "1", "casme_squared": "2"}
TYPES: Mapping[str, str] = {"micro": "me", "macro": "mae"}
_PERSON = re.compile(r"(?:s|sub|subject|spno\.?)?0*([0-9]+)", re.IGNORECASE)


def video_id(video: Video) -> str:
    """Return a video as the challenge writes it: 006_1, 15_0401, spNO.1_a."""
    number = subject_number(video.subject)
    own = number is not None and subject_number(video.name.partition("_")[0]) == number
    named = own or not video.subject
    return word(video.name if named else f"{video.subject}_{video.name}")


def subject_number(subject: str) -> str | None:
    """Return a person's number: 6 of 006, 15 of s15, 1 of sub01 and spNO.1; None of other names."""
    person = _PERSON.fullmatch(subject)
    return person[1] if person else None


def write_log(path: Path, videos: Sequence[Video]) -> None:
    """Write the log of MEGC 2020, by data set and video, in the order of the frames.

    Of a kind that nobody has looked for there is no line, as it is not scored.

    Raises:
        OutputError: if it cannot be written.
    """
    lines: list[str] = []
    database = None
    for video in videos:
        if video.database != database:
            database = video.database
            lines.append(DATA_SETS.get(database, word(database) or "-"))
        for true, spotted, result in _rows(video):
            numbers = [
                str(end + video.first) if interval is not None else "-"
                for interval in (true, spotted)
                for end in ((interval.onset, interval.offset) if interval is not None else (0, 0))
            ]
            lines.append(
                " ".join([f"{video_id(video):<11}", *(f"{n:>7}" for n in numbers), result])
            )
    write_text(path, "\n".join(lines) + "\n")


def _rows(video: Video) -> list[tuple[Interval | None, Interval | None, str]]:
    spotted = [interval for interval in video.spotted if interval.kind in video.kinds]
    pairs = match(spotted, video.true)
    hits, hit = {i for i, _ in pairs}, {j for _, j in pairs}
    rows: list[tuple[Interval | None, Interval | None, str]] = [
        (video.true[j], spotted[i], "TP") for i, j in pairs
    ]
    rows += [(None, wrong, "FP") for i, wrong in enumerate(spotted) if i not in hits]
    rows += [(missed, None, "FN") for j, missed in enumerate(video.true) if j not in hit]
    return sorted(rows, key=lambda row: (row[1] or row[0] or Interval(0, 0)).onset)


def write_types(path: Path, videos: Sequence[Video]) -> None:
    """Write what was spotted as MEGC 2022 and 2023 ask for it.

    Raises:
        OutputError: if it cannot be written.
    """
    rows = [
        (video_id(v), interval.onset + v.first, interval.offset + v.first, TYPES[interval.kind])
        for v in videos
        for interval in v.spotted
    ]
    _write_table(path, ("vid", "pred_onset", "pred_offset", "type"), rows)


def write_emotions(path: Path, videos: Sequence[Video], *, true: bool = False) -> None:
    """Write the micro-expressions with their classes as MEGC 2024 and 2025 ask for them.

    What was spotted and has no name is "others", a class of the challenge; the emotion of a true
    one that nobody knows is left empty.

    Args:
        path: the file.
        videos: whose.
        true: those of the annotators, not what was spotted.

    Raises:
        OutputError: if it cannot be written.
    """
    rows = [
        (
            subject_number(v.subject) or v.subject,
            v.name,
            micro.onset + v.first,
            micro.offset + v.first,
            micro.label or ("" if true else "others"),
        )
        for v in videos
        for micro in (v.true if true else v.spotted)
        if micro.kind == "micro"
    ]
    _write_table(path, ("subject", "video", "onset", "offset", "emotion"), rows)


def _write_table(path: Path, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([head, *rows])
    write_text(path, text.getvalue())


def word(name: str) -> str:
    """Return a name without spaces, which part the columns of a log."""
    return re.sub(r"\s+", "_", name)
