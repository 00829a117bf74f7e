"""Processes that train together over loopback, as hosts of a cluster do."""

import json
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from training_cases import SHARED, make_set

from mace.errors import ConfigError
from mace.hosts.agreement import any_signal, by_writer, is_writer, require_same, writer_first
from mace.hosts.meeting import HostsConfig, hosts_config
from mace.training.checkpoint import named_leaves
from mace.training.fit import fit

SCRIPT = Path(__file__).parent / "child_hosts.py"


def start(folder: Path, *, processes: int = 2, port: int = 0, **settings):
    told = {
        "folder": str(folder),
        "processes": processes,
        "process_id": 0,
        "local_devices": 2 // processes,
        "coordinator": f"127.0.0.1:{port}",
    }
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), json.dumps(told | settings)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(*started: subprocess.Popen, timeout: float = 150) -> list[tuple[int, str]]:
    try:
        return [(one.wait(timeout), one.communicate()[1]) for one in started]
    finally:
        for one in started:
            one.kill()
            one.communicate()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def trained(folder: Path, run: str, number: int) -> dict[str, np.ndarray]:
    with np.load(folder / f"variables-{run}-{number}.npz") as file:
        return dict(file)


@pytest.mark.slow
def test_two_processes_equal_one_and_one_of_them_writes(tmp_path):
    port = free_port()
    started = [start(tmp_path, port=port, process_id=number) for number in (0, 1)]
    alone = fit(
        make_set(32),
        range(28),
        config=replace(SHARED, devices=2),
        validation_index=range(28, 32),
        run_dir=tmp_path / "alone",
    )
    for code, errors in finish(*started):
        assert code == 0, errors
    first, second = (trained(tmp_path, "run", number) for number in (0, 1))
    assert first.pop("writer")
    assert not second.pop("writer")
    assert first.keys() == second.keys()
    # Bit for bit, on one machine: sums of two numbers have but one order.
    for name, leaf in named_leaves(alone.variables).items():
        np.testing.assert_array_equal(first[name], leaf, err_msg=name)
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)
    assert json.loads(str(first["history"])) == list(alone.history)
    rows = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(row)["epoch"] for row in rows] == [1, 2, 3, 4]
    files = [sorted(path.name for path in (tmp_path / name).iterdir()) for name in ("run", "alone")]
    assert files[0] == files[1]


@pytest.mark.slow
def test_two_processes_go_on_where_two_were_interrupted(tmp_path):
    whole = fit(
        make_set(32),
        range(28),
        config=replace(SHARED, devices=2, epochs=40, selection="best"),
        validation_index=range(28, 32),
    )
    for interrupted in (True, False):
        port = free_port()
        started = [
            start(
                tmp_path,
                port=port,
                process_id=number,
                config={"epochs": 40, "selection": "best"},
            )
            for number in (0, 1)
        ]
        if interrupted:
            log = tmp_path / "run" / "metrics.jsonl"
            deadline = time.monotonic() + 150
            while not (log.exists() and len(log.read_text().splitlines()) >= 3):
                assert time.monotonic() < deadline
                time.sleep(0.01)
            # To one of them, which writes nothing.
            started[1].send_signal(signal.SIGTERM)
        for number, (code, errors) in enumerate(finish(*started)):
            assert code == (1 if interrupted else 0), errors
            if interrupted:
                assert f"process {number}: SIGTERM ended training after step" in errors
    for number in (0, 1):
        restored = trained(tmp_path, "run", number)
        assert restored["chosen"] == whole.chosen_epoch
        assert json.loads(str(restored["history"])) == list(whole.history)
        for name, leaf in named_leaves(whole.variables).items():
            np.testing.assert_array_equal(restored[name], leaf, err_msg=name)


@pytest.mark.slow
def test_processes_that_disagree_end_with_a_sentence(tmp_path):
    port = free_port()
    counts = [
        start(tmp_path, port=port, process_id=0, timeout_s=40),
        start(tmp_path, port=port, process_id=1, processes=3, local_devices=1, timeout_s=40),
    ]
    port = free_port()
    seeds = [start(tmp_path, port=port, process_id=n, seed=n, run="seeds") for n in (0, 1)]
    found = finish(*counts, *seeds)
    assert [code for code, _ in found] == [1, 1, 1, 1], found
    assert "process 0 expects 2 processes and process 1 3; give all the same" in found[0][1]
    assert "process 0 expects 2 processes and process 1 3; give all the same" in found[1][1]
    for _, errors in found[2:]:
        assert "process 1 has another recipe, seed or data set than process 0" in errors


@pytest.mark.slow
def test_coordinator_that_is_not_there_ends_in_time(tmp_path):
    ((code, errors),) = finish(start(tmp_path, port=free_port(), process_id=1, timeout_s=3))
    assert code == 1, errors
    assert "process 0 is not at 127.0.0.1:" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("auto", 2, None), "leave out --processes and --process-id"),
        (("head", 2, 0), "--coordinator is 'head', expected HOST:PORT"),
        (("head:0", 2, 0), "expected HOST:PORT"),
        (("head:99999", 2, 0), "expected HOST:PORT"),
        (("head:1234", 2, None), "needs --processes"),
        (("head:1234", 2, 2), "--process-id is 2 of 2 processes, expected 0 to 1"),
        (("head:1234", 0, 0), "--processes is 0, expected 1 or more"),
        ((None, 2, None), "--processes needs --coordinator"),
        ((None, None, 1), "--process-id needs --coordinator"),
    ],
)
def test_contradictions_are_errors(settings, message):
    with pytest.raises(ConfigError, match=message):
        hosts_config(*settings, 10)


def test_options_that_are_left_out_change_nothing():
    assert hosts_config(None, None, None, 120) is None
    assert hosts_config("auto", None, None, 5) == HostsConfig(coordinator="auto", timeout_s=5)


def test_one_process_agrees_with_itself():
    assert is_writer()
    assert by_writer(lambda: 3) == 3
    assert any_signal(15) == 15
    require_same("seed", "1")
    with writer_first():
        pass
    with pytest.raises(ConfigError, match="no"), writer_first():
        raise ConfigError("no")
