"""`mace search` as a user types it, on clips of random numbers; its trainings are real."""

import json

import numpy as np
import pytest
from search_cases import make_set

from mace import inputs
from mace.cli import main
from mace.commands import search
from mace.data.clips import Clip
from mace.search.stored import read_study

SMALL = [
    *("--recipe.train.model.widths", "8", "--recipe.train.model.depths", "1"),
    *("--recipe.train.epochs", "1", "--recipe.motion.size", "28", "--recipe.variants.extra", "0"),
]
SPACE = """
[space]
"train.epochs" = { integer = [1, 2] }  # one program serves both
"""


@pytest.fixture
def data(monkeypatch, tmp_path):
    """A prepared data set that nobody had to render."""
    monkeypatch.setattr(search, "prepared_dataset", lambda name, *, data_dir: data_dir / name)
    monkeypatch.setattr(search, "_read", lambda *_, **__: make_set(subjects=4, clips=6))
    return ["--data-dir", str(tmp_path / "data")]


@pytest.mark.slow
def test_from_first_command_to_report(tmp_path, data, capsys):
    (tmp_path / "mine.toml").write_text(SPACE)
    out = tmp_path / "study"
    options = ["--dataset", "synthetic/tiny", "--out", str(out), *data, *SMALL, "--workers", "0"]
    options += ["--space", str(tmp_path / "mine.toml"), "--sampler", "grid", "--no-baselines"]
    options += ["--groups", "2", "--inner-folds", "2"]
    assert main(["search", *options, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["n"] == 24
    assert summary["tried"] == 4
    assert set(summary["settings"]) == {"1", "2"}
    trials = [study.trials for study in read_study(out).studies.values()]
    # Again: nothing is trained, the same is said.
    assert main(["search", *options]) == 0
    assert "settings tried: 4, for 2 groups together" in capsys.readouterr().out
    assert [study.trials for study in read_study(out).studies.values()] == trials
    assert main(["top", str(out)]) == 0
    assert main(["report", str(out)]) == 0
    assert main(["audit", str(out / "outer")]) == 0
    assert main(["score", str(out / "outer" / "predictions-seed0.log")]) == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--space", "flows"], ["flows", "flow"]),
        (["--trials", "0"], ["trials 0"]),
        (["--groups", "1"], ["groups 1"]),
        (["--prune", "asha", "--latency"], ["--prune", "--latency"]),
        (["--latency-limit-ms", "3"], ["--latency"]),
        (["--seeds", "0"], ["0 seeds"]),
        (["--workers", "-1"], ["-1 workers"]),
        (["--recipe.train.loss.gamma", "nan"], ["gamma is nan"]),
        (["--storage", "sqlite://"], ["is no file"]),
        (["--space", "{home}/dates.toml"], ["datetime.date(2026, 1, 1)", "expected text"]),
        (["--benchmark", "megc2018-hde"], ["folds of its own"]),
        (["--recipe.train.fine-tune.anchor", "3"], ["fine-tune"]),
        (["--units-from", "{home}/coding.csv"], ["--units-from", "unit-weight"]),
        (["--sampler", "grid", "--space", "{home}/points.toml"], ["points"]),
        (["--space", "{home}/shapes.toml"], ["widths", "depths"]),
        (["--space", "{home}/field.toml"], ["train.optimiser.learning_rate"]),
        (
            ["--storage", "postgresql://me:geheim@127.0.0.1:1/mace"],
            ["postgresql://me@127.0.0.1:1/mace"],
        ),
        (["--sampler", "grid", "--from", "{home}/data"], ["--from"]),
    ],
)
def test_mistakes_are_one_sentence_at_the_start(tmp_path, data, capsys, options, words):
    (tmp_path / "dates.toml").write_text("[space]\n'train.loss.kind' = { choice = [2026-01-01] }")
    (tmp_path / "points.toml").write_text("[space]\n'train.mixup' = { uniform = [0.0, 0.4] }")
    (tmp_path / "field.toml").write_text("[space]\n'optimizer.learning_rate' = { choice = [0.1] }")
    (tmp_path / "shapes.toml").write_text(
        "[space]\n'train.model.widths' = { choice = [[8], [8, 16]] }\n"
        "'train.model.depths' = { choice = [[1], [1, 1]] }"
    )
    options = [option.replace("{home}", str(tmp_path)) for option in options]
    where = ["--dataset", "synthetic/tiny", "--out", str(tmp_path / "wrong"), *data]
    code = main(["search", *where, *SMALL, *options])
    error = capsys.readouterr().err
    assert code not in (0, 1)
    assert "Traceback" not in error
    assert not (tmp_path / "wrong").exists()
    assert "geheim" not in error
    sentence = error.strip().splitlines()[-1]
    assert sentence.startswith("mace search: ")
    for word in words:
        assert word in sentence


@pytest.mark.parametrize(
    ("people", "words"),
    [
        (3, "3 subjects are too few for 2 groups and 3 inner folds"),
        (6, "an input of 28 x 28 x 3 does not fit"),  # they have one class alone
    ],
)
def test_what_the_clips_do_not_fit_is_said_before_their_motion_is_computed(
    tmp_path, monkeypatch, capsys, people, words
):
    frames = np.zeros((3, 28, 28), np.uint8)
    clips = [
        Clip(
            database="made",
            subject=str(person),
            clip="1",
            frames=frames,
            fps=100.0,
            onset=0,
            apex=1,
            offset=2,
            apex_source="annotated",
            aus=(),
            emotion="surprise",
        )
        for person in range(people)
    ]

    def motion(*_, **__):
        raise AssertionError("motion was computed")

    monkeypatch.setattr(search, "prepared_dataset", lambda name, *, data_dir: data_dir / name)
    monkeypatch.setattr(inputs, "load_clips", lambda folder: clips)
    monkeypatch.setattr(inputs, "motion_set", motion)
    (tmp_path / "mine.toml").write_text(
        "[space]\n'train.model.dilations' = { choice = [[1], [2]] }"
    )
    where = ["--out", str(tmp_path / "s"), "--data-dir", str(tmp_path)]
    options = ["--space", str(tmp_path / "mine.toml"), "--groups", "2"]
    assert main(["search", "--dataset", "synthetic/tiny", *where, *SMALL, *options]) != 0
    error = capsys.readouterr().err
    assert words in error
    assert len(error.strip().splitlines()) == 1
