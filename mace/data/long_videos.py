"""Prepared long videos with everything that happens in them, for spotting."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int, UInt8

from mace.data.loading import prepared_folder, reading, text
from mace.errors import DataError


@dataclass(frozen=True)
class TrueEvent:
    """What annotators, or the renderer, say happens.

    Frames are counted from the video's first, 0, those that are missing included.

    Attributes:
        kind: micro, macro, or what else happens, such as a blink.
        emotion: the emotion shown; empty where there is none.
        onset: first frame.
        apex: the frame at which the movement is strongest; -1 where nobody says.
        offset: last frame, which is included; it may lie beyond the video's last.
    """

    kind: str
    emotion: str
    onset: int
    apex: int
    offset: int


@dataclass(frozen=True, eq=False)
class LongVideo:
    """A long video as corrected crops, with its true events.

    Attributes:
        database: name of the data set.
        subject: who is seen.
        clip: name of the video.
        frames: the crops.
        transforms: frame px to crop px.
        fps: frames per second.
        events: what happens, by onset.
        numbers: those that the data set's authors give to the frames; more than one apart where
            frames are missing.
        registered: the keyframe that each frame is registered to, -1 for none.
    """

    database: str
    subject: str
    clip: str
    frames: UInt8[np.ndarray, "t s s"]
    transforms: Float[np.ndarray, "t 2 3"]
    fps: float
    events: tuple[TrueEvent, ...]
    numbers: Int[np.ndarray, " t"]
    registered: Int[np.ndarray, " t"]

    @property
    def positions(self) -> Int[np.ndarray, " t"]:
        """Frames from the first, 0, those that are missing included."""
        return self.numbers - self.numbers[0]

    @property
    def seconds(self) -> float:
        """How long it is."""
        return (int(self.positions[-1]) + 1) / self.fps


def load_videos(folder: Path) -> tuple[int, Iterator[LongVideo]]:
    """Return how many long videos a prepared data set holds, and these one after the other.

    Raises:
        DataError: if there is no such data set, it is damaged, or holds no long videos.
    """
    import tensorflow_datasets as tfds  # half a second, and absent where only networks are trained

    folder = prepared_folder(Path(folder))
    with reading(folder):
        builder = tfds.builder_from_directory(folder)
        if "events" not in dict(builder.info.features or {}):  # pyright: ignore[reportArgumentType, reportCallIssue]
            raise DataError(
                f"{folder} holds clips of one expression each and nothing to spot; name a set of "
                "long videos, such as synthetic/long or samm/long"
            )
        source = builder.as_data_source("train")  # pyright: ignore[reportCallIssue]
    return len(source), _videos(source, folder)


def _videos(source: Any, folder: Path) -> Iterator[LongVideo]:
    for index in range(len(source)):
        with reading(folder, f"video {index}"):
            video = _video(source[index])
        yield video


def _video(sample: Mapping[str, Any]) -> LongVideo:
    events = sample["events"]
    rows = zip(
        *(events[name] for name in ("kind", "emotion", "onset", "apex", "offset")), strict=True
    )
    count = len(sample["numbers"])
    return LongVideo(
        database=text(sample["database"]),
        subject=text(sample["subject"]),
        clip=text(sample["clip"]),
        frames=np.stack([np.asarray(frame)[..., 0] for frame in sample["frames"]]),
        transforms=np.asarray(sample["transforms"], np.float64),
        fps=float(sample["fps"]),
        events=tuple(
            TrueEvent(text(kind), text(emotion), int(onset), int(apex), int(offset))
            for kind, emotion, onset, apex, offset in rows
        ),
        numbers=np.asarray(sample["numbers"], np.int64),
        # Rendered videos are registered throughout, and say nothing of it.
        registered=np.asarray(sample.get("registered", np.zeros(count)), np.int64),
    )
