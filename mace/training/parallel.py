"""Data parallel training: the only module that knows of several devices."""

from collections.abc import Callable

import jax
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from mace.errors import ConfigError
from mace.training.sampling import Batch
from mace.training.step import Metrics, TrainStep

AXIS = "batch"


def data_parallel(step: TrainStep, *, devices: int) -> TrainStep:
    """Run `step`, made with `axis_name=AXIS`, on several local devices at once.

    The state goes in and comes out without a device axis and is the same on every device, since
    the step averages its gradients over `AXIS`; the batch has one, added by `split`.

    Raises:
        ConfigError: if this machine has fewer devices.
    """
    available = jax.local_device_count()
    if devices > available:
        raise ConfigError(
            f"devices is {devices}, but this machine has {available} of kind "
            f"{jax.default_backend()}; choose at most {available}"
        )
    run: Callable[..., tuple[object, Metrics]] = jax.pmap(
        step,
        axis_name=AXIS,
        in_axes=(None, 0),
        out_axes=(None, None),
        devices=jax.local_devices()[:devices],
    )
    return run  # pyright: ignore[reportReturnType]


def split(batch: Batch, *, devices: int) -> Batch:
    """Give a batch a leading device axis, and every device its own share of the clips."""
    mesh = jax.make_mesh(
        (devices,), (AXIS,), axis_types=(AxisType.Auto,), devices=jax.local_devices()[:devices]
    )
    shares = jax.tree.map(lambda leaf: leaf.reshape(devices, -1, *leaf.shape[1:]), batch)
    return jax.device_put(shares, NamedSharding(mesh, PartitionSpec(AXIS)))
