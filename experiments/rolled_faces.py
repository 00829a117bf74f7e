"""Rendered clips of heads held at an angle, cut out with and without correction of the face."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args

import cv2
import numpy as np
from jaxtyping import UInt8

from mace.config import config_hash
from mace.data.clips import Clip
from mace.datasets.synthetic.clips.clip import RenderedClip, render_clip
from mace.datasets.synthetic.clips.config import ClipConfig
from mace.datasets.synthetic.clips.subject import Subject
from mace.datasets.synthetic.movement.prototypes import CLASSES
from mace.errors import ConfigError, DataError
from mace.face.clip import correct_clip
from mace.face.config import FaceConfig
from mace.face.similarity import Transform, apply, invert, scale
from mace.face.warping import warp
from mace.files import atomic_path
from mace.progress import track

Correction = Literal["registered", "first frame", "upright box"]
CORRECTIONS: tuple[Correction, ...] = get_args(Correction)

DATABASE = "synthetic-rolled"
# `synthetic/demo` with fewer frames in the same time.
RECORDING = ClipConfig(
    width=320, height=240, fps=72.0, frames=10, eye_distance=70.0, peak_px=(0.25, 0.75)
)
_STREAM = 0x2011
# A face that the detector misses is rendered again, in other light and another pose.
_ATTEMPTS = 16


@dataclass(frozen=True, kw_only=True)
class RolledFaces:
    """Who is rendered how.

    Attributes:
        roll: heads are held at an angle drawn uniformly from -roll to roll degrees, clip by clip.
        people: number of people.
        clips: per person; the classes take turns.
        seed: of people and clips; the same for every `roll`, so that only the angle differs.
        clip: the recording: that of `synthetic/demo` with fewer frames.
        face: the correction of the face.
    """

    roll: float = 0.0
    people: int = 16
    clips: int = 10
    seed: int = 7
    clip: ClipConfig = RECORDING
    face: FaceConfig = field(default_factory=FaceConfig)

    def __post_init__(self) -> None:
        if not 0 <= self.roll <= 30:
            raise ConfigError(
                f"setting roll is {self.roll} degrees, expected 0 to 30; faces "
                "turned further are not found"
            )
        if self.people < 2 or self.clips < 1:
            raise ConfigError(
                f"settings people and clips are {self.people} and {self.clips}, expected at least "
                "2 people and 1 clip"
            )


def rolled_clips(config: RolledFaces, correction: Correction, *, cache_dir: Path) -> list[Clip]:
    """Return onset and apex of every clip as two frames, cut out by one kind of correction.

    What is rendered is kept in `cache_dir`, a file a person, and serves all corrections.

    Raises:
        DataError: if no face is found in a clip, however often it is rendered.
        OutputError: if `cache_dir` cannot be written to.
    """
    folder = cache_dir / f"rolled-{config_hash(config)}"
    clips = []
    title = f"faces rolled up to {config.roll:g} degrees"
    for person in track(range(config.people), title, config.people):
        path = folder / f"sub{person + 1:02d}.npz"
        if not path.exists():
            with atomic_path(path) as temporary:
                np.savez_compressed(temporary, crops=_person(config, person))
        with np.load(path) as stored:
            crops = stored["crops"][:, CORRECTIONS.index(correction)]
        for number, pair in enumerate(crops):
            clips.append(_clip(config, person, number, pair))
    return clips


def cut(rendered: RenderedClip, face: FaceConfig) -> UInt8[np.ndarray, "k 2 s s"]:
    """Return the crops of onset and apex, for each of `CORRECTIONS`.

    `registered` is what MACE does; `first frame` aligns the eyes in the onset frame and cuts the
    apex out at the same place; `upright box` does so without turning the head upright.

    Raises:
        DataError: if there is no face in the onset frame.
    """
    aligned = correct_clip(rendered.frames, onset=rendered.onset, config=face)
    first = aligned.transforms[rendered.onset]
    pair = [rendered.frames[rendered.onset], rendered.frames[rendered.apex]]
    registered = aligned.frames[[rendered.onset, rendered.apex]]
    fixed = np.stack([warp(frame, first, face.crop) for frame in pair])
    box = upright(first, face)
    boxed = np.stack([warp(frame, box, face.crop) for frame in pair])
    return np.stack([registered, fixed, boxed])


def upright(transform: Transform, face: FaceConfig) -> Transform:
    """Return the transform without its rotation: the middle of the eyes and the scale stay."""
    middle = face.crop.eyes.mean(axis=0)
    there = apply(invert(transform), middle[None])[0]
    size = scale(transform)
    return np.column_stack([size * np.eye(2), middle - size * there])


def _person(config: RolledFaces, person: int) -> UInt8[np.ndarray, "n k 2 s s"]:
    cv2.setNumThreads(1)
    who, recording, angle = np.random.SeedSequence([_STREAM, config.seed, person]).generate_state(3)
    subject = Subject(int(who))
    angles = np.random.default_rng(int(angle)).uniform(-1, 1, config.clips)
    return np.stack(
        [
            _crops(config, subject, _emotion(config, person, number), int(recording) + number, roll)
            for number, roll in enumerate(config.roll * angles)
        ]
    )


def _crops(
    config: RolledFaces, subject: Subject, emotion: str, seed: int, roll: float
) -> UInt8[np.ndarray, "k 2 s s"]:
    recording = replace(config.clip, roll_deg=roll)
    for attempt in range(_ATTEMPTS):
        number = seed + 4096 * attempt
        rendered = render_clip(subject, emotion=emotion, seed=number, config=recording)
        try:
            return cut(rendered, config.face)
        except DataError:
            continue
    raise DataError(
        f"no face was found in {_ATTEMPTS} renderings at a roll of {roll:.0f} degrees; choose less"
    )


def _emotion(config: RolledFaces, person: int, number: int) -> str:
    return CLASSES[(person * config.clips + number) % len(CLASSES)]


def _clip(config: RolledFaces, person: int, number: int, pair: UInt8[np.ndarray, "2 s s"]) -> Clip:
    return Clip(
        database=DATABASE,
        subject=f"sub{person + 1:02d}",
        clip=f"EP{person + 1:02d}_{number + 1:02d}",
        frames=pair,
        fps=config.clip.fps,
        onset=0,
        apex=1,
        offset=1,
        apex_source="annotated",
        aus=(),
        emotion=_emotion(config, person, number),
    )
