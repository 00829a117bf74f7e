"""The person's own neutral seconds: what their face shows without moving, and how strongly.

Two things spoil a live answer that the statistics of many clips (`mace.training.adapt`) cannot
mend. The keyframe lies a fraction of a pixel beside where the face rests, so every frame carries
the same motion; its mean over the neutral seconds is taken out of the flow. And a network that
brings every image to one scale stretches the noise of a still face until it looks like motion; so
a motion below the floor, a high quantile of what the neutral seconds showed, gets no label.
"""

from typing import Literal

import jax
import numpy as np
from jaxtyping import Float, UInt8

from mace.errors import ConfigError
from mace.live.config import LiveConfig
from mace.motion import MotionConfig, encode, measure_flow, represent

State = Literal["", "neutral", "still"]

# A blink or a swallow among the neutral seconds must not make everything still.
FLOOR_QUANTILE = 0.95
# Of the pixels: strong enough where a small part of the face moves, deaf to a single bad patch.
STRENGTH_QUANTILE = 0.95

_encode = jax.jit(encode, static_argnames="config")


def strength_px(inputs: Float[np.ndarray, "h w c"]) -> float:
    """Return how far the face moves, in px of the 128-px crop: a high quantile over its pixels."""
    return float(np.quantile(np.hypot(inputs[..., 0], inputs[..., 1]), STRENGTH_QUANTILE))


class Neutral:
    """Computes inputs, and says of each whether it counts as neutral, as still, or as neither.

    The first `adapt_s` seconds of a face are collected. After a new keyframe the floor holds on,
    being a matter of camera and light; the mean, which is against the old keyframe, does not.

    Raises:
        ConfigError: if anything is to be measured and the network reads no flow.
    """

    def __init__(self, config: LiveConfig, motion: MotionConfig) -> None:
        self._config, self._motion = config, motion
        if self.used and motion.representation != "flow":
            raise ConfigError(
                f"live.adapt_s and live.floor_px measure flow, this model reads "
                f"{motion.representation}; leave them out"
            )
        self._begun: float | None = None
        self._reference_id = -1
        self._count, self._total = 0, np.zeros(())
        self._seen: list[Float[np.ndarray, "h w c"]] = []
        self.floor_px = config.floor_px

    @property
    def used(self) -> bool:
        """Whether anything is measured at all."""
        return self._config.adapt_s > 0 or self._config.floor_px > 0

    def __call__(
        self,
        reference: UInt8[np.ndarray, "s s"],
        target: UInt8[np.ndarray, "s s"],
        *,
        time: float,
        reference_id: int,
    ) -> tuple[Float[np.ndarray, "h w c"], State]:
        """Return the network's input for a frame, and its state.

        Args:
            reference: the face that motion is measured against.
            target: the face now.
            time: in s.
            reference_id: counts the keyframes.
        """
        if not self._config.adapt_s:
            pair = reference[None], target[None]
            inputs = np.asarray(represent(*pair, config=self._motion))[0]
        else:
            flow = measure_flow(reference[None], target[None], config=self._motion)
            assert flow is not None
            raw = np.asarray(flow)
            if reference_id != self._reference_id:
                self._count, self._total = 0, np.zeros_like(raw)
                self._reference_id = reference_id
            if self._collecting(time):
                return self._collect(raw, reference, target), "neutral"
            if self._count:
                raw = raw - self._total / self._count
            inputs = self._inputs(raw, reference, target)
        still = self.used and strength_px(inputs) < self.floor_px
        return inputs, "still" if still else ""

    def _collecting(self, time: float) -> bool:
        if self._begun is None:
            self._begun = time
        if time - self._begun < self._config.adapt_s:
            return True
        if self._seen:
            seen = np.stack(self._seen)
            strengths = [strength_px(one) for one in seen - seen.mean(axis=0)]
            self.floor_px = max(self.floor_px, float(np.quantile(strengths, FLOOR_QUANTILE)))
            self._seen = []
        return False

    def _collect(
        self, raw: np.ndarray, reference: np.ndarray, target: np.ndarray
    ) -> Float[np.ndarray, "h w c"]:
        self._count += 1
        self._total = self._total + raw
        inputs = self._inputs(raw, reference, target)
        self._seen.append(inputs)
        return inputs

    def _inputs(
        self, raw: np.ndarray, reference: np.ndarray, target: np.ndarray
    ) -> Float[np.ndarray, "h w c"]:
        return np.asarray(_encode(reference[None], target[None], raw, config=self._motion))[0]
