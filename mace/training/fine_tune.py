"""Going on from a pre-trained network: what is taken over, what stays as it is, what is held back.

Trees of parameters are nested dictionaries; a start may lack leaves, which are then drawn anew.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jaxtyping import Array, Float, PyTree

from mace.data.digest import digest
from mace.errors import ConfigError
from mace.models.config import ModelConfig
from mace.protocols.labels import canonical_class

if TYPE_CHECKING:
    from mace.bundle import Bundle
    from mace.training.config import Freeze

type Tree = dict[str, Any]


def start_variables(bundle: "Bundle", *, model: ModelConfig, classes: tuple[str, ...]) -> Tree:
    """Return the variables of a bundle for a network of the same layers, float32 on the host.

    Its last layer is kept if the classes are the same, in whatever order, and that of the action
    units if it names all that `model` does; otherwise they are left out, to be drawn anew.

    Raises:
        ConfigError: if the network has other layers.
    """
    if _layers(bundle.model) != _layers(model):
        raise ConfigError(
            "the network to begin with has other layers than this recipe's; leave out what begins "
            "with --recipe.train.model (dropout and dtype may differ)"
        )
    start = jax.tree.map(lambda leaf: np.asarray(leaf, np.float32), dict(bundle.variables))
    own = [canonical_class(name) for name in bundle.classes]
    theirs = [canonical_class(name) for name in classes]
    head = dict(start["params"]["head"])
    if sorted(own) == sorted(theirs):
        order = [own.index(name) for name in theirs]
        head["classes"] = {name: leaf[..., order] for name, leaf in head["classes"].items()}
    else:
        del head["classes"]
    units = head.pop("units", {})
    if model.units and set(model.units) <= set(bundle.model.units):
        order = [3 * bundle.model.units.index(name) + i for name in model.units for i in range(3)]
        head["units"] = {name: leaf[..., order] for name, leaf in units.items()}
    return start | {"params": start["params"] | {"head": head}}


def start_digest(start: Tree) -> str:
    """Return what names the content of a start."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(start)
    names = "\n".join(jax.tree_util.keystr(path) for path, _ in leaves)
    return digest(names.encode(), *(np.asarray(leaf) for _, leaf in leaves))[:16]


def overlay(fresh: Mapping[str, Any], start: Mapping[str, Any]) -> Tree:
    """Return `fresh` with the leaves of `start` in place of its own."""
    return {
        name: value
        if name not in start
        else overlay(value, start[name])
        if isinstance(value, Mapping)
        else start[name]
        for name, value in fresh.items()
    }


def taken_over(tree: Mapping[str, Any], start: Mapping[str, Any]) -> PyTree[bool]:
    """Return for each leaf of a tree whether `start` has it."""
    nothing = jax.tree.map(lambda _: False, dict(tree))
    return overlay(nothing, jax.tree.map(lambda _: True, dict(start)))


def frozen_leaves(
    tree: Mapping[str, Any], start: Mapping[str, Any], *, freeze: "Freeze"
) -> PyTree[bool]:
    """Return for each leaf of a tree whether it stays as it is; a leaf drawn anew never does."""
    parts = {
        "none": lambda part: False,
        "stem": lambda part: part == "stem",
        "all_but_head": lambda part: part != "head",
    }[freeze]
    taken = {part: value for part, value in start.items() if parts(part)}
    return taken_over(tree, taken)


def choose(where: PyTree[bool], chosen: PyTree[Any], other: PyTree[Any]) -> PyTree[Any]:
    """Return the leaves of `chosen` where `where` is true, those of `other` elsewhere."""
    return jax.tree.map(lambda flag, a, b: a if flag else b, where, chosen, other)


def pull(
    params: PyTree[Array], start: Mapping[str, Any], strength: Float[Array, ""]
) -> PyTree[Array]:
    """Return parameters after a step towards the start: p0 + (p - p0) / (1 + strength).

    This is the implicit step of strength = rate · anchor on 0.5 · anchor · |p - p0|², which is
    stable for any strength. Source: L2-SP of Li, Grandvalet and Davoine, "Explicit Inductive Bias
    for Transfer Learning with Convolutional Networks", ICML 2018, decoupled from Adam's scaling as
    AdamW decouples its decay. Leaves that were drawn anew are left alone.
    """
    towards = overlay(params, start)
    return choose(
        taken_over(params, start),
        jax.tree.map(lambda p, p0: p0 + (p - p0) / (1 + strength), params, towards),
        params,
    )


def _layers(model: ModelConfig) -> ModelConfig:
    return replace(model, dropout=0.0, dtype="float32", norm_momentum=0.0, units=())
