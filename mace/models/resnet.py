"""The plain residual network the paper starts from: one scale, no atrous convolution.

He, Zhang, Ren and Sun 2016, "Deep residual learning for image recognition", section 3.3, basic
block. Stem, steps between the stages and head are MACNN's, so that only the block differs: two
3x3 convolutions instead of parallel atrous ones. (The original halves the size inside a block with
a projected shortcut; here the step between two stages does, as in MACNN.)
"""

import functools

import flax.linen as nn
from jaxtyping import Array, Float

from mace.models.classifier import Classifier
from mace.models.config import ModelConfig
from mace.models.conv import Form
from mace.models.head import make_head
from mace.models.stem import ConvNorm, Stem


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around which the input passes unchanged."""

    config: ModelConfig
    train: bool
    axis_name: str | None = None
    form: Form = "native"

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        """Return the block's output."""
        features = x.shape[-1]
        conv = functools.partial(
            ConvNorm, self.config, features, self.train, self.axis_name, form=self.form
        )
        y = conv(linear=True, name="conv2")(conv(name="conv1")(x))
        return nn.relu(x + y if self.config.residual else y)


class ResNet(Classifier):
    """Stem, stages of basic blocks with a 3x3 convolution of stride 2 between them, head."""

    @nn.compact
    def __call__(
        self, x: Float[Array, "b h w c"], *, train: bool
    ) -> tuple[Float[Array, "b k"], dict[str, Float[Array, "b ..."]]]:
        """Return float32 logits and named intermediates; arguments as in `MACNN`."""
        config, out = self.config, {}
        x = out["stem"] = Stem(config, train, self.axis_name, self.form, name="stem")(x)
        for stage, (width, depth) in enumerate(
            zip(config.widths, config.depths, strict=True), start=1
        ):
            if stage > 1:
                name = f"down{stage}"
                x = out[name] = ConvNorm(
                    config, width, train, self.axis_name, stride=2, form=self.form, name=name
                )(x)
            for i in range(1, depth + 1):
                name = f"stage{stage}_block{i}"
                x = out[name] = BasicBlock(config, train, self.axis_name, self.form, name=name)(x)
        out["features"] = x
        head = make_head(config, self.classes, train=train)
        logits, pooled = head(x)
        return logits, out | pooled | {"logits": logits}
