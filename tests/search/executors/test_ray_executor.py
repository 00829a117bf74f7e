"""A real cluster on this machine; `uv run --extra ray pytest -m slow tests/search/executors`."""

import functools
import itertools
import socket
from concurrent.futures import FIRST_COMPLETED, wait
from pathlib import Path

import pytest

pytest.importorskip("ray", exc_type=ImportError)
from executor_work import deadly, double, slow_double

from mace.errors import ConfigError, DataError, WorkerError
from mace.search import executors
from mace.search.config import EngineConfig
from mace.search.executors import make_engine


def on_ray(work, shared, address, **settings):
    return make_engine(EngineConfig(kind="ray", address=address, **settings))(work, shared)


def test_nobody_at_the_address_is_an_error_at_once():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but not listening
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ConfigError, match=f"no Ray cluster answers at {address}"):
            on_ray(double, None, address)


def test_something_else_at_the_address_is_an_error_in_time(monkeypatch):
    monkeypatch.setattr(executors, "ANSWER_S", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(ConfigError, match="does not answer as the head of a Ray cluster"):
            on_ray(double, None, address)


def test_something_else_that_answers_is_an_error_at_once(monkeypatch):
    def refuse(*, address):
        raise RuntimeError("Received http2 header with status: 404\nand more")

    monkeypatch.setattr(executors, "ANSWER_S", 600.0)
    monkeypatch.setattr("ray._raylet.GcsClient", refuse)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(ConfigError, match=r"as the head of a Ray cluster \(Rec.*404\); check"):
            make_engine(EngineConfig(kind="ray", address=address))


def test_a_cluster_that_is_not_there_is_an_error_before_there_is_any_work(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr("ray._private.services.find_gcs_addresses", functools.cache(set))
    monkeypatch.setattr("ray._private.services.find_bootstrap_address", lambda folder: None)
    with pytest.raises(ConfigError, match="no Ray cluster could be joined at auto"):
        make_engine(EngineConfig(kind="ray", address="auto"))
    with pytest.raises(ConfigError, match=r"no Ray cluster answers at nowhere\.invalid:6379"):
        make_engine(EngineConfig(kind="ray", address="nowhere.invalid:6379"))


@pytest.mark.parametrize("address", ["head", "head:", "ray://head:10001", ":6379x"])
def test_no_address_is_an_error(address):
    with pytest.raises(ConfigError, match="expected HOST:PORT of the head"):
        on_ray(double, None, address)


@pytest.mark.slow
def test_node_that_dies_and_node_that_joins_lose_nothing(cluster, tmp_path):
    first, _ = cluster.add(2), cluster.add(2)
    shared = {"folder": str(tmp_path), "seconds": 2.0}
    results, waiting, killed = {}, {}, False
    with on_ray(slow_double, shared, cluster.address, retries=2) as executor:
        jobs = iter(range(24))
        while len(results) < 24:
            for job in itertools.islice(jobs, max(0, executor.slots - len(waiting))):
                waiting[executor.submit(job)] = job
            if len(results) >= 6 and at_work(tmp_path) == 4 and not killed:
                killed = True
                # As when the power fails: no goodbye to anybody.
                cluster.cut_off(first)
                cluster.add(2)
            for future in wait(waiting, 0.1, FIRST_COMPLETED).done:
                results[waiting.pop(future)] = future.result()
    assert killed
    assert results == {job: 2 * job for job in range(24)}
    begun = [line.split()[1] for line in (tmp_path / "log").read_text().splitlines() if "b" in line]
    assert len(begun) > 24  # what the dead machine was at was begun again


@pytest.mark.slow
def test_worker_that_dies_and_work_that_fails(cluster):
    with pytest.raises(ConfigError, match=r"is to have 1 CPUs, and the Ray cluster has 0"):
        on_ray(deadly, None, cluster.address)
    cluster.add(2)
    with on_ray(deadly, None, cluster.address, retries=1) as executor:
        futures = {job: executor.submit(job) for job in ("one", "deadly", "two", "wrong")}
        error = futures.pop("deadly").exception(600)
        assert isinstance(error, WorkerError)
        assert "its worker died 2 times" in str(error)
        error = futures.pop("wrong").exception(600)
        assert isinstance(error, DataError)
        assert str(error) == "row 3 is damaged"
        assert {job: future.result(600) for job, future in futures.items()} == {
            "one": "one",
            "two": "two",
        }
    with pytest.raises(ConfigError, match=r"takes 0\.5 GPU, and the Ray cluster has 0 in"):
        on_ray(deadly, None, cluster.address, gpus_per_worker=0.5)


def at_work(folder: Path) -> int:
    """Return how many workers are at a job."""
    lines = (folder / "log").read_text().splitlines()
    busy = {pid: what == "begin" for what, _, pid in map(str.split, lines)}
    return sum(begun and Path(f"/proc/{pid}").exists() for pid, begun in busy.items())
