"""The loss of each sample, by one of the schemes."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, Num

from mace.errors import ConfigError
from mace.losses.config import LossConfig

type Loss = Callable[[Float[Array, "b k"], Float[Array, "b k"]], Float[Array, " b"]]
"""Takes logits and targets (rows that sum to 1), float32; returns the loss of each sample."""


def make_loss(
    config: LossConfig, class_counts: Sequence[int] | np.ndarray | Num[Array, " k"]
) -> Loss:
    """Return `loss(logits, targets) -> (b,)` for training samples with the given class counts.

    Targets may be soft (mixup); a mixed sample's loss is the mixture of its classes' losses. The
    counts are those of the training samples only. They may be a traced array, so that one compiled
    step serves every fold. A class without training samples counts as one sample: it can only meet
    a target in validation, where its loss must be finite.

    - `cross_entropy`: -sum y log p.
    - `weighted`: times n / (k n_c), which is 1 on average over the training samples.
    - `label_smoothing`: y (1 - s) + s / k for y. Szegedy et al. 2016, "Rethinking the Inception
      architecture", section 7.
    - `focal`: times (1 - p)^gamma. Lin et al. 2017, "Focal loss for dense object detection",
      section 3.2, equation 4, with softmax instead of sigmoid, as the classes exclude each other.
    - `class_balanced_focal`: the focal loss times (1 - beta) / (1 - beta^n_c), scaled to sum to k.
      Cui et al. 2019, "Class-balanced loss based on effective number of samples", section 4 and
      equation 12; softmax instead of sigmoid as above.
    - `logit_adjusted`: cross-entropy of logits + tau log prior. Menon et al. 2021, "Long-tail
      learning via logit adjustment", equation 10. Predictions use the bare logits.

    Raises:
        ConfigError: if there are fewer than two counts, one is negative, or all are 0.
    """
    if not isinstance(class_counts, Tracer):
        _check_counts(np.asarray(class_counts))
    counts = jnp.maximum(jnp.asarray(class_counts, jnp.float32), 1)

    match config.kind:
        case "cross_entropy":
            return lambda logits, targets: -_weighted_sum(targets, jax.nn.log_softmax(logits))
        case "weighted":
            weights = counts.sum() / (len(counts) * counts)
            return lambda logits, targets: (
                -_weighted_sum(targets * weights, jax.nn.log_softmax(logits))
            )
        case "label_smoothing":
            return lambda logits, targets: (
                -_weighted_sum(
                    targets * (1 - config.smoothing) + config.smoothing / len(counts),
                    jax.nn.log_softmax(logits),
                )
            )
        case "focal":
            return lambda logits, targets: _focal(logits, targets, gamma=config.gamma)
        case "class_balanced_focal":
            # 1 - beta^n loses every digit for a small n and a beta near 1; expm1 keeps them.
            weights = 1 / -jnp.expm1(counts * jnp.log(jnp.maximum(jnp.float32(config.beta), 1e-30)))
            weights = weights * len(counts) / weights.sum()
            return lambda logits, targets: _focal(logits, targets * weights, gamma=config.gamma)
        case "logit_adjusted":
            prior = config.tau * jnp.log(counts / counts.sum())
            return lambda logits, targets: (
                -_weighted_sum(targets, jax.nn.log_softmax(logits + prior))
            )


def _focal(
    logits: Float[Array, "b k"], targets: Float[Array, "b k"], *, gamma: float
) -> Float[Array, " b"]:
    log_p = jax.nn.log_softmax(logits)
    # -expm1(log p) is 1 - p without cancellation; the floor keeps the power's gradient finite
    # where p rounds to 1, for a gamma below 1.
    distance = jnp.maximum(-jnp.expm1(log_p), jnp.finfo(jnp.float32).tiny)
    return -_weighted_sum(targets, distance**gamma * log_p)


def _weighted_sum(weights: Float[Array, "b k"], values: Float[Array, "b k"]) -> Float[Array, " b"]:
    return (weights * values).sum(-1)


def _check_counts(counts: np.ndarray) -> None:
    if counts.ndim != 1 or len(counts) < 2 or counts.min() < 0 or counts.sum() == 0:
        raise ConfigError(
            f"class counts are {counts.tolist()}, expected two or more counts of training samples, "
            "none negative and not all 0"
        )
