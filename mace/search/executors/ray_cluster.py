"""Reaching a Ray cluster, or one clear sentence within a stated time."""

import contextlib
import io
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from mace.errors import ConfigError

REACH_S = 5.0
# A head that is well answers at once, and one whose machine is busy within some seconds.
ANSWER_S = 10.0
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

    Args:
        address: see `connected`.

    Raises:
        ConfigError: as `connected` does.
    """
    ray = require_ray()
    if address is None or ray.is_initialized():
        return
    if address == "auto":
        from ray._private.services import get_ray_address_from_environment  # pyright: ignore[reportMissingImports]

        try:
            found = get_ray_address_from_environment("auto", None)
        except ConnectionError:
            found = None
        if found is None:
            raise ConfigError(
                "this machine belongs to no Ray cluster; start one with `ray start --head`, or "
                "join one with `ray start --address HOST:PORT`"
            )
        address = str(found)
    _require_head(address)


@contextmanager
def connected(address: str | None, *, workers: int | None) -> Iterator[ModuleType]:
    """Be a driver of the cluster within; one that is there already is used as it is.

    Args:
        address: HOST:PORT of its head, `auto` for the one this machine belongs to; None starts one
            of this machine alone, which ends with the block.
        workers: cores of a cluster that is started; its own number by default.

    Raises:
        ConfigError: if there is no cluster, within `REACH_S` for a machine that does not answer
            and `ANSWER_S` more for one that is no head of a cluster.
    """
    ray = require_ray()
    if ray.is_initialized():
        yield ray
        return
    settings: dict[str, Any] = {"address": address or "local"}
    if address is None:
        settings |= {
            "num_cpus": workers,
            "object_store_memory": OBJECT_STORE_BYTES,
            "include_dashboard": False,
        }
    require_cluster(address)
    try:
        # What it prints is for people who started Ray themselves.
        with contextlib.redirect_stderr(io.StringIO()):
            ray.init(**settings, namespace="mace", log_to_driver=False, logging_level="error")
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise ConfigError(
            f"no Ray cluster could be joined at {settings['address']} ({reason}); start one with "
            "`ray start --head` and give its HOST:PORT"
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _require_head(address: str) -> None:
    """Ray itself tries an address for a minute, and then ends the process without a sentence."""
    host, colon, port = address.rpartition(":")
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
            reasons.append(str(error).strip().partition("\n")[0] or repr(error))
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
