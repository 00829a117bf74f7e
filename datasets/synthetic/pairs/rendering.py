"""Route 1: pairs of pictures, rendered straight into the canvas."""

from typing import NamedTuple, Protocol

import numpy as np
from jaxtyping import Array, Float32, UInt8

from mace.datasets.synthetic import furrows
from mace.datasets.synthetic.camera import PIVOT
from mace.datasets.synthetic.pairs import raster, shading
from mace.datasets.synthetic.pairs.canvas import SIZE
from mace.datasets.synthetic.pairs.draw import Plans
from mace.datasets.synthetic.pairs.figure import figure
from mace.datasets.synthetic.pairs.paint import fold
from mace.datasets.synthetic.pairs.person import Person, make_person
from mace.datasets.synthetic.pairs.picture_config import PictureConfig
from mace.datasets.synthetic.pairs.scene import (
    Lamps,
    draw_glasses,
    draw_lamps,
    draw_wall,
    wall_on,
    wear,
)
from mace.datasets.synthetic.pairs.sensor import draw_sensor, record
from mace.datasets.synthetic.pairs.view import View, Views, look
from mace.datasets.synthetic.raster import rasterise
from mace.datasets.synthetic.surface import UNIT_NAMES

_PICTURE_STREAM, _SKIN_STREAM = 0x91C7, 0x5C1


class Entries(Protocol):
    """What rendering needs of a cast: rows are people in still poses.

    `seeds` are those of `Subject`, `pose` yaw, pitch and roll in radians, `distance` the camera's
    in decimetres.
    """

    @property
    def seeds(self) -> Array | np.ndarray: ...  # noqa: D102
    @property
    def pose(self) -> Array | np.ndarray: ...  # noqa: D102
    @property
    def distance(self) -> Array | np.ndarray: ...  # noqa: D102


class Pictures(NamedTuple):
    """Pairs of canvas crops, and the exact motion in px where the head is (0 elsewhere)."""

    reference: UInt8[np.ndarray, "n h w"]
    target: UInt8[np.ndarray, "n h w"]
    motion: Float32[np.ndarray, "n h w 2"]


def render_pairs(
    plans: Plans,
    cast: Entries,
    *,
    picture: PictureConfig,
    seed: int = 0,
    first: int = 0,
) -> tuple[UInt8[np.ndarray, "n h w"], UInt8[np.ndarray, "n h w"]]:
    """Render pairs: reference and target crops of 160 px, gray.

    Args:
        plans: what happens, leading axis the pairs.
        cast: the people; plans of one entry that stand together are rendered fastest.
        picture: how they are recorded.
        seed: of the recordings.
        first: number of each person's first pair. Recordings follow from seed, person and the
            pair's number among the person's, so a stream may be cut between people anywhere.
    """
    pictures = render_pictures(plans, cast, picture=picture, seed=seed, first=first)
    return pictures.reference, pictures.target


def render_pictures(
    plans: Plans,
    cast: Entries,
    *,
    picture: PictureConfig,
    seed: int = 0,
    first: int = 0,
) -> Pictures:
    """Render pairs as `render_pairs` does, with their exact motion."""
    entries = np.asarray(plans.entry)
    count = len(entries)
    shape = (count, SIZE, SIZE)
    out = Pictures(
        np.empty(shape, np.uint8), np.empty(shape, np.uint8), np.empty((*shape, 2), np.float32)
    )
    seeds, poses, distances = (np.asarray(v) for v in (cast.seeds, cast.pose, cast.distance))
    columns = [
        np.asarray(v)
        for v in (
            plans.reference, plans.target, plans.head, plans.corrected, plans.registration,
            plans.framing,
        )
    ]  # fmt: skip
    studio: _Studio | None = None
    number = first
    # One person after the other, in the order of first appearance.
    order = np.argsort(
        [np.flatnonzero(seeds[entries] == s)[0] for s in seeds[entries]], kind="stable"
    )
    for k in order:
        entry = int(entries[k])
        person_seed = int(seeds[entry])
        if studio is None or studio.person.seed != person_seed:
            studio, number = _Studio(_person(person_seed, picture), picture), first
        rng = np.random.default_rng([_PICTURE_STREAM, seed, person_seed, number])
        number += 1
        weights, target, head, corrected, registration, framing = (c[k] for c in columns)
        views = look(
            studio.person.rest[figure().rigid],
            pose=poses[entry].astype(np.float64),
            distance=float(distances[entry]),
            head=head.astype(np.float64),
            corrected=bool(corrected),
            registration=registration.astype(np.float64),
            framing=framing.astype(np.float64),
        )
        studio.shoot(
            rng, views, (weights.astype(np.float32), target.astype(np.float32)),
            (out.reference[k], out.target[k], out.motion[k]),
        )  # fmt: skip
    return out


def _person(seed: int, picture: PictureConfig) -> Person:
    spread = np.random.default_rng([_SKIN_STREAM, seed]).standard_normal()
    return make_person(seed, contrast=float(np.exp(picture.mottling * spread)))


class _Studio:
    """One person before the camera, and the buffers of a frame."""

    def __init__(self, person: Person, picture: PictureConfig) -> None:
        side = SIZE * raster.SAMPLES
        self.person, self.picture = person, picture
        self.glasses = draw_glasses(person, picture)
        self.triangles = figure().triangles[: person.triangles]
        self.texture_triangles = figure().texture_triangles[: person.triangles]
        self.drivers = furrows.driver_matrix(UNIT_NAMES)
        self.texture = person.texture.copy()
        self.depth = np.empty((side, side), np.float32)
        self.ids, self.reference_ids = np.empty((2, side, side), np.int32)
        self.light = np.empty((len(person.rest), 2), np.float32)
        self.linear = np.empty((SIZE, SIZE), np.float32)

    def shoot(
        self,
        rng: np.random.Generator,
        views: Views,
        weights: tuple[np.ndarray, np.ndarray],
        out: tuple[np.ndarray, np.ndarray, np.ndarray],
    ) -> None:
        """Render both frames into `out`, the pictures and their motion."""
        lamps = draw_lamps(rng, self.person, self.picture)
        wall = draw_wall(rng, self.picture)
        sensor = draw_sensor(rng, self.picture)
        # Lamps stand in the room, shadows belong to the head: its turn of a degree moves none.
        lit = self.person.shadows(views.reference.turn.T @ lamps.key)
        still = (np.eye(2), np.zeros(2))
        frames = ((views.reference, 1.0, still), (views.target, lamps.flicker, views.crop))
        screens: list[np.ndarray] = []
        for number, (view, brightness, crop) in enumerate(frames):
            points = self.person.pose(weights[number])
            if number == 1:
                self.reference_ids, self.ids = self.ids, self.reference_ids
            screens.append(
                self._expose(points, view, weights[number], lamps, lit, wall_on(wall, *crop))
            )
            light = self.linear
            if self.glasses is not None:
                light = wear(light, self.glasses, view)
            out[number][:] = record(
                light, sensor, brightness=brightness, frame=number, linear=crop[0], offset=crop[1]
            )
        begin, end = screens
        step = np.ascontiguousarray((end - begin)[:, :2]) / np.float32(raster.SAMPLES)
        shading.spread(begin, self.reference_ids, self.triangles, step, out[2])

    def _expose(
        self,
        points: Float32[np.ndarray, "n 3"],
        view: View,
        weights: np.ndarray,
        lamps: Lamps,
        lit: Float32[np.ndarray, " n"],
        wall: Float32[np.ndarray, "h w"],
    ) -> Float32[np.ndarray, "n 3"]:
        """Fill `linear` with the light of one frame; returns the vertices on the samples."""
        person, shape = self.person, figure()
        placed, screen = raster.place(
            points, PIVOT, view.turn.astype(np.float32), np.float32(view.distance), view.linear,
            view.offset,
        )  # fmt: skip
        shading.light_vertices(
            placed, self.triangles, person.sky, lit, shape.kind, lamps.key, lamps.fill,
            np.float32(lamps.key_power), np.float32(lamps.fill_power),
            np.float32(lamps.ambient_power), np.float32(person.style.hair.mean() ** 0.5),
            np.float32(1), self.light,
        )  # fmt: skip
        activation = np.clip(weights @ self.drivers, 0, None)
        texture = self.texture
        fold(person.texture, activation, texture)
        rasterise(
            screen, self.triangles, shape.solid, shape.texture_points, self.texture_triangles,
            texture[..., 1], np.float32(1), self.depth, self.ids,
        )  # fmt: skip
        raster.mend(self.ids, self.depth)
        shading.shade(
            screen, self.ids, self.depth, self.triangles, shape.solid, shape.texture_points,
            self.texture_triangles, texture, self.light, wall, self.linear,
        )  # fmt: skip
        return screen
