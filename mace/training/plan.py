"""How members are trained: one place decides, and says why."""

import dataclasses
import os
from dataclasses import dataclass, field
from typing import Literal

import jax

from mace.errors import ConfigError
from mace.models.config import ModelConfig
from mace.models.networks import network_of

SMALL_MAP = 32 * 32
"""Largest map, in pixels behind the first layer, that convolves as products of shifted copies."""
LARGEST_CHUNK = 64
"""Members an accelerator computes at once, if its memory allows."""
MEMORY_SHARE = 0.6
"""Of a device's memory that a chunk may take."""
_UNKNOWN_MEMORY = 4 * 2**30  # what a computer of these days has to spare


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How members are computed; equal plans give equal numbers, different ones nearly equal ones.

    Attributes:
        kind: `vmap` computes a chunk of members in one step, `step` one member after the other.
        chunk: members a device computes at once; 1 with `step`.
        devices: local devices that share the members.
        sharing: devices, of all processes, that share every batch of a member; 1 with `vmap`.
        lanes: chunks under way side by side, each in a thread and on a core of its own; a CPU's.
        loop: `scan` runs an epoch as one loop on the device, `python` calls the device every step.
        convolutions: XLA's own or matrix products (`mace.models.conv.Form`).
        why: the reasons, for people.
    """

    kind: Literal["vmap", "step"] = "vmap"
    chunk: int = 1
    devices: int = 1
    sharing: int = 1
    lanes: int = 1
    loop: Literal["scan", "python"] = "scan"
    convolutions: Literal["native", "products"] = "products"
    why: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if min(self.chunk, self.devices, self.sharing, self.lanes) < 1:
            raise ConfigError(
                f"a plan has chunk {self.chunk}, devices {self.devices}, sharing {self.sharing} "
                f"and lanes {self.lanes}; expected 1 or more"
            )
        if self.kind == "step" and self.chunk != 1:
            raise ConfigError(f"a plan of kind step has chunk {self.chunk}, expected 1")
        if self.sharing > 1 and (self.kind, self.loop, self.together) != ("step", "python", 1):
            raise ConfigError(
                f"a plan whose {self.sharing} devices share a batch takes one member after the "
                "other, step by step"
            )

    @property
    def together(self) -> int:
        """Members that are under way at once."""
        return self.chunk * self.devices

    def __str__(self) -> str:
        return (
            f"{self.kind}, {self.chunk} member(s) on each of {self.devices} device(s), "
            f"{self.sharing} device(s) a batch, {self.lanes} lane(s), {self.loop} loop, "
            f"{self.convolutions} convolutions: {self.why}"
        )


def make_plan(
    model: ModelConfig,
    size: int,
    *,
    members: int,
    sharing: int = 1,
    devices: int | None = None,
    backend: str | None = None,
) -> Plan:
    """Decide how members are computed.

    Args:
        model: the network.
        size: of its inputs, px.
        members: how many there are.
        sharing: devices that are to share every batch (`TrainConfig.devices`).
        devices: devices to use; all local ones by default, but one on a CPU, where lanes share
            the cores.
        backend: JAX's name; that of this process by default.

    Raises:
        ConfigError: if there are fewer devices.
    """
    backend = backend or jax.default_backend()
    if sharing > 1:
        return Plan(
            kind="step",
            sharing=sharing,
            loop="python",
            convolutions="native",
            why=f"{sharing} devices share a batch, so members train one after the other",
        )
    if members == 1:
        return Plan(
            kind="step",
            loop="python" if backend == "cpu" else "scan",
            convolutions="native",
            why=f"one member on {backend}, with all its cores: XLA's convolutions, which on a CPU "
            "are slow in a loop",
        )
    available = jax.local_device_count()
    if devices is None:
        devices = 1 if backend == "cpu" else available
    if not 1 <= devices <= available:
        raise ConfigError(
            f"{devices} devices were asked for, but this machine has {available} of kind "
            f"{jax.default_backend()}; choose 1 to {available}"
        )
    devices = min(devices, members)
    # The zoo's networks begin with maps of the image's own size.
    stride = model.stem_stride if network_of(model.arch).settings is None else 1
    side = -(-size // stride)
    small = side * side <= SMALL_MAP
    shown = f"maps of {side} px on {backend}"
    if backend == "cpu":
        lanes = max(min(_cores(), members // devices), 1)
        if small:
            return Plan(
                kind="step",
                devices=devices,
                lanes=lanes,
                why=f"{shown}: convolutions as products may loop, and one member's maps stay in "
                "the cache where a chunk's do not",
            )
        return Plan(
            kind="step",
            devices=devices,
            lanes=lanes,
            loop="python",
            convolutions="native",
            why=f"{shown}: XLA's convolutions win, but not in a loop or mapped over weights",
        )
    share = -(-members // devices)
    # Equally large chunks: a last one that is half empty would compute all of its places.
    chunk = max(-(-share // -(-share // LARGEST_CHUNK)), 1)
    return Plan(
        kind="vmap",
        chunk=chunk,
        devices=devices,
        convolutions="products" if small else "native",
        why=f"{shown}: epochs in one loop, {chunk} members a device before its memory is asked",
    )


def fitted_to_memory(plan: Plan, bytes_per_chunk: int, *, memory: int | None = None) -> Plan:
    """Return the plan with as many members a device as its memory takes.

    Args:
        plan: the plan.
        bytes_per_chunk: what the compiled program takes of a device for `plan.chunk` members.
        memory: of a device, bytes; asked for by default.

    Raises:
        ConfigError: if not even one member fits.
    """
    memory = memory or device_memory()
    room = int(memory * MEMORY_SHARE)
    each = max(bytes_per_chunk // plan.chunk, 1)
    if each > room:
        raise ConfigError(
            f"one member takes {each / 1e9:.2f} GB, and {room / 1e9:.2f} GB are free for the "
            "population; choose a smaller batch_size or network"
        )
    chunk = min(plan.chunk, room // each)
    note = f"{plan.why}; {each / 1e6:.1f} MB a member of {memory / 1e9:.1f} GB"
    return dataclasses.replace(plan, chunk=chunk, why=note)


def device_memory() -> int:
    """Return the memory of a device in bytes; a CPU's share of what is free."""
    stats = jax.local_devices()[0].memory_stats() or {}
    if "bytes_limit" in stats:
        return int(stats["bytes_limit"])
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    except (AttributeError, ValueError):  # Windows has no sysconf, macOS not this of it
        return _UNKNOWN_MEMORY


def _cores() -> int:
    """Return how many cores the process may use, which may be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
