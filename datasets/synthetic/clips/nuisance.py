"""What moves besides the expression: head, gaze, blinks, faint muscle drift, lamps."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

from mace.datasets.synthetic.clips.config import ClipConfig
from mace.datasets.synthetic.clips.subject import Subject
from mace.datasets.synthetic.geometry.camera import View, facing
from mace.datasets.synthetic.head.assets import UNIT_NAMES
from mace.datasets.synthetic.movement.dynamics import minimum_jerk, smooth_noise
from mace.motion.config import EYE_DISTANCE

# Drift: one knot of the random motion per muscle is about this many px of the 128-px crop.
_DRIFT_PX, _DRIFT_HERTZ = 0.06, 1.5
_DRIFTING = ("1", "2", "4", "5", "6", "7", "9", "10", "14", "15", "17", "20")
_MOTION_HERTZ = 2.0
# Head motion at level 1: yaw, pitch, roll in radians; x, y in eye distances; scale as a share.
_MOTION = np.array([0.0035, 0.003, 0.0025, 0.0076, 0.0057, 0.002])
_BLINK_S = 0.035

_INDEX = {name: k for k, name in enumerate(UNIT_NAMES)}


@dataclass(frozen=True)
class Nuisance:
    """Per frame: camera, brightness, and the weights of gaze and blink units."""

    views: tuple[View, ...]
    brightness: Float64[np.ndarray, " t"]
    weights: Float32[np.ndarray, "t units"]
    blink: Float64[np.ndarray, " t"]


def _gaze(weights: np.ndarray, amount: np.ndarray) -> None:
    """Add a sideways gaze: positive looks to the subject's right."""
    for sign, units in (
        (1, ("eyeLookInLeft", "eyeLookOutRight")),
        (-1, ("eyeLookOutLeft", "eyeLookInRight")),
    ):
        for unit in units:
            weights[:, _INDEX[unit]] += np.clip(sign * amount, 0, None)


def _views(
    rng: np.random.Generator, subject: Subject, config: ClipConfig, scale: float
) -> tuple[View, ...]:
    still = rng.normal(0, 1, 3) * np.deg2rad(config.pose_sd_deg)
    shift = subject.shift * (config.pose_sd_deg > 0) + rng.normal(0, 0.015, 2) * config.pose_sd_deg
    motion = smooth_noise(
        rng, channels=6, frames=config.frames, fps=config.fps, hertz=_MOTION_HERTZ
    ).T
    motion = motion * _MOTION * config.head_motion
    habit = subject.pose * (config.pose_sd_deg > 0)
    poses = habit + still + motion[:, :3] + [0, 0, np.deg2rad(config.roll_deg)]
    places = (shift + motion[:, 3:5]) * config.eye_distance
    middles = np.array([config.width / 2, config.height / 2]) + places
    scales = scale * (1 + motion[:, 5])
    return tuple(
        facing(pose, scale=float(size), middle=middle)
        for pose, size, middle in zip(poses, scales, middles, strict=True)
    )


def draw_nuisance(
    rng: np.random.Generator,
    subject: Subject,
    config: ClipConfig,
    *,
    scale: float,
    blinks: tuple[float, ...] | None = None,
) -> Nuisance:
    """Draw the nuisances of one clip; the same whatever the expression in it.

    Args:
        rng: stream of the nuisances alone.
        subject: whose habits colour them.
        config: their levels.
        scale: px per decimetre.
        blinks: times of the blinks in seconds, in place of random ones.
    """
    time = np.arange(config.frames) / config.fps
    weights = np.zeros((config.frames, len(UNIT_NAMES)), np.float32)
    views = _views(rng, subject, config, scale)

    duration = config.frames / config.fps
    blinking, moment, depth = (
        rng.random() < config.blink,
        rng.uniform(-0.05, duration),
        rng.uniform(0.5, 1),
    )
    if blinks is None:
        blinks = (float(moment),) if blinking else ()
    blink = np.zeros(config.frames)
    for middle in blinks:
        blink += np.exp(-0.5 * ((time - middle) / _BLINK_S) ** 2) * depth
    for unit in ("eyeBlinkLeft", "eyeBlinkRight"):
        weights[:, _INDEX[unit]] += np.clip(blink, 0, 1)

    looking, moment, amount, habit = (
        rng.random() < config.gaze,
        rng.uniform(0, duration),
        rng.normal(0, 0.25),
        rng.normal(0, 0.12),
    )
    gaze = np.full(config.frames, habit * (config.pose_sd_deg > 0))
    if looking:
        gaze += minimum_jerk((time - moment) / 0.03) * amount
    _gaze(weights, gaze)
    flicker = 0.004 * config.flicker * rng.standard_normal(config.frames)
    return Nuisance(views, 1 + flicker, weights, np.clip(blink, 0, 1))


def draw_drift(
    rng: np.random.Generator, subject: Subject, config: ClipConfig, *, scale: float
) -> dict[str, Float32[np.ndarray, " t"]]:
    """Slow faint activation of several muscles, as fractions of the full action unit."""
    motion = np.abs(
        smooth_noise(
            rng,
            channels=len(_DRIFTING),
            frames=config.frames,
            fps=config.fps,
            hertz=_DRIFT_HERTZ,
        )
    )
    crop = config.eye_distance / EYE_DISTANCE
    return {
        au: motion[k] * np.float32(config.drift * _DRIFT_PX * crop / (subject.reach(au) * scale))
        for k, au in enumerate(_DRIFTING)
    }
