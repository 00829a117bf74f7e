"""What a search comes to, begun once, again and further; what is refused and what is lost."""

import pytest
from search_cases import (
    LEARNING_RATE,
    choices,
    make_plan,
    make_set,
    proposed,
    search,
)

from mace.errors import ConfigError, DataError
from mace.search.executors.protocol import Failure
from mace.search.folder import StudyFolder
from mace.search.results import Results
from mace.search.run import run_search
from mace.search.space import Choice, SearchSpace, Uniform


def test_every_group_gets_its_setting_and_the_score_is_an_ordinary_evaluation(tmp_path, pretended):
    result = search(tmp_path / "s", trials=8)
    assert result.evaluated == len(Results(result.folder).load()) == 16
    assert set(result.chosen) == {"1", "2"}
    for group, best in result.chosen.items():
        own = [one.uf1 for one in result.outcomes if one.group == group and one.uf1 is not None]
        assert best.uf1 == max(own)
    evaluation = result.evaluation
    assert evaluation is not None
    assert evaluation.description["settings tried"].startswith("16, for 2 groups together")
    # Each subject was predicted by the setting of their own group.
    histories = evaluation.methods["network"].histories[0]
    groups = StudyFolder(result.folder).read()["groups"]
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
    looks = StudyFolder(first.folder).read_chosen()["looks"]
    assert len(looks) == 1


def test_more_trials_go_on_and_the_second_look_is_confessed(tmp_path, pretended):
    first = search(tmp_path / "s", trials=4)
    more = search(tmp_path / "s", trials=7)
    assert more.evaluated == 6
    assert set(proposed(first)) < set(proposed(more))
    assert proposed(more) == proposed(search(tmp_path / "at once", trials=7))
    assert "after 8 settings" in more.evaluation.description["looked at before"]
    assert len(StudyFolder(first.folder).read_chosen()["looks"]) == 2


def test_equal_settings_are_trained_once(tmp_path, pretended):
    space = SearchSpace({"train.loss.kind": Choice(("cross_entropy", "focal"))})
    result = search(tmp_path / "s", space=space, trials=9)
    assert len(result.outcomes) == 18
    assert result.evaluated == 4
    assert len(pretended.asked) == 4 * 2


def test_results_from_elsewhere_count(tmp_path, pretended):
    elsewhere = search(tmp_path / "there", trials=5)
    lines = (elsewhere.folder / "results.jsonl").read_bytes()
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "results.jsonl").write_bytes(lines + lines[:50])
    result = search(tmp_path / "here", trials=6)
    assert result.evaluated == 2
    assert proposed(result) == proposed(search(tmp_path / "there", trials=6))


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

    space = SearchSpace({"train.optimizer.learning_rate": Uniform(0.1, 0.2)})
    with pytest.raises(ConfigError, match="learning_rate"):
        run_search(read, make_plan(tmp_path / "s", space=space))
    for storage in ("postgresql://nobody:secret@127.0.0.1:1/none", "nosuch://host/name"):
        with pytest.raises(ConfigError) as caught:
            run_search(read, make_plan(tmp_path / "s", storage=storage))
        assert "secret" not in str(caught.value)
        assert "\n" not in str(caught.value)


class Losing:
    """An executor whose workers die over every job of some settings."""

    slots = 2

    def __init__(self, work, shared):
        self.work, self.shared, self.jobs = work, shared, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def submit(self, job):
        self.jobs.append(job)

    def results(self):
        while self.jobs:
            job = self.jobs.pop()
            if job.candidates[0].setting["train.loss.kind"] == "focal":
                yield job, Failure(job, "its worker died three times")
            else:
                yield job, self.work(self.shared, job)


def test_jobs_that_no_worker_could_finish_are_counted(tmp_path, pretended, capsys):
    plan = make_plan(tmp_path / "s", trials=8)
    result = run_search(make_set(), plan, engine=Losing, baselines=False)
    assert 0 < len(result.outcomes) < 16
    assert "its worker died three times" in capsys.readouterr().err
    assert all(one.setting["train.loss.kind"] == "cross_entropy" for one in result.outcomes)
