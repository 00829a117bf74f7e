"""Subjects to samples: rendered, corrected and stored one file a subject, so that work resumes."""

import pickle
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mace.annotation.class_sets import classes_of
from mace.datasets.clip_features import clip_sample
from mace.datasets.synthetic.clips.clip import (
    RenderedClip,
    aligned_motion,
    render_clip,
    render_movements,
)
from mace.datasets.synthetic.clips.hands import paint_hands
from mace.datasets.synthetic.clips.subject import Subject
from mace.datasets.synthetic.clips.video import plan_misleading_video, plan_video
from mace.datasets.synthetic.movement.prototypes import CLASSES
from mace.datasets.synthetic.presets import Preset
from mace.errors import DataError
from mace.face.clip import correct_clip
from mace.face.detector import FaceDetector
from mace.files import atomic_path
from mace.progress import progress
from mace.workers import parallel_map, workers_for

DATABASE = "synthetic"
_VIDEO_STREAM = 0x71DE0
# A rendered face that the detector misses is rendered again with another seed, in another pose. Of
# a dark face in dim light, close to the camera, it sees one in twenty or thirty. A video is looked
# at before it is rendered, so that many attempts cost little.
_ATTEMPTS = {"clips": 16, "videos": 256}

Sample = dict[str, Any]


def subject_path(folder: Path, index: int) -> Path:
    """Where the samples of one subject wait."""
    return folder / f"sub{index + 1:02d}.pickle"


def _seeds(seed: int, index: int, clip: int, attempt: int) -> tuple[int, int]:
    """Seeds of the person and of the clip: every number gets its own, whoever works on it."""
    person, recording = np.random.SeedSequence([seed, index]).generate_state(2)
    return int(person), int(recording) + clip + 4096 * attempt


def _truth(rendered: RenderedClip) -> Sample:
    return {
        "au_weights": rendered.au_weights,
        "points": rendered.points,
        "eye_centres": rendered.eye_centres,
        "blink": rendered.blink,
    }


def _clip(preset: Preset, subject: Subject, index: int, clip: int, seed: int) -> Sample:
    # Going on where the last subject stopped balances the classes over the whole set.
    emotion = CLASSES[(index * preset.clips + clip) % len(CLASSES)]
    rendered = render_clip(subject, emotion=emotion, seed=seed, config=preset.clip)
    aligned = correct_clip(rendered.frames, onset=rendered.onset, config=preset.face)
    sample = clip_sample(
        aligned,
        fps=rendered.fps,
        database=DATABASE,
        subject=f"sub{index + 1:02d}",
        clip=f"EP{index + 1:02d}_{clip + 1:02d}",
        emotion=emotion,
        aus=rendered.aus,
        onset=rendered.onset,
        apex=rendered.apex,
        offset=rendered.offset,
        classes=classes_of(DATABASE, emotion),
    )
    motion = aligned_motion(
        rendered,
        aligned.transforms,
        reference=rendered.onset,
        target=rendered.apex,
        size=preset.face.crop.size,
    )
    return {**sample, "truth": {**_truth(rendered), "motion": motion}}


def _video(preset: Preset, subject: Subject, index: int, clip: int, seed: int) -> Sample:
    draw = plan_video if clip < preset.clips else plan_misleading_video
    plan = draw(np.random.default_rng([_VIDEO_STREAM, seed]), subject, preset.clip)
    _look(subject, seed, preset)
    rendered = render_movements(
        subject, plan.movements, seed=seed, config=preset.clip, blinks=plan.lids
    )
    frames = paint_hands(
        rendered.frames, rendered.eye_centres, plan.hands, fps=rendered.fps, seed=seed
    )
    aligned = correct_clip(frames, config=preset.face)
    # A video has no single apex; its intervals are the events.
    sample = clip_sample(
        aligned,
        fps=rendered.fps,
        database=DATABASE,
        subject=f"sub{index + 1:02d}",
        clip=f"video{index + 1:02d}_{clip + 1:02d}",
        emotion="",
        aus=(),
        onset=0,
        apex=-1,
        offset=-1,
        apex_source="none",
    )
    events = plan.events(rendered.fps, len(rendered.frames))
    rows = [{**asdict(event), "aus": " ".join(event.aus)} for event in events]
    return {**sample, "events": rows, "truth": _truth(rendered)}


def _look(subject: Subject, seed: int, preset: Preset) -> None:
    """Look for the face in the still pose of a video, which takes a minute to render.

    In two frames of a quiet face: what moves head and face in the video is not in them, so that its
    own first frame may show what they do not.

    Raises:
        DataError: if the detector sees no face in one of them.
    """
    config = replace(preset.clip, frames=2)
    start = render_movements(subject, (), seed=seed, config=config, blinks=())
    detector = FaceDetector(preset.face.detector)
    if not all(detector.detect(frame) for frame in start.frames):
        raise DataError("the detector does not see this person's face; take another seed")


def render_subject(preset: Preset, seed: int, index: int) -> list[Sample]:
    """All samples of one subject.

    Raises:
        DataError: if no face is found in a clip, however often it is rendered.
    """
    if preset.kind == "pairs":
        # Imported here, since pairs are drawn in JAX, which clips do without.
        from mace.datasets.synthetic.pairs.samples import pair_samples

        person, recording = _seeds(seed, index, 0, 0)
        return pair_samples(
            person % 2**31,
            pairs=preset.clips,
            index=index,
            seed=recording % 2**31,
            config=preset.pair,
            picture=preset.picture,
        )
    subject = Subject(_seeds(seed, index, 0, 0)[0])
    make = _clip if preset.kind == "clips" else _video
    samples = []
    for clip in range(preset.clips + preset.misleading):
        attempts = _ATTEMPTS[preset.kind]
        for attempt in range(attempts):
            number = _seeds(seed, index, clip, attempt)[1]
            with suppress(DataError):
                samples.append(make(preset, subject, index, clip, number))
                break
        else:
            raise DataError(
                f"the detector finds no face of person {index + 1} of seed {seed} in {attempts} "
                "poses; take another seed, a larger eye_distance, or a lower detector.min_score"
            )
    return samples


def store_subject(task: tuple[Preset, int, Path], index: int) -> int:
    """Render one subject into its file, whole or not at all; returns the number of clips.

    `task` is what to render, the seed of the whole data set, and the folder.
    """
    preset, seed, folder = task
    cv2.setNumThreads(1)
    samples = render_subject(preset, seed, index)
    with atomic_path(subject_path(folder, index)) as path:
        path.write_bytes(pickle.dumps(samples))
    return len(samples)


def load_subject(folder: Path, index: int) -> list[Sample]:
    """The stored samples of one subject."""
    return pickle.loads(subject_path(folder, index).read_bytes())


def store_subjects(preset: Preset, seed: int, folder: Path, *, workers: int | None = None) -> None:
    """Render every subject that is not in `folder` yet.

    Args:
        preset: what to render.
        seed: of the whole data set.
        folder: one file a subject; it may hold those of an interrupted run.
        workers: processes, as many as there are cores by default; 1 renders in this process. The
            data do not depend on it.
    """
    missing = [k for k in range(preset.subjects) if not subject_path(folder, k).exists()]
    if not missing:
        return
    each = preset.clips + preset.misleading
    with progress(f"rendering synthetic/{preset.name}", preset.subjects * each) as advance:
        ready = preset.subjects - len(missing)
        if ready:
            advance(ready * each, note=f"{ready} subjects were ready")
        for _, clips in parallel_map(
            store_subject,
            missing,
            (preset, seed, folder),
            workers=workers_for(len(missing), workers),
        ):
            advance(clips)
