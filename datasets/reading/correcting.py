"""One annotated clip to one sample: frames decoded, face corrected, labels in every class set."""

import hashlib
import json
import pickle
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from jaxtyping import UInt8

from mace.annotation.action_units import parse_action_units
from mace.annotation.class_sets import classes_of
from mace.config import config_hash
from mace.datasets.clip_features import clip_sample
from mace.datasets.reading.images import in_8_bits, read_frame, read_video
from mace.datasets.reading.records import Annotation, Change
from mace.datasets.reading.resolve import ApexSource, Resolved, resolve
from mace.errors import DataError, OutputError
from mace.face.clip import AlignedClip, correct_clip
from mace.face.config import FaceConfig
from mace.face.tracked import Status
from mace.files import atomic_path

MARGIN = 10  # frames kept before the onset and after the offset
CROPPED = "cropped by the distributor"
# A clip of a data set shows a face, and the detector's scores of a dark one in dim light lie below
# the threshold that keeps it from seeing faces in walls: between 0 and 0.2 on rendered ones, while
# scenery stays below -0.5.
FAINT_SCORE = -0.3
_FORMAT = 2  # of stored outcomes; another number makes them anew


@dataclass(frozen=True, kw_only=True)
class Task:
    """A clip to be corrected.

    Attributes:
        database: name of the data set.
        annotation: the clip.
        face: settings of the face correction.
        onset: number of a frame that exists, as are the next two; None for a video, which is
            resolved when it has been read.
        apex: likewise; None as well where it is to be estimated.
        offset: likewise.
        apex_source: who found the apex; see `Resolved`.
        changes: what was mended so far.
    """

    database: str
    annotation: Annotation
    face: FaceConfig
    onset: int | None = None
    apex: int | None = None
    offset: int | None = None
    apex_source: ApexSource = "annotated"
    changes: tuple[Change, ...] = ()

    @property
    def name(self) -> str:
        """`subject/clip`."""
        return self.annotation.name

    def correct(self) -> "Outcome":
        """Make the sample; whatever is wrong with the clip's files drops it."""
        return correct(self)

    @property
    def key(self) -> str:
        """Names everything that the sample depends on, the sizes of the frame files included."""
        return hashlib.sha256(json.dumps(self._content(), sort_keys=True).encode()).hexdigest()[:20]

    def _content(self) -> dict[str, Any]:
        labels = replace(self.annotation, frames={}, video=None)
        files = {**self.annotation.frames}
        if self.annotation.video is not None:
            files[-1] = self.annotation.video
        return {
            "format": _FORMAT,
            "database": self.database,
            "annotation": asdict(labels),
            "files": [(number, path.name, file_size(path)) for number, path in files.items()],
            "face": config_hash(self.face),
            "frames": (self.onset, self.apex, self.offset, self.apex_source),
        }


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a clip.

    Attributes:
        sample: its features; None where the clip was dropped, or the sample is kept in a file.
        changes: what was changed on the way.
    """

    sample: dict[str, Any] | None
    changes: tuple[Change, ...]


def plan(annotation: Annotation, *, database: str, face: FaceConfig) -> Task:
    """Resolve an annotation and keep only the frames that the sample will hold.

    Raises:
        DataError: with the reason to drop the clip.
    """
    task = Task(database=database, annotation=annotation, face=face)
    if annotation.video is not None:
        return task
    numbers = sorted(annotation.frames)
    return _resolved(task, resolve(annotation, numbers), numbers)


def _resolved(task: Task, resolved: Resolved, numbers: list[int]) -> Task:
    onset, offset = numbers[resolved.onset], numbers[resolved.offset]
    frames = task.annotation.frames
    kept = {n: frames[n] for n in numbers if n in frames and _window(n, onset, offset)}
    return replace(
        task,
        annotation=replace(task.annotation, frames=kept),
        onset=onset,
        apex=None if resolved.apex is None else numbers[resolved.apex],
        offset=offset,
        apex_source=resolved.apex_source,
        changes=task.changes + resolved.changes,
    )


def _window(number: int, onset: int, offset: int) -> bool:
    return onset - MARGIN <= number <= offset + MARGIN


def correct(task: Task) -> Outcome:
    """Make the sample of a task; whatever is wrong with the clip's files drops it."""
    try:
        task, images = _read(task)
        return _sample(task, in_8_bits(images))
    except OutputError:
        raise
    # One bad clip must not end the preparation of the others, whatever a decoder makes of it.
    except Exception as error:
        reason = str(error) if isinstance(error, DataError) else f"{type(error).__name__}: {error}"
        reason = (reason.splitlines() or ["unknown"])[0]
        return Outcome(sample=None, changes=(task.annotation.change("drop", "unusable", reason),))


class Correctable(Protocol):
    """What is corrected into a file of its own: a clip, or a long video."""

    @property
    def key(self) -> str:
        """Names everything that the sample depends on."""
        ...

    @property
    def name(self) -> str:
        """`subject/clip`."""
        ...

    @property
    def changes(self) -> tuple[Change, ...]:
        """What was mended so far."""
        ...

    def correct(self) -> Outcome:
        """Make the sample."""
        ...


def store(task: Correctable, path: Path) -> Outcome:
    """Correct into a file, whole or not at all; returns the outcome without the sample."""
    cv2.setNumThreads(1)
    outcome = task.correct()
    if outcome.sample is not None:
        with atomic_path(path) as temporary:
            temporary.write_bytes(pickle.dumps(outcome))
    return replace(outcome, sample=None)


def load(path: Path) -> Outcome | None:
    """Return a stored outcome, None if it is not there or cannot be read."""
    try:
        return pickle.loads(path.read_bytes())
    except (OSError, pickle.UnpicklingError, EOFError, AttributeError):
        return None


def _read(task: Task) -> tuple[Task, dict[int, np.ndarray]]:
    annotation = task.annotation
    if annotation.video is not None:
        onset, offset = annotation.onset, annotation.offset
        if onset is None or offset is None:
            raise DataError(f"{annotation.video.name} needs an onset and an offset")
        images, count = read_video(annotation.video, onset - MARGIN, offset + MARGIN)
        numbers = list(range(1, count + 1))
        task = _resolved(task, resolve(annotation, numbers), numbers)
        assert task.onset is not None
        assert task.offset is not None
        images = {n: image for n, image in images.items() if _window(n, task.onset, task.offset)}
        return task, images
    return _read_frames(task)


def _read_frames(task: Task) -> tuple[Task, dict[int, np.ndarray]]:
    """Read a clip's images; one that cannot be read counts as one that does not exist."""
    annotation = task.annotation
    images, changes, within = {}, [], False
    assert task.onset is not None
    assert task.offset is not None
    for number, path in annotation.frames.items():
        try:
            images[number] = read_frame(path)
        except DataError as error:
            inside = task.onset <= number <= task.offset
            code, place = ("frame", "between") if inside else ("margin", "not between")
            within |= inside
            reason = f"{error}; left out, it is {place} onset and offset"
            kind = "choice" if inside else "remark"
            changes.append(annotation.change(kind, f"{code}-unreadable", reason))
    task = replace(task, changes=(*task.changes, *changes))
    if not images and changes:
        reason = f"none of its {len(annotation.frames)} frames can be read"
        raise DataError(f"{reason}, the first: {changes[0].reason.partition(';')[0]}")
    numbers = sorted(images)
    if within and not {task.onset, task.apex or task.onset, task.offset} <= images.keys():
        # Without the changes of the first time, which come again.
        task = _resolved(
            replace(task, changes=tuple(changes)), resolve(annotation, numbers), numbers
        )
        images = {n: image for n, image in images.items() if n in task.annotation.frames}
    return task, images


def _sample(task: Task, images: dict[int, np.ndarray]) -> Outcome:
    annotation, numbers = task.annotation, sorted(images)
    frames = [images[number] for number in numbers]
    assert task.onset is not None
    assert task.offset is not None
    onset, offset = numbers.index(task.onset), numbers.index(task.offset)
    changes = list(task.changes)
    if annotation.cropped:
        aligned, quality = as_they_are(frames, task.face), CROPPED
    else:
        aligned, faint = _corrected(frames, onset, task.face)
        quality = aligned.quality
        if faint:
            reason = "the face was found only by a lower threshold; look at its crops"
            changes.append(annotation.change("remark", "faint-face", reason))
    if quality not in ("good", CROPPED):
        changes.append(annotation.change("remark", "quality", quality))
    if task.apex is not None:
        apex, source = numbers.index(task.apex), task.apex_source
    else:
        from mace.motion.apex import estimate_apex  # JAX, which most data sets do without

        apex = estimate_apex(aligned.frames, onset=onset, offset=offset, crop=task.face.crop)
        apex, source = min(max(int(apex), onset + 1), offset), "estimated"
    codes = dict.fromkeys(change.code for change in changes)
    sample = clip_sample(
        aligned,
        fps=annotation.fps,
        database=task.database,
        subject=annotation.subject,
        clip=annotation.clip,
        emotion=annotation.emotion,
        emotion_raw=annotation.emotion_raw,
        aus=tuple(parse_action_units(annotation.aus_raw).text.split()),
        aus_raw=annotation.aus_raw,
        classes=classes_of(task.database, annotation.emotion, objective=annotation.objective),
        onset=onset,
        apex=apex,
        offset=offset,
        apex_source=source,
        quality=quality,
        flags=tuple(codes),
        numbers=numbers,
        partition=annotation.partition,
    )
    return Outcome(sample=sample, changes=tuple(changes))


def _corrected(frames: list[np.ndarray], onset: int, face: FaceConfig) -> tuple[AlignedClip, bool]:
    """Correct a clip, at need with a lower threshold; says whether it was needed."""
    try:
        return correct_clip(frames, onset=onset, config=face), False
    except DataError as error:
        lenient = replace(face, detector=replace(face.detector, min_score=FAINT_SCORE))
        try:
            return correct_clip(frames, onset=onset, config=lenient), True
        except DataError:
            raise error from None


def as_they_are(frames: list[UInt8[np.ndarray, "h w"]], face: FaceConfig) -> AlignedClip:
    """Return crops that somebody else made, brought to size; no landmarks are known of them."""
    size = face.crop.size
    crops, transforms = [], []
    for frame in frames:
        scale = np.array([size / frame.shape[1], size / frame.shape[0]])
        # Pixel centres lie at integers, so the corner of the first pixel is at -0.5.
        transforms.append(np.column_stack([np.diag(scale), 0.5 * scale - 0.5]))
        method = cv2.INTER_AREA if scale.max() < 1 else cv2.INTER_LINEAR
        crops.append(cv2.resize(frame, (size, size), interpolation=method))
    return AlignedClip(
        frames=np.stack(crops),
        transforms=np.stack(transforms),
        landmarks=np.full((face.landmarks, 2), np.nan),
        error_px=np.full(len(frames), np.nan),
        status=(Status.TRACKED,) * len(frames),
        reference_ids=np.zeros(len(frames), np.int64),
        faces=1,
        visible=1.0,
    )


def file_size(path: Path) -> int:
    """Return how many bytes a file has, -1 where it is not there."""
    try:
        return path.stat().st_size
    except OSError:
        return -1
