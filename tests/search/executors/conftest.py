"""A Ray cluster of several machines, all of them this one."""

import os
import secrets
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from mace.errors import ConfigError
from mace.search.executors import require_ray

# Before a test imports it: Ray reads its environment once, and under `uv run` would have each
# worker make an environment of its own.
with suppress(ConfigError):
    require_ray()

MEBIBYTE = 2**20
PORTS = ("metrics_agent_port", "metrics_export_port", "runtime_env_agent_port")


@pytest.fixture
def cluster(monkeypatch, recwarn) -> Iterator["LoopbackCluster"]:
    """Yield a cluster whose head does no work, with `add(cores)` for a machine that does."""
    here = str(Path(__file__).parent)
    # Not pytest's folder: the path of a socket must be short. Ray writes the address of a cluster
    # into its own folder in there, which is the user's otherwise, or not there at all.
    home = Path(tempfile.mkdtemp(prefix="ray-"))
    (home / "ray").mkdir()
    for name, value in {
        "RAY_TMPDIR": str(home),
        "PYTHONPATH": os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")])),
        # What else this machine does neither ends a worker nor goes before it.
        "RAY_memory_monitor_refresh_ms": "0",
        "RAY_worker_niceness": "0",
        "RAY_agent_register_timeout_ms": "150000",
        "RAY_worker_register_timeout_seconds": "150",
    }.items():
        monkeypatch.setenv(name, value)
    made = LoopbackCluster(home / "ray")
    try:
        made.add(0)
        yield made
    finally:
        made.close()
        shutil.rmtree(home, ignore_errors=True)


class LoopbackCluster:
    """Machines of one Ray cluster as groups of processes."""

    def __init__(self, folder: Path) -> None:
        from ray.cluster_utils import Cluster

        self._folder = folder
        self._cluster = Cluster()
        self._nodes: list[str] = []
        self._closed = threading.Event()
        self._helper = threading.Thread(target=self._speak_for_agents, daemon=True)
        self._helper.start()

    @property
    def address(self) -> str:
        return self._cluster.address

    def add(self, cores: int) -> object:
        """Start a machine with some cores."""
        self._nodes.append(secrets.token_hex(28))
        return self._cluster.add_node(
            num_cpus=cores,
            object_store_memory=100 * MEBIBYTE,
            include_dashboard=False,
            env_vars={"RAY_OVERRIDE_NODE_ID_FOR_TESTING": self._nodes[-1]},
            temp_dir=str(self._folder),
            **dict(zip(PORTS, free_ports(len(PORTS)), strict=True)),
        )

    def cut_off(self, node: object) -> None:
        """Kill a machine as a power failure does."""
        self._cluster.remove_node(node, allow_graceful=False)

    def close(self) -> None:
        """End all machines."""
        import ray

        ray.shutdown()
        self._closed.set()
        self._helper.join()
        self._cluster.shutdown()

    def _speak_for_agents(self) -> None:
        # A machine gives up if its dashboard's agent, which has nothing to do here, takes more
        # than 15 s to start, as it does where the cores are busy. So its message is there before.
        while not self._closed.wait(0.05):
            for session in self._folder.glob("session_2*"):
                for node in self._nodes:
                    message = session / f"dashboard_agent_listen_port_{node}"
                    if not message.exists():
                        message.write_text("-1")


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
