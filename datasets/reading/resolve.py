"""An annotation and the frames that exist: which of them are onset, apex and offset."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mace.datasets.reading.records import Annotation, Change, Kind
from mace.errors import DataError

NEAREST = 5
"""A frame that does not exist is replaced by one at most so many frames away."""
LONGEST_S = 2.0
"""A longer interval, in seconds, is no micro-expression, and remarked upon."""

type ApexSource = Literal["annotated", "repaired", "midpoint", "estimated"]


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """Onset, apex and offset among the frames that exist; onset < apex <= offset.

    Attributes:
        onset: index into the frames, as are the next two.
        apex: likewise; None where it is to be estimated from the frames.
        offset: likewise.
        apex_source: `annotated`, `repaired` (a known correction, or the nearest frame), `midpoint`
            or `estimated`.
        changes: what was mended, or is remarkable.
    """

    onset: int
    apex: int | None
    offset: int
    apex_source: ApexSource
    changes: tuple[Change, ...] = ()


def resolve(annotation: Annotation, numbers: Sequence[int]) -> Resolved:
    """Find an annotation's frames among those that exist, mending what can be mended.

    An onset or offset that is not given is the first or last frame; one whose frame does not exist
    is the nearest that does, within `NEAREST` frames and a quarter of the interval. An apex that is
    missing, or not after the onset and up to the offset, is the known correction if there is one,
    else estimated if the annotation asks for it, else the midpoint. Every such change is reported,
    and so is an interval of more than `LONGEST_S`.

    Args:
        annotation: with frame numbers.
        numbers: of the frames that exist, ascending.

    Raises:
        DataError: if no pair of frames is left; the message is the reason to drop the clip.
    """
    if not numbers:
        raise DataError("its folder holds no frame")
    changes: list[Change] = []

    def repair(code: str, reason: str) -> None:
        changes.append(annotation.change("repair", code, reason))

    given = annotation.onset, annotation.offset
    if given[0] is not None and given[1] is not None:
        if given[1] <= given[0]:
            raise DataError(f"its offset {given[1]} is not after its onset {given[0]}")
        if given[1] < numbers[0] or given[0] > numbers[-1]:
            raise DataError(
                f"it is annotated from {given[0]} to {given[1]}, but its frames are "
                f"{numbers[0]} to {numbers[-1]}"
            )
    limit = _limit(annotation, numbers)
    ends = []
    for name, number, default in zip(
        ("onset", "offset"), given, (0, len(numbers) - 1), strict=True
    ):
        if number is None:
            index, word = default, "first" if default == 0 else "last"
            repair(f"{name}-missing", f"no {name}; took {numbers[index]}, the {word} frame")
        else:
            index = _nearest_within(numbers, number, limit, name)
            if numbers[index] != number:
                repair(
                    f"{name}-frame-missing",
                    f"{name} frame {number} does not exist; took {numbers[index]}, the nearest",
                )
        ends.append(index)
    onset, offset = ends
    if offset <= onset:
        raise DataError(f"only one of its frames exists, {numbers[onset]}")
    seconds = (numbers[offset] - numbers[onset]) / annotation.fps
    if seconds > LONGEST_S:
        reason = f"{numbers[onset]} to {numbers[offset]} lasts {seconds:.1f} s, which is no"
        reason += " micro-expression (more than 2 s); kept, look at its row"
        changes.append(annotation.change("remark", "interval-long", reason))
    apex, source = _apex(annotation, numbers, onset, offset, limit, changes)
    return Resolved(
        onset=onset, apex=apex, offset=offset, apex_source=source, changes=tuple(changes)
    )


def _apex(
    annotation: Annotation,
    numbers: Sequence[int],
    onset: int,
    offset: int,
    limit: int,
    changes: list[Change],
) -> tuple[int | None, ApexSource]:
    first, last = numbers[onset], numbers[offset]
    # The annotated interval is believed, also where its first or last frame does not exist.
    low = first if annotation.onset is None else annotation.onset
    high = last if annotation.offset is None else annotation.offset
    given = annotation.apex
    source: ApexSource = "annotated"
    code, fault = "", ""
    if given is None:
        code, fault = "apex-missing", "no apex"
    elif given == low:
        code, fault = "apex-is-onset", f"apex {given} is the onset"
    elif not low < given <= high:
        code, fault = "apex-outside", f"apex {given} lies outside {low} to {high}"
    if not code:
        assert given is not None
        nearest = _nearest_within(numbers, given, limit, "apex")
        index = min(max(nearest, onset + 1), offset)
        if abs(numbers[index] - given) > limit:
            raise DataError(f"apex frame {given} does not exist, nor any near it after the onset")
        if numbers[index] != given:
            lack = "is not after the first frame" if given == first else "does not exist"
            reason = f"apex frame {given} {lack}; took {numbers[index]}, the nearest"
            changes.append(annotation.change("repair", "apex-frame-missing", reason))
            source = "repaired"
        elif index == offset:
            changes.append(
                annotation.change("remark", "apex-is-offset", f"apex {given} is the offset; kept")
            )
        return index, source
    kind: Kind = "correction" if annotation.known_error else "repair"
    if annotation.known_apex is not None and low < annotation.known_apex <= high:
        instead, source, how = annotation.known_apex, "repaired", "the known correction"
        _nearest_within(numbers, instead, limit, "the corrected apex")
        kind = "correction"
    elif annotation.estimate_apex:
        # Where a data set has no apex at all, estimating it mends nothing, and says so itself.
        if given is not None:
            reason = f"{fault}; estimated from the frames"
            changes.append(annotation.change("repair", code, reason))
        return None, "estimated"
    else:
        instead, source, how = (first + last) // 2, "midpoint", "the midpoint"
    index = min(max(_nearest(numbers, instead), onset + 1), offset)
    near = "" if numbers[index] == instead else "the frame nearest to "
    changes.append(annotation.change(kind, code, f"{fault}; took {numbers[index]}, {near}{how}"))
    return index, source


def _limit(annotation: Annotation, numbers: Sequence[int]) -> int:
    onset = numbers[0] if annotation.onset is None else annotation.onset
    offset = numbers[-1] if annotation.offset is None else annotation.offset
    return max(1, min(NEAREST, (offset - onset) // 4))


def _nearest_within(numbers: Sequence[int], number: int, limit: int, name: str) -> int:
    """Index of the nearest number.

    Raises:
        DataError: if it is more than `limit` away.
    """
    index = _nearest(numbers, number)
    if abs(numbers[index] - number) > limit:
        raise DataError(
            f"{name} frame {number} does not exist, and the nearest, {numbers[index]}, is "
            f"{abs(numbers[index] - number)} frames away (its frames are {numbers[0]} to "
            f"{numbers[-1]})"
        )
    return index


def _nearest(numbers: Sequence[int], number: int) -> int:
    """Index of the nearest number; of two as near, the smaller."""
    right = min(bisect_left(numbers, number), len(numbers) - 1)
    left = max(right - 1, 0)
    return left if number - numbers[left] <= numbers[right] - number else right
