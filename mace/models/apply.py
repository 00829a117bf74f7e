"""Networks as pure functions of a tree of arrays, so that nobody else imports Flax."""

import math
import re
from collections.abc import Mapping
from typing import Any, cast

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from mace.models.own import OwnNetwork

type Variables = Mapping[str, Any]
"""`params`, and `batch_stats` if the network has batch norm; each a tree of float32 arrays."""

OURS = re.compile("(kernel|bias|^depthwise|^scale|^mean|^var)$")
"""Names of parameters and statistics whose initialisers are those that `init_model` repeats."""


def init_model(model: nn.Module, key: Key[Array, ""], input_shape: tuple[int, ...]) -> Variables:
    """Return fresh variables for inputs of shape (h, w, c), or (b, h, w, c) with b ignored.

    Weights follow He et al. 2015 (variance 2 / fan-in, normal, truncated at two deviations); the
    distribution is that of the modules' own initialisers. All are cut from ONE random draw: XLA
    compiles a draw for every shape, which took 20 to 50 s a network, and one takes half a second.
    A network with a parameter that is called otherwise than those of our layers is left to its own
    initialisers. Pure, so that `jax.vmap` over keys makes a population.
    """
    x = jax.ShapeDtypeStruct((1, *input_shape[-3:]), jnp.float32)
    shapes = jax.eval_shape(lambda key, x: model.init(key, x, train=False), key, x)
    leaves, tree = jax.tree.flatten_with_path(shapes)
    if isinstance(model, OwnNetwork) or not all(OURS.search(path[-1].key) for path, _ in leaves):
        return model.init(key, jnp.zeros((1, *input_shape[-3:])), train=False)
    total = sum(leaf.size for _, leaf in leaves if leaf.ndim > 1)
    # 0.8796 is the deviation of a normal distribution cut at two deviations.
    draw = jax.jit(lambda key: jax.random.truncated_normal(key, -2, 2, (total,)) / 0.87962566)(key)
    values, start = [], 0
    for path, leaf in leaves:
        if leaf.ndim > 1:
            fan_in = math.prod(leaf.shape[:-1])
            piece = draw[start : start + leaf.size].reshape(leaf.shape)
            values.append(piece * math.sqrt(2 / fan_in))
            start += leaf.size
        else:
            one = path[-1].key in ("scale", "var")
            values.append(jnp.full(leaf.shape, float(one), jnp.float32))
    return jax.tree.unflatten(tree, values)


def apply_model(
    model: nn.Module, variables: Variables, x: Float[Array, "b h w c"]
) -> tuple[Float[Array, "b k"], dict[str, Float[Array, "b ..."]]]:
    """Return the logits and the named intermediates, as at inference."""
    return model.apply(variables, x, train=False)  # pyright: ignore[reportReturnType]


def apply_train(
    model: nn.Module,
    variables: Variables,
    x: Float[Array, "b h w c"],
    key: Key[Array, ""],
    *,
    axis_name: str | None = None,
) -> tuple[Float[Array, "b k"], dict[str, Float[Array, "b ..."]], Variables]:
    """Return logits, intermediates and the new `batch_stats` (empty without batch norm).

    Args:
        model: from `make_model`.
        variables: `params` and, with batch norm, `batch_stats`.
        x: a batch, or one device's share of it.
        key: for dropout; give every device of a `jax.pmap` its own
            (`jax.random.fold_in(key, jax.lax.axis_index(axis_name))`).
        axis_name: mapped axis over which to average batch statistics; None outside of a map.
    """
    model = model.clone(axis_name=axis_name)  # pyright: ignore[reportCallIssue]
    (logits, out), updated = model.apply(
        variables, x, train=True, rngs={"dropout": key}, mutable=["batch_stats"]
    )
    return logits, out, cast(Variables, updated).get("batch_stats", {})


def count_parameters(variables: Variables) -> int:
    """Return how many numbers are trained."""
    return sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))
