"""The sizes in which the data set comes."""

from dataclasses import dataclass, field
from typing import Literal

from mace.datasets.synthetic.clips.config import ClipConfig
from mace.datasets.synthetic.pairs.config import PairConfig
from mace.datasets.synthetic.picture.picture_config import PictureConfig
from mace.errors import ConfigError
from mace.face.config import FaceConfig


@dataclass(frozen=True)
class Preset:
    """What is rendered.

    Attributes:
        name: of the preset, also its TFDS configuration.
        description: one line for people.
        subjects: number of people.
        clips: per person.
        misleading: videos per person after those, of what a spotter takes for movements.
        clip: the recording.
        kind: `clips` of one micro-expression, continuous `videos` for spotting, or `pairs` of an
            onset and an apex frame, rendered straight into the crop.
        face: the face correction.
        pair: what happens in a pair.
        picture: how a pair is recorded.
    """

    name: str
    description: str
    subjects: int
    clips: int
    clip: ClipConfig
    kind: Literal["clips", "videos", "pairs"] = "clips"
    misleading: int = 0
    face: FaceConfig = field(default_factory=FaceConfig)
    pair: PairConfig = field(default_factory=PairConfig)
    picture: PictureConfig = field(default_factory=PictureConfig)


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            "tiny",
            "4 subjects x 5 short clips, for tests",
            4,
            5,
            ClipConfig(width=320, height=240, eye_distance=70.0, frames=12, peak_px=(0.5, 1.5)),
        ),
        Preset(
            "demo",
            "24 subjects x 12 clips of 28 frames, a minute or two on two cores",
            24,
            12,
            ClipConfig(width=320, height=240, eye_distance=70.0, frames=28, peak_px=(0.25, 0.75)),
        ),
        Preset(
            "full",
            "26 subjects x 10 clips of 64 frames of 640 x 480 px",
            26,
            10,
            ClipConfig(width=640, height=480, eye_distance=105.0, frames=64, peak_px=(0.25, 0.75)),
        ),
        Preset(
            "long",
            "4 subjects x 3 videos of 8 s at 200 frames/s for spotting, one of them misleading",
            4,
            2,
            ClipConfig(width=320, height=240, eye_distance=70.0, frames=1600, peak_px=(0.4, 1.2)),
            kind="videos",
            misleading=1,
        ),
        Preset(
            "pairs",
            "64 people x 8 onset-apex pairs, recorded in many ways, for training",
            64,
            8,
            ClipConfig(frames=2),
            kind="pairs",
        ),
    )
}


def preset_named(name: str) -> Preset:
    """Look up a preset.

    Raises:
        ConfigError: for an unknown name.
    """
    if name not in PRESETS:
        raise ConfigError(f"unknown preset {name!r}; known: {', '.join(PRESETS)}")
    return PRESETS[name]
