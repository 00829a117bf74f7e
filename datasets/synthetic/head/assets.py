"""The committed head data: base mesh, identity targets, face units and skin masks (all CC0).

`muscles.py` adds the face units that they lack.
"""

from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

import numpy as np
from jaxtyping import Float32, Int16, Int64, UInt8

from mace.datasets.synthetic.head.muscles import muscle_units

SKIN, LEFT_EYE, RIGHT_EYE, TEETH, TONGUE = range(5)
FACE_UNIT, MACRO, LOCAL = range(3)


@dataclass(frozen=True)
class HeadAssets:
    """MakeHuman's head: coarse quads and sparse-looking but densely stored linear targets.

    Attributes:
        vertices: base positions in decimetres, y up, z towards the viewer.
        texture_points: MakeHuman texture coordinates, used only to find inner surfaces.
        quads: vertex indices of each face.
        texture_quads: indices into `texture_points` of each face.
        parts: one of SKIN, LEFT_EYE, RIGHT_EYE, TEETH, TONGUE for each face.
        deltas: displacement of every vertex for each target, in units of `scale` decimetres.
        scale: size of one step of `deltas`.
        names: name of each target; the face units carry Apple's ARKit names.
        kinds: one of FACE_UNIT, MACRO (ancestry, sex, age, weight), LOCAL (shape) per target.
    """

    vertices: Float32[np.ndarray, "v 3"]
    texture_points: Float32[np.ndarray, "u 2"]
    quads: Int64[np.ndarray, "q 4"]
    texture_quads: Int64[np.ndarray, "q 4"]
    parts: UInt8[np.ndarray, " q"]
    deltas: Int16[np.ndarray, "t v 3"]
    scale: float
    names: tuple[str, ...]
    kinds: UInt8[np.ndarray, " t"]

    def delta(self, name: str) -> Float32[np.ndarray, "v 3"]:
        """Displacement in decimetres of the target called `name`."""
        return self.deltas[self.names.index(name)].astype(np.float32) * np.float32(self.scale)

    def blend(self, weights: dict[str, float]) -> Float32[np.ndarray, "v 3"]:
        """Sum of the named displacements times their weights, in decimetres."""
        total = np.zeros_like(self.vertices)
        index = {name: i for i, name in enumerate(self.names)}
        for name, weight in weights.items():
            if weight:
                total += self.deltas[index[name]] * np.float32(self.scale * weight)
        return total

    def of_kind(self, kind: int) -> tuple[str, ...]:
        """Names of the targets of one kind, in file order."""
        return tuple(n for n, k in zip(self.names, self.kinds, strict=True) if k == kind)


def _load(name: str) -> dict[str, np.ndarray]:
    with (
        files(__package__).joinpath("assets", name).open("rb") as stream,
        np.load(stream) as archive,
    ):
        return dict(archive)


@cache
def head_assets() -> HeadAssets:
    """Load the head once per process.

    Source: MakeHuman hm08 base mesh and targets, MPFB face units by Mika Suominen; see NOTICE.
    """
    data = _load("head_mh.npz")
    head = HeadAssets(
        vertices=data["V"],
        texture_points=data["VT"],
        quads=data["Q"].astype(np.int64),
        texture_quads=data["QT"].astype(np.int64),
        parts=data["part"],
        deltas=data["D"],
        scale=float(data["scale"]),
        names=tuple(str(name) for name in data["names"]),
        kinds=data["kinds"],
    )
    skin = np.zeros(len(head.vertices), bool)
    skin[head.quads[head.parts == SKIN]] = True
    own = muscle_units(average_head(head), skin)
    steps = [np.round(delta / head.scale).astype(np.int16) for delta in own.values()]
    return replace(
        head,
        deltas=np.concatenate([head.deltas, np.stack(steps)]),
        names=(*head.names, *own),
        kinds=np.concatenate([head.kinds, np.full(len(own), FACE_UNIT, np.uint8)]),
    )


def average_head(head: HeadAssets) -> Float32[np.ndarray, "v 3"]:
    """Return the mean of the six young macro shapes, on which the atlas is laid out."""
    ancestries, sexes = ("african", "asian", "caucasian"), ("female", "male")
    weights = {f"{a}-{s}-young": 1 / 6 for a in ancestries for s in sexes}
    return head.vertices + head.blend(weights)


def skin_masks() -> dict[str, Float32[np.ndarray, "h w"]]:
    """Where `lips`, `lids` and `lash` lie on the cylinder of the atlas at twice its resolution.

    From 0 to 1.
    """
    return {name: mask.astype(np.float32) / 255 for name, mask in _load("masks.npz").items()}


UNIT_NAMES: tuple[str, ...] = head_assets().of_kind(FACE_UNIT)
"""The face units, in the order of the file; the ones of `muscles.py` come last."""


def sided(unit: str) -> tuple[str, ...]:
    """Return the face units that a name without side stands for: itself, or left and right."""
    return (unit,) if unit in UNIT_NAMES else (unit + "Left", unit + "Right")
