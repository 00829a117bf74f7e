"""What a setting is worth: whom it is judged on, when it is ended, how long it takes."""

import collections
import dataclasses
import os
from types import SimpleNamespace

import numpy as np
import pytest
from optuna.distributions import FloatDistribution
from search_cases import (
    LEARNING_RATE,
    TRAIN,
    choices,
    make_set,
    search,
)

from mace.cli import main
from mace.errors import ConfigError, TrainingError
from mace.motion.config import MotionConfig
from mace.protocols.inner import nested_folds
from mace.search import objective
from mace.search.space import SearchSpace, choice


def test_nothing_of_the_tested_subjects_reaches_proposals_values_or_choices(tmp_path, pretended):
    """The labels and pictures of a group's own people may be anything."""
    data = make_set()
    for number, group in enumerate(nested_folds(data.groups, outer=2, inner=2, seed=0), start=1):
        labels, inputs = data.labels.copy(), data.inputs.copy()
        rng = np.random.default_rng(number)
        labels[group.test_index] = rng.permutation((labels[group.test_index] + 1) % 3)
        inputs[group.test_index] = rng.normal(size=inputs[group.test_index].shape)
        changed = dataclasses.replace(data, labels=labels, inputs=inputs, fingerprint="")
        assert changed.fingerprint != data.fingerprint
        found, others = [], []
        for name, one in (("as it is", data), ("changed", changed)):
            # TPE proposes by the values of earlier proposals, so a leak into one would spread.
            result = search(tmp_path / f"{number} {name}", one, sampler="tpe", trials=13)
            outcomes = sorted(result.outcomes, key=lambda o: o.number)
            found.append(
                [
                    (o.number, dict(o.setting), o.status, o.uf1, o.confusion, o.folds)
                    for o in outcomes
                    if o.group == group.name
                ]
            )
            found[-1].append(choices(result)[group.name])
            others.append([o.uf1 for o in outcomes if o.group != group.name])
        assert found[0] == found[1]
        # The other group's search learns from these people, so there it must show.
        assert others[0] != others[1]


def test_trainings_are_asked_for_people_outside_the_group_only(tmp_path, pretended):
    data = make_set()
    search(tmp_path / "s", data)
    folds = nested_folds(data.groups, outer=2, inner=2, seed=0)
    tested = [set(data.groups[fold.test_index]) for fold in folds]
    for run in pretended.asked:
        people = set(data.groups[np.concatenate([run.fold.train_index, run.fold.test_index])])
        assert sum(people.isdisjoint(own) for own in tested) == 1


def test_diverged_settings_are_kept_and_not_chosen(tmp_path, pretended):
    space = SearchSpace({LEARNING_RATE: choice((1e-2, 0.095))})
    result = search(tmp_path / "s", space=space, sampler="grid")
    status = {one.setting[LEARNING_RATE]: one.status for one in result.outcomes}
    assert status == {1e-2: "complete", 0.095: "diverged"}
    assert all(one.setting[LEARNING_RATE] == 1e-2 for one in result.chosen.values())
    assert "2 diverged" in result.evaluation.description["settings tried"]
    assert search(tmp_path / "s", space=space, sampler="grid").evaluated == 0
    hopeless = SearchSpace({LEARNING_RATE: choice((0.095, 0.096))})
    with pytest.raises(TrainingError, match="no setting"):
        search(tmp_path / "h", space=hopeless, sampler="grid")


@pytest.mark.parametrize("prune", ["asha", "hyperband"])
def test_pruning_ends_what_is_behind(tmp_path, pretended, prune):
    train = dataclasses.replace(TRAIN, epochs=9)
    result = search(tmp_path / "s", train=train, trials=18, prune=prune)
    counts = collections.Counter(one.status for one in result.outcomes)
    assert counts["pruned"] > 4
    assert counts["complete"] > 1
    for one in result.outcomes:
        if one.status == "diverged":
            continue
        epochs = [epoch for epoch, _ in one.rungs]
        assert epochs == [1, 3, 9][: len(epochs)]
        assert (one.status == "complete") == (one.epochs == 9)
        assert len(one.folds) == 2
    best = [one.uf1 for one in result.outcomes if one.status == "complete"]
    ended = [one.rungs[0][1] for one in result.outcomes if one.status == "pruned"]
    first = [one.rungs[0][1] for one in result.outcomes if one.status == "complete"]
    assert np.mean(first) > np.mean(ended)
    assert max(best) == max(one.uf1 for one in result.chosen.values())
    assert search(tmp_path / "s", train=train, trials=18, prune=prune).evaluated == 0


def test_epochs_may_be_searched_and_pruned(tmp_path, pretended):
    space = SearchSpace(
        {"train.epochs": choice((2, 9)), "train.mixup": FloatDistribution(0.0, 1.0)}
    )
    result = search(tmp_path / "s", space=space, trials=12, prune="asha")
    complete = [one for one in result.outcomes if one.status == "complete"]
    assert {one.epochs for one in complete} == {2, 9}
    assert all(one.epochs == one.setting["train.epochs"] for one in complete)
    assert search(tmp_path / "s", space=space, trials=12, prune="asha").evaluated == 0


def test_latency_is_a_second_score(tmp_path, pretended, monkeypatch):
    # A clock would make the test depend on what else the machine does.
    monkeypatch.setattr(objective, "latency_ms", lambda model, *_: model.widths[0] / 10)
    slow_and_good = {"train.model.widths": [64], LEARNING_RATE: 1e-2}
    quick_and_bad = {"train.model.widths": [4], LEARNING_RATE: 1e-3}
    plan = {"space": SearchSpace(listed=[slow_and_good, quick_and_bad]), "latency": True}
    result = search(tmp_path / "s", **plan)
    assert {(o.setting["train.model.widths"][0], o.latency_ms) for o in result.outcomes} == {
        (4, 0.4),
        (64, 6.4),
    }
    assert choices(result) == {"1": slow_and_good, "2": slow_and_good}
    quick = search(tmp_path / "s", **plan, latency_limit_ms=1.0)
    assert quick.evaluated == 0
    assert choices(quick) == {"1": quick_and_bad, "2": quick_and_bad}
    with pytest.raises(ConfigError, match=r"within 0\.1 ms, the quickest takes 0\.4 ms"):
        search(tmp_path / "s", **plan, latency_limit_ms=0.1)
    # Of which there is a page all the same.
    assert main(["report", str(tmp_path / "s")]) == 0
    assert "Score against latency" in (tmp_path / "s" / "report" / "report.html").read_text()


def test_latency_is_that_of_the_network_alone_and_outliers_do_not_count(monkeypatch):
    now, shapes = [0.0], []

    def network(picture):
        shapes.append(picture.shape)
        now[0] += 3.0 if len(shapes) % 3 == 0 else 0.002

    question = (TRAIN.model, MotionConfig(size=28), (28, 28, 3), ("down", "still", "up"))
    assert 0 < objective.latency_ms(*question) < float("inf")
    objective.latency_ms.cache_clear()
    monkeypatch.setattr(objective, "make_network", lambda bundle: network)
    monkeypatch.setattr(objective, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    assert objective.latency_ms(*question) == 2.0
    objective.latency_ms.cache_clear()
    assert shapes == [(1, 28, 28, 3)] * objective.RUNS


def test_a_setting_is_really_trained(tmp_path):
    space = SearchSpace({"train.model.widths": choice(([4],)), "train.epochs": choice((2,))})
    train = dataclasses.replace(TRAIN, epochs=6, optimiser=TRAIN.optimiser)
    data = make_set(subjects=4, clips=6)
    result = search(tmp_path / "s", data, space=space, sampler="grid", train=train, prune="asha")
    for one in result.outcomes:
        assert one.status == "complete"
        assert [epoch for epoch, _ in one.rungs] == [1, 2]
        assert len(one.folds) == 2
        assert sum(map(sum, one.confusion)) == 12
    assert os.path.exists(tmp_path / "s" / "outer" / "results.json")
