"""Hands before a face, painted into rendered frames: they move like muscles, and are none."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

# Places (x, y) of the hand's middle and its half axes, in eye distances from the point between the
# eyes, y downward; of a hand on the right of the image where x is not 0.
_PLACES = (
    (0.0, 0.95, 0.60, 0.32),  # mouth
    (0.0, 1.30, 0.50, 0.35),  # chin
    (0.50, 0.90, 0.40, 0.45),  # a corner of the mouth, and the cheek
    (0.60, -0.45, 0.35, 0.22),  # a brow
)
_FINGERS = 4
# From so many eye distances away it comes, and there it goes.
_WAY = 2.0


@dataclass(frozen=True)
class Hand:
    """A hand that comes before the face, stays and goes.

    Attributes:
        start: s from the video's beginning, when it sets out.
        slide: s that it takes to come, and to go.
        stay: s in which it does not move against the head.
        place: (x, y, half width, half height) in eye distances from the point between the eyes.
        angle: of the way it comes, radians; 0 is from the right of the image, pi / 2 from below.
        shade: of its skin, as a share of the face's.
    """

    start: float
    slide: float
    stay: float
    place: tuple[float, float, float, float]
    angle: float
    shade: float

    @property
    def end(self) -> float:
        """When it has gone, s."""
        return self.start + 2 * self.slide + self.stay

    def away(self, time: float) -> float:
        """Return how far it still has to come, or has gone, as a share of the way."""
        coming = (self.start + self.slide - time) / self.slide
        going = (time - self.end + self.slide) / self.slide
        return min(max(coming, going, 0.0), 1.0)


def draw_hand(rng: np.random.Generator, start: float) -> Hand:
    """Draw a hand that sets out at `start`: on mouth, chin, cheek or brow, for up to 0.9 s."""
    x, y, width, height = _PLACES[rng.integers(len(_PLACES))]
    side, size = float(rng.choice((-1.0, 1.0))), rng.uniform(0.85, 1.2)
    angle = (
        rng.uniform(0.25, 0.75) * np.pi if x == 0 else 0.5 * np.pi - side * rng.uniform(0.5, 1.2)
    )
    if y < 0:
        angle = -angle
    return Hand(
        start,
        rng.uniform(0.05, 0.12),
        rng.uniform(0.1, 0.65),
        (side * x, y, size * width, size * height),
        float(angle),
        rng.uniform(0.75, 1.1),
    )


def paint_hands(
    frames: UInt8[np.ndarray, "t h w"],
    eyes: Float32[np.ndarray, "t 2 2"],
    hands: Sequence[Hand],
    *,
    fps: float,
    seed: int,
) -> UInt8[np.ndarray, "t h w"]:
    """Return the frames with the hands before them.

    Args:
        frames: gray.
        eyes: centres of the eyes in frame px, image left first.
        hands: in s from the first frame.
        fps: of the frames.
        seed: of the noise on the hands.
    """
    painted, rng = frames.copy(), np.random.default_rng([0x4A2D, seed])
    for hand in hands:
        first, last = max(round(hand.start * fps), 0), min(round(hand.end * fps), len(frames) - 1)
        for k in range(first, last + 1):
            away = hand.away(k / fps)
            if away < 1:
                _paint(painted[k], eyes[k], hand, away, rng)
    return painted


def _paint(
    frame: UInt8[np.ndarray, "h w"],
    eyes: Float32[np.ndarray, "2 2"],
    hand: Hand,
    away: float,
    rng: np.random.Generator,
) -> None:
    right = eyes[1] - eyes[0]
    unit = float(np.hypot(*right))
    down = np.array([-right[1], right[0]])
    x, y, width, height = hand.place
    x += _WAY * away * np.cos(hand.angle)
    y += _WAY * away * np.sin(hand.angle)
    middle = eyes.mean(axis=0)
    rows, columns = np.mgrid[: frame.shape[0], : frame.shape[1]].astype(np.float32)
    from_x, from_y = columns - middle[0], rows - middle[1]
    across = (from_x * right[0] + from_y * right[1]) / unit**2 - x
    along = (from_x * down[0] + from_y * down[1]) / unit**2 - y
    across, along = across / width, along / height
    radius = np.hypot(across, along)
    mask = np.clip((1 - radius) * unit * min(width, height) / 1.5 + 0.5, 0, 1)
    # Skin about the nose's bridge, which no hand covers; a round body, and lines between fingers.
    spot = (middle + 0.3 * down).astype(int)
    skin = frame[spot[1] - 2 : spot[1] + 3, spot[0] - 4 : spot[0] + 5].mean()
    lines = 1 - 0.25 * np.exp(-((np.sin(np.pi * _FINGERS * along / 2) / 0.15) ** 2))
    body = hand.shade * (1 - 0.25 * np.clip(radius, 0, 1) ** 2) * lines
    shade = cv2.GaussianBlur(body * skin + rng.normal(0, 1.5, body.shape), (0, 0), 0.6)
    frame[:] = np.clip(np.rint(frame + mask * (shade - frame)), 0, 255).astype(np.uint8)
