"""The cast of a stream of pairs: people in still poses, as arrays that pass through `jax.jit`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Self

import jax
import numpy as np
from jaxtyping import Array, Float16, Float32, Int16, Int32

from mace.datasets.synthetic.geometry.camera import DISTANCE, PIVOT, View
from mace.datasets.synthetic.head.landmarks import RIGID
from mace.datasets.synthetic.movement.action_units import AU_NAMES
from mace.datasets.synthetic.pairs import canvas
from mace.datasets.synthetic.pairs.front import (
    MeshName,
    barycentric,
    fine_points,
    head_front,
    visible,
)
from mace.datasets.synthetic.person.anatomy import draw_habits
from mace.datasets.synthetic.person.person import draw_head
from mace.errors import ConfigError
from mace.progress import progress, silence
from mace.workers import parallel_map, workers_for

_POSES = 0x905E5
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
        anatomy: how much people differ in what an action unit moves: 1 by the whole of the ranges
            of `anatomy.py`, 0 not at all.
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
    anatomy: float = 1.0
    mesh: MeshName = "coarse"

    def __post_init__(self) -> None:
        for name in ("yaw_sd_deg", "pitch_sd_deg", "roll_sd_deg", "gain_sd", "asymmetry_sd"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ConfigError(f"{name} is {getattr(self, name)}, expected 0 or more")
        if not 3 <= self.distance_dm[0] <= self.distance_dm[1] < math.inf:
            raise ConfigError(
                f"distance_dm is {self.distance_dm}, expected a rising pair from 3 dm on"
            )
        if not 0 <= self.anatomy <= 1:
            raise ConfigError(f"anatomy is {self.anatomy}, expected 0 to 1")

    @classmethod
    def quiet(cls) -> Self:
        """Everybody from in front at the renderer's distance, with equal habits."""
        return cls(0, 0, 0, (DISTANCE, DISTANCE), 0, 0, 0)


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class Entries:
    """People in still poses; leading axis: the entries, those of one person after each other.

    Attributes:
        seeds: of the person, as of `make_person`.
        person: index of the person.
        pose: still yaw, pitch, roll in radians.
        distance: of the camera from the head's pivot, in decimetres.
        reach: largest displacement of visible skin in crop px at the full action unit (the rate at
            rest, for a head that stands still), over `AU_NAMES`.
        gain: how strongly the person shows each action unit, about 1.
        asymmetry: share by which the left side (positive) leads.
        anatomy: the person's weights of `UNIT_NAMES` for each of `AU_NAMES`.
        male, age, tone: traits: 0 female to 1 male, 0 young to 0.85 old, luminance of the skin
            (linear, 0 to 1).
        triangle: of the front at each cell of the canvas, -1 where there is no head.
        weights: barycentric weights of its second and third vertex.
    """

    seeds: Int32[Array | np.ndarray, " n"]
    person: Int32[Array | np.ndarray, " n"]
    pose: Float32[Array | np.ndarray, "n 3"]
    distance: Float32[Array | np.ndarray, " n"]
    reach: Float32[Array | np.ndarray, "n a"]
    gain: Float32[Array | np.ndarray, "n a"]
    asymmetry: Float32[Array | np.ndarray, " n"]
    anatomy: Float32[Array | np.ndarray, "n a u"]
    male: Float32[Array | np.ndarray, " n"]
    age: Float32[Array | np.ndarray, " n"]
    tone: Float32[Array | np.ndarray, " n"]
    triangle: Int16[Array | np.ndarray, "n r r"]
    weights: Float16[Array | np.ndarray, "n r r 2"]


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class Cast:
    """N entries of P people: what the motion route shows.

    A person has the head and habits of `Subject(seed)`, unless the `CastConfig` says otherwise. All
    arrays are NumPy's when made: `on_device` moves them once, so that a jitted step gets them as
    arguments without copying.

    Attributes:
        entries: the people in their poses.
        offsets: per person, vertices minus `average` in decimetres.
        anchors: per person, the rigid points in decimetres; the first four are the eye corners.
        eye_centres: per person, of the left and the right eyeball.
        average: vertices of the average head.
        deltas: displacement of every vertex for each of `UNIT_NAMES`.
        faces: vertices of each triangle.
        eyes: number of vertices of the left and the right eyeball, which come last.
    """

    entries: Entries
    offsets: Float16[Array | np.ndarray, "p 3 v"]
    anchors: Float32[Array | np.ndarray, "p k 3"]
    eye_centres: Float32[Array | np.ndarray, "p 2 3"]
    average: Float32[Array | np.ndarray, "3 v"]
    deltas: Float32[Array | np.ndarray, "u 3 v"]
    faces: Int16[Array | np.ndarray, "t 3"]
    eyes: tuple[int, int] = field(metadata={"static": True})

    def __len__(self) -> int:
        return len(self.entries.seeds)

    @property
    def people(self) -> int:
        """Number of different people."""
        return len(self.offsets)

    def on_device(self) -> "Cast":
        """The same cast as JAX arrays on the default device."""
        return jax.device_put(self)


def make_cast(
    seeds: Sequence[int],
    *,
    poses_each: int = 1,
    config: CastConfig = CastConfig(),
    workers: int = 1,
) -> Cast:
    """Build the people of these seeds, each in `poses_each` still poses.

    Args:
        seeds: of different people, as of `make_person`.
        poses_each: entries a person; the entries of one person follow each other.
        config: poses, perspective and habits.
        workers: processes; 1 builds in this one. The cast does not depend on it.

    Raises:
        ConfigError: for no seeds, one of them twice, or no pose.
    """
    if len(set(seeds)) != len(seeds) or not seeds or poses_each < 1:
        raise ConfigError(
            f"a cast of {len(seeds)} seeds, {len(set(seeds))} of them different, in {poses_each} "
            "poses cannot be made; give at least one seed, none of them twice, and one pose"
        )
    chunks = [tuple(enumerate(seeds))[k : k + _CHUNK] for k in range(0, len(seeds), _CHUNK)]
    built: dict[tuple[tuple[int, int], ...], list[_Member]] = {}
    # A few need no display.
    with progress("building people", len(seeds)) if len(chunks) > 1 else silence() as advance:
        for chunk, members in parallel_map(
            _members, chunks, (poses_each, config), workers=workers_for(len(chunks), workers)
        ):
            built[chunk] = members
            advance(len(chunk))
    members = [member for chunk in chunks for member in built[chunk]]
    front = head_front(config.mesh)
    return Cast(
        entries=jax.tree.map(lambda *some: np.concatenate(some), *(m.entries for m in members)),
        offsets=np.stack([m.offsets for m in members]),
        anchors=np.stack([m.anchors for m in members]),
        eye_centres=np.stack([m.eye_centres for m in members]),
        average=np.ascontiguousarray(front.average.T),
        deltas=np.ascontiguousarray(front.units.transpose(0, 2, 1)),
        faces=front.triangles.astype(np.int16),
        eyes=front.eyes,
    )


class _Member(NamedTuple):
    """One person of a cast."""

    entries: Entries
    offsets: Float16[np.ndarray, "3 v"]
    anchors: Float32[np.ndarray, "k 3"]
    eye_centres: Float32[np.ndarray, "2 3"]


def _members(settings: tuple[int, CastConfig], people: Sequence[tuple[int, int]]) -> list[_Member]:
    return [_build(number, seed, *settings) for number, seed in people]


def _build(number: int, seed: int, poses: int, config: CastConfig) -> _Member:
    """Build one person, the head of `make_person(seed)`, in a number of still poses."""
    front = head_front(config.mesh)
    shape, style = draw_head(seed)
    fine, centres = fine_points(shape)
    anchors = fine[list(RIGID)]
    offsets = (fine[front.vertex_ids] - front.average).astype(np.float16)
    points = front.average + offsets
    habits = draw_habits(
        seed, gain_sd=config.gain_sd, asymmetry_sd=config.asymmetry_sd, anatomy=config.anatomy
    )
    pose, distance = _draw_poses(seed, poses, config)
    side = canvas.CELLS
    triangle = np.empty((poses, side, side), np.int16)
    weights = np.zeros((poses, side, side, 2), np.float16)
    reach = np.empty((poses, len(AU_NAMES)), np.float32)
    for k in range(poses):
        still = pose[k].astype(np.float64)
        view = canvas.still_view(anchors[:4], pose=still, distance=float(distance[k]))
        screen = canvas.on_canvas(points, view)
        triangle[k] = visible(screen, front.triangles, side=side)
        weights[k] = barycentric(screen, front.triangles, triangle[k])
        shown = np.unique(front.triangles[triangle[k][triangle[k] >= 0]])
        shown = shown[front.skin[shown]]
        moved = np.tensordot(habits.anatomy, front.units[:, shown], 1)
        reach[k] = _reach(points[shown], moved, view)
    entries = Entries(
        seeds=np.full(poses, seed, np.int32),
        person=np.full(poses, number, np.int32),
        pose=pose,
        distance=distance,
        reach=reach,
        gain=np.tile(habits.gain, (poses, 1)),
        asymmetry=np.full(poses, habits.asymmetry, np.float32),
        anatomy=np.tile(habits.anatomy, (poses, 1, 1)),
        male=np.full(poses, style.male, np.float32),
        age=np.full(poses, style.age, np.float32),
        tone=np.full(poses, style.tone, np.float32),
        triangle=triangle,
        weights=weights,
    )
    # Components first: the motion route computes with long rows.
    return _Member(entries, np.ascontiguousarray(offsets.T), anchors, centres)


def _draw_poses(seed: int, count: int, config: CastConfig) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng([_POSES, seed])
    spread = np.deg2rad([config.yaw_sd_deg, config.pitch_sd_deg, config.roll_sd_deg])
    low, high = np.log(config.distance_dm)
    # One draw after the other, so that more poses leave the first ones as they are.
    drawn = [(np.clip(rng.normal(0, 1, 3), -2.5, 2.5), rng.uniform()) for _ in range(count)]
    pose = np.array([d[0] for d in drawn]) * spread
    distance = np.exp(low + (high - low) * np.array([d[1] for d in drawn]))
    return pose.astype(np.float32), distance.astype(np.float32)


def _reach(points: np.ndarray, aus: np.ndarray, view: View) -> np.ndarray:
    """Fastest displacement on the canvas of some vertices for each action unit."""
    turn = view.turn.astype(np.float32)
    depth = np.float32(view.distance) - (points - PIVOT) @ turn[2]
    zoom = np.float32(view.distance) / depth
    # Derivative of the plane's position by the turned one, then by the canvas.
    rate = np.zeros((len(points), 2, 3), np.float32)
    rate[:, 0, 0], rate[:, 1, 1] = zoom, -zoom
    rate[:, :, 2] = view.on_plane(points) / depth[:, None]
    rate = view.linear.astype(np.float32) @ (rate @ turn)
    moved = np.einsum("avc,vdc->avd", aus, rate, optimize=True)
    return np.sqrt((moved**2).sum(-1)).max(1)
