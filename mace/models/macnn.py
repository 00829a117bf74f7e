"""MACNN: parallel atrous convolutions inside residual blocks. A reconstruction.

Lai, Chen, Jia and Qian 2020, "Real-time micro-expression recognition based on ResNet and atrous
convolutions", Journal of Ambient Intelligence and Humanized Computing, doi
10.1007/s12652-020-01779-5. Only the abstract could be read: it names no layer, kernel, dilation
rate, input size or optimiser. Each choice below answers one of its statements, and is a setting.

| the abstract says | here | setting | the variant that tests it |
|---|---|---|---|
| "multi-scale" network (the MA of MACNN) | parallel 3x3 branches that see 3, 5 and 7 px, fused by a 1x1 convolution | `dilations`, `fusion` | `macnn_single_scale` (2, 2, 2) |
| "kernels of atrous convolutions" keep the subtle information that stacked convolutions lose | rates 1, 2, 3: a wide view without pooling, without holes | `dilations` | `macnn_no_dilation` (1, 1, 1) |
| "residual blocks" against vanishing gradients, for faster convergence | identity around branches and fusion, ReLU after the sum | `residual` | `macnn_no_residual` |
| a ResNet | the same depth of blocks with two plain 3x3 convolutions | `arch` | `resnet` |
| "automatic face correction" | before the network: `mace.face` | | |
| "the loss function schemes" compared | `mace.losses` | | |
| real-time, 60 frames/s | 0.28 GFLOP at 128 px, 16 to 128 channels | `widths`, `stem` | `macnn_small` |

The first three variants have exactly as many parameters as `macnn`, the fourth within 3 %
(tests/models/test_variants.py), so that a difference in score is not one of capacity.
`mace.models.receptive.receptive_field` computes what one output sees.
"""  # noqa: E501 - a table row cannot be broken

import functools

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from mace.models.classifier import Classifier
from mace.models.config import ModelConfig
from mace.models.conv import Conv, Form, SeparableConv
from mace.models.head import make_head
from mace.models.stem import ConvNorm, Stem, make_norm


class AtrousBlock(nn.Module):
    """Branches of different dilation, joined, mixed by a 1x1 convolution, added to the input."""

    config: ModelConfig
    train: bool
    axis_name: str | None = None
    form: Form = "native"

    @nn.compact
    def __call__(
        self, x: Float[Array, "b h w c"]
    ) -> tuple[Float[Array, "b h w c"], Float[Array, "b h w m"]]:
        """Return the block's output, and the joined branches before the 1x1 convolution."""
        config, dtype = self.config, jnp.dtype(self.config.dtype)
        features = x.shape[-1]
        use_bias = config.norm == "none"
        branches = []
        for i, dilation in enumerate(config.dilations):
            # A separable branch is made of products anyway.
            conv = SeparableConv if config.separable else functools.partial(Conv, form=self.form)
            # Named by place, not rate: variants of other rates then share one parameter tree.
            branch = conv(
                features, dilation=dilation, use_bias=use_bias, dtype=dtype, name=f"branch{i}"
            )
            branches.append(branch(x))
        # Statistics are per channel (or small group), so one norm serves all branches at once.
        if config.fusion == "concat":
            joined = jnp.concatenate(branches, -1)
        else:
            joined = functools.reduce(jnp.add, branches)
        joined = nn.relu(make_norm(config, train=self.train, axis_name=self.axis_name)(joined))
        y = ConvNorm(
            config, features, self.train, self.axis_name, size=1, linear=True, name="fuse"
        )(joined)
        return nn.relu(x + y if config.residual else y), joined


class MACNN(Classifier):
    """Stem, stages of atrous blocks with a 3x3 convolution of stride 2 between them, head.

    Works for any input of at least `2 ** (stages - 1) * stem_stride` px a side and any number of
    channels; the number of parameters depends on the channels, not on the size.
    """

    @nn.compact
    def __call__(
        self, x: Float[Array, "b h w c"], *, train: bool
    ) -> tuple[Float[Array, "b k"], dict[str, Float[Array, "b ..."]]]:
        """Return float32 logits, and every intermediate by name (`jit` prunes those not used).

        Args:
            x: motion images or crops, any floating type.
            train: whether to drop out (needs a `dropout` key) and to use the batch's statistics
                (needs `mutable=["batch_stats"]` with batch norm).
        """
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
                block = AtrousBlock(config, train, self.axis_name, self.form, name=name)
                x, out[f"{name}/branches"] = block(x)
                out[name] = x
        out["features"] = x
        head = make_head(config, self.classes, train=train)
        logits, pooled = head(x)
        return logits, out | pooled | {"logits": logits}
