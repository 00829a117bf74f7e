"""How a Ray cluster is reached: what can be wrong with it is a sentence, and soon."""

import contextlib
import io
import os
import socket
import threading
from types import ModuleType
from typing import Any

from mace.errors import ConfigError, first_line
from mace.search.config import EngineConfig

# How long a machine may take to be reached. The head of a Ray cluster answers at once if it is
# well, and within some seconds if its machine is busy.
REACH_S, ANSWER_S = 5.0, 10.0
OBJECT_STORE_BYTES = 500 * 2**20


def require_ray() -> ModuleType:
    """Return the package `ray`, told to keep to itself.

    Raises:
        ConfigError: if it is not installed.
    """
    # Ray reports each cluster to its makers, and under `uv run` it would send every worker the
    # whole working folder; neither is wanted unless the user says so.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
    # What Ray will do in future versions; it warns that it does not yet.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise ConfigError(
            "the engine ray needs the package ray, which is not installed; run `pip install "
            '"mace-mer[ray]"` on every machine of the cluster'
        ) from error
    return ray


def require_cluster(address: str | None) -> None:
    """Refuse an address at which no cluster is, before anything is done for it.

    Ray itself tries one for a minute, and then ends the process without a sentence.

    Args:
        address: HOST:PORT of the head, or `auto`; None starts a cluster, and is never wrong.

    Raises:
        ConfigError: within `REACH_S` for a machine that does not answer, and `ANSWER_S` more for
            one that is no head of a cluster.
    """
    ray = require_ray()
    if address is None or ray.is_initialized():
        return
    if address == "auto":
        from ray._private.services import get_ray_address_from_environment  # pyright: ignore[reportMissingImports]

        with contextlib.suppress(ConnectionError):
            address = get_ray_address_from_environment("auto", None)
        if address in (None, "auto"):
            raise ConfigError(
                "this machine belongs to no Ray cluster; start one with `ray start --head`, or "
                "join one with `ray start --address HOST:PORT`"
            )
    host, colon, port = str(address).rpartition(":")
    if not colon or not port.isdigit() or "/" in host:
        raise ConfigError(
            f"engine.address is {address!r}, expected HOST:PORT of the head of a Ray cluster, such "
            "as 192.168.1.10:6379, or auto"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=REACH_S).close()
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"no Ray cluster answers at {address} ({error}); start one there with "
            f"`ray start --head --port={port}`"
        ) from error
    asked, reasons = threading.Event(), []

    def ask() -> None:
        from ray._raylet import GcsClient  # pyright: ignore[reportMissingImports, reportAttributeAccessIssue]

        try:
            GcsClient(address=address)
        except Exception as error:
            reasons.append(first_line(error))
        asked.set()

    # Its own time limit is longer and cannot be set; a thread can be left behind.
    threading.Thread(target=ask, daemon=True).start()
    if not asked.wait(ANSWER_S):
        reasons.append(f"nothing was said within {ANSWER_S:.0f} s")
    if reasons:
        raise ConfigError(
            f"something listens at {address}, but it does not answer as the head of a Ray cluster "
            f"({reasons[0]}); check the address, and that both have the same version of Ray"
        )


def join_cluster(config: EngineConfig) -> None:
    """Become a driver of the cluster; without an address of one on this machine alone.

    Raises:
        ConfigError: if there is no such cluster.
    """
    settings: dict[str, Any] = {"address": config.address or "local"}
    if config.address is None:
        settings |= {
            "num_cpus": config.workers,
            "object_store_memory": OBJECT_STORE_BYTES,
            "include_dashboard": False,
        }
    require_cluster(config.address)
    ray = require_ray()
    try:
        # What it prints is for people who started Ray themselves.
        with contextlib.redirect_stderr(io.StringIO()):
            ray.init(**settings, namespace="mace", log_to_driver=False, logging_level="error")
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ConfigError(
            f"no Ray cluster could be joined at {settings['address']} ({first_line(error)}); start "
            "one with `ray start --head` and give its HOST:PORT"
        ) from error
