"""Training on a class set in place of the emotions."""

import json
from functools import partial

import numpy as np
import pytest

from mace.cli import main
from mace.commands import inputs
from mace.commands.classes import choose_classes
from mace.data import Clip
from mace.errors import DataError

SMALL = [
    *("--recipe.train.model.widths", "8", "--recipe.train.model.depths", "1"),
    *("--recipe.train.epochs", "1", "--recipe.motion.size", "28", "--recipe.variants.extra", "0"),
]


def clip(name, emotion, **classes):
    frames = np.zeros((4, 16, 16), np.uint8)
    return Clip(
        database="samm", subject="006", clip=name, frames=frames, fps=200, onset=0, apex=2,
        offset=3, apex_source="annotated", aus=(), emotion=emotion, classes=classes,
    )  # fmt: skip


def test_clips_without_a_class_are_left_out_and_counted(capsys):
    clips = [clip("a", "anger", five="anger"), clip("b", "fear"), clip("c", "others", five="other")]
    kept = choose_classes(clips, "five")
    assert [(one.clip, one.emotion) for one in kept] == [("a", "anger"), ("c", "other")]
    assert "2 clips have a class in the set five; left out 1: fear 1" in capsys.readouterr().err
    with pytest.raises(DataError, match=r"none of the 1 clips .* set 4; sets they have: 3"):
        choose_classes([clip("a", "anger", **{"3": "negative"})], "4")


def test_only_the_chosen_clips_reach_the_recipe(monkeypatch, tmp_path):
    clips = [clip("a", "anger", **{"5": "anger"}), clip("b", "fear")]
    monkeypatch.setattr(inputs, "load_clips", lambda folder: clips)
    monkeypatch.setattr(inputs, "motion_set", lambda clips, recipe, cache_dir: clips)
    read = partial(inputs.read_motion, tmp_path, None, cache_dir=None)
    assert [one.clip for one in read(classes="5")] == ["a"]
    assert read() == clips


@pytest.mark.slow
def test_evaluate_on_three_classes(tmp_path, capsys):
    data = ["--data-dir", str(tmp_path / "data")]
    assert main(["prepare", "synthetic", "--config", "tiny", *data, "--workers", "1"]) == 0
    options = ["--dataset", "synthetic/tiny", "--classes", "3", "--out", str(tmp_path / "run")]
    folds = ["--protocol.kind", "kfold", "--protocol.folds", "2", "--workers", "1", "--json"]
    capsys.readouterr()
    assert main(["evaluate", *options, *folds, *data, *SMALL]) == 0
    printed = capsys.readouterr()
    assert "left out 4: others 4" in printed.err
    summary = json.loads(printed.out)
    assert summary["n"] == 16
    assert sorted(summary["per_class"]) == ["negative", "positive", "surprise"]
