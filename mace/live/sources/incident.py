"""What goes wrong, or right again, while frames come."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # the live step needs no reader of videos
    from mace.video.reader import RemarkKind

type IncidentKind = (
    RemarkKind | Literal["ended", "stalled", "frozen", "resized", "unplugged", "back", "slow"]
)


@dataclass(frozen=True)
class Incident:
    """Something a person who watches should know, and a recording should keep.

    Attributes:
        time: s since the first frame; 0 before it.
        kind: what it is.
        sentence: the same for people, in one sentence.
    """

    time: float
    kind: IncidentKind
    sentence: str
