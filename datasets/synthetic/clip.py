"""Rendered clips: a person, a movement, a recording, and the exact truth about all three."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from mace.datasets.synthetic import furrows
from mace.datasets.synthetic.action_units import AU_NAMES, EMOTIONS, face_units
from mace.datasets.synthetic.camera import Pose
from mace.datasets.synthetic.config import ClipConfig
from mace.datasets.synthetic.dynamics import envelope
from mace.datasets.synthetic.landmarks import EYE_CORNERS, LANDMARKS, eye_unit
from mace.datasets.synthetic.nuisance import Nuisance, draw_drift, draw_nuisance
from mace.datasets.synthetic.renderer import Renderer
from mace.datasets.synthetic.subject import Subject
from mace.datasets.synthetic.surface import UNIT_NAMES
from mace.errors import ConfigError

# Eye distance of the 128-px aligned crop, in which peak motions are given.
CROP_EYE_DISTANCE = 51.2
_PLAN, _NUISANCE, _DRIFT = range(3)


@dataclass(frozen=True)
class Movement:
    """One facial movement: seconds from the clip's beginning, peaks in frame px per action unit."""

    emotion: str
    peaks: dict[str, float]
    start: float
    rise: float
    hold: float
    fall: float
    kind: str = "micro"

    def frames(self, fps: float, count: int) -> tuple[int, int, int]:
        """Onset (last resting frame), apex and offset (first resting frame) as frame indices."""
        onset = int(np.clip(np.floor(self.start * fps), 0, count - 3))
        apex = round((self.start + self.rise + self.hold / 2) * fps)
        offset = int(np.ceil((self.start + self.rise + self.hold + self.fall) * fps))
        apex = int(np.clip(apex, onset + 1, count - 2))
        return onset, apex, int(np.clip(offset, apex + 1, count - 1))


@dataclass(frozen=True)
class Scene:
    """Everything that moves, per frame; positions are computed when asked for."""

    renderer: Renderer
    weights: Float32[np.ndarray, "t k"]
    deltas: Float32[np.ndarray, "k n 3"]
    poses: list[Pose]

    def points(self, index: int) -> Float32[np.ndarray, "n 3"]:
        """Vertices of the head before it is turned, in decimetres."""
        return self.renderer.subject.surface.pose(self.weights[index], self.deltas)

    def screen(self, index: int) -> Float32[np.ndarray, "n 3"]:
        """Vertices on the image: edges of pixels at integers, and depth."""
        return self.renderer.screen(self.points(index), self.poses[index])


@dataclass(frozen=True)
class RenderedClip:
    """Frames and their truth. Positions are in frame px, pixel centres at integers.

    Attributes:
        frames: BGR (t, h, w, 3) or gray (t, h, w).
        points: positions of the 68 landmarks.
        eye_centres: middle between the corners of each eye, image left first.
        au_weights: activation of each of `AU_NAMES`, 1 for the full action unit; the mean of both
            sides, drift included.
        onset, apex, offset: frame indices of the (first) movement.
        aus: action units of the movement.
        emotion: its class, or "" for explicit action units.
        fps: frames per second.
        movements: all movements, in order.
        blink: closure of the eyes from 0 to 1.
        scene: for motion between any two frames.
    """

    frames: UInt8[np.ndarray, "t h w *c"]
    points: Float32[np.ndarray, "t 68 2"]
    eye_centres: Float32[np.ndarray, "t 2 2"]
    au_weights: Float32[np.ndarray, "t a"]
    onset: int
    apex: int
    offset: int
    aus: tuple[str, ...]
    emotion: str
    fps: float
    movements: tuple[Movement, ...]
    blink: Float32[np.ndarray, " t"]
    scene: Scene

    def motion(
        self, reference: int, target: int
    ) -> tuple[Float32[np.ndarray, "h w 2"], Bool[np.ndarray, "h w"]]:
        """Exact displacement in px from frame `reference` to frame `target`, and where it holds.

        The mask is the head in the reference frame; a point that the target frame hides still has
        its true displacement.
        """
        begin, end = self.scene.screen(reference), self.scene.screen(target)
        return self.scene.renderer.interpolate(begin, np.ascontiguousarray((end - begin)[:, :2]))


def _seconds(rng: np.random.Generator, config: ClipConfig) -> tuple[float, ...]:
    """Rest, rise, hold, fall, rest of a micro-expression, fitted to the clip's length."""
    parts = np.array(
        [
            rng.uniform(0.02, 0.06),
            rng.uniform(0.05, 0.15),
            rng.uniform(0, 0.06),
            rng.uniform(0.08, 0.2),
            rng.uniform(0.02, 0.05),
        ]
    )
    return tuple(float(v) for v in parts * ((config.frames - 1) / config.fps / parts.sum()))


def draw_peaks(
    rng: np.random.Generator, subject: Subject, emotion: str, config: ClipConfig
) -> dict[str, float]:
    """Draw the action units of an emotion, and the peak of each in frame px."""
    prototypes = EMOTIONS[emotion]
    aus = prototypes[rng.choice(len(prototypes), p=[p.share for p in prototypes])].aus
    low, high = np.log(config.peak_px)
    peak = np.exp(rng.uniform(low, high)) * config.eye_distance / CROP_EYE_DISTANCE
    return {au: float(peak * subject.gain[au] * np.exp(rng.normal(0, 0.3))) for au in aus}


def _plan(
    rng: np.random.Generator,
    subject: Subject,
    emotion: str | None,
    aus: Mapping[str, float] | None,
    config: ClipConfig,
) -> Movement:
    before, rise, hold, fall, _ = _seconds(rng, config)
    if aus is not None:
        unknown = sorted(set(aus) - set(AU_NAMES))
        if unknown:
            raise ConfigError(f"unknown action units {unknown}; known: {', '.join(AU_NAMES)}")
        return Movement(emotion or "", dict(aus), before, rise, hold, fall)
    if emotion not in EMOTIONS:
        raise ConfigError(f"unknown emotion {emotion!r}; known: {', '.join(EMOTIONS)}")
    return Movement(emotion, draw_peaks(rng, subject, emotion, config), before, rise, hold, fall)


def _expression(
    rng: np.random.Generator,
    subject: Subject,
    movements: Sequence[Movement],
    config: ClipConfig,
    scale: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Weights per frame of the face units, and of the action units they come from."""
    time = np.arange(config.frames) / config.fps
    units = np.zeros((config.frames, len(UNIT_NAMES)), np.float32)
    aus = np.zeros((config.frames, len(AU_NAMES)), np.float32)
    for movement in movements:
        side = config.asymmetry * np.clip(rng.normal(subject.asymmetry, 0.2), -0.8, 0.8)
        for au, peak in movement.peaks.items():
            delay = rng.uniform(0, 0.15) * movement.rise * (len(movement.peaks) > 1)
            course = envelope(
                time,
                start=movement.start + delay,
                rise=movement.rise - delay,
                hold=movement.hold,
                fall=movement.fall,
            )
            # The stronger side reaches the peak, so that the peak is what was asked for.
            full = peak / (subject.reach(au) * scale)
            sides = {"t": 1.0, "Left": 1 + side, "Right": 1 - side}
            strongest = max(sides["Left"], sides["Right"])
            for unit, weight in face_units(au).items():
                ending = next((s for s in ("Left", "Right") if unit.endswith(s)), None)
                share = sides[ending] / strongest if ending else 1.0
                units[:, UNIT_NAMES.index(unit)] += weight * full * share * course
            aus[:, AU_NAMES.index(au)] += full / strongest * course
    for au, course in draw_drift(rng, subject, config, scale=scale).items():
        for unit, weight in face_units(au).items():
            units[:, UNIT_NAMES.index(unit)] += weight * course
        aus[:, AU_NAMES.index(au)] += course
    return units, aus


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
            empty mapping is a neutral face.
        seed: of the clip; the same subject, seed and configuration give the same clip.
        config: the recording.

    Raises:
        ConfigError: for an unknown emotion or action unit.
    """
    config = config or ClipConfig()
    rng = np.random.default_rng([_PLAN, subject.seed, seed])
    movement = _plan(rng, subject, emotion, aus, config)
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
    expression, aus = _expression(rng, subject, movements, config, scale)
    aus[:, AU_NAMES.index("45")] += nuisance.blink
    units = expression + nuisance.weights
    scene = _scene(subject, units, nuisance, config, seed)
    frames, points, centres = _record(scene, units, nuisance, config)
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
        movements=tuple(movements),
        blink=nuisance.blink.astype(np.float32),
        scene=scene,
    )


def _scene(
    subject: Subject, units: np.ndarray, nuisance: Nuisance, config: ClipConfig, seed: int
) -> Scene:
    renderer = Renderer(
        subject,
        width=config.width,
        height=config.height,
        samples=config.samples,
        pose=nuisance.poses[0],
        seed=seed,
    )
    used = np.flatnonzero(np.abs(units).max(0) > 1e-6)
    deltas = [subject.surface.delta(UNIT_NAMES[k]) for k in used]
    shape = (len(used), *subject.surface.rest.shape)
    stacked = np.stack(deltas) if deltas else np.zeros(shape, np.float32)
    return Scene(renderer, units[:, used], stacked, nuisance.poses)


def _record(
    scene: Scene, units: np.ndarray, nuisance: Nuisance, config: ClipConfig
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Render every frame; also landmark and eye positions."""
    renderer, subject = scene.renderer, scene.renderer.subject
    noise = subject.grain * config.noise if config.noise_sigma is None else config.noise_sigma
    activation = np.clip(units @ furrows.driver_matrix(UNIT_NAMES), 0, None)
    shape = (config.frames, config.height, config.width)
    frames = np.empty((*shape, 3) if config.colour else shape, np.uint8)
    rows = np.searchsorted(subject.surface.vertex_ids, LANDMARKS + EYE_CORNERS)
    points = np.empty((config.frames, len(rows), 2), np.float32)
    for k in range(config.frames):
        posed = scene.points(k)
        image = renderer.render(
            posed,
            scene.poses[k],
            activation[k],
            brightness=float(nuisance.brightness[k]),
            noise=noise,
        )
        frames[k] = image if config.colour else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        # Half a pixel: from edges at integers to centres at integers.
        points[k] = renderer.screen(posed, scene.poses[k])[rows, :2] - 0.5
    corners = points[:, len(LANDMARKS) :].reshape(-1, 2, 2, 2)
    return frames, points[:, : len(LANDMARKS)], corners.mean(2)
