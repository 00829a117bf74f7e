"""One training on several hosts: they meet, agree, and leave all files to one of them.

Every process runs the same program on its own devices; without `join_hosts` there is one process,
and everything here does nothing.
"""

import hashlib
import pickle
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils

from mace.errors import ConfigError, MaceError, TrainingError
from mace.hosts.meeting import HostsConfig, meet

# How long a process waits for one that computes or writes; one that has died is missed earlier.
PATIENCE_S = 24 * 3600


def join_hosts(config: HostsConfig) -> None:
    """Meet the other processes; from then on `jax.devices` are those of all of them.

    Call it before anything is computed with JAX.

    Raises:
        ConfigError: if they do not meet within `timeout_s`, or do not agree how many they are.
    """
    # The default of a CPU knows no other host; accelerators do not look at it.
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    explicit: dict[str, Any] = {}
    if config.coordinator != "auto":
        meet(config)
        explicit = {
            "coordinator_address": config.coordinator,
            "num_processes": config.processes,
            "process_id": config.process_id,
        }
    # It would catch SIGTERM for itself; here a signal ends a run with its state saved.
    jax.config.update("jax_enable_preemption_service", False)
    started = time.monotonic()
    try:
        jax.distributed.initialize(
            **explicit,
            cluster_detection_method="deactivate" if explicit else None,
            initialization_timeout=config.timeout_s,
            shutdown_timeout_seconds=30,
        )
    except ValueError as error:
        raise ConfigError(
            "--coordinator auto finds neither SLURM, Open MPI nor a TPU pod here; give HOST:PORT "
            f"with --processes and --process-id ({error})"
        ) from error
    except RuntimeError as error:
        raise ConfigError(_not_met(config, time.monotonic() - started, error)) from error


def several_hosts() -> bool:
    """Return whether there are other processes."""
    return jax.process_count() > 1


def is_writer() -> bool:
    """Return whether this is the process that writes files and speaks to people."""
    return jax.process_index() == 0


def by_writer[R](make: Callable[[], R]) -> R:
    """Return in all processes what `make` returns in the one that writes, or raise its error.

    So no process goes on when the disk of another is full, or waits for it for ever.
    """
    if not several_hosts():
        return make()
    made: tuple[bool, Any] = (True, None)
    if is_writer():
        try:
            made = (True, make())
        except MaceError as error:
            made = (False, error)
    _meet()
    good, value = pickle.loads(_spread(pickle.dumps(made)))
    if not good:
        raise value
    return value


@contextmanager
def writer_first() -> Iterator[None]:
    """Let the process that writes go through the block before the others, which find its files."""
    if not several_hosts():
        yield
        return
    if not is_writer():
        by_writer(lambda: None)
        yield
        return
    try:
        yield
    except MaceError as error:
        by_writer(_raiser(error))
    else:
        by_writer(lambda: None)


def require_same(what: str, value: str) -> None:
    """Check that all processes have the same `value`.

    Raises:
        ConfigError: in all of them, if one has another.
    """
    if not several_hosts():
        return
    digest = np.frombuffer(hashlib.sha256(value.encode()).digest(), np.uint8)
    digests = np.asarray(multihost_utils.process_allgather(digest))
    others = [number for number, other in enumerate(digests) if (other != digests[0]).any()]
    if others:
        raise ConfigError(
            f"process {others[0]} has another {what} than process 0; give all processes the same "
            "command and the same data"
        )


def any_signal(number: int) -> int:
    """Return the largest `number` of all processes."""
    if not several_hosts():
        return number
    return int(np.max(multihost_utils.process_allgather(np.asarray(number, np.int32))))


def _raiser(error: MaceError) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


_meetings = 0


def _meet() -> None:
    # A collective operation gives up after half a minute, and computing inputs may take longer.
    global _meetings
    _meetings += 1
    _client().wait_at_barrier(f"mace/meet/{_meetings}", PATIENCE_S * 1000)


def _spread(data: bytes) -> bytes:
    length = int(multihost_utils.broadcast_one_to_all(np.asarray(len(data), np.int32)))
    page = np.zeros(length, np.uint8)
    if is_writer():
        page[:] = np.frombuffer(data, np.uint8)
    return np.asarray(multihost_utils.broadcast_one_to_all(page)).astype(np.uint8).tobytes()


def _client() -> Any:
    # JAX has no public name for it; Orbax reaches it in the same way.
    from jax._src.distributed import global_state

    if global_state.client is None:
        raise TrainingError("the processes have not met; this is a mistake in the program")
    return global_state.client


def _not_met(config: HostsConfig, waited_s: float, error: BaseException) -> str:
    place = "the coordinator" if config.coordinator == "auto" else config.coordinator
    number = "" if config.processes is None else f"the {config.processes} "
    reason = (str(error).strip().splitlines() or [repr(error)])[0]
    return (
        f"{number}processes did not all meet at {place} within {waited_s:.0f} s; start each of "
        "them with the same --coordinator and --processes and its own --process-id, process 0 on "
        f"the coordinator's host, its port open to the others ({reason[:200]})"
    )
