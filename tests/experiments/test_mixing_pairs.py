"""Which rendered clips are mixed in, and from where."""

from dataclasses import replace

import numpy as np
import pytest

from mace.annotation import classes_of
from mace.commands.mixing import read_mix
from mace.data import Clip, MotionSet
from mace.errors import ConfigError, DataError
from mace.experiments.mixing import IMAGES_FRAMING, mix_for, with_classes
from mace.motion import MotionConfig
from mace.training import load_mix

EMOTIONS = ("happiness", "disgust", "repression", "surprise", "others")


def clip(number, emotion):
    return Clip(
        database="synthetic",
        subject=f"s{number}",
        clip="c0",
        frames=np.zeros((2, 32, 32), np.uint8),
        fps=200.0,
        onset=0,
        apex=1,
        offset=1,
        apex_source="truth",
        aus=(),
        emotion=emotion,
        classes=classes_of("synthetic", emotion),
    )


CLIPS = [clip(i, emotion) for i, emotion in enumerate(EMOTIONS * 2)]


def test_rendered_clips_get_the_classes_of_the_data_set():
    found = with_classes(CLIPS, ("negative", "positive", "surprise"))
    assert {one.emotion for one in found} == {"negative", "positive", "surprise"}
    assert len(found) == 8  # the others have no polarity
    assert {one.emotion for one in with_classes(CLIPS, EMOTIONS)} == set(EMOTIONS)
    with pytest.raises(DataError, match="none of the 10 rendered clips"):
        with_classes(CLIPS, ("tense",))


class Source:
    """Pairs of noise that remember what was asked for."""

    def __init__(self):
        self.asked = []

    def __call__(self, *, motion, classes, count, seed):
        self.asked.append((motion, classes, seed))
        rng = np.random.default_rng(seed)
        return MotionSet(
            inputs=rng.normal(size=(6, 1, motion.size, motion.size, 3)).astype(np.float32),
            labels=np.arange(6, dtype=np.int32) % len(classes),
            groups=np.arange(6, dtype=np.int32),
            subjects=tuple(f"synthetic/{i}" for i in range(6)),
            clips=tuple(f"synthetic/{i}/c" for i in range(6)),
            classes=classes,
            motion=motion,
        )


@pytest.mark.parametrize("flow", ["dis", "images"])
def test_pairs_are_made_as_the_data_set_needs_them_and_kept(flow, tmp_path):
    source = Source()
    motion = MotionConfig(size=28, flow=flow)
    inputs = source(motion=motion, classes=("a", "b"), count=6, seed=1)
    config = mix_for(inputs, source, share=0.5, seed=3, cache_dir=tmp_path)
    expected = motion if flow == "dis" else replace(motion, flow="dis", framing=IMAGES_FRAMING)
    assert source.asked[-1] == (expected, ("a", "b"), 3)
    assert load_mix(config).motion_set.fingerprint == config.fingerprint
    assert mix_for(inputs, source, share=0.5, seed=3, cache_dir=tmp_path) == config


@pytest.mark.parametrize(
    "text", ["synthetic", "synthetic:0", "synthetic:1", "synthetic:half", "casme2/x:0.5", ":0.5"]
)
def test_another_option_is_refused(text, tmp_path):
    with pytest.raises(ConfigError, match=r"write synthetic:0\.5"):
        read_mix(text, data_dir=tmp_path)


def test_a_data_set_that_is_not_prepared_is_named(tmp_path):
    with pytest.raises(DataError, match="synthetic/pairs"):
        read_mix("synthetic:0.5", data_dir=tmp_path)
    assert read_mix(None, data_dir=tmp_path) is None
