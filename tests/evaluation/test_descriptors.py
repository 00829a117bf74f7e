"""Bi-WOOF and LBP-TOP beside a network: what they are told, and what they refuse."""

import dataclasses
from functools import partial

import numpy as np
import pytest
from evaluation_cases import make_set

from mace import inputs
from mace.data.clips import Clip
from mace.descriptors.lbp_top import LBPTOP
from mace.errors import ConfigError, DataError
from mace.evaluation.config import DescriptorConfig, EvaluationConfig, SearchSpace
from mace.evaluation.methods.descriptors import BiWoofMachine, LbpTopMachine
from mace.evaluation.methods.make import make_methods
from mace.evaluation.selection import join, subset
from mace.inputs import with_lbp_top
from mace.motion.config import MotionConfig
from mace.protocols.folds import loso

ONE = DescriptorConfig(SearchSpace(strengths=(10.0,)))


def clips_of(motion_set, frames=8):
    """Gray clips whose flicker is where the motion of the set is."""
    rng = np.random.default_rng(0)
    clips = []
    for name, label in zip(motion_set.clips, motion_set.labels, strict=True):
        _, subject, clip = name.split("/")
        pictures = np.repeat(rng.integers(60, 200, (1, 24, 24)), frames, axis=0)
        pictures[::2, 8 * label : 8 * label + 8] += 40
        clips.append(
            Clip(
                database="synthetic",
                subject=subject,
                clip=clip,
                frames=pictures.astype(np.uint8),
                fps=100,
                onset=0,
                apex=4,
                offset=frames - 1,
                apex_source="annotated",
                aus=(),
                emotion="x",
            )
        )
    return clips


@pytest.fixture(scope="module")
def clean():
    return make_set(subjects=4, clips=6, size=20, noise=0.1)


def right(method, motion_set):
    """Share of the clips that are named rightly, and what was used of whom."""
    hits = 0
    for fold in loso(motion_set.groups, names=motion_set.subjects):
        predictions = method(motion_set, fold, seed=0, explain=False)
        assert not set(predictions.data_use.fitted) & set(fold.test_index)
        hits += int((predictions.predicted == motion_set.labels[fold.test_index]).sum())
    return hits / len(motion_set)


def test_both_name_what_moves_where(clean):
    assert right(BiWoofMachine(ONE), clean) == 1
    described = with_lbp_top(clean, clips_of(clean), cache_dir=None)
    assert right(LbpTopMachine(ONE), described) == 1


def test_histograms_go_where_their_clips_go_and_change_no_name(clean, tmp_path):
    clips = clips_of(clean)
    described = with_lbp_top(clean, clips, cache_dir=tmp_path)
    assert described.lbp_top.shape == (24, 4425)
    assert described.fingerprint == clean.fingerprint
    np.testing.assert_array_equal(described.lbp_top[3], LBPTOP().transform([clips[3].frames])[0])
    again = with_lbp_top(clean, clips, cache_dir=tmp_path)
    np.testing.assert_array_equal(again.lbp_top, described.lbp_top)
    assert len(list(tmp_path.iterdir())) == 1
    part = subset(described, np.array([5, 2]))
    np.testing.assert_array_equal(part.lbp_top, described.lbp_top[[5, 2]])
    halves = [subset(described, np.arange(12)), subset(described, np.arange(12, 24))]
    np.testing.assert_array_equal(join(halves).lbp_top, described.lbp_top)
    assert join([halves[0], dataclasses.replace(halves[1], lbp_top=None)]).lbp_top is None


def test_they_stand_beside_only_where_asked_for():
    assert not {"bi_woof", "lbp_top"} & set(make_methods(EvaluationConfig()))
    both = EvaluationConfig(bi_woof=ONE, lbp_top=ONE)
    assert list(make_methods(both))[-3:] == ["bi_woof", "lbp_top", "majority"]


def test_what_has_no_frames_or_no_flow_is_refused_in_a_sentence(clean, monkeypatch, tmp_path):
    fold = loso(clean.groups)[0]
    call = partial(BiWoofMachine(ONE), fold=fold, seed=0, explain=False)
    appearance = dataclasses.replace(
        clean, motion=MotionConfig(representation="appearance"), inputs=clean.inputs[..., :1]
    )
    with pytest.raises(ConfigError, match="the input is appearance; leave out bi_woof"):
        call(appearance)
    with pytest.raises(DataError, match="needs the frames of clips"):
        LbpTopMachine(ONE)(clean, fold, seed=0, explain=False)
    with pytest.raises(
        DataError, match=r"clip synthetic/s00/c0: .* of 3 frames or more.*leave out"
    ):
        with_lbp_top(clean, clips_of(clean, frames=2), cache_dir=None)
    monkeypatch.setattr(inputs, "holds_flow_images", lambda folder: True)
    with pytest.raises(ConfigError, match="ready-made flow images, and LBP-TOP needs the frames"):
        inputs.read_motion(tmp_path, None, cache_dir=None, lbp_top=True)
