import re

import pytest
from search_cases import LEARNING_RATE, SPACE, make_plan, make_set

from mace.cli import main
from mace.search.choosing import disagreements, front
from mace.search.importance import importances
from mace.search.parallel import parallel_figure
from mace.search.results import Results
from mace.search.run import run_search
from mace.search.searcher import Searcher
from mace.search.space import Choice, SearchSpace, Uniform
from mace.search.top import duration, read_top


@pytest.fixture
def study(tmp_path, pretended):
    run_search(make_set(), make_plan(tmp_path / "mine", trials=12), baselines=False)
    return tmp_path / "mine"


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
    assert page.count("<picture>") == 4
    names = {path.stem for path in (study / "report" / "figures").glob("*.png")}
    assert names == {"parallel", "importance", "curves", "history"}
    # The outer score is an evaluation like any other.
    assert main(["report", str(study / "outer"), "--out", str(study / "page")]) == 0
    assert "settings tried" in (study / "page" / "report.html").read_text()
    assert main(["audit", str(study / "outer")]) == 0
    assert main(["compare", str(study / "outer")]) == 0


def test_a_search_at_work_has_a_report_too(study, capsys):
    (study / "chosen.json").unlink()
    lines = (study / "results.jsonl").read_bytes().splitlines(keepends=True)
    (study / "results.jsonl").write_bytes(b"".join(lines[:3]))
    assert main(["report", str(study)]) == 0
    page = (study / "report" / "report.html").read_text()
    assert "Not computed yet: 3 of 24 settings are in" in page
    assert "Too few settings" in page
    (study / "results.jsonl").write_bytes(b"")
    assert main(["report", str(study)]) == 3
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
    best = max(one.uf1 for one in Results(study).load().values() if one.uf1 is not None)
    assert f"{best:.3f}" in text
    assert main(["top", str(study), "--once"]) == 0
    assert main(["top", str(study), "--every", "0"]) == 2
    assert main(["top", str(study / "outer")]) == 3


def test_top_shows_who_is_at_work(study):
    class Table:
        def set_user_attr(self, name, value):
            pass

    with Searcher(Table(), study, slots=2) as searcher:  # pyright: ignore
        job = {"group": "1", "number": 4, "setting": {LEARNING_RATE: 0.1}, "since": 1.0}
        searcher.show("settings", [job])
        top = read_top(study)
        assert [one["phase"] for one in top.searchers] == ["settings"]
        assert [one["number"] for one in top.running] == [4]
        assert top.rate is not None
        assert top.rate > 0
    assert read_top(study).searchers == []
    assert duration(48) == "48 s"
    assert duration(720) == "12 min"
    assert duration(12000) == "3 h 20 min"


def test_what_matters_is_found(study):
    outcomes = list(Results(study).load().values())
    rows = importances(outcomes, SPACE)
    assert {row.path for row in rows} == set(SPACE.paths)
    assert all(len(row.groups) == 2 for row in rows)
    assert rows[0].mean >= rows[-1].mean
    assert importances(outcomes[:6], SPACE) == []
    constant = SearchSpace({**SPACE.dimensions, "train.ema": Choice((0.0,))})
    assert parallel_figure(outcomes, outcomes[:1], SPACE) is not None
    assert constant.paths[-1] == "train.ema"


def test_groups_that_disagree_are_named():
    space = SearchSpace(
        {
            "train.mixup": Uniform(0.0, 1.0),
            LEARNING_RATE: Uniform(1e-4, 1e-1, log=True),
            "train.loss.kind": Choice(("focal", "cross_entropy")),
        }
    )
    one = {"train.mixup": 0.1, LEARNING_RATE: 1e-2, "train.loss.kind": "focal"}
    assert disagreements({"1": one, "2": one | {"train.mixup": 0.5}}, space) == []
    other = {"train.mixup": 0.7, LEARNING_RATE: 1e-4, "train.loss.kind": "cross_entropy"}
    assert disagreements({"1": one, "2": other}, space) == list(space.paths)


def test_the_front_holds_what_nothing_beats_in_both():
    import dataclasses

    from mace.search.results import Outcome

    base = Outcome(key="a", group="1", number=0, setting={}, status="complete", uf1=0.5, epochs=1)
    pairs = [(0.5, 1.0), (0.4, 2.0), (0.7, 3.0), (0.7, 4.0), (0.9, 5.0)]
    outcomes = [
        dataclasses.replace(base, key=str(i), uf1=uf1, latency_ms=ms)
        for i, (uf1, ms) in enumerate(pairs)
    ]
    assert [one.latency_ms for one in front(outcomes)] == [1.0, 3.0, 5.0]
