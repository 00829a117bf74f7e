"""Settings of the loss."""

import math
from dataclasses import dataclass
from typing import Literal

from mace.config import number
from mace.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class LossConfig:
    """Which loss, and its settings; a setting another kind uses is ignored.

    Attributes:
        kind: which loss.
        smoothing: probability `label_smoothing` spreads evenly over all classes.
        gamma: focusing exponent of the focal losses; 0 is cross-entropy.
        beta: `class_balanced_focal`: 0 weighs all classes alike, towards 1 by inverse frequency. A
            class counts at most 1 / (1 - beta) effective samples; 100 suits classes of 10 to 250
            clips.
        tau: strength of `logit_adjusted`; 1 is consistent for the balanced error.
    """

    kind: Literal[
        "cross_entropy",
        "weighted",
        "label_smoothing",
        "focal",
        "class_balanced_focal",
        "logit_adjusted",
    ] = "cross_entropy"
    smoothing: float = number(0.1)
    gamma: float = number(2.0)
    beta: float = number(0.99)
    tau: float = number(1.0)

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ConfigError: for a value out of range, naming the setting.
        """
        if not 0 <= self.smoothing < 1:
            raise ConfigError(f"setting smoothing is {self.smoothing}, expected 0 <= smoothing < 1")
        if not 0 <= self.gamma < math.inf:
            raise ConfigError(f"setting gamma is {self.gamma}, expected 0 or more")
        if not 0 <= self.beta < 1:
            raise ConfigError(f"setting beta is {self.beta}, expected 0 <= beta < 1")
        if not 0 <= self.tau < math.inf:
            raise ConfigError(f"setting tau is {self.tau}, expected 0 or more")
