"""What a search comes to, begun once, again and further; what is refused and what is lost."""

from concurrent.futures import Future
from dataclasses import replace

import pytest
from optuna.distributions import FloatDistribution
from search_cases import (
    LEARNING_RATE,
    TRAIN,
    choices,
    finished,
    make_plan,
    make_set,
    proposed,
    search,
)

from mace.errors import ConfigError, DataError, WorkerError
from mace.models.config import ModelConfig
from mace.search import nested, objective, scheduler
from mace.search.executors import InlineExecutor
from mace.search.nested import nested_cross_validation
from mace.search.space import SearchSpace, choice
from mace.search.stored import read_study
from mace.search.study import Outcome, ranked


def test_every_group_gets_its_setting_and_the_score_is_an_ordinary_evaluation(tmp_path, pretended):
    result = search(tmp_path / "s", trials=8)
    assert result.evaluated == finished(result.folder) == 16
    assert set(result.chosen) == {"1", "2"}
    for group, best in result.chosen.items():
        own = [one.uf1 for one in result.outcomes if one.group == group and one.uf1 is not None]
        assert best.uf1 == max(own)
    evaluation = result.evaluation
    assert evaluation is not None
    assert evaluation.description["settings tried"].startswith("16, for 2 groups together")
    # Each subject was predicted by the setting of their own group.
    histories = evaluation.methods["network"].histories[0]
    groups = read_study(result.folder).facts["groups"]
    for group, members in groups.items():
        for subject in members["tested"]:
            rate = result.chosen[group].setting[LEARNING_RATE]
            assert histories[subject]["loss"][0] == pytest.approx(rate)


def test_the_same_search_again_trains_nothing(tmp_path, pretended):
    first = search(tmp_path / "s")
    pretended.asked = []
    again = search(tmp_path / "s")
    assert again.evaluated == 0
    assert not pretended.asked
    assert proposed(again) == proposed(first)
    assert choices(again) == choices(first)
    looks = read_study(first.folder).looks
    assert len(looks) == 1


def test_more_trials_go_on_and_the_second_look_is_confessed(tmp_path, pretended):
    first = search(tmp_path / "s", trials=4)
    more = search(tmp_path / "s", trials=7)
    assert more.evaluated == 6
    assert set(proposed(first)) < set(proposed(more))
    assert proposed(more) == proposed(search(tmp_path / "at once", trials=7))
    assert "after 8 settings" in more.evaluation.description["looked at before"]
    assert len(read_study(first.folder).looks) == 2


def test_searches_that_score_at_the_same_moment_lose_no_look(tmp_path, pretended, monkeypatch):
    shared = {"storage": str(tmp_path / "trials.db"), "name": "s"}
    score = nested.evaluate_methods

    def others_first(*args, **options):
        monkeypatch.setattr(nested, "evaluate_methods", score)
        search(tmp_path / "two", trials=7, **shared)
        return score(*args, **options)

    monkeypatch.setattr(nested, "evaluate_methods", others_first)
    search(tmp_path / "one", trials=4, **shared)
    assert [look["tried"] for look in read_study(tmp_path / "one").looks] == [14, 8]


def test_a_score_that_was_computed_was_looked_at(tmp_path, pretended, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("mace.evaluation.store.RunFolder.write_results", killed)
        with pytest.raises(KeyboardInterrupt):
            search(tmp_path / "s", trials=4)
    more = search(tmp_path / "s", trials=7)
    assert "after 8 settings" in more.evaluation.description["looked at before"]


def test_a_network_that_is_edited_during_a_search_ends_it(tmp_path, pretended, monkeypatch):
    monkeypatch.chdir(tmp_path)
    net = tmp_path / "searched_net.py"
    net.write_text(
        "import flax.linen as nn\nclass Net(nn.Module):\n    classes: int\n"
        "    @nn.compact\n    def __call__(self, x):\n"
        "        return nn.Dense(self.classes)(x.mean((1, 2)))\n"
    )
    train = replace(TRAIN, model=ModelConfig(arch="searched_net:Net"))
    assert search(tmp_path / "s", trials=1, train=train).evaluated == 2

    def edited(*args, **options):
        net.write_text(net.read_text().replace("mean", "max"))
        return evaluate(*args, **options)

    evaluate = objective.evaluate
    monkeypatch.setattr(scheduler, "evaluate", edited)
    with pytest.raises(
        ConfigError, match="searched_net:Net, or what it imports, has changed since the search"
    ):
        search(tmp_path / "s", trials=2, train=train)
    assert len(read_study(tmp_path / "s").looks) == 1


def test_equal_settings_are_trained_once(tmp_path, pretended):
    space = SearchSpace({"train.loss.kind": choice(("cross_entropy", "focal"))})
    result = search(tmp_path / "s", space=space, trials=9)
    assert len(result.outcomes) == 18
    assert result.evaluated == 4
    assert len(pretended.asked) == 4 * 2


def test_settings_side_by_side_come_to_the_same(tmp_path, pretended):
    assert proposed(search(tmp_path / "one", trials=7)) == proposed(
        search(tmp_path / "three", trials=7, per_job=3)
    )


def test_too_few_people_are_said_at_the_start(tmp_path, pretended):
    with pytest.raises(DataError, match="3 subjects are too few"):
        search(tmp_path / "s", make_set(subjects=3), groups=2, inner_folds=3)


def test_the_space_is_checked_before_the_data_are_read(tmp_path):
    def read():
        raise AssertionError("the data were read")

    space = SearchSpace({"train.optimizer.learning_rate": FloatDistribution(0.1, 0.2)})
    with pytest.raises(ConfigError, match="learning_rate"):
        nested_cross_validation(read, make_plan(tmp_path / "s", space=space))
    for storage in ("postgresql://nobody:secret@127.0.0.1:1/none", "nosuch://host/name"):
        with pytest.raises(ConfigError) as caught:
            nested_cross_validation(read, make_plan(tmp_path / "s", storage=storage))
        assert "secret" not in str(caught.value)
        assert "\n" not in str(caught.value)


class Losing(InlineExecutor):
    """An executor whose workers die over every job of some settings."""

    slots = 2

    def submit(self, job):
        if job[0].setting["train.loss.kind"] != "focal":
            return super().submit(job)
        future = Future()
        future.set_exception(WorkerError("its worker died three times"))
        return future


def test_jobs_that_no_worker_could_finish_are_counted(tmp_path, pretended, capsys):
    plan = make_plan(tmp_path / "s", trials=8)
    result = nested_cross_validation(make_set(), plan, engine=Losing, baselines=False)
    assert 0 < len(result.outcomes) < 16
    assert "its worker died three times" in capsys.readouterr().err
    assert all(one.setting["train.loss.kind"] == "cross_entropy" for one in result.outcomes)
    again = nested_cross_validation(make_set(), plan, baselines=False)
    assert proposed(again) == proposed(result)


class Failing(InlineExecutor):
    """An executor whose work fails over the fourth job."""

    slots, jobs = 3, 0

    def submit(self, job):
        type(self).jobs += 1
        if type(self).jobs != 4:
            return super().submit(job)
        future = Future()
        future.set_exception(DataError("row 3 is damaged"))
        return future


def test_an_error_of_the_work_is_raised_after_what_was_under_way(tmp_path, pretended):
    plan = make_plan(tmp_path / "s", trials=8)
    with pytest.raises(DataError, match="row 3 is damaged"):
        nested_cross_validation(make_set(), plan, engine=Failing, baselines=False)
    assert 3 <= finished(plan.out) == Failing.jobs - 1 < 8
    result = nested_cross_validation(make_set(), plan, baselines=False)
    assert proposed(result) == proposed(search(tmp_path / "undisturbed", trials=8))


def test_the_better_comes_first_and_the_earlier_of_equals():
    def outcome(number, uf1, status="complete"):
        return Outcome(group="1", number=number, setting={}, status=status, uf1=uf1, epochs=1)

    outcomes = [
        outcome(3, 0.5),
        outcome(5, 0.7),
        outcome(4, 0.7),
        outcome(6, 0.9, "pruned"),
        outcome(7, None, "diverged"),
    ]
    assert [o.number for o in ranked(outcomes)] == [4, 5, 3]
