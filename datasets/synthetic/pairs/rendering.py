"""Pairs of pictures, rendered straight into the canvas."""

from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float32, UInt8

from mace.datasets.synthetic.pairs.canvas import SIZE
from mace.datasets.synthetic.pairs.cast import Cast
from mace.datasets.synthetic.pairs.draw import Plans
from mace.datasets.synthetic.pairs.views import Views, view
from mace.datasets.synthetic.person.person import Person, make_person
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


class Pictures(NamedTuple):
    """Pairs of canvas crops, gray, and the exact motion in px where the head is (0 elsewhere)."""

    reference: UInt8[np.ndarray, "n h w"]
    target: UInt8[np.ndarray, "n h w"]
    motion: Float32[np.ndarray, "n h w 2"]


def render_pictures(
    plans: Plans, cast: Cast, *, picture: PictureConfig, seed: int = 0, first: int = 0
) -> Pictures:
    """Render pairs: reference and target crops of 160 px, and what moves between them.

    Args:
        plans: what happens, leading axis the pairs.
        cast: the people.
        picture: how they are recorded.
        seed: of the recordings.
        first: number of each person's first pair. Recordings follow from seed, person and the
            pair's number among the person's, so a stream may be cut between people anywhere.
    """
    plans, cast = jax.tree.map(np.asarray, (plans, cast))
    count = len(plans.entry)
    shape = (count, SIZE, SIZE)
    out = Pictures(
        np.empty(shape, np.uint8), np.empty(shape, np.uint8), np.empty((*shape, 2), np.float32)
    )
    seeds = cast.entries.seeds[plans.entry]
    for seen in dict.fromkeys(seeds.tolist()):
        pairs = _Pairs(make_person(seen, mottling=picture.mottling), picture)
        for number, k in enumerate(np.flatnonzero(seeds == seen), first):
            rng = np.random.default_rng([_PICTURE_STREAM, seed, seen, number])
            plan = jax.tree.map(lambda v, k=k: v[k], plans)
            shot = pairs.shoot(rng, view(plan, cast), (plan.reference, plan.target))
            for stack, made in zip(out, shot, strict=True):
                stack[k] = made
    return out


class _Pairs:
    """The pairs of one person."""

    def __init__(self, person: Person, picture: PictureConfig) -> None:
        self.studio, self.picture = Studio(person, height=SIZE, width=SIZE), picture
        self.glasses = draw_glasses(person, picture)

    def shoot(
        self, rng: np.random.Generator, views: Views, weights: tuple[np.ndarray, np.ndarray]
    ) -> Pictures:
        """Render both frames of a pair, and their motion."""
        studio, person = self.studio, self.studio.person
        lamps = draw_lamps(rng, person, self.picture)
        wall = draw_wall(rng, self.picture, height=SIZE, width=SIZE)
        sensor = draw_sensor(rng, self.picture)
        cameras = views.cameras()
        # Lamps stand in the room, shadows belong to the head: its turn of a degree moves none.
        lit = person.shadows(cameras[0].turn.T @ lamps.key)
        pictures, traced = [], []
        for number, (brightness, crop) in enumerate(((1.0, STILL), (lamps.flicker, views.crop()))):
            light, screen, ids = studio.expose(
                weights[number], cameras[number], lamps=lamps, lit=lit, wall=wall_on(wall, *crop)
            )
            traced.append((screen, ids.copy()))
            if self.glasses is not None:
                light = wear(light, self.glasses, cameras[number])
            grain = sensor.grains[number]
            pictures.append(record(light, sensor, brightness=brightness, grain=grain, crop=crop))
        (begin, ids), (end, _) = traced
        reference, target = pictures
        return Pictures(reference, target, studio.motion(begin, end, ids)[0])
