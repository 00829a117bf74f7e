"""The cast of a stream of pairs: people in a still pose, as arrays that pass through `jax.jit`."""

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, fields, replace
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple, Self
from zipfile import BadZipFile

import jax
import numpy as np
from jaxtyping import Array, Float16, Float32, Int16, Int32

from mace.datasets.synthetic.action_units import AU_NAMES
from mace.datasets.synthetic.camera import DISTANCE
from mace.datasets.synthetic.identity import draw_identity
from mace.datasets.synthetic.pairs import canvas
from mace.datasets.synthetic.pairs.front import (
    RIGID,
    MeshName,
    barycentric,
    fine_points,
    head_front,
    on_canvas,
    visible,
)
from mace.datasets.synthetic.subject import SUBJECT_STREAM
from mace.errors import ConfigError, DataError
from mace.files import atomic_path
from mace.processes import begin_worker, one_thread_each
from mace.progress import progress

_HABITS, _POSES = 0xAB175, 0x905E5
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
_FORMAT = 1
_CHUNK = 16


@dataclass(frozen=True)
class CastConfig:
    """How the people of a cast stand before the camera.

    Attributes:
        yaw_sd_deg: standard deviation of the still yaw over people and poses, in degrees.
        pitch_sd_deg: of the still pitch.
        roll_sd_deg: of the still roll, nearly all of which the eye line takes out.
        distance_dm: range (log-uniform) of the camera's distance in decimetres: perspective.
        gain_sd: spread (log) of how strongly a person shows each action unit.
        asymmetry_sd: spread of the share by which a person's left side leads.
        mesh: triangles that carry the motion, see `head_front`. The motion on the coarse ones
            differs from that on the renderer's fine ones by 2 to 5 % of its root mean square (99 %
            of the cells by less than 2 to 4 % of the peak) and costs a third of the time.
    """

    yaw_sd_deg: float = 5.0
    pitch_sd_deg: float = 5.0
    roll_sd_deg: float = 1.5
    distance_dm: tuple[float, float] = (5.0, 20.0)
    gain_sd: float = 0.25
    asymmetry_sd: float = 0.15
    mesh: MeshName = "coarse"

    def __post_init__(self) -> None:
        if not 3 <= self.distance_dm[0] <= self.distance_dm[1]:
            raise ConfigError(
                f"distance_dm is {self.distance_dm}, expected a rising pair from 3 dm on"
            )

    @classmethod
    def quiet(cls) -> Self:
        """Everybody from in front at the renderer's distance, with equal habits."""
        return cls(0, 0, 0, (DISTANCE, DISTANCE), 0, 0)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Cast:
    """N entries, each a person in a still pose, of P people: what the motion route shows.

    A person has the head of `Subject(seed)`; gain and asymmetry are drawn for the cast anew. All
    arrays are NumPy's when made or loaded: `on_device` moves them once, so that a jitted step gets
    them as arguments without copying.

    Attributes:
        seeds: of the person, per entry.
        person: index of the person, per entry.
        pose: still yaw, pitch, roll in radians.
        distance: of the camera from the head's pivot, in decimetres.
        reach: largest displacement of visible skin in crop px at the full action unit (the rate at
            rest, for a head that stands still), over `AU_NAMES`.
        gain: how strongly the person shows each action unit, about 1.
        asymmetry: share by which the left side (positive) leads.
        male, age, tone: traits: 0 female to 1 male, 0 young to 0.85 old, luminance of the skin
            (linear, 0 to 1).
        triangle: of the front at each cell of the canvas, -1 where there is no head.
        weights: barycentric weights of its second and third vertex.
        offsets: per person, vertices minus `average` in decimetres.
        anchors: per person, the rigid points in decimetres; the first four are the eye corners.
        eye_centres: per person, of the left and the right eyeball.
        average: vertices of the average head.
        deltas: displacement of every vertex for each of `UNIT_NAMES`.
        faces: vertices of each triangle.
        vertex_ids: index in the fine mesh of each vertex.
        eyes: number of vertices of the left and the right eyeball, which come last.
    """

    seeds: Int32[Array | np.ndarray, " n"]
    person: Int32[Array | np.ndarray, " n"]
    pose: Float32[Array | np.ndarray, "n 3"]
    distance: Float32[Array | np.ndarray, " n"]
    reach: Float32[Array | np.ndarray, "n a"]
    gain: Float32[Array | np.ndarray, "n a"]
    asymmetry: Float32[Array | np.ndarray, " n"]
    male: Float32[Array | np.ndarray, " n"]
    age: Float32[Array | np.ndarray, " n"]
    tone: Float32[Array | np.ndarray, " n"]
    triangle: Int16[Array | np.ndarray, "n r r"]
    weights: Float16[Array | np.ndarray, "n r r 2"]
    offsets: Float16[Array | np.ndarray, "p 3 v"]
    anchors: Float32[Array | np.ndarray, "p k 3"]
    eye_centres: Float32[Array | np.ndarray, "p 2 3"]
    average: Float32[Array | np.ndarray, "3 v"]
    deltas: Float32[Array | np.ndarray, "u 3 v"]
    faces: Int16[Array | np.ndarray, "t 3"]
    vertex_ids: Int32[Array | np.ndarray, " v"]
    eyes: tuple[int, int] = field(metadata={"static": True})

    def __len__(self) -> int:
        return len(self.seeds)

    @property
    def people(self) -> int:
        """Number of different people."""
        return len(self.offsets)

    def on_device(self) -> "Cast":
        """The same cast as JAX arrays on the default device."""
        return jax.device_put(self)

    def take(self, people: Sequence[int]) -> "Cast":
        """The cast of some of its people, renumbered in the given order."""
        kept = [np.flatnonzero(np.asarray(self.person) == p) for p in people]
        entries = np.concatenate(kept)
        changes = {f.name: np.asarray(getattr(self, f.name))[entries] for f in fields(self)
                   if f.name in _PER_ENTRY}  # fmt: skip
        changes["person"] = np.repeat(np.arange(len(kept), dtype=np.int32), [len(k) for k in kept])
        for name in _PER_PERSON:
            changes[name] = np.asarray(getattr(self, name))[list(people)]
        return replace(self, **changes)


_PER_PERSON = ("offsets", "anchors", "eye_centres")
_SHARED = ("average", "deltas", "faces", "vertex_ids", "eyes")
_PER_ENTRY = tuple(f.name for f in fields(Cast) if f.name not in _PER_PERSON + _SHARED)


class _Person(NamedTuple):
    """Arrays of one person: leading axis poses, but for those of `_PER_PERSON`."""

    entries: dict[str, np.ndarray]
    person: dict[str, np.ndarray]


def _draw_poses(seed: int, count: int, config: CastConfig) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng([_POSES, seed])
    spread = np.deg2rad([config.yaw_sd_deg, config.pitch_sd_deg, config.roll_sd_deg])
    low, high = np.log(config.distance_dm)
    # One draw after the other, so that more poses leave the first ones as they are.
    drawn = [(np.clip(rng.normal(0, 1, 3), -2.5, 2.5), rng.uniform()) for _ in range(count)]
    pose = np.array([d[0] for d in drawn]) * spread
    return pose.astype(np.float32), np.exp(
        low + (high - low) * np.array([d[1] for d in drawn])
    ).astype(np.float32)


def _reach(
    points: np.ndarray, aus: np.ndarray, pose: np.ndarray, distance: float, similarity: np.ndarray
) -> np.ndarray:
    """Fastest displacement on the canvas of some vertices for each action unit."""
    turn = canvas.rotation(pose).astype(np.float32)
    placed = canvas.place(points, pose)
    depth = np.float32(distance) - placed[:, 2]
    sides = np.stack([placed[:, 0], -placed[:, 1]], 1) / depth[:, None]
    # Derivative of the picture by the turned position, then by the canvas.
    rate = np.zeros((len(points), 2, 3), np.float32)
    rate[:, 0, 0], rate[:, 1, 1] = 1 / depth, -1 / depth
    rate[:, :, 2] = sides / depth[:, None]
    rate = similarity[:, :2].astype(np.float32) @ (rate @ turn)
    moved = np.einsum("avc,vdc->avd", aus, rate, optimize=True)
    return np.sqrt((moved**2).sum(-1)).max(1)


def _person(seed: int, poses: int, config: CastConfig) -> _Person:
    front = head_front(config.mesh)
    shape, style = draw_identity(np.random.default_rng([SUBJECT_STREAM, seed]))
    fine, centres = fine_points(shape)
    anchors = fine[list(RIGID)]
    offsets = (fine[front.vertex_ids] - front.average).astype(np.float16)
    points = front.average + offsets
    habits = np.random.default_rng([_HABITS, seed])
    gain = np.exp(habits.normal(0, 1, len(AU_NAMES)) * config.gain_sd).astype(np.float32)
    asymmetry = habits.normal(0, 1) * config.asymmetry_sd
    pose, distance = _draw_poses(seed, poses, config)
    side = canvas.CELLS
    triangle = np.empty((poses, side, side), np.int16)
    weights = np.zeros((poses, side, side, 2), np.float16)
    reach = np.empty((poses, len(AU_NAMES)), np.float32)
    for k in range(poses):
        screen, similarity = on_canvas(points, anchors[:4], pose[k], float(distance[k]))
        triangle[k] = visible(screen, front.triangles, side=side)
        weights[k] = barycentric(screen, front.triangles, triangle[k])
        shown = np.unique(front.triangles[triangle[k][triangle[k] >= 0]])
        shown = shown[front.skin[shown]]
        reach[k] = _reach(
            points[shown], front.aus[:, shown], pose[k], float(distance[k]), similarity
        )
    tone = float(_LUMINANCE @ style.tone)
    traits = {"male": style.male, "age": style.age, "tone": tone, "asymmetry": asymmetry}
    entries = {name: np.full(poses, value, np.float32) for name, value in traits.items()}
    entries |= {
        "seeds": np.full(poses, seed, np.int32), "pose": pose, "distance": distance,
        "reach": reach, "gain": np.tile(gain, (poses, 1)), "triangle": triangle,
        "weights": weights,
    }  # fmt: skip
    # Components first: the motion route computes with long rows.
    person = {"offsets": np.ascontiguousarray(offsets.T), "anchors": anchors}
    return _Person(entries, person | {"eye_centres": centres})


def _people(seeds: Sequence[int], poses: int, config: CastConfig) -> list[_Person]:
    return [_person(seed, poses, config) for seed in seeds]


def make_cast(
    seeds: Sequence[int],
    *,
    poses_each: int = 1,
    config: CastConfig = CastConfig(),
    workers: int = 1,
) -> Cast:
    """Build the people of these seeds, each in `poses_each` still poses.

    Args:
        seeds: of different people, as in `Subject(seed)`.
        poses_each: entries a person; the entries of one person follow each other.
        config: poses, perspective and habits.
        workers: processes; 1 builds in this one. The cast does not depend on it.
    """
    if len(set(seeds)) != len(seeds) or not seeds or poses_each < 1:
        raise ConfigError(
            f"a cast of {len(seeds)} seeds, {len(set(seeds))} of them different, in {poses_each} "
            "poses cannot be made; give at least one seed, none of them twice, and one pose"
        )
    chunks = [list(seeds[k : k + _CHUNK]) for k in range(0, len(seeds), _CHUNK)]
    workers = min(workers, len(chunks), 4 * (os.cpu_count() or 1))
    people: list[_Person] = []
    with progress("building people", len(seeds)) as advance:
        if workers <= 1:
            for chunk in chunks:
                people += _people(chunk, poses_each, config)
                advance(len(chunk))
        else:
            context = get_context("spawn")  # a fork of a process in which JAX runs may hang
            with (
                one_thread_each(),
                ProcessPoolExecutor(workers, mp_context=context, initializer=begin_worker) as pool,
            ):
                for done in pool.map(
                    _people, chunks, [poses_each] * len(chunks), [config] * len(chunks)
                ):
                    people += done
                    advance(len(done))
    front = head_front(config.mesh)
    entries = {
        name: np.concatenate([p.entries[name] for p in people])
        for name in _PER_ENTRY
        if name != "person"
    }
    return Cast(
        **entries,  # pyright: ignore[reportArgumentType]
        **{name: np.stack([p.person[name] for p in people]) for name in _PER_PERSON},  # pyright: ignore[reportArgumentType]
        person=np.repeat(np.arange(len(people), dtype=np.int32), poses_each),
        average=np.ascontiguousarray(front.average.T),
        deltas=np.ascontiguousarray(front.units.transpose(0, 2, 1)),
        faces=front.triangles.astype(np.int16),
        vertex_ids=front.vertex_ids.astype(np.int32),
        eyes=front.eyes,
    )


def save_cast(cast: Cast, path: Path) -> None:
    """Write the cast to an .npz file, whole or not at all."""
    arrays = {f.name: np.asarray(getattr(cast, f.name)) for f in fields(Cast)}
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, format=_FORMAT, **arrays)  # pyright: ignore[reportArgumentType]


def load_cast(path: Path) -> Cast:
    """Read a cast.

    Raises:
        DataError: if the file is missing, broken, or of another version.
    """
    try:
        with path.open("rb") as stream, np.load(stream) as archive:
            arrays = dict(archive)
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise DataError(f"cannot read the cast {path}: {error}; build it again") from error
    names = {f.name for f in fields(Cast)} | {"format"}
    if set(arrays) != names or int(arrays.pop("format")) != _FORMAT:
        raise DataError(f"{path} is not a cast of this version; build it again")
    left, right = (int(v) for v in arrays.pop("eyes"))
    return Cast(**arrays, eyes=(left, right))  # pyright: ignore[reportArgumentType]
