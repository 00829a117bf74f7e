"""How one person enters a cast: head, still poses before the camera, habits, as arrays."""

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from mace.datasets.synthetic.geometry.camera import DISTANCE, PIVOT, View
from mace.datasets.synthetic.head.landmarks import RIGID
from mace.datasets.synthetic.movement.action_units import AU_NAMES
from mace.datasets.synthetic.pairs import canvas
from mace.datasets.synthetic.pairs.front import (
    MeshName,
    barycentric,
    fine_points,
    head_front,
    on_canvas,
    visible,
)
from mace.datasets.synthetic.pairs.look import still_view
from mace.datasets.synthetic.person.anatomy import draw_habits
from mace.datasets.synthetic.person.chart import gray
from mace.datasets.synthetic.person.person import draw_head
from mace.errors import ConfigError

_POSES = 0x905E5


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
        if not 3 <= self.distance_dm[0] <= self.distance_dm[1]:
            raise ConfigError(
                f"distance_dm is {self.distance_dm}, expected a rising pair from 3 dm on"
            )
        if not 0 <= self.anatomy <= 1:
            raise ConfigError(f"anatomy is {self.anatomy}, expected 0 to 1")

    @classmethod
    def quiet(cls) -> Self:
        """Everybody from in front at the renderer's distance, with equal habits."""
        return cls(0, 0, 0, (DISTANCE, DISTANCE), 0, 0, 0)


class CastPerson(NamedTuple):
    """Arrays of one person: leading axis poses, but for those in `person`."""

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


def build_person(seed: int, poses: int, config: CastConfig) -> CastPerson:
    """Build one person, the head of `make_person(seed)`, in a number of still poses."""
    front = head_front(config.mesh)
    shape, style = draw_head(seed)
    fine, centres = fine_points(shape)
    anchors = fine[list(RIGID)]
    offsets = (fine[front.vertex_ids] - front.average).astype(np.float16)
    points = front.average + offsets
    habits = draw_habits(
        seed,
        gain_sd=config.gain_sd,
        asymmetry_sd=config.asymmetry_sd,
        anatomy=config.anatomy,
    )
    pose, distance = _draw_poses(seed, poses, config)
    side = canvas.CELLS
    triangle = np.empty((poses, side, side), np.int16)
    weights = np.zeros((poses, side, side, 2), np.float16)
    reach = np.empty((poses, len(AU_NAMES)), np.float32)
    for k in range(poses):
        still = pose[k].astype(np.float64)
        view = still_view(anchors[:4], pose=still, distance=float(distance[k]))
        screen = on_canvas(points, view)
        triangle[k] = visible(screen, front.triangles, side=side)
        weights[k] = barycentric(screen, front.triangles, triangle[k])
        shown = np.unique(front.triangles[triangle[k][triangle[k] >= 0]])
        shown = shown[front.skin[shown]]
        moved = np.tensordot(habits.anatomy, front.units[:, shown], 1)
        reach[k] = _reach(points[shown], moved, view)
    traits = {
        "male": style.male,
        "age": style.age,
        "tone": gray(style.tone),
        "asymmetry": habits.asymmetry,
    }
    entries = {name: np.full(poses, value, np.float32) for name, value in traits.items()}
    entries |= {
        "seeds": np.full(poses, seed, np.int32), "pose": pose, "distance": distance,
        "reach": reach, "gain": np.tile(habits.gain, (poses, 1)), "triangle": triangle,
        "weights": weights, "anatomy": np.tile(habits.anatomy, (poses, 1, 1)),
    }  # fmt: skip
    # Components first: the motion route computes with long rows.
    person = {"offsets": np.ascontiguousarray(offsets.T), "anchors": anchors}
    return CastPerson(entries, person | {"eye_centres": centres})
