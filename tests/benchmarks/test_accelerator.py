"""The benchmark of accelerators on toys: complete, killed and gone on with, nothing twice."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from on_device.results import OutOfTime, Results, read  # noqa: E402

PARTS = {
    "correctness", "population", "torch_population", "determinism", "plans", "step", "torch_step",
    "pretraining", "tvl1", "live",
}  # fmt: skip


def start(path, *options):
    return subprocess.Popen(
        [sys.executable, BENCHMARKS / "accelerator.py", "--tiny", "--out", path, *options],
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def killed_and_gone_on_with(path, *options, part, after):
    """Kill a run once `part` has measured something, start it again, and return its lines."""
    killed = start(path, *options)
    while len(read(path, part)) < after:
        assert killed.poll() is None, "ended by itself"
        time.sleep(0.1)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    again = start(path, *options)
    output, _ = again.communicate(timeout=900)
    assert again.returncode == 0, output
    lines = read(path)
    measured = Counter((line["part"], line["name"]) for line in lines)
    assert max(measured.values()) == 1
    return lines


@pytest.mark.slow
def test_parts_killed_and_gone_on_with(tmp_path):
    parts = ("--parts", "tvl1", "live")
    lines = killed_and_gone_on_with(tmp_path / "results.jsonl", *parts, part="tvl1", after=1)
    assert {line["part"] for line in lines if line["name"] == "complete"} == {"tvl1", "live"}
    by_name = {(line["part"], line["name"]): line for line in lines}
    assert by_name["live", "faces/8"]["p99_ms"] >= by_name["live", "faces/8"]["p50_ms"] > 0


@pytest.mark.slow
def test_all_parts_killed_and_gone_on_with(tmp_path):
    lines = killed_and_gone_on_with(tmp_path / "results.jsonl", part="correctness", after=2)
    assert {line["part"] for line in lines if line["name"] == "complete"} == PARTS
    compared = [line for line in lines if line["part"] == "correctness" and "ok" in line]
    assert len(compared) >= 6
    assert all(line["ok"] for line in compared), compared
    by_name = {(line["part"], line["name"]): line for line in lines}
    assert by_name["population", "macnn28"]["members"] == 8
    assert by_name["determinism", "default"]["equal_between_processes"]


def results(path, seconds=60.0):
    return Results(path, "part", deadline=time.monotonic() + seconds)


def test_measured_once(tmp_path):
    path = tmp_path / "results.jsonl"
    first = results(path).measure("a", lambda: {"value": 1})
    assert first == {"value": 1}
    again = results(path).measure("a", lambda: pytest.fail("measured twice"))
    assert again["value"] == 1
    assert [line["name"] for line in read(path)] == ["a"]


def test_a_failure_is_written_and_tried_again(tmp_path):
    path = tmp_path / "results.jsonl"

    def fail():
        raise MemoryError("too large")

    assert results(path).measure("a", fail) is None
    assert json.loads(path.read_text())["error"] == "MemoryError: too large"
    assert results(path).measure("a", lambda: {"value": 2}) == {"value": 2}


def test_out_of_time(tmp_path):
    path = tmp_path / "results.jsonl"
    with pytest.raises(OutOfTime):
        results(path, seconds=-1.0).measure("a", lambda: {"value": 1})
    assert read(path) == []


def test_a_cut_line_is_left_out(tmp_path):
    path = tmp_path / "results.jsonl"
    results(path).measure("a", lambda: {"value": 1})
    with path.open("a") as file:
        file.write('{"part": "part", "na')
    assert [line["name"] for line in read(path)] == ["a"]
    results(path).measure("b", lambda: {"value": 2})
    assert [line["name"] for line in read(path)] == ["a", "b"]


def test_results_of_another_device_are_refused(tmp_path):
    path = tmp_path / "results.jsonl"
    line = {"part": "environment", "name": "environment", "device": "NVIDIA X", "tiny": True}
    path.write_text(json.dumps(line) + "\n")
    process = start(path)
    process.communicate(timeout=300)
    assert process.returncode == 2
    assert len(read(path)) == 1
