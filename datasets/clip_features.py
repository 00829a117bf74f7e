"""The sample every builder writes: corrected frames, annotation, and how the frames were made.

Everything is stored so that it can be read back without TensorFlow: frames as PNG bytes in a
`Sequence(Image)`, the rest as plain tensors and text.
"""

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from jaxtyping import UInt8

from mace.annotation.class_sets import CLASS_SETS
from mace.face.clip import AlignedClip
from mace.face.config import FaceConfig

if TYPE_CHECKING:
    import tensorflow_datasets as tfds


def clip_features(
    face: FaceConfig, extra: Mapping[str, Any] | None = None
) -> "tfds.features.FeaturesDict":
    """Features of a corrected clip.

    `frames` are gray crops; `transforms` map frame px to crop px; `landmarks` are those of the
    keyframe in frame px; `numbers` are those that the sheet has for the frames, counted from 1 in a
    video; `onset`, `apex` and `offset` index `frames`, and `apex_source` says who found the apex:
    `annotated` or `repaired` (it was given), `midpoint` or `estimated` (it was not); `aus` are
    separated by blanks, alternatives by bars; `emotion_raw` and `aus_raw` are the annotators' own
    words; `class_3` and so on are the classes in each set, "" where the clip has none; `partition`
    is the authors' own, such as `training`; `flags` are the codes of what was changed; `quality`
    is `good` or says what is wrong.

    Args:
        face: the face correction, which decides the shapes.
        extra: further features of one data set.
    """
    import tensorflow_datasets as tfds  # samples are made, and pairs rendered, without it

    size = face.crop.size
    return tfds.features.FeaturesDict(
        {
            "frames": tfds.features.Sequence(
                tfds.features.Image(shape=(size, size, 1), encoding_format="png")
            ),
            "fps": np.float32,
            "database": tfds.features.Text(),
            "subject": tfds.features.Text(),
            "clip": tfds.features.Text(),
            "emotion": tfds.features.Text(),
            "emotion_raw": tfds.features.Text(),
            "aus": tfds.features.Text(),
            "aus_raw": tfds.features.Text(),
            **{f"class_{name}": tfds.features.Text() for name in CLASS_SETS},
            "onset": np.int32,
            "apex": np.int32,
            "offset": np.int32,
            "apex_source": tfds.features.Text(),
            "transforms": tfds.features.Tensor(shape=(None, 2, 3), dtype=np.float32),
            "landmarks": tfds.features.Tensor(shape=(face.landmarks, 2), dtype=np.float32),
            "numbers": tfds.features.Tensor(shape=(None,), dtype=np.int64),
            "partition": tfds.features.Text(),
            "quality": tfds.features.Text(),
            "flags": tfds.features.Text(),
            **(extra or {}),
        }
    )


def event_features() -> dict[str, Any]:
    """Features that a long video of annotated expressions has besides those of a clip.

    `events` are its expressions, `kind` micro or macro; `onset`, `apex` (-1: not known) and
    `offset` count frames from the video's first, those that are missing included, and an offset may
    lie beyond the last; `registered` is the keyframe that a frame is registered to, -1 for none.
    """
    import tensorflow_datasets as tfds

    text, index = tfds.features.Text(), np.int32
    events = {
        **dict.fromkeys(("kind", "emotion", "aus"), text),
        **dict.fromkeys(("onset", "apex", "offset"), index),
    }
    return {
        "events": tfds.features.Sequence(events),
        "registered": tfds.features.Tensor(shape=(None,), dtype=np.int32),
    }


def encode_png(frame: UInt8[np.ndarray, "s s"]) -> bytes:
    """Lossless bytes of one gray frame."""
    # Level 1: noise does not compress further, and the default level takes three times as long.
    done, data = cv2.imencode(".png", frame, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    assert done
    return data.tobytes()


def clip_sample(
    aligned: AlignedClip,
    *,
    fps: float,
    database: str,
    subject: str,
    clip: str,
    emotion: str,
    aus: tuple[str, ...],
    onset: int,
    apex: int,
    offset: int,
    apex_source: str = "annotated",
    classes: Mapping[str, str] | None = None,
    emotion_raw: str | None = None,
    aus_raw: str | None = None,
    quality: str | None = None,
    flags: tuple[str, ...] = (),
    numbers: Sequence[int] | None = None,
    partition: str = "",
) -> dict[str, Any]:
    """One sample of `clip_features`, its frames as encoded bytes, without the extra features.

    Raw words not given are the plain ones; `quality` is by default what the correction says;
    `numbers` count from 1 by default.
    """
    classes = classes or {}
    numbers = range(1, len(aligned.frames) + 1) if numbers is None else numbers
    return {
        "frames": [encode_png(frame) for frame in aligned.frames],
        "fps": np.float32(fps),
        "database": database,
        "subject": subject,
        "clip": clip,
        "emotion": emotion,
        "emotion_raw": emotion if emotion_raw is None else emotion_raw,
        "aus": " ".join(aus),
        "aus_raw": "+".join(aus) if aus_raw is None else aus_raw,
        **{f"class_{name}": classes.get(name, "") for name in CLASS_SETS},
        "onset": np.int32(onset),
        "apex": np.int32(apex),
        "offset": np.int32(offset),
        "apex_source": apex_source,
        "transforms": aligned.transforms.astype(np.float32),
        "landmarks": aligned.landmarks.astype(np.float32),
        "numbers": np.asarray(numbers, np.int64),
        "partition": partition,
        "quality": aligned.quality if quality is None else quality,
        "flags": " ".join(flags),
    }


def as_files(sample: Mapping[str, Any]) -> dict[str, Any]:
    """The sample as TFDS wants it without TensorFlow: encoded images as files in memory."""
    return {**sample, "frames": [io.BytesIO(data) for data in sample["frames"]]}
