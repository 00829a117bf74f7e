"""A real cluster on this machine; `uv run --extra ray pytest -m slow tests/search/executors`."""

import socket
import threading
from pathlib import Path

import pytest

pytest.importorskip("ray", exc_type=ImportError)
from executor_work import deadly, double, slow_double

from mace.errors import ConfigError, DataError
from mace.search.executors import Failure, RayExecutor
from mace.search.executors import ray_cluster


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


@pytest.mark.parametrize("address", ["head", "head:", "ray://head:10001", ":6379x"])
def test_no_address_is_an_error(address):
    with (
        pytest.raises(ConfigError, match="expected HOST:PORT of the head"),
        RayExecutor(double, None, address=address),
    ):
        pass
