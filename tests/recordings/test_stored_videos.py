"""Spotting in stored long videos: several keyframes, frames that are missing or not registered."""

from dataclasses import replace

import numpy as np
import pytest

from mace.bundle import save_bundle
from mace.data.long_videos import LongVideo
from mace.errors import DataError
from mace.face.clip import correct_clip
from mace.inference import load_model
from mace.live.config import LiveConfig
from mace.recordings.stored_videos import spot_stored


@pytest.fixture(scope="module")
def model(bundle, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "model"
    save_bundle(path, bundle)
    return load_model(path)


@pytest.fixture(scope="module")
def video(brow_flash):
    """The flash of the brows twice, 60 frames a second: 75 frames, and 75 again."""
    clip = correct_clip(brow_flash.frames)
    count = len(clip.frames)
    return LongVideo(
        database="samm",
        subject="006",
        clip="006_1",
        frames=np.concatenate([clip.frames, clip.frames]),
        transforms=np.concatenate([clip.transforms, clip.transforms]),
        fps=60.0,
        events=(),
        numbers=np.arange(101, 101 + 2 * count),
        registered=np.zeros(2 * count, np.int64),
    )


def micro(events):
    return [event for event in events if event.kind == "micro"]


def test_frames_count_from_the_first_with_the_missing_ones(video, model):
    # 60 frames are missing between the two flashes: a second of which nothing is known.
    numbers = video.numbers + 60 * (np.arange(150) >= 75)
    gap = replace(video, numbers=numbers)
    assert gap.seconds == pytest.approx(3.5)
    first, second = micro(spot_stored(gap, model, LiveConfig()).events)
    assert second.apex - first.apex == pytest.approx(2.25, abs=0.02)
    assert second.apex_frame - first.apex_frame == pytest.approx(135, abs=1)
    assert abs(first.apex_frame - 31) <= 3


def test_a_change_of_the_keyframe_is_no_movement(video, model):
    # The second keyframe lies at the flash's apex: motion against it is that against rest, shifted.
    changed = replace(
        video, registered=(np.arange(150) >= 106).astype(np.int64), frames=video.frames.copy()
    )
    spotted = spot_stored(changed, model, LiveConfig())
    assert len(micro(spotted.events)) == 1
    # The others look at the whole recording, in which the second flash is there as well.
    assert len(micro(spotted.others["flow"])) >= 2


def test_frames_that_are_not_registered_are_not_looked_at(video, model):
    frames = video.frames.copy()
    frames[60:90] = 0
    lost = replace(video, frames=frames, registered=np.where(frames.any(axis=(1, 2)), 0, -1))
    events = micro(spot_stored(lost, model, LiveConfig()).events)
    assert [round(event.apex, 1) for event in events] == [0.5, 1.8]
    assert not micro(
        spot_stored(replace(lost, registered=np.full(150, -1)), model, LiveConfig()).events
    )


def test_crops_of_another_size_are_refused(video, model):
    with pytest.raises(DataError, match="64 px"):
        spot_stored(replace(video, frames=video.frames[:, ::2, ::2]), model, LiveConfig())
