"""Percentiles of durations from a histogram."""

import math

import numpy as np
import pytest

from mace.live.timing import Durations, Timings, timing_table


def test_percentiles_are_right_to_one_percent():
    durations = Durations()
    seconds = np.random.default_rng(0).lognormal(math.log(3e-3), 0.5, 20_000)
    for one in seconds:
        durations.add(one)
    for percent in (1, 50, 95, 99):
        expected = np.percentile(seconds, percent, method="inverted_cdf")
        assert durations.percentile(percent) == pytest.approx(expected, rel=0.011)
    summary = durations.summary()
    assert summary["max"] == pytest.approx(1e3 * seconds.max(), abs=1e-3)
    assert summary["mean"] == pytest.approx(1e3 * seconds.mean(), abs=1e-3)
    assert summary["count"] == 20_000


def test_what_is_out_of_range_is_counted_at_the_edge():
    durations = Durations()
    for one in (0.0, -1.0, 1e6):
        durations.add(one)
    assert durations.count == 3
    assert durations.percentile(50) < 2e-6
    assert durations.percentile(100) > 50


def test_no_durations_have_no_percentile():
    assert math.isnan(Durations().percentile(50))
    assert Durations().summary() == {"count": 0}


def test_the_table_has_a_line_for_every_stage_that_ran():
    timings = Timings()
    timings.add("faces", 0.0012)
    timings.add("faces", 0.0012)
    lines = timing_table(timings.summary() | {"never": {"count": 0}}).splitlines()
    assert lines[0].split() == ["ms", "p50", "p95", "p99", "max", "mean"]
    assert lines[1].split() == ["faces", "1.20", "1.20", "1.20", "1.20", "1.20"]
    assert len(lines) == 2
