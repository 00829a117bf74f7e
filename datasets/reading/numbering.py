"""Folders whose frames somebody numbered anew, from 0 or 1, while the sheet counts otherwise."""

from collections.abc import Sequence
from dataclasses import replace

from mace.datasets.reading.records import Annotation


def as_the_sheet_counts(
    annotations: Sequence[Annotation],
) -> tuple[tuple[Annotation, ...], int]:
    """Number the frames of a data set as its sheet does, where they were all numbered anew.

    One folder alone does not tell: 19 frames from 1 to 19 for an interval from 2 to 20 are numbered
    anew, or the last one is missing. So all of them have a say. A folder that holds the annotated
    onset and offset counts as the sheet does; one that holds exactly as many frames as the
    interval, from 0 or from 1 on, was numbered anew; one of both kinds, whose onset is its first
    frame, speaks for the sheet, but may be chance. Only where no folder is of the first kind and
    most are of the second is the first frame of each taken as its onset; one that lacks a few
    frames follows the others.

    Returns:
        The annotations, and the number of those whose frames got other numbers.
    """
    votes = [shift for annotation in annotations if (shift := _shift(annotation, exact=True))]
    complete = [annotation for annotation in annotations if _interval(annotation) is not None]
    as_they_are = sum(map(_reaches, complete))
    unclear = sum(map(_may_be_either, complete))
    lacking = len(complete) - as_they_are - unclear - len(votes)
    # A few folders that are one frame off lack it.
    one_off = len(votes) < 3 and max(map(abs, votes), default=1) == 1
    if as_they_are or one_off or len(votes) <= max(unclear, lacking):
        return tuple(annotations), 0
    renumbered, count = [], 0
    for annotation in annotations:
        shift = _shift(annotation, exact=False)
        if shift:
            count += 1
            frames = {number + shift: path for number, path in annotation.frames.items()}
            annotation = replace(annotation, frames=frames)
        renumbered.append(annotation)
    return tuple(renumbered), count


def _interval(annotation: Annotation) -> tuple[int, int, int, int] | None:
    """Onset and offset, first and last frame; None where one is not known."""
    onset, offset, frames = annotation.onset, annotation.offset, annotation.frames
    if onset is None or offset is None or onset >= offset or not frames:
        return None
    return onset, offset, min(frames), max(frames)


def _may_be_either(annotation: Annotation) -> bool:
    span = _interval(annotation)
    return span is not None and span[0] == span[2] <= 1


def _reaches(annotation: Annotation) -> bool:
    """Whether the folder holds onset and offset, and would not under any other numbers."""
    span = _interval(annotation)
    return (
        span is not None
        and not _may_be_either(annotation)
        and span[2] <= span[0]
        and (span[1] <= span[3])
    )


def _shift(annotation: Annotation, *, exact: bool) -> int:
    """What would bring the folder's first number, 0 or 1, to the onset; 0 where that cannot be."""
    span = _interval(annotation)
    if span is None:
        return 0
    onset, offset, first, last = span
    length = offset - onset + 1
    if first not in (0, 1) or last - first + 1 > length:
        return 0
    if exact and not len(annotation.frames) == last - first + 1 == length:
        return 0
    return onset - first
