"""Runs and populations that were killed, ended or finished go on where they were, bit for bit."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest
from training_cases import CONFIG, make_set, members_and_plan, three_members

from mace.errors import CheckpointError
from mace.training.fit import fit, train_population
from mace.training.plan import Plan

pytestmark = pytest.mark.accelerator

TRAIN = range(20)
KILLS = 20
NEVER = 10**6


def _child(*arguments: object, script: str = "child_run.py") -> subprocess.CompletedProcess[str]:
    script = Path(__file__).parent / script
    command = [sys.executable, str(script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def _assert_equal(one, other) -> None:
    jax.tree.map(np.testing.assert_array_equal, one, other)


def test_a_killed_and_a_terminated_run_end_as_one_that_was_not(tmp_path):
    # 20 clips in batches of 8 are 3 steps an epoch: step 5 is in epoch 2, step 8 in epoch 3.
    run, cache = tmp_path / "run", tmp_path / "cache"
    killed = _child(run, cache, "SIGKILL", 5)
    assert killed.returncode == -9, killed.stderr
    assert [p.name for p in (run / "checkpoints/latest").iterdir()] == ["3"]

    terminated = _child(run, cache, "SIGTERM", 8)
    assert terminated.returncode == 143, terminated.stderr
    # An accelerator takes all steps of an epoch in one program.
    step, epoch = (8, 3) if jax.default_backend() == "cpu" else (9, 4)
    ended = f"SIGTERM ended training after step {step} (epoch {epoch} of 4);"
    assert terminated.stdout.startswith(ended)
    assert "Traceback" not in terminated.stderr
    assert [p.name for p in (run / "checkpoints/latest").iterdir()] == [str(step)]

    resumed = fit(make_set(), TRAIN, config=CONFIG, seed=5, run_dir=run)
    straight = fit(make_set(), TRAIN, config=CONFIG, seed=5)
    _assert_equal(resumed.variables, straight.variables)
    assert resumed.history == straight.history
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert rows == list(straight.history)


def _trained(count: int, run_dir: Path | None = None):
    members, plan = members_and_plan(count)
    return train_population(make_set(), members, plan=plan, run_dir=run_dir)


def _assert_same_results(resumed, straight) -> None:
    for one, other in zip(resumed, straight, strict=True):
        assert (one.status, one.reason, one.history) == (other.status, other.reason, other.history)
        assert one.fitted.chosen_epoch == other.fitted.chosen_epoch
        _assert_equal(one.fitted.variables, other.fitted.variables)


@pytest.mark.slow
def test_a_population_killed_again_and_again_ends_as_one_that_was_not(tmp_path):
    run, cache = tmp_path / "run", tmp_path / "cache"
    straight = _trained(3)
    kills = [int(n) for n in np.random.default_rng(KILLS).integers(2, 30, size=3)]
    for last in [*kills, NEVER]:
        child = _child(run, cache, last, 3, script="child_resume.py")
        assert child.returncode == (0 if last == NEVER else -9), child.stderr
    _assert_same_results(_trained(3, run), straight)
    # Each has the folder that `fit` would have given it, and `fit` reads it.
    first = three_members()[0]
    alone = fit(
        make_set(), first.train_index, config=first.config, seed=5, run_dir=run / "member-0"
    )
    _assert_equal(alone.variables, straight[0].fitted.variables)


@pytest.mark.slow
@pytest.mark.parametrize("members", [1, 3])
def test_killed_at_any_of_twenty_random_points_it_ends_as_undisturbed(tmp_path, members):
    cache = tmp_path / "cache"
    straight = _trained(members)
    whole = _child(tmp_path / "whole", cache, NEVER, members, script="child_resume.py")
    events = int(whole.stdout.split()[-1])
    for last in np.random.default_rng(members).choice(events, min(KILLS, events), replace=False):
        run = tmp_path / f"killed-at-{last}"
        child = _child(run, cache, last, members, script="child_resume.py")
        assert child.returncode == -9, child.stderr
        _assert_same_results(_trained(members, run), straight)


def test_a_population_that_was_terminated_goes_on_where_it_was(tmp_path, interrupted_at):
    plan = Plan(kind="vmap", chunk=3, loop="python", convolutions="native")
    straight = train_population(make_set(), three_members(), plan=plan)
    with interrupted_at(4):
        train_population(make_set(), three_members(), plan=plan, run_dir=tmp_path)
    steps = [next((tmp_path / f"member-{i}/checkpoints/latest").iterdir()).name for i in range(3)]
    assert steps == ["4", "3", "3"]  # in the middle of an epoch of the first
    resumed = train_population(make_set(), three_members(), plan=plan, run_dir=tmp_path)
    for one, other in zip(resumed, straight, strict=True):
        assert one.history == other.history
        _assert_equal(one.fitted.variables, other.fitted.variables)


@pytest.mark.slow
def test_a_run_of_four_devices_goes_on_on_one(tmp_path):
    terminated = _child(tmp_path / "run", tmp_path / "cache", "SIGTERM", 5, 4)
    assert terminated.returncode == 143, terminated.stderr
    resumed = fit(make_set(), TRAIN, config=CONFIG, seed=5, run_dir=tmp_path / "run")
    straight = fit(make_set(), TRAIN, config=CONFIG, seed=5)
    assert [row["step"] for row in resumed.history] == [3, 6, 9, 12]
    jax.tree.map(
        lambda one, other: np.testing.assert_allclose(one, other, atol=1e-5),
        resumed.variables,
        straight.variables,
    )


def test_a_finished_run_is_read_and_not_trained_again(tmp_path, monkeypatch):
    config = replace(CONFIG, epochs=2)
    first = fit(make_set(), TRAIN, config=config, run_dir=tmp_path)
    monkeypatch.setattr("mace.training.program.Program.advance", None)
    second = fit(make_set(), TRAIN, config=config, run_dir=tmp_path)
    _assert_equal(first.variables, second.variables)
    assert first.history == second.history


def test_the_best_epoch_survives_a_restart(tmp_path):
    config = replace(CONFIG, selection="best", epochs=3)
    first = fit(make_set(), TRAIN, config=config, validation_index=[20, 21, 22], run_dir=tmp_path)
    second = fit(make_set(), TRAIN, config=config, validation_index=[20, 21, 22], run_dir=tmp_path)
    scores = [row["validation_uf1"] for row in first.history]
    assert first.chosen_epoch == second.chosen_epoch == int(np.argmax(scores)) + 1
    _assert_equal(first.variables, second.variables)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"config": replace(CONFIG, epochs=5)}, r"config\.epochs = 1, this run has 5"),
        ({"seed": 1}, "seed = 0, this run has 1"),
        ({"train_index": range(19)}, "training clips = '20 clips"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(tmp_path, change, message):
    asked = {"train_index": TRAIN, "config": replace(CONFIG, epochs=1), "seed": 0}
    fit(make_set(), asked["train_index"], config=asked["config"], run_dir=tmp_path)
    before = sorted(path.name for path in tmp_path.rglob("*"))
    asked |= change
    with pytest.raises(CheckpointError, match=message):
        fit(
            make_set(), asked["train_index"], config=asked["config"], seed=asked["seed"],
            run_dir=tmp_path,
        )  # fmt: skip
    assert sorted(path.name for path in tmp_path.rglob("*")) == before
