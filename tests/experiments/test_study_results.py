"""Lines of results: torn ones, pooled ones, differences person by person."""

import json

import numpy as np
import pytest

from mace.errors import DataError, OutputError
from mace.experiments.study_results import append_row, difference, pool, read_rows


def row(seed=0, predicted="0011", key="k", people=("a/1", "a/2"), **changes):
    predictions = [[person, "0101", predicted] for person in people]
    return {
        "key": key,
        "seed": seed,
        "classes": ["x", "y"],
        "predictions": predictions,
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
    rows = read_rows(path)
    assert [(line["seed"], line["extra"]) for line in rows] == [(0, {"n": 2}), (1, {})]


def test_place_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        append_row(tmp_path / "file" / "r.jsonl", row())


def test_pooled_counts_are_those_of_the_predictions():
    pooled = pool("s", [row(predicted="0101"), row(seed=1, predicted="0011")])
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
    better = pool("better", [row(predicted="0101")])
    worse = pool("worse", [row(predicted="0011")])
    gain, interval = difference(better, worse)
    # Both people gain as much, so there is no doubt among people like them.
    assert (gain, *interval) == (0.5, 0.5, 0.5)
    others = pool("others", [row(people=("a/1", "a/3"))])
    with pytest.raises(DataError, match="other people"):
        difference(others, worse)


def test_difference_is_between_the_same_seeds():
    both = pool("both", [row(predicted="0101"), row(seed=1, predicted="1010")])
    single = pool("one", [row(predicted="0011")])
    assert difference(both, single)[0] == 0.5
    with pytest.raises(DataError, match="no result of a seed"):
        difference(pool("late", [row(seed=2)]), single)


def test_results_of_other_clips_are_not_pooled():
    other = row(seed=1)
    other["predictions"] = json.loads(json.dumps(other["predictions"]).replace("0101", "1101"))
    with pytest.raises(DataError, match="different clips"):
        pool("s", [row(), other])
    with pytest.raises(DataError, match="run its study"):
        pool("s", [])
