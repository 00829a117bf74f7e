"""The person's own neutral seconds: what their face shows without moving, and how strongly.

Two things spoil a live prediction that the statistics of many clips cannot mend. The keyframe lies
a fraction of a pixel beside where the face rests, so every frame carries the same motion; its mean
over the neutral seconds is taken out of the flow (by the step). And a network that brings every
image to one scale stretches the noise of a still face until it looks like motion; so a motion below
the floor, a high quantile of what the neutral seconds showed, gets no label.
"""

from typing import Literal

import numpy as np
from jaxtyping import Float

from mace.errors import ConfigError
from mace.live.config import LiveConfig
from mace.motion.config import MotionConfig

State = Literal["", "neutral", "still"]

# A blink or a swallow among the neutral seconds must not make everything still.
FLOOR_QUANTILE = 0.95
# Of the pixels: strong enough where a small part of the face moves, deaf to a single bad patch.
STRENGTH_QUANTILE = 0.95


def strength_px(inputs: Float[np.ndarray, "h w c"]) -> float:
    """Return how far the face moves, in px of the 128-px crop: a high quantile over its pixels."""
    return float(np.quantile(np.hypot(inputs[..., 0], inputs[..., 1]), STRENGTH_QUANTILE))


def check_neutral(config: LiveConfig, motion: MotionConfig) -> None:
    """See whether what is asked of the neutral seconds can be measured.

    Raises:
        ConfigError: if anything is to be measured and the network reads no flow.
    """
    if (config.adapt_s > 0 or config.floor_px > 0) and motion.representation != "flow":
        raise ConfigError(
            f"live.adapt_s and live.floor_px measure flow, this model reads "
            f"{motion.representation}; leave them out"
        )


class Neutral:
    """Says of each input of one person whether it counts as neutral, as still, or as neither.

    The first `adapt_s` seconds of a face are neutral. After a new keyframe the floor holds on,
    being a matter of camera and light.
    """

    def __init__(self, config: LiveConfig) -> None:
        self._config = config
        self._begun: float | None = None
        self._seen: list[Float[np.ndarray, "h w c"]] = []
        self.floor_px = config.floor_px

    def resting(self, time: float) -> bool:
        """Return whether the face is neutral by agreement at `time`, in s."""
        if self._begun is None:
            self._begun = time
        return time - self._begun < self._config.adapt_s

    def state(self, inputs: Float[np.ndarray, "h w c"], *, resting: bool) -> State:
        """Return what the network's input for this moment counts as."""
        if resting:
            self._seen.append(np.array(inputs))
            return "neutral"
        if self._seen:
            seen = np.stack(self._seen)
            strengths = [strength_px(one) for one in seen - seen.mean(axis=0)]
            self.floor_px = max(self.floor_px, float(np.quantile(strengths, FLOOR_QUANTILE)))
            self._seen = []
        return "still" if self.floor_px and strength_px(inputs) < self.floor_px else ""
