"""Lines of results: torn ones, pooled ones, differences person by person."""

import json

import numpy as np
import pytest

from mace.errors import DataError, OutputError
from mace.experiments.study_results import append_row, difference, pool, read_rows


def row(seed=0, found="0011", key="k", people=("a/1", "a/2"), **changes):
    answers = [[person, "0101", found] for person in people]
    return {
        "key": key,
        "seed": seed,
        "classes": ["x", "y"],
        "answers": answers,
        "extra": {},
        **changes,
    }


def test_torn_line_is_passed_over_and_the_later_line_counts(tmp_path):
    path = tmp_path / "results" / "r.jsonl"
    append_row(path, row(extra={"n": 1}))
    with path.open("a") as file:
        file.write('{"key": "k", "se\n')
    append_row(path, row(extra={"n": 2}))
    append_row(path, row(seed=1))
    found = read_rows(path)
    assert [(one["seed"], one["extra"]) for one in found] == [(0, {"n": 2}), (1, {})]


def test_place_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        append_row(tmp_path / "file" / "r.jsonl", row())


def test_pooled_counts_are_those_of_the_answers():
    pooled = pool("s", [row(found="0101"), row(seed=1, found="0011")])
    assert pooled.counts.shape == (2, 2, 2, 2)
    np.testing.assert_array_equal(pooled.counts[0, 1], [[1, 1], [1, 1]])
    assert pooled.uf1_of_each == (1.0, 0.5)
    assert pooled.uf1 == 0.75
    assert pooled.interval.low <= 0.75 <= pooled.interval.high


def test_extra_that_one_seed_did_not_reach_is_none():
    rows = [row(extra={"epochs": 3.0}), row(seed=1, extra={"epochs": None})]
    assert pool("s", rows).extra("epochs") is None
    assert pool("s", rows[:1]).extra("epochs") == 3.0


def test_databases_are_scored_apart():
    pooled = pool("s", [row(people=("a/1", "b/1"))])
    assert pooled.of("b").people == ("b/1",)
    assert pooled.of("b").counts.sum() == 4


def test_difference_is_between_the_same_people():
    better = pool("better", [row(found="0101")])
    worse = pool("worse", [row(found="0011")])
    gain, interval = difference(better, worse)
    # Both people gain as much, so there is no doubt among people like them.
    assert (gain, *interval) == (0.5, 0.5, 0.5)
    others = pool("others", [row(people=("a/1", "a/3"))])
    with pytest.raises(DataError, match="other people"):
        difference(others, worse)


def test_difference_is_between_the_same_seeds():
    both = pool("both", [row(found="0101"), row(seed=1, found="1010")])
    one = pool("one", [row(found="0011")])
    assert difference(both, one)[0] == 0.5
    with pytest.raises(DataError, match="no result of a seed"):
        difference(pool("late", [row(seed=2)]), one)


def test_results_of_other_clips_are_not_pooled():
    other = row(seed=1)
    other["answers"] = json.loads(json.dumps(other["answers"]).replace("0101", "1101"))
    with pytest.raises(DataError, match="different clips"):
        pool("s", [row(), other])
    with pytest.raises(DataError, match="run its study"):
        pool("s", [])
