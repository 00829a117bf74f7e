"""Rendered clips: a person, a movement, a recording, and the exact truth about all three."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from mace.datasets.synthetic import furrows
from mace.datasets.synthetic.action_units import AU_NAMES
from mace.datasets.synthetic.camera import Pose
from mace.datasets.synthetic.config import ClipConfig
from mace.datasets.synthetic.expression import Movement, movement_weights, plan_movement
from mace.datasets.synthetic.landmarks import EYE_CORNERS, LANDMARKS, eye_unit
from mace.datasets.synthetic.nuisance import Nuisance, draw_nuisance
from mace.datasets.synthetic.renderer import Renderer
from mace.datasets.synthetic.subject import Subject
from mace.datasets.synthetic.surface import UNIT_NAMES

_PLAN, _NUISANCE, _DRIFT = range(3)


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
