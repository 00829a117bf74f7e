"""Which pictures of a face name a spotted movement, and what their probabilities make of it."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float, UInt8

from mace.spotting.events import Event, EventFaces, Unit
from mace.spotting.temperature import temper

type Crop = UInt8[np.ndarray, "s s"]

# The apex is a matter of a frame or two, and each frame has its own noise: so far about it, in s,
# others are asked as well. A micro-expression keeps most of its height for as long.
_ABOUT_S = (0.0, -0.02, 0.02)


class CropRing:
    """The crops of the last seconds, by their times.

    Args:
        seconds: how long one is kept.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._crops: deque[tuple[float, Crop]] = deque()

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._crops)

    def clear(self) -> None:
        """Forget all."""
        self._crops.clear()

    def push(self, time: float, crop: Crop) -> None:
        """Add the crop of a later time."""
        self._crops.append((time, crop))
        while self._crops[0][0] < time - self._seconds:
            self._crops.popleft()

    def faces(self, event: Event) -> EventFaces | None:
        """Return the crops nearest to an event's three times, uncopied; None if they are gone."""
        if not self._crops or self._crops[0][0] > event.onset:
            return None
        times = np.array([time for time, _ in self._crops])
        moments = event.onset, event.apex, event.offset
        return EventFaces(*(self._crops[int(np.abs(times - at).argmin())][1] for at in moments))

    def pairs(self, event: Event) -> list[tuple[Crop, Crop]]:
        """Return the pairs (face at the onset, face at the apex) that name an event, best first.

        There is none if the onset's crop has been forgotten; nearest crops stand in for those in
        between.
        """
        if not self._crops or self._crops[0][0] > event.onset:
            return []
        times = np.array([time for time, _ in self._crops])
        onset = int(np.abs(times - event.onset).argmin())
        chosen: list[int] = []
        for away in _ABOUT_S:
            at = int(np.abs(times - event.apex - away).argmin())
            if at != onset and at not in chosen:
                chosen.append(at)
        return [(self._crops[onset][1], self._crops[at][1]) for at in chosen]


def named(
    event: Event,
    probabilities: Float[np.ndarray, "n k"],
    *,
    classes: Sequence[str],
    temperature: float = 1.0,
    units: Mapping[str, Unit] | None = None,
) -> Event:
    """Return the event with its class: of the mean over its pairs, tempered.

    Args:
        event: as spotted.
        probabilities: of every pair.
        classes: the network's.
        temperature: what makes its probabilities mean what they say (`fit_temperature`).
        units: what it says of the action units, likewise of the mean.
    """
    mean = temper(probabilities.mean(axis=0), temperature)
    best = int(mean.argmax())
    return replace(
        event,
        label=classes[best],
        probabilities={name: float(p) for name, p in zip(classes, mean, strict=True)},
        confidence=float(mean[best]),
        units={} if units is None else units,
    )
