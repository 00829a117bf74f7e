"""Which recordings lie in a folder: videos and folders of pictures, at any depth."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from mace.errors import DataError
from mace.live.recorder import PLAIN_VIDEO, SESSION
from mace.pictures.naming import arrange, is_picture
from mace.recordings.event_card import CARDS
from mace.result_folders import COLOUR
from mace.video.naming import is_video

_LEAST_PICTURES = 3


def recordings_within(paths: Sequence[Path]) -> list[Path]:
    """Return the recordings that paths stand for, each once, in order.

    A file, a pattern and a folder of pictures alone are one; of another folder it is what
    `recordings_below` finds.

    Raises:
        DataError: if a folder cannot be read, or is a session without the camera's own pictures.
    """
    recordings: dict[Path, Path] = {}
    for path in paths:
        within = list(recordings_below(path)) if path.is_dir() else []
        if not within and is_session(path):
            raise DataError(
                f"{path} is a session of `mace live` without the camera's own pictures, and what "
                "is drawn into others would be taken for movement; name what it was made of"
            )
        for recording in within or [path]:  # of an empty folder the source says what is wrong
            recordings.setdefault(recording.resolve(), recording)
    return list(recordings.values())


def recordings_below(folder: Path, *, above: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """Yield the recordings in a folder, or the folder itself where it is one of pictures.

    Links are followed. Hidden folders, event cards and snapshots are left out, depth beside colour,
    and of sessions of `mace live` what is drawn into their pictures.

    Args:
        folder: in which to look.
        above: folders that it was reached by; a link to one of them leads nowhere.

    Raises:
        DataError: if a folder cannot be read.
    """
    if is_picture_folder(folder):
        yield folder
        return
    above |= {folder.resolve()}
    session = is_session(folder)
    colour = (folder / COLOUR).is_dir()
    for entry in _entries(folder):
        if entry.is_dir():
            if colour and entry.name == "depth":
                continue
            if not _is_left_out(entry.name) and entry.resolve() not in above:
                yield from recordings_below(entry, above=above)
        elif is_video(entry.name) and (entry.name == PLAIN_VIDEO or not session):
            yield entry


def is_picture_folder(folder: Path) -> bool:
    """Return whether a folder is a recording of pictures: three at least that numbers count.

    Fewer are plans or covers, and so are those beside videos.
    """
    entries = _entries(folder) if folder.is_dir() else []
    names = [entry.name for entry in entries if is_picture(entry.name) and entry.is_file()]
    enough = len(arrange(names).names) >= _LEAST_PICTURES
    return enough and not any(is_video(entry.name) for entry in entries)


def is_session(folder: Path) -> bool:
    """Return whether a folder is a session of `mace live`."""
    return (folder / SESSION).is_file()


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise DataError(f"{folder} cannot be read ({error.strerror or error})") from error


def _is_left_out(name: str) -> bool:
    return name.startswith(".") or name == CARDS or name.endswith("-snapshots")
