"""Data parallel training: the only module that knows of several devices, of this host or more."""

from collections.abc import Callable

import jax
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from mace.errors import ConfigError
from mace.hosts.agreement import several_hosts
from mace.training.sampling import Batch

AXIS = "batch"


def data_parallel[C](step: Callable[[C, Batch], C], *, devices: int) -> Callable[[C, Batch], C]:
    """Run `step`, made with `axis_name=AXIS`, on several devices at once.

    What it carries goes in and comes out without a device axis and is the same on every device,
    since the step averages its gradients over `AXIS`; the batch has one, added by `split`. Where
    there are several processes, all their devices take part, and each process has its own copy.

    Raises:
        ConfigError: if this machine has fewer devices, or all hosts have not as many.
    """
    available = jax.device_count()
    if devices > available:
        raise ConfigError(
            f"devices is {devices}, but this machine has {available} of kind "
            f"{jax.default_backend()}; choose at most {available}"
        )
    if several_hosts() and devices != available:
        raise ConfigError(
            f"devices is {devices}, but the {jax.process_count()} processes have {available} of "
            f"kind {jax.default_backend()}, which all take part; choose {available}"
        )
    return jax.pmap(
        step,
        axis_name=AXIS,
        in_axes=(None, 0),
        out_axes=None,
        devices=jax.devices()[:devices],
    )


def split(batch: Batch, *, devices: int) -> Batch:
    """Give a batch a leading device axis, and every device its own share of the clips.

    With several processes all have the whole batch, and this one keeps its own devices' shares.
    """
    ours = [
        place
        for place, device in enumerate(jax.devices()[:devices])
        if device.process_index == jax.process_index()
    ]
    mesh = jax.make_mesh(
        (len(ours),),
        (AXIS,),
        axis_types=(AxisType.Auto,),
        devices=[jax.devices()[place] for place in ours],
    )

    def share(leaf: jax.Array) -> jax.Array:
        shares = leaf.reshape(devices, -1, *leaf.shape[1:])
        return shares if len(ours) == devices else shares[np.asarray(ours)]

    shares = jax.tree.map(share, batch)
    return jax.device_put(shares, NamedSharding(mesh, PartitionSpec(AXIS)))
