"""Times from the numbers in the names of pictures, and the gaps between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median

# Gaps that are named one by one.
_NAMED = 3


@dataclass(frozen=True)
class Numbered:
    """When pictures were taken, as far as their numbers say.

    Attributes:
        places: of each picture, in frames since the first one.
        step: from one picture to the next, in frames.
        assumed: what was assumed, in sentences.
        gaps: what is missing, in a sentence.
    """

    places: tuple[float, ...]
    step: float = 1.0
    assumed: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()


def place_numbers(numbers: Sequence[int]) -> Numbered:
    """Return where pictures of strictly rising numbers lie, in frames.

    Numbers that rise by one, or by multiples of one step, are those of frames. Others are taken for
    times in a unit that nobody states: evenly many to a second, whatever the unit is.
    """
    steps = [after - before for before, after in pairwise(numbers)]
    if not steps:
        return Numbered((0.0,) * len(numbers))
    least = min(steps)
    if any(step % least for step in steps):
        usual = median(steps)
        unit = fmean(step for step in steps if step < 1.5 * usual)
        places = tuple((number - numbers[0]) / unit for number in numbers)
        remark = (
            f"the numbers in the names rise unevenly (by {least} to {max(steps)}), and are taken "
            "for times whose usual step is one frame"
        )
        return Numbered(places, 1.0, (remark,), _gaps(numbers, steps, unit))
    assumed: tuple[str, ...] = ()
    if least > 1:
        remark = (
            f"the numbers in the names rise by {least}, and --fps counts numbers; if it is the "
            f"rate of the pictures, say {least} times as much"
        )
        assumed = (remark,)
    places = tuple(float(number - numbers[0]) for number in numbers)
    return Numbered(places, least, assumed, _gaps(numbers, steps, least))


def _gaps(numbers: Sequence[int], steps: Sequence[int], unit: float) -> tuple[str, ...]:
    """Say in one sentence how many pictures are missing, and where."""
    gaps = [(at, round(step / unit) - 1) for at, step in enumerate(steps) if step >= 1.5 * unit]
    if not gaps:
        return ()
    missing = sum(count for _, count in gaps)
    places = [_gap(numbers[at], numbers[at + 1], round(unit)) for at, _ in gaps[:_NAMED]]
    if len(gaps) > _NAMED:
        places.append(f"{len(gaps) - _NAMED} more places")
    pictures = "1 picture is" if missing == 1 else f"{missing} pictures are"
    return (
        f"{pictures} missing by the numbers in the names ({', '.join(places)}); the others keep "
        "their times",
    )


def _gap(before: int, after: int, unit: int) -> str:
    first, last = before + unit, after - unit
    return str(first) if first >= last else f"{first} to {last}"
