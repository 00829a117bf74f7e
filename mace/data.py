"""Clips, and the arrays a network learns from: the only module that knows TensorFlow Datasets."""

import hashlib
import itertools
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int, UInt8

from mace import motion as motion_package
from mace.config import to_dict
from mace.errors import ConfigError, DataError
from mace.files import atomic_path
from mace.motion import MotionConfig, represent
from mace.progress import progress, track

# Pairs of frames given to `represent` at once: enough to fill the cores, few enough for memory.
PAIRS_AT_ONCE = 32


@dataclass(frozen=True, kw_only=True, eq=False)
class Clip:
    """One annotated micro-expression with corrected frames.

    `frames` is uint8 (t, s, s); `onset`, `apex` and `offset` are indices into it; `fps` is in
    frames/s; `apex_source` says who found the apex (`annotated`, or the name of a method);
    `classes` has the clip's class in each class set that has one for it.
    """

    database: str
    subject: str
    clip: str
    frames: UInt8[np.ndarray, "t s s"]
    fps: float
    onset: int
    apex: int
    offset: int
    apex_source: str
    aus: tuple[str, ...]
    emotion: str
    classes: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """`database/subject/clip`, unique over all databases."""
        return f"{self.database}/{self.subject}/{self.clip}"

    @property
    def person(self) -> str:
        """`database/subject`, the group that leave-one-subject-out leaves out."""
        return f"{self.database}/{self.subject}"


@dataclass(frozen=True, kw_only=True)
class VariantConfig:
    """Further choices of the frame pair, the temporal part of augmentation.

    Variant 0 is always the annotated onset and apex. The others move the reference up to
    `reference_frames` before the onset and the target up to `target_frames` around the apex, the
    nearest pairs first, and repeat where a clip has fewer. Both are in frames of the clip.
    """

    extra: int = 0
    reference_frames: int = 2
    target_frames: int = 2

    def __post_init__(self) -> None:
        for name, value in to_dict(self).items():
            if value < 0:
                raise ConfigError(f"variants.{name} is {value}, expected 0 or more")


@dataclass(frozen=True, kw_only=True, eq=False)
class MotionSet:
    """All clips as the network sees them: k frame pairs a clip, class and person of each clip.

    `inputs` is float32 (n, k, h, w, c), variant 0 being the annotated pair; `labels` int32 (n,)
    indexes `classes`; `groups` int32 (n,) indexes `subjects`; `motion` says what the channels
    are; `fingerprint` names the content and is computed where it is not given.
    """

    inputs: Float[np.ndarray, "n k h w c"]
    labels: Int[np.ndarray, " n"]
    groups: Int[np.ndarray, " n"]
    subjects: tuple[str, ...]
    clips: tuple[str, ...]
    classes: tuple[str, ...]
    motion: MotionConfig = field(default_factory=MotionConfig)
    fingerprint: str = ""

    def __post_init__(self) -> None:
        if not self.fingerprint:
            object.__setattr__(self, "fingerprint", _fingerprint(self))

    def __len__(self) -> int:
        return len(self.labels)


def load_clips(data_dir: Path) -> list[Clip]:
    """Read the clips of a prepared TensorFlow Datasets folder, without TensorFlow.

    Args:
        data_dir: the folder with `dataset_info.json`, or one above it that holds only that one.

    Raises:
        DataError: if there is no prepared data set, there are several, or it is damaged.
    """
    import tensorflow_datasets as tfds  # half a second that only this function needs

    folder = _prepared_folder(Path(data_dir))
    try:
        builder = tfds.builder_from_directory(folder)
        splits = sorted(builder.info.splits)
        sources = [builder.as_data_source(split) for split in splits]  # pyright: ignore[reportCallIssue]
        samples = itertools.chain.from_iterable(sources)
        total = sum(map(len, sources))
        clips = [_clip(sample) for sample in track(samples, f"reading {builder.info.name}", total)]
    except (OSError, ValueError, KeyError, RuntimeError, IndexError) as error:
        raise DataError(
            f"the data set in {folder} is damaged ({_first_line(error)}); prepare it again"
        ) from error
    if not clips:
        raise DataError(f"the data set in {folder} holds no clip; prepare it again")
    return clips


def relabel(clips: Iterable[Clip], classes: Mapping[str, str | None]) -> list[Clip]:
    """Rename the clips' emotions to classes; those mapped to None are left out.

    Raises:
        DataError: for an emotion that the mapping does not name.
    """
    kept = []
    for clip in clips:
        if clip.emotion not in classes:
            raise DataError(
                f"clip {clip.name} has the emotion {clip.emotion!r}, which the mapping to classes "
                f"does not name; it names: {', '.join(classes)}"
            )
        name = classes[clip.emotion]
        if name is not None:
            kept.append(replace(clip, emotion=name))
    return kept


def frame_pairs(clip: Clip, config: VariantConfig) -> list[tuple[int, int]]:
    """Return the 1 + `extra` (reference, target) frame indices of a clip, the annotated one first.

    Raises:
        DataError: if onset and apex are not two frames of the clip in this order.
    """
    frames = len(clip.frames)
    if not 0 <= clip.onset < clip.apex < frames:
        raise DataError(
            f"clip {clip.name} has onset {clip.onset} and apex {clip.apex} in {frames} frames, "
            "expected 0 <= onset < apex < frames; mend the annotation or leave the clip out"
        )
    candidates = [
        (before + abs(shift), before, clip.onset - before, clip.apex + shift)
        for before in range(config.reference_frames + 1)
        for shift in range(-config.target_frames, config.target_frames + 1)
        if clip.onset - before >= 0 and clip.onset < clip.apex + shift < frames
    ]
    pairs = [(reference, target) for _, _, reference, target in sorted(candidates)]
    return list(itertools.islice(itertools.cycle(pairs), 1 + config.extra))


def make_motion_set(
    clips: Sequence[Clip],
    *,
    motion: MotionConfig,
    variants: VariantConfig,
    classes: tuple[str, ...],
    cache_dir: Path | None = None,
) -> MotionSet:
    """Compute the motion of every clip's frame pairs, or read it from `cache_dir` if it is there.

    The cache is keyed by the frames, the annotation, both configurations and the source of
    `mace.motion`, so that it never serves the flow of an older version.

    Raises:
        DataError: for no clip, an emotion outside `classes`, crops of several sizes, or a bad
            onset or apex.
        OutputError: if the cache cannot be written.
    """
    clips = list(clips)
    _check(clips, classes)
    pairs = [frame_pairs(clip, variants) for clip in clips]
    reference = np.stack([c.frames[r] for c, p in zip(clips, pairs, strict=True) for r, _ in p])
    target = np.stack([c.frames[t] for c, p in zip(clips, pairs, strict=True) for _, t in p])
    subjects = tuple(sorted({clip.person for clip in clips}))
    unfinished = MotionSet(
        inputs=np.zeros((len(clips), 0, 0, 0, 0), np.float32),
        labels=np.array([classes.index(clip.emotion) for clip in clips], np.int32),
        groups=np.array([subjects.index(clip.person) for clip in clips], np.int32),
        subjects=subjects,
        clips=tuple(clip.name for clip in clips),
        classes=tuple(classes),
        motion=motion,
    )
    path = None
    if cache_dir is not None:
        settings = json.dumps([to_dict(motion), to_dict(variants), unfinished.fingerprint])
        key = _digest(settings.encode(), reference, target, _motion_source())
        path = Path(cache_dir) / f"motion-{key[:16]}.npz"
    inputs = _read_inputs(path) if path is not None and path.exists() else None
    if inputs is None:
        moved = _represent(reference, target, motion)
        inputs = moved.reshape(len(clips), -1, *moved.shape[1:])
        if path is not None:
            with atomic_path(path) as temporary:
                np.savez(temporary, inputs=inputs)
    return replace(unfinished, inputs=inputs, fingerprint="")


def _represent(
    reference: UInt8[np.ndarray, "p s s"], target: UInt8[np.ndarray, "p s s"], config: MotionConfig
) -> Float[np.ndarray, "p h w c"]:
    # The last batch is filled up so that a jitted flow sees one shape and compiles once.
    total = len(reference)
    size = min(PAIRS_AT_ONCE, total)
    batches = []
    with progress(f"computing {config.representation}", total) as advance:
        for start in range(0, total, size):
            index = np.minimum(np.arange(start, start + size), total - 1)
            wanted = min(size, total - start)
            batch = np.asarray(represent(reference[index], target[index], config=config))
            batches.append(batch[:wanted])
            advance(wanted)
    return np.concatenate(batches).astype(np.float32)


def _check(clips: Sequence[Clip], classes: tuple[str, ...]) -> None:
    if not clips:
        raise DataError("there is no clip to compute motion from; choose another data set or class")
    names = set()
    for clip in clips:
        if clip.name in names:
            raise DataError(f"clip {clip.name} appears twice; names must be unique")
        names.add(clip.name)
        if clip.emotion not in classes:
            raise DataError(
                f"clip {clip.name} has the emotion {clip.emotion!r}, expected one of: "
                f"{', '.join(classes)}; map the emotions to classes first"
            )
        if clip.frames.shape[1:] != clips[0].frames.shape[1:]:
            raise DataError(
                f"clip {clip.name} has crops of {clip.frames.shape[1:]} px, {clips[0].name} of "
                f"{clips[0].frames.shape[1:]} px; prepare both data sets with one crop size"
            )


def _read_inputs(path: Path) -> np.ndarray | None:
    # A damaged cache is no mistake of the user's: it is computed again.
    try:
        with path.open("rb") as file, np.load(file) as stored:
            return stored["inputs"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _prepared_folder(data_dir: Path) -> Path:
    if not data_dir.is_dir():
        raise DataError(f"there is no folder {data_dir}; prepare the data set first")
    if (data_dir / "dataset_info.json").exists():
        return data_dir
    found = sorted(path.parent for path in data_dir.rglob("dataset_info.json"))
    if not found:
        raise DataError(
            f"{data_dir} holds no prepared data set (no dataset_info.json); prepare it first"
        )
    if len(found) > 1:
        names = ", ".join(str(path.relative_to(data_dir)) for path in found)
        raise DataError(f"{data_dir} holds several data sets, name one of them: {names}")
    return found[0]


def _clip(sample: Mapping[str, Any]) -> Clip:
    frames = np.stack([np.asarray(frame)[..., 0] for frame in sample["frames"]])
    return Clip(
        database=_text(sample["database"]),
        subject=_text(sample["subject"]),
        clip=_text(sample["clip"]),
        frames=frames,
        fps=float(sample["fps"]),
        onset=int(sample["onset"]),
        apex=int(sample["apex"]),
        offset=int(sample["offset"]),
        apex_source=_text(sample["apex_source"]),
        aus=tuple(_text(sample["aus"]).split()),
        emotion=_text(sample["emotion"]),
        classes={
            name.removeprefix("class_"): _text(value)
            for name, value in sample.items()
            if name.startswith("class_") and value
        },
    )


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _fingerprint(motion_set: MotionSet) -> str:
    names = json.dumps([motion_set.clips, motion_set.subjects, motion_set.classes])
    arrays = (motion_set.inputs, motion_set.labels, motion_set.groups)
    return _digest(names.encode(), *arrays)[:16]


def _motion_source() -> bytes:
    folder = Path(motion_package.__file__).parent
    return b"\0".join(path.read_bytes() for path in sorted(folder.glob("*.py")))


def _digest(*parts: bytes | np.ndarray) -> str:
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(f"{part.dtype}{part.shape}".encode())
            part = np.ascontiguousarray(part).data
        digest.update(part)
    return digest.hexdigest()
