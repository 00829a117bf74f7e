"""What every network of the package takes, so that `mace.models.make` builds any of them."""

import flax.linen as nn

from mace.models.config import ModelConfig
from mace.models.conv import Form


class Classifier(nn.Module):
    """Images (b, h, w, c) to float32 logits (b, k) and named intermediates, as in `MACNN`.

    Attributes:
        config: what the network is made of.
        classes: k.
        axis_name: mapped axis over which batch statistics, if there are any, are averaged, when
            called inside `jax.pmap`.
        form: how convolutions are written.
    """

    config: ModelConfig
    classes: int
    axis_name: str | None = None
    form: Form = "native"
