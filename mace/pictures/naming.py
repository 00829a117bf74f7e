"""The names of a recording's pictures: their order, and the number that each of them carries."""

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

# What OpenCV decodes everywhere, as one picture a file.
PICTURE_SUFFIXES = frozenset(
    {
        ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".tif", ".tiff",
        ".pgm", ".ppm", ".pbm", ".pnm", ".webp", ".jp2",
    }
)  # fmt: skip
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True)
class Arranged:
    """The pictures of a folder, by their names.

    Most names have one form: the same words around numbers that change. Those are the recording.

    Attributes:
        names: of that form, in natural order of the whole name: 9 before 10, whatever the padding.
        numbers: that of each picture, strictly rising; None where no single number counts them,
            as in times of day.
        doubles: pairs of names that stand for one and the same frame, such as `img010.png` and
            `img010.jpg`, or `img010.jpg` and `img010 (1).jpg`; of the former the first is in
            `names`.
        strays: names of another form.
        unnumbered: names without a number.
    """

    names: tuple[str, ...]
    numbers: tuple[int, ...] | None
    doubles: tuple[tuple[str, str], ...] = ()
    strays: tuple[str, ...] = ()
    unnumbered: tuple[str, ...] = ()


def is_picture(name: str) -> bool:
    """Return whether a file of this name is a picture, and none of another system's hidden ones."""
    return os.path.splitext(name)[1].lower() in PICTURE_SUFFIXES and not name.startswith(".")


def arrange(names: Iterable[str]) -> Arranged:
    """Put the names of pictures in order, and say what does not belong."""
    split = {name: _split(name) for name in names}
    forms: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, (words, numbers) in split.items():
        if numbers:
            forms[words].append(name)
    unnumbered = tuple(sorted(name for name, (_, numbers) in split.items() if not numbers))
    if not forms:
        return Arranged((), None, unnumbered=unnumbered)
    # Of as many names the shorter form: `img1 (1)` is the copy of `img1`.
    main = min(
        forms, key=lambda words: (-len(forms[words]), len(words), sum(map(len, words)), words)
    )
    ordered = sorted(forms[main], key=lambda name: (split[name][1], len(name), name))
    kept: dict[tuple[int, ...], str] = {}
    doubles: list[tuple[str, str]] = []
    for name in ordered:
        first = kept.setdefault(split[name][1], name)
        if first != name:
            doubles.append((first, name))
    stems = {_stem(name): name for name in kept.values()}
    strays: list[str] = []
    for name in sorted(name for words, group in forms.items() if words != main for name in group):
        original = _original(_stem(name), stems, words=main)
        if original is None:
            strays.append(name)
        else:
            doubles.append((original, name))
    return Arranged(
        names=tuple(kept.values()),
        numbers=_counting(list(kept)),
        doubles=tuple(doubles),
        strays=tuple(strays),
        unnumbered=unnumbered,
    )


def _stem(name: str) -> str:
    return unicodedata.normalize("NFKC", os.path.splitext(name)[0]).casefold()


def _split(name: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The words of a name, and the numbers between them."""
    parts = _DIGITS.split(_stem(name))
    return tuple(parts[::2]), tuple(map(int, parts[1::2]))


def _original(stem: str, stems: dict[str, str], *, words: tuple[str, ...]) -> str | None:
    """The name that `stem` holds whole, with something of a copying program before or behind."""
    parts = _DIGITS.split(stem)
    for cut in range(1, len(parts), 2):
        before = "".join(parts[: cut + 1]) + words[-1]
        behind = words[0] + "".join(parts[cut:])
        if stem.startswith(before) and before in stems:
            return stems[before]
        if stem.endswith(behind) and behind in stems:
            return stems[behind]
    return None


def _counting(numbers: Sequence[tuple[int, ...]]) -> tuple[int, ...] | None:
    """The numbers of the one place in the names that counts the pictures, None if none does."""
    columns = list(zip(*numbers, strict=True))
    changing = [column for column in columns if len(set(column)) > 1]
    if not changing:
        return columns[-1]
    rising = [column for column in changing if all(a < b for a, b in pairwise(column))]
    # A number of the frame beside a time in ms: both rise, and the frame's less.
    return min(rising, key=lambda column: column[-1] - column[0], default=None)
