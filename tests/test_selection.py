"""Training on a class set in place of the emotions."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from mace import inputs
from mace.annotation.class_sets import classes_of
from mace.cli import main
from mace.data.clips import Clip
from mace.data.selection import choose_classes
from mace.errors import DataError
from mace.protocols.benchmarks import BENCHMARKS
from mace.protocols.counts import check_counts

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
    chosen = choose_classes(clips, "five")
    assert [(clip.clip, clip.emotion) for clip in chosen] == [("a", "anger"), ("c", "other")]
    assert "2 clips have a class in the set five; left out 1: fear 1" in capsys.readouterr().err
    with pytest.raises(DataError, match=r"none of the 1 clips .* set 4; sets they have: 3"):
        choose_classes([clip("a", "anger", **{"3": "negative"})], "4")


def test_only_the_chosen_clips_reach_the_recipe(monkeypatch, tmp_path):
    clips = [clip("a", "anger", **{"5": "anger"}), clip("b", "fear")]
    monkeypatch.setattr(inputs, "load_clips", lambda folder: clips)
    monkeypatch.setattr(inputs, "motion_set", lambda clips, recipe, cache_dir: clips)
    read = partial(inputs.read_motion, tmp_path, None, cache_dir=None)
    assert [clip.clip for clip in read(classes="5")] == ["a"]
    assert read() == clips


# Whole annotation lists, by emotion, as the authors give them out; subjects and frames invented.
CODING_2014 = {
    **{"others": 99, "disgust": 63, "happiness": 32, "repression": 27, "surprise": 25},
    **{"sadness": 7, "fear": 2},
}
LISTS = {
    "casme2": CODING_2014,
    "casme2 of 2019": {**CODING_2014, "surprise": 28, "sadness": 4},
    "samm": {
        **{"anger": 57, "happiness": 26, "others": 26, "surprise": 15, "contempt": 12},
        **{"disgust": 9, "fear": 8, "sadness": 6},
    },
    "smic": {"negative": 70, "positive": 51, "surprise": 43},
}
OBJECTIVE = {
    "casme2": (25, 15, 99, 26, 20, 1, 69),
    "casme2 of 2019": (30, 18, 93, 15, 18, 2, 79),
    "samm": (24, 13, 20, 8, 3, 7, 84),
    "smic": (),
}


def prepared(name: str) -> list[Clip]:
    """A data set prepared in full: no apex in SMIC, two of the class negative in CASME II."""
    database = name.partition(" ")[0]
    emotions = [emotion for emotion, count in LISTS[name].items() for _ in range(count)]
    objective = [k + 1 for k, count in enumerate(OBJECTIVE[name]) for _ in range(count)]
    frames = np.zeros((3, 8, 8), np.uint8)
    clips = []
    for i, emotion in enumerate(emotions):
        unusable = database == "casme2" and emotions[:i].count(emotion) == 0
        unusable &= emotion in ("disgust", "repression")
        source = "estimated" if database == "smic" else "midpoint" if unusable else "annotated"
        number = objective[i] if objective else None
        clips.append(
            Clip(
                database=database, subject=f"{i % 20 + 1:02d}", clip=f"c{i}", frames=frames, fps=1,
                onset=0, apex=1, offset=2, apex_source=source, aus=(), emotion=emotion,
                classes=classes_of(database, emotion, objective=number),
            )
        )  # fmt: skip
    return clips


COMPLETE = {
    "casme2-3": (["casme2"], 145),
    "casme2-5": (["casme2"], 246),
    "megc2019": (["casme2", "samm", "smic"], 442),
    "megc2018-cde": (["casme2", "samm"], 253),
    "samm-5": (["samm"], 136),
    "smic-3": (["smic"], 164),
}


def read_all(monkeypatch, benchmark: str, names: list[str]) -> list[Clip]:
    monkeypatch.setattr(inputs, "load_clips", lambda folder: prepared(folder.name))
    monkeypatch.setattr(inputs, "motion_set", lambda clips, recipe, cache_dir: clips)
    chosen = BENCHMARKS[benchmark]
    read = partial(inputs.read_motion, recipe=None, cache_dir=None, classes=chosen.class_set)
    return [clip for name in names for clip in read(Path(name), benchmark=chosen)]


@pytest.mark.parametrize("benchmark", COMPLETE)
def test_complete_data_reach_the_benchmarks_n(benchmark, monkeypatch, capsys):
    names, expected = COMPLETE[benchmark]
    clips = read_all(monkeypatch, benchmark, names)
    assert len(clips) == BENCHMARKS[benchmark].samples == expected
    labels, people = [clip.emotion for clip in clips], [clip.person for clip in clips]
    deviations = check_counts(BENCHMARKS[benchmark], labels, people)
    assert [text for text in deviations if "subjects" not in text] == []
    printed = capsys.readouterr().err
    reason = "2 of casme2, without a usable apex in the sheet (casme2/20/c99, casme2/15/c194)"
    assert (reason in printed) == (benchmark in ("casme2-3", "megc2019"))


def test_another_coding_is_told_to_choose_the_benchmarks(monkeypatch):
    clips = read_all(monkeypatch, "casme2-5", ["casme2 of 2019"])
    labels, people = [clip.emotion for clip in clips], [clip.person for clip in clips]
    deviations = check_counts(BENCHMARKS["casme2-5"], labels, people)
    assert "249 samples, the protocol has 246 (3 more)" in deviations
    assert "mace prepare casme2 --coding 2014" in deviations[-1]
    clips = read_all(monkeypatch, "megc2018-cde", ["casme2 of 2019", "samm"])
    assert len(clips) == 242


def test_data_without_a_clip_of_the_benchmark_are_refused(monkeypatch):
    with pytest.raises(DataError, match="no clip is of CASME II, 3 classes"):
        read_all(monkeypatch, "casme2-3", ["smic"])


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
