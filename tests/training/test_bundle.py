import json
from dataclasses import replace

import numpy as np
import pytest
from training_cases import MODEL

from mace.bundle import Bundle, Normalisation, load_bundle, save_bundle
from mace.errors import CheckpointError, OutputError
from mace.motion.config import MotionConfig

pytestmark = pytest.mark.accelerator

BUNDLE = Bundle(
    model=MODEL,
    motion=MotionConfig(size=28, flow="tvl1"),
    face={"crop": {"size": 128}},
    classes=("négatif", "positive"),
    normalisation=Normalisation(kind="training", mean=(0.1, 0.2, 0.3), std=(1.0, 2.0, 3.0)),
    variables={
        "params": {"block": {"kernel": np.arange(6, dtype=np.float32)}, "bias": np.float32(2)},
        "batch_stats": {"block": {"mean": np.zeros(2, np.float32)}},
    },
    flip_average=True,
    trained_on=("synthetic",),
    provenance={"git_revision": "abc", "packages": {"jax": "1"}},
)


def test_a_bundle_comes_back_whole(tmp_path):
    save_bundle(tmp_path / "net", BUNDLE)
    found = load_bundle(tmp_path / "net")
    assert found.variables.keys() == BUNDLE.variables.keys()
    kernel = found.variables["params"]["block"]["kernel"]
    np.testing.assert_array_equal(kernel, BUNDLE.variables["params"]["block"]["kernel"])
    assert kernel.dtype == np.float32
    assert found.variables["params"]["bias"] == 2
    names = ("model", "motion", "face", "classes", "normalisation", "trained_on", "provenance")
    for name in (*names, "flip_average"):
        assert getattr(found, name) == getattr(BUNDLE, name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net"]


def test_a_bundle_replaces_a_bundle_but_nothing_else(tmp_path):
    save_bundle(tmp_path / "net", BUNDLE)
    save_bundle(tmp_path / "net", replace(BUNDLE, classes=("a", "b")))
    assert load_bundle(tmp_path / "net").classes == ("a", "b")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter").write_text("years of work")
    with pytest.raises(OutputError, match="thesis exists and is no bundle; choose another name"):
        save_bundle(tmp_path / "thesis", BUNDLE)
    assert (tmp_path / "thesis" / "chapter").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net", "thesis"]


def test_a_failed_write_leaves_the_bundle_before(tmp_path, monkeypatch):
    save_bundle(tmp_path / "net", BUNDLE)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("numpy.savez", full)
    with pytest.raises(OutputError, match="net: No space left on device"):
        save_bundle(tmp_path / "net", replace(BUNDLE, classes=("a", "b")))
    monkeypatch.undo()
    assert load_bundle(tmp_path / "net").classes == BUNDLE.classes
    assert [path.name for path in tmp_path.iterdir()] == ["net"]


def _edit(path, **changes):
    notes = json.loads((path / "bundle.json").read_text())
    (path / "bundle.json").write_text(json.dumps(notes | changes))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda p: (p / "bundle.json").unlink(), r"holds no bundle \(no bundle.json\)"),
        (lambda p: (p / "bundle.json").write_text("{"), "is damaged"),
        (lambda p: (p / "weights.npz").write_bytes(b"PK"), "does not match its checksum"),
        (lambda p: (p / "weights.npz").unlink(), "is damaged"),
        (lambda p: _edit(p, layout=9), "another version of MACE"),
        (lambda p: _edit(p, model={"wings": 2}), r"unknown setting model\.wings"),
        (lambda p: _edit(p, face=None, classes=None), "is damaged"),
    ],
)
def test_a_damaged_bundle_is_one_sentence(tmp_path, damage, message):
    save_bundle(tmp_path / "net", BUNDLE)
    damage(tmp_path / "net")
    with pytest.raises(CheckpointError, match=message):
        load_bundle(tmp_path / "net")
