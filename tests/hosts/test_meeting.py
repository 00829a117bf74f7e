import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from mace.errors import ConfigError
from mace.hosts.meeting import HostsConfig, meet


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def outcomes(*people: tuple[int, int], timeout_s: int = 20) -> list[str]:
    """Return what became of processes, each by its number and how many it expects."""
    port = free_port()

    def one(person: tuple[int, int]) -> str:
        number, count = person
        try:
            meet(
                HostsConfig(
                    coordinator=f"127.0.0.1:{port}",
                    processes=count,
                    process_id=number,
                    timeout_s=timeout_s,
                )
            )
        except ConfigError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(len(people)) as pool:
        return list(pool.map(one, people))


def test_all_come():
    assert outcomes((2, 3), (0, 3), (1, 3)) == ["", "", ""]


def test_one_is_missing():
    found = outcomes((0, 3), (2, 3), timeout_s=1)
    assert all("of the 3 processes number 1 did not come to" in one for one in found)


def test_they_disagree():
    found = outcomes((0, 2), (1, 3))
    assert all("process 0 expects 2 processes and process 1 3" in one for one in found)


def test_nobody_is_there():
    (found,) = outcomes((1, 2), timeout_s=1)
    assert "process 0 is not at 127.0.0.1:" in found


def test_port_is_taken():
    with socket.create_server(("", 0)) as server:
        config = HostsConfig(
            coordinator=f"127.0.0.1:{server.getsockname()[1]}", processes=2, process_id=0
        )
        with pytest.raises(ConfigError, match="is not free for the other processes"):
            meet(config)
