"""What a spotter reports: a movement of a face with its times, its kind, and its name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

type Kind = Literal["micro", "macro", "blink", "speech", "head"]


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
