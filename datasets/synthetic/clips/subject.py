"""A person in a recording room: head, skin, light, habits. Everything follows from one seed."""

from dataclasses import replace
from functools import cached_property

import numpy as np
from jaxtyping import Float32

from mace.datasets.synthetic.geometry.camera import facing
from mace.datasets.synthetic.head.figure import figure
from mace.datasets.synthetic.movement.action_units import AU_NAMES
from mace.datasets.synthetic.person.anatomy import draw_habits
from mace.datasets.synthetic.person.person import make_person
from mace.datasets.synthetic.picture.picture_config import PictureConfig
from mace.datasets.synthetic.picture.scene import draw_lamps, draw_wall, wall_on
from mace.datasets.synthetic.picture.sensor import STILL, Sensor, draw_sensor
from mace.errors import ConfigError

LABORATORY = PictureConfig.quiet(light=1.0, exposure=0.1, mottling=0.35, backdrop=0.8)
"""How clips are recorded: frontal, rather diffuse light; the frame's pixels are the camera's."""

_ROOM, _WALL = 0x400B, 0x3A11
# Reach is measured at a part of the full action unit, as small as micro-expressions are.
_SMALL = 0.1


class Subject:
    """One synthetic person; building one takes a tenth of a second.

    Attributes:
        seed: what the person follows from.
        person: head and skin.
        habits: how the face is moved.
        lamps: of this person's recordings.
        pose: habitual yaw, pitch, roll in radians.
        shift: habitual place in the image, in units of the eye distance.
        size: apparent size relative to the configured eye distance.
        grain: sensor noise in grey levels at noise level 1.

    Raises:
        ConfigError: for a negative seed.
    """

    def __init__(self, seed: int) -> None:
        if seed < 0:
            raise ConfigError(f"the seed of a person is {seed}, expected 0 or more")
        self.seed = seed
        self.person = make_person(seed, mottling=LABORATORY.mottling)
        self.habits = draw_habits(seed)
        rng = np.random.default_rng([_ROOM, seed])
        self.lamps = draw_lamps(rng, self.person, LABORATORY)
        self._sensor = draw_sensor(rng, LABORATORY)
        self.pose = rng.normal(0, [0.05, 0.05, 0.03])
        self.shift = rng.normal(0, [0.1, 0.06])
        self.size = float(rng.uniform(0.95, 1.05))
        self.grain = float(rng.uniform(0.8, 2.0))

    def sensor(self, noise: float) -> Sensor:
        """Return the camera of this person's recordings, with `noise` in grey levels."""
        return replace(self._sensor, noise=noise)

    def wall(self, *, height: int, width: int) -> Float32[np.ndarray, "h w"]:
        """Return the wall behind this person in a frame, in linear light."""
        rng = np.random.default_rng([_WALL, self.seed])
        return wall_on(draw_wall(rng, LABORATORY, height=height, width=width), *STILL)

    def reach(self, au: str) -> float:
        """Largest displacement of the skin seen from in front at full AU, in decimetres."""
        return float(self._reach[AU_NAMES.index(au)])

    @cached_property
    def _reach(self) -> Float32[np.ndarray, " a"]:
        skin, view = figure().expressive, facing(np.zeros(3), scale=1, middle=np.zeros(2))
        rest, deltas = self.person.rest[skin], figure().deltas[:, skin]
        before = view.project(rest)
        moved = [
            view.project(rest + np.float32(_SMALL) * np.tensordot(weights, deltas, 1)) - before
            for weights in self.habits.anatomy
        ]
        return (np.linalg.norm(moved, axis=-1).max(1) / _SMALL).astype(np.float32)
