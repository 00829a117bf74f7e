import os
from dataclasses import replace

import numpy as np
import pytest
import tensorflow_datasets as tfds

from mace.data.clips import Clip, frame_pairs, relabel
from mace.data.config import VariantConfig
from mace.data.loading import load_clips
from mace.data.making import make_motion_set
from mace.data.motion_set import MotionSet
from mace.datasets.clip_features import as_files, clip_features, clip_sample
from mace.errors import ConfigError, DataError
from mace.face.clip import AlignedClip
from mace.face.config import CropConfig, FaceConfig
from mace.face.tracked import Status
from mace.motion.config import MotionConfig
from mace.motion.representation import represent

FACE = FaceConfig(crop=CropConfig(size=64))
DIFFERENCE = MotionConfig(representation="difference", size=28)
EMOTIONS = ("happiness", "disgust", "surprise")


def make_clip(number: int, *, frames: int = 9, size: int = 64, **changes) -> Clip:
    rng = np.random.default_rng(number)
    clip = Clip(
        database="made",
        subject=f"s{number // 2}",
        clip=f"c{number}",
        frames=rng.integers(0, 256, (frames, size, size), dtype=np.uint8),
        fps=200.0,
        onset=2,
        apex=5,
        offset=8,
        apex_source="annotated",
        aus=("AU1", "AU12"),
        emotion=EMOTIONS[number % 3],
    )
    return replace(clip, **changes)


CLIPS = [make_clip(number) for number in range(5)]


class Made(tfds.core.GeneratorBasedBuilder):
    """Five clips of noise."""

    VERSION = tfds.core.Version("1.0.0")
    pkg_dir_path = None

    @classmethod
    def get_metadata(cls):
        return tfds.core.dataset_metadata.DatasetMetadata(
            description="", citation="", tags=[]
        )  # fmt: skip

    def _info(self):
        return tfds.core.DatasetInfo(builder=self, features=clip_features(FACE))

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for clip in CLIPS:
            frames = len(clip.frames)
            aligned = AlignedClip(
                frames=clip.frames,
                transforms=np.zeros((frames, 2, 3)),
                landmarks=np.zeros((5, 2)),
                error_px=np.zeros(frames),
                status=(Status.TRACKED,) * frames,
                reference_ids=np.zeros(frames, np.int64),
                faces=1,
                visible=1.0,
            )
            names = ("fps", "database", "subject", "clip", "emotion", "aus", "onset", "apex")
            values = {name: getattr(clip, name) for name in (*names, "offset", "apex_source")}
            yield clip.clip, as_files(clip_sample(aligned, **values))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    Made(data_dir=folder, file_format="array_record").download_and_prepare()
    return folder


def test_prepared_clips_come_back_without_loss(prepared):
    found = {clip.name: clip for clip in load_clips(prepared)}
    assert found.keys() == {clip.name for clip in CLIPS}
    for clip in CLIPS:
        other = found[clip.name]
        np.testing.assert_array_equal(other.frames, clip.frames)
        assert other.frames.dtype == np.uint8
        for field in ("fps", "onset", "apex", "offset", "apex_source", "aus", "emotion", "person"):
            assert getattr(other, field) == getattr(clip, field)


def test_the_folder_may_be_named_exactly_and_must_be_unambiguous(prepared, tmp_path):
    exact = next(prepared.rglob("dataset_info.json")).parent
    assert len(load_clips(exact)) == 5
    with pytest.raises(DataError, match="there is no folder"):
        load_clips(tmp_path / "absent")
    with pytest.raises(DataError, match="holds no prepared data set"):
        load_clips(tmp_path)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "dataset_info.json").write_text("{}")
    with pytest.raises(DataError, match="holds several data sets, name one of them: a, b"):
        load_clips(tmp_path)


def test_a_damaged_data_set_is_one_sentence(prepared, tmp_path):
    exact = next(prepared.rglob("dataset_info.json")).parent
    for path in exact.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    record = next(tmp_path.glob("*array_record*"))
    record.write_bytes(record.read_bytes()[:100])
    with pytest.raises(DataError, match=r"is damaged \(.*\); prepare it again"):
        load_clips(tmp_path)


def test_emotions_become_classes_or_are_left_out():
    mapping = {"happiness": "positive", "disgust": "negative", "surprise": None}
    kept = relabel(CLIPS, mapping)
    assert [(clip.clip, clip.emotion) for clip in kept] == [
        ("c0", "positive"), ("c1", "negative"), ("c3", "positive"), ("c4", "negative"),
    ]  # fmt: skip
    with pytest.raises(DataError, match="has the emotion 'surprise', which the mapping"):
        relabel(CLIPS, {"happiness": "positive", "disgust": None})


def test_the_annotated_pair_is_first_and_the_nearest_follow():
    config = VariantConfig(extra=5, reference_frames=1, target_frames=1)
    pairs = frame_pairs(make_clip(0), config)
    assert pairs == [(2, 5), (2, 4), (2, 6), (1, 5), (1, 4), (1, 6)]
    assert frame_pairs(make_clip(0), VariantConfig()) == [(2, 5)]


def test_pairs_stay_within_the_clip_and_repeat_if_there_are_too_few():
    clip = make_clip(0, onset=0, apex=1, frames=3)
    pairs = frame_pairs(clip, VariantConfig(extra=4, reference_frames=2, target_frames=2))
    assert pairs == [(0, 1), (0, 2), (0, 1), (0, 2), (0, 1)]


@pytest.mark.parametrize(("onset", "apex"), [(5, 5), (-1, 5), (2, 9), (6, 2)])
def test_an_impossible_annotation_names_the_clip(onset, apex):
    clip = make_clip(0, onset=onset, apex=apex)
    with pytest.raises(DataError, match=rf"clip made/s0/c0 has onset {onset} and apex {apex} in 9"):
        frame_pairs(clip, VariantConfig())


def test_variants_must_not_be_negative():
    with pytest.raises(ConfigError, match=r"variants\.extra is -1"):
        VariantConfig(extra=-1)


def _set(clips=CLIPS, **changes) -> MotionSet:
    arguments = {"motion": DIFFERENCE, "variants": VariantConfig(extra=2), "classes": EMOTIONS}
    return make_motion_set(clips, **(arguments | changes))


def test_a_motion_set_holds_every_pair_of_every_clip(monkeypatch):
    # 15 pairs: the last batch is filled up.
    monkeypatch.setattr("mace.data.making.PAIRS_AT_ONCE", 4)
    motion_set = _set()
    assert motion_set.inputs.shape == (5, 3, 28, 28, 1)
    assert motion_set.inputs.dtype == np.float32
    assert motion_set.labels.tolist() == [0, 1, 2, 0, 1]
    assert motion_set.groups.tolist() == [0, 0, 1, 1, 2]
    assert motion_set.subjects == ("made/s0", "made/s1", "made/s2")
    assert motion_set.clips[4] == "made/s2/c4"
    assert motion_set.motion == DIFFERENCE
    assert motion_set.units == (frozenset({"1", "12"}),) * 5
    for number, clip in enumerate(CLIPS):
        reference, target = clip.frames[[2]], clip.frames[[5]]
        expected = represent(reference, target, config=DIFFERENCE)
        np.testing.assert_allclose(motion_set.inputs[number, 0], expected[0], atol=1e-5)


def test_the_fingerprint_follows_the_content():
    first = _set()
    assert _set().fingerprint == first.fingerprint
    assert len(first.fingerprint) == 16
    others = [
        _set(CLIPS[:4]),
        _set(classes=EMOTIONS[::-1]),
        _set(variants=VariantConfig(extra=1)),
        _set([replace(CLIPS[0], clip="renamed"), *CLIPS[1:]]),
        _set([replace(CLIPS[0], apex=6), *CLIPS[1:]]),
    ]
    assert len({first.fingerprint, *(other.fingerprint for other in others)}) == 6


def test_a_cached_set_is_read_and_a_changed_or_damaged_one_computed(tmp_path, monkeypatch):
    first = _set(cache_dir=tmp_path)
    calls = []
    monkeypatch.setattr(
        "mace.data.making.represent", lambda *a, **k: calls.append(1) or represent(*a, **k)
    )
    again = _set(cache_dir=tmp_path)
    assert not calls
    np.testing.assert_array_equal(again.inputs, first.inputs)
    assert again.fingerprint == first.fingerprint

    _set(cache_dir=tmp_path, motion=replace(DIFFERENCE, size=32))
    assert len(calls) == 1
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:50])
    assert _set(cache_dir=tmp_path).fingerprint == first.fingerprint
    assert len(calls) == 2
    assert len(os.listdir(tmp_path)) == 2


@pytest.mark.parametrize(
    ("clips", "message"),
    [
        ([], "there is no clip"),
        ([CLIPS[0], CLIPS[0]], "clip made/s0/c0 appears twice"),
        ([replace(CLIPS[0], emotion="fear")], "has the emotion 'fear', expected one of: happiness"),
        ([CLIPS[0], make_clip(1, size=32)], r"crops of \(32, 32\) px, made/s0/c0 of \(64, 64\) px"),
    ],
)
def test_clips_that_do_not_fit_are_refused(clips, message):
    with pytest.raises(DataError, match=message):
        _set(clips)
