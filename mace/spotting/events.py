"""What a spotter reports: a movement of a face with its times, its kind, and its name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import UInt8

type Kind = Literal["micro", "macro", "blink", "speech", "head"]
EVENT_KINDS: tuple[Kind, ...] = ("micro", "macro", "blink", "speech", "head")


class Unit(NamedTuple):
    """What a network says about one FACS action unit of a movement.

    Attributes:
        presence: probability that it is there.
        px: by how much it moves the skin at most, px of the 128-px crop, if it is there.
        side: 1 for the person's left half of the face alone, 0 for both alike, -1 for the right.
        called: whether that is enough to call it; units are rarer than not, so less than one half
            may be.
    """

    presence: float
    px: float
    side: float
    called: bool


class EventFaces(NamedTuple):
    """The corrected face at the three times of a movement, gray crops of one reference.

    Attributes:
        onset: before it.
        apex: at its height.
        offset: after it.
    """

    onset: UInt8[np.ndarray, "s s"]
    apex: UInt8[np.ndarray, "s s"]
    offset: UInt8[np.ndarray, "s s"]


@dataclass(frozen=True)
class Event:
    """One movement of one face.

    Attributes:
        identity: number of the person in the session.
        kind: a micro-expression, or what else it was taken for.
        onset: s on the source's clock, as all times here.
        apex: when the movement is strongest.
        offset: when it is over.
        onset_frame: index of the frame, as the source counts.
        apex_frame: likewise.
        offset_frame: likewise.
        strength_px: motion at the apex, px of the 128-px crop.
        regions: those that moved most, strongest first.
        label: the most probable class; None where no network was asked.
        probabilities: of every class, calibrated.
        confidence: probability of `label`; 0 without one.
        units: the action units by their FACS numbers, those that are not there included; empty
            where no network was asked, or it names none.
        faces: what it looked like; None where nobody has kept it, as in files of events.
    """

    identity: int
    kind: Kind
    onset: float
    apex: float
    offset: float
    onset_frame: int
    apex_frame: int
    offset_frame: int
    strength_px: float
    regions: tuple[str, ...] = ()
    label: str | None = None
    probabilities: Mapping[str, float] = field(default_factory=dict)
    confidence: float = 0.0
    units: Mapping[str, Unit] = field(default_factory=dict)
    faces: EventFaces | None = field(default=None, compare=False, repr=False)

    @property
    def shown(self) -> tuple[str, ...]:
        """The action units that are called, as FACS writes them: 12, L14."""
        return tuple(
            f"{_side(unit.side)}{name}" for name, unit in self.units.items() if unit.called
        )


def _side(lead: float) -> str:
    # The weaker half makes less than a third of the movement.
    return "L" if lead > 0.5 else "R" if lead < -0.5 else ""
