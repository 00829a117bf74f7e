"""Stored pairs: what they hold, that work resumes, and that nobody's number of processes counts."""

import cv2
import numpy as np
import pytest

from mace.datasets.synthetic.pairs import stored
from mace.datasets.synthetic.pairs.estimators import ESTIMATORS, measure
from mace.datasets.synthetic.pairs.stored import make_pairs
from mace.errors import ConfigError


@pytest.fixture(scope="module")
def pairs():
    return make_pairs((4, 9), 2, seed=1, estimators=("exact", "dis-medium"), workers=1)


def test_stored_pairs_hold_motion_and_truth(pairs):
    assert pairs.fields.shape == (2, 4, 64, 64, 2)
    assert pairs.fields.dtype == np.float16
    assert list(pairs.person) == [4, 4, 9, 9]
    assert (pairs.peak_px > 0).all()
    assert pairs.aus.shape == (4, 17)
    assert pairs.tone.min() > 0
    exact, found = (pairs.of(name).astype(np.float64) for name in pairs.estimators)
    assert np.corrcoef(exact[:, 20:50, 20:44].ravel(), found[:, 20:50, 20:44].ravel())[0, 1] > 0.6
    with pytest.raises(ConfigError, match="farneback"):
        pairs.of("farneback")


@pytest.mark.slow
def test_work_resumes_and_does_not_depend_on_how_it_is_cut(pairs, tmp_path, monkeypatch):
    monkeypatch.setattr(stored, "_CHUNK", 1)
    rendered = []
    store = stored.store_chunk

    def interrupted(settings, chunk):
        rendered.extend(chunk[1])
        if len(rendered) == 2:
            raise KeyboardInterrupt
        return store(settings, chunk)

    def make(people=(4, 9)):
        return make_pairs(
            people, 2, seed=1, estimators=pairs.estimators, workers=1, cache_dir=tmp_path
        )

    monkeypatch.setattr(stored, "store_chunk", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make()
    resumed = make()
    assert rendered == [4, 9, 9]
    assert make().person.tolist() == [4, 4, 9, 9]
    assert rendered == [4, 9, 9]
    assert make((4, 9, 2)).person.tolist() == [4, 4, 9, 9, 2, 2]
    assert rendered == [4, 9, 9, 2]
    np.testing.assert_array_equal(resumed.fields, pairs.fields)
    np.testing.assert_array_equal(resumed.aus, pairs.aus)


@pytest.mark.slow
def test_processes_give_the_same_pairs(pairs, monkeypatch):
    monkeypatch.setattr(stored, "_CHUNK", 1)
    shared = make_pairs((4, 9), 2, seed=1, estimators=pairs.estimators, workers=2)
    np.testing.assert_array_equal(shared.emotion, pairs.emotion)
    # One person alone and two at once are other programs, which may round otherwise.
    np.testing.assert_allclose(
        shared.fields.astype(np.float32), pairs.fields.astype(np.float32), atol=5e-4
    )


@pytest.mark.parametrize("name", [name for name in ESTIMATORS if name != "exact"])
def test_estimators_find_a_shift(name):
    rng = np.random.default_rng(0)
    spots = rng.normal(size=(24, 24)).astype(np.float32)
    big = cv2.resize(spots, (96, 96), interpolation=cv2.INTER_CUBIC)
    picture = np.clip(128 + 40 * big, 0, 255).astype(np.uint8)
    flow = measure(picture[None, 8:72, 8:72], picture[None, 8:72, 7:71], estimator=name)
    assert flow.shape == (1, 64, 64, 2)
    middle = np.median(flow[0, 16:48, 16:48].reshape(-1, 2), 0)
    assert middle == pytest.approx([1, 0], abs=0.15)


def test_unknown_estimators_and_people_are_refused():
    with pytest.raises(ConfigError, match="lucas"):
        make_pairs((1,), 1, estimators=("lucas",))
    with pytest.raises(ConfigError, match="different"):
        make_pairs((1, 1), 1)
    with pytest.raises(ConfigError, match="exact"):
        measure(np.zeros((1, 64, 64), np.uint8), np.zeros((1, 64, 64), np.uint8), estimator="exact")
