"""A real cluster on this machine; `uv run --extra ray pytest -m slow tests/search/executors`."""

import socket
import threading
from pathlib import Path

import pytest

pytest.importorskip("ray", exc_type=ImportError)
from executor_work import deadly, double, slow_double

from mace.errors import ConfigError, DataError
from mace.search.executors import on_ray, ray_cluster
from mace.search.executors.config import EngineConfig
from mace.search.executors.make import make_engine
from mace.search.executors.on_ray import RayExecutor
from mace.search.executors.protocol import Failure


@pytest.fixture
def patient(monkeypatch):
    """Where the cores are busy a worker takes minutes to start."""
    monkeypatch.setattr(on_ray, "START_S", 1200.0)


def test_nobody_at_the_address_is_an_error_at_once():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but not listening
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with (
            pytest.raises(ConfigError, match=f"no Ray cluster answers at {address}"),
            RayExecutor(double, None, address=address),
        ):
            pass


def test_something_else_at_the_address_is_an_error_in_time(monkeypatch):
    monkeypatch.setattr(ray_cluster, "ANSWER_S", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with (
            pytest.raises(ConfigError, match="does not answer as the head of a Ray cluster"),
            RayExecutor(double, None, address=address),
        ):
            pass


def test_something_else_that_answers_is_an_error_at_once(monkeypatch):
    def refuse(*, address):
        raise RuntimeError("Received http2 header with status: 404\nand more")

    monkeypatch.setattr(ray_cluster, "ANSWER_S", 600.0)
    monkeypatch.setattr("ray._raylet.GcsClient", refuse)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(ConfigError, match=r"as the head of a Ray cluster \(Rec.*404\); check"):
            make_engine(EngineConfig(kind="ray", address=address))


def test_a_cluster_that_is_not_there_is_an_error_before_there_is_any_work(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr("ray._private.services.find_gcs_addresses", set)
    monkeypatch.setattr("ray._private.services.find_bootstrap_address", lambda folder: None)
    with pytest.raises(ConfigError, match="this machine belongs to no Ray cluster"):
        make_engine(EngineConfig(kind="ray", address="auto"))
    with pytest.raises(ConfigError, match=r"no Ray cluster answers at nowhere\.invalid:6379"):
        make_engine(EngineConfig(kind="ray", address="nowhere.invalid:6379"))
    assert make_engine(EngineConfig(kind="ray"))


@pytest.mark.parametrize("address", ["head", "head:", "ray://head:10001", ":6379x"])
def test_no_address_is_an_error(address):
    with (
        pytest.raises(ConfigError, match="expected HOST:PORT of the head"),
        RayExecutor(double, None, address=address),
    ):
        pass


@pytest.mark.slow
def test_node_that_dies_and_node_that_joins_lose_nothing(cluster, patient, tmp_path):
    first, _ = cluster.add(2), cluster.add(2)
    shared = {"folder": str(tmp_path), "seconds": 0.5}
    found, slots, killed = [], set(), False
    with RayExecutor(slow_double, shared, address=cluster.address, retries=2) as executor:
        for job in range(60):
            executor.submit(job)
        for job, result in executor.results():
            found.append((job, result))
            slots.add(executor.slots)
            if len(found) >= 12 and not killed and at_work(tmp_path) >= 4:
                killed = True
                # As when the power fails: no goodbye to anybody.
                cluster.cut_off(first)
                threading.Thread(target=cluster.add, args=(2,), daemon=True).start()
    assert killed
    assert sorted(found) == [(job, 2 * job) for job in range(60)]
    begun = [line.split()[1] for line in (tmp_path / "log").read_text().splitlines() if "b" in line]
    assert len(begun) > 60  # what the dead machine was at was begun again


@pytest.mark.slow
def test_worker_that_dies_and_work_that_fails(cluster, patient):
    cluster.add(2)
    with RayExecutor(deadly, None, address=cluster.address, retries=1) as executor:
        for job in ("one", "deadly", "two"):
            executor.submit(job)
        found = dict(executor.results())
        assert found.pop("deadly") == Failure(
            "deadly", "its worker died 2 times (ActorDiedError); it was given up"
        )
        assert found == {"one": "one", "two": "two"}
    with RayExecutor(deadly, None, address=cluster.address) as executor:
        for job in ("one", "wrong", *range(50)):
            executor.submit(job)
        with pytest.raises(DataError, match="row 3 is damaged"):
            list(executor.results())
    with (
        pytest.raises(ConfigError, match=r"is to have 0\.5 GPUs, and the Ray cluster has 0"),
        RayExecutor(deadly, None, address=cluster.address, gpus_per_worker=0.5),
    ):
        pass


def at_work(folder: Path) -> int:
    """Return how many workers have begun a job."""
    lines = (folder / "log").read_text().splitlines()
    return len({line.split()[2] for line in lines if line.startswith("begin")})
