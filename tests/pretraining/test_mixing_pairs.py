"""Which rendered clips are mixed in, and from where."""

from dataclasses import replace

import numpy as np
import pytest

from mace.annotation.class_sets import classes_of
from mace.commands.mixing import read_mix
from mace.data.clips import Clip
from mace.data.motion_set import MotionSet
from mace.errors import ConfigError, DataError
from mace.motion.config import MotionConfig
from mace.pretraining.mixing import (
    IMAGES_FRAMING,
    PreparedPairs,
    RenderedPairs,
    mix_for,
    with_classes,
)
from mace.recipes import FLOW
from mace.training.mixing import load_mix, mixed_arrays

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

    def __call__(self, *, motion, classes, seed):
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
    inputs = source(motion=motion, classes=("a", "b"), seed=1)
    config = mix_for(inputs, source, share=0.5, seed=3, cache_dir=tmp_path)
    assert source.asked[-1] == (motion, ("a", "b"), 3)
    assert load_mix(config).motion_set.fingerprint == config.fingerprint
    assert mix_for(inputs, source, share=0.5, seed=3, cache_dir=tmp_path) == config


@pytest.mark.parametrize(
    "text", ["synthetic", "synthetic:0", "synthetic:1", "synthetic:half", "casme2/x:0.5", ":0.5"]
)
def test_another_option_is_refused(text, tmp_path):
    with pytest.raises(ConfigError, match=r"write synthetic:0\.5"):
        read_mix(text, data_dir=tmp_path)


def test_a_data_set_that_is_not_prepared_is_named(tmp_path):
    with pytest.raises(DataError, match="synthetic/demo"):
        read_mix("synthetic/demo:0.5", data_dir=tmp_path)
    assert read_mix(None, data_dir=tmp_path) is None


def test_the_word_alone_needs_no_prepared_data_set(tmp_path):
    option = read_mix("synthetic:0.25", data_dir=tmp_path)
    assert option is not None
    assert (option.name, option.share, option.folder) == ("synthetic", 0.25, None)
    assert option.store.parent == tmp_path


@pytest.mark.slow
def test_rendered_pairs_go_with_flow_images_and_with_clips(tmp_path):
    source = RenderedPairs(people=1, pairs_each=6, workers=1, cache_dir=tmp_path)
    classes = ("negative", "positive", "surprise")
    for motion in (MotionConfig(size=28, flow="images"), FLOW.motion):
        pairs = source(motion=motion, classes=classes, seed=0)
        inputs = replace(
            pairs,
            subjects=tuple(f"casme2/{i}" for i in range(len(pairs.subjects))),
            fingerprint="",
        )
        config = mix_for(inputs, source, share=0.5, seed=0, cache_dir=tmp_path)
        images, labels = mixed_arrays(load_mix(config), inputs, FLOW.train)
        assert images.shape == pairs.inputs.shape
        np.testing.assert_array_equal(labels, pairs.labels)


def test_prepared_clips_become_flow_of_the_images_framing(tmp_path, monkeypatch):
    asked = []

    def made(clips, *, motion, variants, classes, cache_dir):
        asked.append((len(clips), motion, classes))

    monkeypatch.setattr("mace.pretraining.mixing.load_clips", lambda folder: CLIPS)
    monkeypatch.setattr("mace.pretraining.mixing.make_motion_set", made)
    images = MotionConfig(size=28, flow="images")
    classes = ("negative", "positive", "surprise")
    PreparedPairs(folder=tmp_path, recipe=FLOW)(motion=images, classes=classes, seed=0)
    shown = replace(images, flow="dis", framing=IMAGES_FRAMING)
    assert asked == [(8, shown, classes)]
