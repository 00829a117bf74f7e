"""What was spotted in recordings, as the Grand Challenge wants it of videos without a truth.

MEGC 2022 and 2023 ask for `cas_pred.csv` and `samm_pred.csv` with the columns
`vid,pred_onset,pred_offset,type`, MEGC 2024 and 2025 for `subject,video,onset,offset,emotion`.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from mace.recordings.formulas import path_cell
from mace.result_folders import recording_parts
from mace.spotting.events import Event
from mace.spotting.measures import KINDS, Interval, Video
from mace.spotting.megc import FOLDER, subject_number, video_id, write_emotions, write_types


def submitted_video(
    recording: Path, events: Iterable[Event], numbers: Sequence[int] | None
) -> Video:
    """Return the micro- and macro-expressions of a recording, with the challenge's frame numbers.

    Args:
        recording: whose folders name the person and the video.
        events: what was spotted.
        numbers: of the frames, by their pictures' names; from 1 if nothing has numbers.
    """
    *above, name = recording_parts(recording)
    person = next((n for n in (name.partition("_")[0], *above[-1:]) if subject_number(n)), "")

    def number(frame: int) -> int:
        return frame + 1 if numbers is None else numbers[frame]

    spotted = tuple(
        Interval(number(event.onset_frame), number(event.offset_frame), event.kind, event.label)
        for event in events
        if event.kind in KINDS
    )
    return Video(path_cell(name), person, 0.0, spotted, ())


def write_submission(out: Path, videos: Sequence[Video], names: Sequence[str]) -> None:
    """Write what was spotted in the forms of MEGC 2022 to 2025, into the folder `megc` of `out`.

    Args:
        out: of all results.
        videos: as `submitted_video` makes them.
        names: of their results, for videos that would be called alike.

    Raises:
        OutputError: if it cannot be written.
    """
    called: dict[str, Video] = {}
    for video, name in zip(videos, names, strict=True):
        if video_id(video) in called:
            video = Video(path_cell(name), "", 0.0, video.spotted, ())
        called[video_id(video)] = video
    write_types(out / FOLDER / "mace-types.csv", list(called.values()))
    write_emotions(out / FOLDER / "mace-emotions.csv", list(called.values()))
