"""How a population is computed: one place decides, from backend, network and sizes, and says why."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How members are computed; equal plans give equal numbers, different ones nearly equal ones.

    Attributes:
        kind: `vmap` computes a chunk of members in one step, `step` one member after the other.
        chunk: members a device computes at once; 1 with `step`.
        devices: local devices that share the members.
        loop: `scan` runs an epoch as one loop on the device, `python` calls the device every step.
        convolutions: XLA's own or matrix products (`mace.models.convolutions`).
        why: the reasons, for people.
    """

    kind: Literal["vmap", "step"] = "vmap"
    chunk: int = 1
    devices: int = 1
    loop: Literal["scan", "python"] = "scan"
    convolutions: Literal["native", "products"] = "products"
    why: str = field(default="", compare=False)
