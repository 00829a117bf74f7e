import dataclasses
import os
import re

import pytest
from optuna.distributions import FloatDistribution
from search_cases import LEARNING_RATE, make_plan, make_set, pretend, search

from mace.cli import main
from mace.search.choose import disagreement
from mace.search.executors import InlineExecutor
from mace.search.nested import nested_cross_validation
from mace.search.space import SearchSpace, choice
from mace.search.stored import read_study
from mace.search.study import Study, ranked


class Interrupted(InlineExecutor):
    """Ctrl-C comes after some jobs."""

    def __init__(self, work, shared, *, after):
        super().__init__(work, shared)
        self.left = after

    def submit(self, job):
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        return super().submit(job)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("studies") / "mine"
    with pytest.MonkeyPatch.context() as patch:
        pretend(patch)
        nested_cross_validation(make_set(), make_plan(folder, trials=12), baselines=False)
    return folder


def test_a_study_becomes_one_page_that_needs_nothing_else(study, capsys):
    assert main(["report", str(study)]) == 0
    path = capsys.readouterr().out.strip()
    page = (study / "report" / "report.html").read_text()
    assert path == str(study / "report" / "report.html")
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    assert "http" not in page
    for text in (
        "24 settings tried",
        "Leave one subject out",
        "What each group chose",
        "fANOVA",
        "made/0",
        "learning_rate",
        "a choice nor a proposal has seen whom it is tested on",
    ):
        assert text in page
    assert page.count("<picture>") == 3
    assert f"mace report {study / 'outer'}" in page
    names = {path.stem for path in (study / "report" / "figures").glob("*.png")}
    assert names == {"parallel", "importance", "history"}
    # The outer score is an evaluation like any other.
    assert main(["report", str(study / "outer"), "--out", str(study / "page")]) == 0
    assert "settings tried" in (study / "page" / "report.html").read_text()
    assert main(["audit", str(study / "outer")]) == 0
    assert main(["compare", str(study / "outer")]) == 0


def test_a_search_at_work_has_a_report_too(tmp_path, pretended, capsys):
    out = tmp_path / "mine"
    plan = make_plan(out, trials=12)

    def interrupted(work, shared):
        return Interrupted(work, shared, after=3)

    with pytest.raises(KeyboardInterrupt):
        nested_cross_validation(make_set(), plan, engine=interrupted, baselines=False)
    assert main(["report", str(out)]) == 0
    page = (out / "report" / "report.html").read_text()
    assert "Not computed yet: 3 of 24 settings are in" in page
    assert "Too few settings" in page
    capsys.readouterr()
    assert main(["top", str(out)]) == 0
    assert "3 of 24 settings; nobody is at work here" in capsys.readouterr().out
    # Somebody who has joined is.
    study = Study(dataclasses.replace(plan, join=True), "1", epochs=2)
    assert study.ask()
    assert main(["top", str(out)]) == 0
    text = capsys.readouterr().out
    assert "nobody is at work" not in text
    cells = [line.replace("|", " ").split() for line in text.splitlines()]
    assert [row[:3] for row in cells if row[1:] and "/12" in row[1]] == [
        ["1", "2/12", "1"],
        ["2", "1/12", "0"],
    ]
    assert f":{os.getpid()}" in text


def test_after_those_who_joined_the_outer_score_is_left(tmp_path, pretended, capsys):
    search(tmp_path / "s", trials=2, join=True)
    assert main(["top", str(tmp_path / "s")]) == 0
    text = capsys.readouterr().out
    assert "4 of 4 settings; nobody is at work here; mace search without --join comp" in text


def test_a_search_without_a_result_has_no_report(tmp_path, pretended, capsys):
    def interrupted(work, shared):
        return Interrupted(work, shared, after=0)

    with pytest.raises(KeyboardInterrupt):
        nested_cross_validation(make_set(), make_plan(tmp_path / "s"), engine=interrupted)
    assert main(["report", str(tmp_path / "s")]) == 3
    assert "no result yet" in capsys.readouterr().err


def test_searches_and_evaluations_are_not_mixed(study, capsys):
    assert main(["report", str(study), str(study / "outer")]) == 2
    assert str(study / "outer") in capsys.readouterr().err


def test_top_shows_counts_and_the_best(study, capsys):
    capsys.readouterr()
    assert main(["top", str(study)]) == 0
    text = capsys.readouterr().out
    assert "24 of 24 settings" in text
    assert "outer UF1" in text
    assert "\x1b" not in text
    best = ranked(read_study(study).outcomes())[0].uf1
    assert f"{best:.3f}" in text
    assert main(["top", str(study), "--once"]) == 0
    assert main(["top", str(study), "--every", "0"]) == 2
    assert main(["top", str(study / "outer")]) == 3


def test_groups_that_disagree_are_named():
    space = SearchSpace(
        {
            "train.mixup": FloatDistribution(0.0, 1.0),
            LEARNING_RATE: FloatDistribution(1e-4, 1e-1, log=True),
            "train.loss.kind": choice(("focal", "cross_entropy")),
        }
    )
    one = {"train.mixup": 0.1, LEARNING_RATE: 1e-2, "train.loss.kind": "focal"}
    assert not disagreement([one, one | {"train.mixup": 0.5}], space)
    other = {"train.mixup": 0.7, LEARNING_RATE: 1e-4, "train.loss.kind": "cross_entropy"}
    said = disagreement([one, other], space)
    assert said.startswith("much, on mixup, optimiser.learning_rate, loss.kind: ")
