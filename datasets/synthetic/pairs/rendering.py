"""Route 1: pairs of pictures, rendered straight into the canvas."""

from typing import NamedTuple, Protocol

import numpy as np
from jaxtyping import Array, Float32, UInt8

from mace.datasets.synthetic.head.figure import figure
from mace.datasets.synthetic.pairs.canvas import SIZE
from mace.datasets.synthetic.pairs.draw import Plans
from mace.datasets.synthetic.pairs.look import Views, look
from mace.datasets.synthetic.person.person import make_person
from mace.datasets.synthetic.picture.picture_config import PictureConfig
from mace.datasets.synthetic.picture.scene import (
    draw_glasses,
    draw_lamps,
    draw_wall,
    wall_on,
    wear,
)
from mace.datasets.synthetic.picture.sensor import STILL, draw_sensor, record
from mace.datasets.synthetic.picture.studio import Studio

_PICTURE_STREAM = 0x91C7


class Entries(Protocol):
    """What rendering needs of a cast: rows are people in still poses.

    `seeds` are those of `make_person`, `pose` yaw, pitch and roll in radians, `distance` the
    camera's in decimetres.
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
    pairs: _Pairs | None = None
    number = first
    # One person after the other, in the order of first appearance.
    order = np.argsort(
        [np.flatnonzero(seeds[entries] == s)[0] for s in seeds[entries]], kind="stable"
    )
    for k in order:
        entry = int(entries[k])
        person_seed = int(seeds[entry])
        if pairs is None or pairs.studio.person.seed != person_seed:
            pairs, number = _Pairs(person_seed, picture), first
        rng = np.random.default_rng([_PICTURE_STREAM, seed, person_seed, number])
        number += 1
        weights, target, head, corrected, registration, framing = (c[k] for c in columns)
        views = look(
            pairs.studio.person.rest[figure().rigid],
            pose=poses[entry].astype(np.float64),
            distance=float(distances[entry]),
            head=head.astype(np.float64),
            corrected=bool(corrected),
            registration=registration.astype(np.float64),
            framing=framing.astype(np.float64),
        )
        pairs.shoot(
            rng, views, (weights.astype(np.float32), target.astype(np.float32)),
            (out.reference[k], out.target[k], out.motion[k]),
        )  # fmt: skip
    return out


class _Pairs:
    """The pairs of one person."""

    def __init__(self, seed: int, picture: PictureConfig) -> None:
        person = make_person(seed, mottling=picture.mottling)
        self.studio, self.picture = Studio(person, height=SIZE, width=SIZE), picture
        self.glasses = draw_glasses(person, picture)

    def shoot(
        self,
        rng: np.random.Generator,
        views: Views,
        weights: tuple[np.ndarray, np.ndarray],
        out: tuple[np.ndarray, np.ndarray, np.ndarray],
    ) -> None:
        """Render both frames into `out`, the pictures and their motion."""
        studio, person = self.studio, self.studio.person
        lamps = draw_lamps(rng, person, self.picture)
        wall = draw_wall(rng, self.picture, height=SIZE, width=SIZE)
        sensor = draw_sensor(rng, self.picture)
        # Lamps stand in the room, shadows belong to the head: its turn of a degree moves none.
        lit = person.shadows(views.reference.turn.T @ lamps.key)
        frames = ((views.reference, 1.0, STILL), (views.target, lamps.flicker, views.crop))
        traced = []
        for number, (view, brightness, crop) in enumerate(frames):
            light, screen, ids = studio.expose(
                weights[number], view, lamps=lamps, lit=lit, wall=wall_on(wall, *crop)
            )
            traced.append((screen, ids.copy()))
            if self.glasses is not None:
                light = wear(light, self.glasses, view)
            grain = sensor.grains[number]
            out[number][:] = record(light, sensor, brightness=brightness, grain=grain, crop=crop)
        (begin, ids), (end, _) = traced
        out[2][:], _ = studio.motion(begin, end, ids)
