"""Rendered clips: a person, a movement, a recording, and the exact truth about all three."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8

from mace.datasets.synthetic.clips.config import ClipConfig
from mace.datasets.synthetic.clips.expression import Movement, movement_weights, plan_movement
from mace.datasets.synthetic.clips.nuisance import Nuisance, draw_nuisance
from mace.datasets.synthetic.clips.subject import Subject
from mace.datasets.synthetic.geometry.camera import View
from mace.datasets.synthetic.head.figure import figure
from mace.datasets.synthetic.head.landmarks import LANDMARKS, eye_unit
from mace.datasets.synthetic.movement.action_units import AU_NAMES
from mace.datasets.synthetic.picture.sensor import BANK, record
from mace.datasets.synthetic.picture.studio import Studio, on_pixels
from mace.errors import ConfigError
from mace.face.similarity import apply, invert

_PLAN, _NUISANCE, _DRIFT, _GRAIN = range(4)


@dataclass(frozen=True)
class RenderedClip:
    """Frames and their truth. Positions are in frame px, pixel centres at integers.

    Attributes:
        frames: gray.
        points: positions of the 68 landmarks.
        eye_centres: middle between the corners of each eye, image left first.
        au_weights: activation of each of `AU_NAMES`, 1 for the full action unit; the mean of both
            sides, drift included.
        onset, apex, offset: frame indices of the (first) movement.
        aus: action units of the movement.
        emotion: its class, or "" for explicit action units.
        fps: frames per second.
        blink: closure of the eyes from 0 to 1.
        subject: who moves.
        weights: of `UNIT_NAMES`.
        views: the camera of every frame.
    """

    frames: UInt8[np.ndarray, "t h w"]
    points: Float32[np.ndarray, "t 68 2"]
    eye_centres: Float32[np.ndarray, "t 2 2"]
    au_weights: Float32[np.ndarray, "t a"]
    onset: int
    apex: int
    offset: int
    aus: tuple[str, ...]
    emotion: str
    fps: float
    blink: Float32[np.ndarray, " t"]
    subject: Subject
    weights: Float32[np.ndarray, "t u"]
    views: tuple[View, ...]

    def motion(
        self, reference: int, target: int
    ) -> tuple[Float32[np.ndarray, "h w 2"], Bool[np.ndarray, "h w"]]:
        """Exact displacement in px from frame `reference` to frame `target`, and where it holds.

        The mask is the head in the reference frame; a point that the target frame hides still has
        its true displacement.
        """
        height, width = self.frames.shape[1:]
        studio = Studio(self.subject.person, height=height, width=width)
        begin, end = (studio.place(self.weights[k], self.views[k])[1] for k in (reference, target))
        return studio.motion(begin, end, studio.trace(begin))


def render_clip(
    subject: Subject,
    *,
    emotion: str | None = None,
    aus: Mapping[str, float] | None = None,
    seed: int,
    config: ClipConfig | None = None,
) -> RenderedClip:
    """Render one clip of one micro-expression.

    Args:
        subject: who shows it.
        emotion: one of `EMOTIONS`, whose action units and peaks are drawn; or
        aus: action units with the peak displacement of each in frame px, such as `{"1": 1.0}`; an
            empty mapping is a neutral face. `emotion` is then what the clip is called, if anything.
        seed: of the clip; the same subject, seed and configuration give the same clip.
        config: the recording.

    Raises:
        ConfigError: for an unknown emotion or action unit, or a negative seed.
    """
    if seed < 0:
        raise ConfigError(f"the seed of a clip is {seed}, expected 0 or more")
    config = config or ClipConfig()
    rng = np.random.default_rng([_PLAN, subject.seed, seed])
    movement = plan_movement(rng, subject, emotion, aus, config)
    return render_movements(subject, (movement,), seed=seed, config=config)


def render_movements(
    subject: Subject,
    movements: tuple[Movement, ...],
    *,
    seed: int,
    config: ClipConfig,
    blinks: tuple[float, ...] | None = None,
) -> RenderedClip:
    """Render given movements; `blinks` (times in seconds) take the place of random ones."""
    scale = config.eye_distance * subject.size ** (config.pose_sd_deg > 0) / eye_unit()
    nuisance = draw_nuisance(
        np.random.default_rng([_NUISANCE, subject.seed, seed]),
        subject,
        config,
        scale=scale,
        blinks=blinks,
    )
    rng = np.random.default_rng([_DRIFT, subject.seed, seed])
    expression, aus = movement_weights(rng, subject, movements, config, scale)
    aus[:, AU_NAMES.index("45")] += nuisance.blink
    weights = expression + nuisance.weights
    frames, points, centres = _record(subject, weights, nuisance, config, seed)
    first = movements[0] if movements else Movement("", {}, 0, 0.1, 0, 0.1)
    onset, apex, offset = first.frames(config.fps, config.frames)
    return RenderedClip(
        frames=frames,
        points=points,
        eye_centres=centres,
        au_weights=aus,
        onset=onset,
        apex=apex,
        offset=offset,
        aus=tuple(first.peaks),
        emotion=first.emotion,
        fps=config.fps,
        blink=nuisance.blink.astype(np.float32),
        subject=subject,
        weights=weights,
        views=nuisance.views,
    )


def _record(
    subject: Subject,
    weights: Float32[np.ndarray, "t u"],
    nuisance: Nuisance,
    config: ClipConfig,
    seed: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Render every frame; also landmark and eye positions."""
    shape = figure()
    size = {"height": config.height, "width": config.width}
    studio, wall = Studio(subject.person, **size), subject.wall(**size)
    noise = subject.grain * config.noise if config.noise_sigma is None else config.noise_sigma
    sensor = subject.sensor(noise)
    # Shadows are those of the first pose: a micro-expression moves none by a texel of their map.
    lit = subject.person.shadows(nuisance.views[0].turn.T @ subject.lamps.key)
    rows = np.concatenate([shape.landmarks, shape.rigid[:4]])
    rng = np.random.default_rng([_GRAIN, seed])
    frames = np.empty((config.frames, config.height, config.width), np.uint8)
    points = np.empty((config.frames, len(rows), 2), np.float32)
    for k in range(config.frames):
        light, screen, _ = studio.expose(
            weights[k], nuisance.views[k], lamps=subject.lamps, lit=lit, wall=wall
        )
        frames[k] = record(
            light,
            sensor,
            brightness=float(nuisance.brightness[k]),
            grain=rng.integers(0, BANK, 2),
        )
        points[k] = on_pixels(screen, rows)
    corners = points[:, len(LANDMARKS) :].reshape(-1, 2, 2, 2)
    return frames, points[:, : len(LANDMARKS)], corners.mean(2)


def aligned_motion(
    clip: RenderedClip,
    transforms: Float[np.ndarray, "t 2 3"],
    *,
    reference: int,
    target: int,
    size: int,
) -> Float32[np.ndarray, "size size 2"]:
    """Displacement in crop px of every crop pixel of frame `reference` up to frame `target`.

    It contains what the correction left of the head's motion: a perfect flow of the two crops. NaN
    where the pixel does not show the head.

    Args:
        clip: the rendered clip.
        transforms: of its frames, frame px to crop px.
        reference: frame the pixels belong to.
        target: frame they move to.
        size: side of the crop in px.
    """
    flow, mask = clip.motion(reference, target)
    flow[~mask] = np.nan
    columns, rows = np.meshgrid(np.arange(size, dtype=np.float64), np.arange(size))
    crop = np.stack([columns, rows], -1).reshape(-1, 2)
    begin = apply(invert(transforms[reference]), crop)
    there = begin.reshape(size, size, 2).astype(np.float32)
    moved = cv2.remap(
        flow,
        there[..., 0],
        there[..., 1],
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(np.nan, np.nan),
    )
    end = apply(transforms[target], begin + moved.reshape(-1, 2))
    return (end - crop).reshape(size, size, 2).astype(np.float32)
