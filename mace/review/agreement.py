"""How far two coders agree: on the events, on their frames, on kinds, labels and action units.

Events of both are matched one to one by their overlap, as spotted and true ones are in the Grand
Challenge. Kappa is that of J. Cohen, "A coefficient of agreement for nominal scales", Educational
and Psychological Measurement 20(1), 1960; reliability is 2 x agreed / all, as the authors of CASME
II and SAMM give it for action units (Yan et al., PLOS ONE 9(1), 2014).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from sklearn.metrics import cohen_kappa_score

from mace.annotation.action_units import listed_units
from mace.errors import DataError
from mace.review.events import CodedEvent, Coding
from mace.spotting.measures import IOU, Interval, iou, match

_PHASES = ("onset", "apex", "offset")


@dataclass(frozen=True)
class Difference:
    """How far apart the frames of two coders are, over matched events.

    Attributes:
        events: how many have this frame from both.
        mean: of the second coder's frame less the first one's, frames; None without an event.
        mean_absolute: of the distance, frames; None likewise.
    """

    events: int
    mean: float | None
    mean_absolute: float | None


@dataclass(frozen=True)
class UnitAgreement:
    """Agreement on one action unit, over matched events.

    Attributes:
        first: events in which the first coder sees it.
        second: likewise the second.
        both: in which both do.
        kappa: Cohen's, there or not; None where both say the same of all events.
    """

    first: int
    second: int
    both: int
    kappa: float | None


@dataclass(frozen=True)
class Agreement:
    """What two coders agree on.

    Attributes:
        coders: the two.
        videos: in which either has an event.
        alone: videos in which one coder has none, by coder: not coded, or nothing seen there.
        events: of each coder.
        matched: pairs of events.
        f1: 2 x matched / all events; None without one.
        iou: mean overlap of the pairs; None without one.
        frames: of onset, apex and offset.
        kind_kappa: Cohen's, micro or macro; None where both call all pairs the same.
        labelled: pairs that have a label from both.
        label_agreed: of those, pairs with the same.
        label_kappa: Cohen's over those; None where both give one and the same to all.
        units: by FACS number.
        unit_reliability: 2 x units that both see / units of both, over pairs; None without a unit.
    """

    coders: tuple[str, str]
    videos: int
    alone: Mapping[str, tuple[str, ...]]
    events: tuple[int, int]
    matched: int
    f1: float | None
    iou: float | None
    frames: Mapping[str, Difference]
    kind_kappa: float | None
    labelled: int
    label_agreed: int
    label_kappa: float | None
    units: Mapping[str, UnitAgreement] = field(default_factory=dict)
    unit_reliability: float | None = None


def kappa(first: Sequence[str], second: Sequence[str]) -> float | None:
    """Return Cohen's kappa; None where chance alone agrees wholly: both know one word, the same.

    Args:
        first: what one coder says of each item.
        second: what the other says.
    """
    if len({*first, *second}) < 2:
        return None
    return float(cohen_kappa_score(list(first), list(second)))


def agreement(
    codings: Mapping[str, Coding], coders: tuple[str, str], *, least: float = IOU
) -> Agreement:
    """Compare two coders.

    Args:
        codings: of all coders, by name.
        coders: the two to be compared.
        least: overlap (IoU) of a pair.

    Raises:
        DataError: if one of them has coded nothing.
    """
    for coder in coders:
        if coder not in codings:
            known = ", ".join(codings) or "nobody"
            raise DataError(f"{coder} has coded nothing in this table; it has events of {known}")
    first, second = (codings[coder] for coder in coders)
    videos = sorted({video for coding in (first, second) for video, _ in coding.all()})
    pairs = [pair for video in videos for pair in _pairs(first, second, video, least=least)]
    counts = tuple(sum(1 for _ in coding.all()) for coding in (first, second))
    labels = [(a.emotion, b.emotion) for a, b in pairs if a.emotion and b.emotion]
    units = _units(pairs)
    named = sum(unit.first + unit.second for unit in units.values())
    return Agreement(
        coders=coders,
        videos=len(videos),
        alone={
            coder: tuple(video for video in videos if not coding.of(video))
            for coder, coding in zip(coders, (first, second), strict=True)
        },
        events=(counts[0], counts[1]),
        matched=len(pairs),
        f1=2 * len(pairs) / sum(counts) if sum(counts) else None,
        iou=_mean([iou(_interval(a), _interval(b)) for a, b in pairs]),
        frames={phase: _difference(pairs, phase) for phase in _PHASES},
        kind_kappa=kappa([a.kind for a, _ in pairs], [b.kind for _, b in pairs]),
        labelled=len(labels),
        label_agreed=sum(a == b for a, b in labels),
        label_kappa=kappa([a for a, _ in labels], [b for _, b in labels]),
        units=units,
        unit_reliability=2 * sum(unit.both for unit in units.values()) / named if named else None,
    )


def _pairs(
    first: Coding, second: Coding, video: str, *, least: float
) -> list[tuple[CodedEvent, CodedEvent]]:
    """Pairs of one video, whatever their kinds, on which coders may differ.

    Where either coder sees several people in it, those of a pair are of one and the same.
    """
    ours, theirs = _by_person(first, video), _by_person(second, video)
    if max(len(ours), len(theirs)) < 2:
        ours, theirs = {"": first.of(video)}, {"": second.of(video)}
    pairs = []
    for person in ours.keys() & theirs.keys():
        here, there = ours[person], theirs[person]
        intervals = ([_interval(event) for event in events] for events in (here, there))
        pairs += [(here[i], there[j]) for i, j in match(*intervals, least=least)]
    return sorted(pairs, key=lambda pair: (pair[0].onset, pair[0].number))


def _by_person(coding: Coding, video: str) -> dict[str, Sequence[CodedEvent]]:
    """The events of a video by the name of who is seen."""
    events: dict[str, list[CodedEvent]] = {}
    for event in coding.of(video):
        name = event.subject or coding.subjects.get(video, "")
        events.setdefault(name, []).append(event)
    return {**events}


def _interval(event: CodedEvent) -> Interval:
    return Interval(event.onset, event.offset)


def _difference(pairs: Sequence[tuple[CodedEvent, CodedEvent]], phase: str) -> Difference:
    frames = [(getattr(a, phase), getattr(b, phase)) for a, b in pairs]
    steps = [there - here for here, there in frames if here is not None and there is not None]
    return Difference(len(steps), _mean(steps), _mean([abs(step) for step in steps]))


def _units(pairs: Sequence[tuple[CodedEvent, CodedEvent]]) -> dict[str, UnitAgreement]:
    shown = [(listed_units([a.units]), listed_units([b.units])) for a, b in pairs]
    names = sorted({name for pair in shown for units in pair for name in units}, key=int)
    agreed = {}
    for name in names:
        first, second = ([name in units[side] for units in shown] for side in (0, 1))
        agreed[name] = UnitAgreement(
            first=sum(first),
            second=sum(second),
            both=sum(a and b for a, b in zip(first, second, strict=True)),
            kappa=kappa([str(there) for there in first], [str(there) for there in second]),
        )
    return agreed


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def agreement_text(result: Agreement) -> str:
    """Return an agreement as a table for the terminal."""
    first, second = result.coders
    lines = [
        f"{first}: {result.events[0]} events, {second}: {result.events[1]}, in {result.videos} "
        f"videos; {result.matched} matched (F1 {_figure(result.f1)}), mean IoU "
        f"{_figure(result.iou)}",
        "",
        f"{'frames':<8}{'pairs':>7}{f'{second} - {first}':>20}{'mean distance':>16}",
    ]
    for phase, difference in result.frames.items():
        lines.append(
            f"{phase:<8}{difference.events:>7}{_figure(difference.mean, '+.2f'):>20}"
            f"{_figure(difference.mean_absolute, '.2f'):>16}"
        )
    lines += [
        "",
        f"kind     kappa {_figure(result.kind_kappa)}",
        f"label    kappa {_figure(result.label_kappa)}, the same in {result.label_agreed} of "
        f"{result.labelled} pairs that both gave one",
        f"units    reliability {_figure(result.unit_reliability)}",
    ]
    if result.units:
        lines += ["", f"{'unit':<8}{first:>12}{second:>12}{'both':>7}{'kappa':>9}"]
    for name, unit in result.units.items():
        lines.append(
            f"{name:<8}{unit.first:>12}{unit.second:>12}{unit.both:>7}{_figure(unit.kappa):>9}"
        )
    for coder, videos in result.alone.items():
        if videos:
            listed = ", ".join(videos[:5]) + (" ..." if videos[5:] else "")
            lines.append(
                f"\n{coder} has no event in {listed}: either sees none there, or has yet to code it"
            )
    return "\n".join(lines)


def _figure(value: float | None, form: str = ".3f") -> str:
    """A number; a dash where there is none, since both always say the same or nothing is left."""
    return "-" if value is None else format(value, form)
