"""The pictures of a folder or of a pattern of names, as the frames of one recording."""

import os
import re
from collections.abc import Generator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from mace.errors import DataError
from mace.pictures.naming import Arranged, arrange, is_picture
from mace.pictures.numbers import Numbered, place_numbers
from mace.pictures.reading import Pixels, read_picture, significant_bits, to_8_bits
from mace.video.naming import videos_within
from mace.video.reader import Picture, Remark

FOLDER_FPS = 200.0
_NUMBER = re.compile(r"%(0?)(\d*)d")
# Pictures of 16 bits that are looked at for the scale of them all.
_SCALED_BY = 64


class PictureFolder:
    """Pictures in natural order of their names, each at the time that its number says.

    Of 16-bit pictures the significant bits are brought to 8, by one scale for all.

    Args:
        path: a folder, or the pattern of its pictures' names: with a number (img%05d.png, as FFmpeg
            writes it) or a wildcard (*.jpg).
        fps: frames per second; 200 without.

    Attributes:
        name: the path as a text.
        files: the pictures, in order.
        count: how many there are.
        size: width and height in px.
        fps: pictures per second.
        rate: numbers per second, where the names' numbers count frames that were left out.
        times: of the pictures, s since the first one.
        numbers: of the pictures, as their names have them; None where no single number counts them.
        remarks: what was assumed, and what is missing.

    Raises:
        DataError: if there are none, or two of them stand for one frame or for two recordings.
    """

    def __init__(self, path: Path, *, fps: float | None = None) -> None:
        self.name = str(path)
        folder, arranged, assumed = _arranged(path)
        if fps is None:
            assumed.append(
                f"the rate is not known: {FOLDER_FPS:g} pictures a second were assumed, on which "
                "every time depends; say the true rate with --fps"
            )
        numbered = _numbered(arranged)
        self.remarks = [
            *(Remark("assumed", f"{self.name}: {what}") for what in (*assumed, *numbered.assumed)),
            *(Remark("gap", f"{self.name}: {what}") for what in numbered.gaps),
        ]
        self.files = tuple(folder / name for name in arranged.names)
        self.count = len(self.files)
        rate = FOLDER_FPS if fps is None else fps
        if not 0 < rate < np.inf:
            raise DataError(f"--fps asks for {rate:g} pictures per second; say the true rate")
        self.fps, self.rate, self.numbers = rate / numbered.step, rate, arranged.numbers
        self.times = np.array(numbered.places) / rate
        first = read_picture(self.files[0])
        self._depth, self.size = first.dtype, (first.shape[1], first.shape[0])
        stride = -(-self.count // _SCALED_BY)
        deep = first.dtype != np.uint8
        self._bits = significant_bits(map(self._read, self.files[::stride])) if deep else 8

    def pictures(self) -> Generator[Picture, None, None]:
        """Yield the pictures in order.

        Raises:
            DataError: for one that cannot be read, or is of another size or depth than the first.
        """
        for number, time in enumerate(self.times.tolist()):
            yield Picture(number, time, self.image(number))

    def image(self, number: int) -> UInt8[np.ndarray, "h w 3"]:
        """Return the picture of a number, from 0, as blue, green, red.

        Raises:
            DataError: as `pictures`.
            IndexError: for a number that the folder does not have.
        """
        if not 0 <= number < self.count:
            raise IndexError(f"{self.name} has no picture {number}")
        return to_8_bits(self._read(self.files[number]), self._bits)

    def _read(self, file: Path) -> Pixels:
        image = read_picture(file)
        size, depth = (image.shape[1], image.shape[0]), image.dtype
        if size == self.size and depth == self._depth:
            return image
        here, before = (
            f"{width}x{height} px, {8 * kind.itemsize} bits"
            for (width, height), kind in ((size, depth), (self.size, self._depth))
        )
        raise DataError(
            f"{file} is {here} a sample, the pictures before it {before}; a folder must hold the "
            "frames of one recording"
        )


def is_pattern(path: Path) -> bool:
    """Return whether the name of `path` stands for the names of several pictures."""
    return bool(_NUMBER.search(path.name)) or any(sign in path.name for sign in "*?[")


def _arranged(path: Path) -> tuple[Path, Arranged, list[str]]:
    """The folder, its pictures by their names, and remarks on what else is there."""
    folder = path if path.is_dir() else path.parent
    names = [name for name in _named_by(path) if is_picture(name)]
    folders = [name for name in names if (folder / name).is_dir()]
    arranged = arrange(set(names) - set(folders))
    if not arranged.names and path.is_dir() and (videos := videos_within(path)):
        raise DataError(
            f"{path} is a folder of videos, where pictures of one recording were expected; name "
            f"one of {videos}; `mace spot {path}` takes them all"
        )
    if not arranged.names:
        raise DataError(
            f"{path} holds no images named by frame numbers, such as img001.jpg"
            + (f" ({arranged.unnumbered[0]} has no number)" if arranged.unnumbered else "")
        )
    for first, other in arranged.doubles:
        raise DataError(
            f"{folder}: {first} and {other} stand for one and the same frame"
            f"{_more(len(arranged.doubles) - 1, 'such pair')}; keep one of them, or name those of "
            "one recording by a pattern such as img%05d.png"
        )
    for stray in arranged.strays:
        raise DataError(
            f"{folder}: {stray} is named otherwise than {arranged.names[0]}"
            f"{_more(len(arranged.strays) - 1, 'such picture')}; a folder must hold the frames of "
            "one recording: move the others away, or name its own by a pattern such as img%05d.png"
        )
    apart = [*arranged.unnumbered, *folders]
    remarks = [f"left out, for it is no numbered picture: {_listed(apart)}"] if apart else []
    return folder, arranged, remarks


def _numbered(arranged: Arranged) -> Numbered:
    if arranged.numbers is not None:
        return place_numbers(arranged.numbers)
    first, last = arranged.names[0], arranged.names[-1]
    remark = (
        f"no single number in the names counts the pictures ({first} … {last}); they are taken in "
        "natural order, evenly spaced in time"
    )
    return Numbered(tuple(map(float, range(len(arranged.names)))), 1.0, (remark,))


def _more(count: int, what: str) -> str:
    return f" (and {count} more {what}{'s' if count > 1 else ''})" if count else ""


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if names[3:] else "")


def _named_by(path: Path) -> list[str]:
    if not path.is_dir() and not path.parent.is_dir():
        raise DataError(f"there is no folder {path.parent}; check the path")
    try:
        if path.is_dir():
            return os.listdir(path)
        if not _NUMBER.search(path.name):
            return [file.name for file in path.parent.glob(path.name)]
        names = os.listdir(path.parent)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error})") from error
    # Literal parts are escaped; what the number stands for has at least the asked digits.
    literal = [re.escape(part) for part in _NUMBER.split(path.name)[::3]]
    digits = [rf"\d{{{width or 1},}}" for _, width in _NUMBER.findall(path.name)]
    whole = "".join(a + b for a, b in zip(literal, [*digits, ""], strict=True))
    return [name for name in names if re.fullmatch(whole, name)]
