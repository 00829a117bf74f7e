"""The processes of one training count themselves before JAX does, which ends without a sentence.

Where a process is missing, JAX's own start aborts all others after its time limit. So they meet at
the coordinator's port first, over plain TCP, and leave it to JAX when all have come.
"""

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mace.errors import ConfigError

RETRY_S = 0.2


@dataclass(frozen=True, kw_only=True)
class HostsConfig:
    """One training in several processes, usually on as many hosts; each gets the same command.

    Attributes:
        coordinator: HOST:PORT of process 0, which the others reach it by; `auto` leaves that, and
            the two numbers below, to JAX, which knows SLURM, Open MPI and TPU pods.
        processes: how many there are.
        process_id: which one this is, from 0.
        timeout_s: how long the processes wait for each other at the start.

    Raises:
        ConfigError: for settings that contradict each other.
    """

    coordinator: str
    processes: int | None = None
    process_id: int | None = None
    timeout_s: int = 120

    def __post_init__(self) -> None:
        if self.timeout_s < 1:
            raise ConfigError(f"timeout_s is {self.timeout_s}, expected 1 or more")
        if self.coordinator == "auto":
            if self.processes is not None or self.process_id is not None:
                raise ConfigError(
                    "--coordinator auto finds out how many processes there are and which this is; "
                    "leave out --processes and --process-id, or name the coordinator's HOST:PORT"
                )
            return
        host, colon, port = self.coordinator.rpartition(":")
        if not host or not colon or not port.isdigit() or not 0 < int(port) < 65536:
            raise ConfigError(
                f"--coordinator is {self.coordinator!r}, expected HOST:PORT of process 0, such as "
                "192.168.1.10:1234, or auto"
            )
        if self.processes is None or self.process_id is None:
            raise ConfigError(
                "--coordinator HOST:PORT needs --processes, how many there are, and --process-id, "
                "which of them this is"
            )
        if self.processes < 1 or not 0 <= self.process_id < self.processes:
            raise ConfigError(
                f"--process-id is {self.process_id} of {self.processes} processes, expected 0 to "
                f"{self.processes - 1}"
                if self.processes >= 1
                else f"--processes is {self.processes}, expected 1 or more"
            )


def hosts_config(
    coordinator: str | None, processes: int | None, process_id: int | None, timeout_s: int
) -> HostsConfig | None:
    """Return the configuration that a command's options say, or None without a coordinator.

    Raises:
        ConfigError: for options that contradict each other.
    """
    if coordinator is not None:
        return HostsConfig(
            coordinator=coordinator,
            processes=processes,
            process_id=process_id,
            timeout_s=timeout_s,
        )
    if processes is not None or process_id is not None:
        name = "--processes" if processes is not None else "--process-id"
        raise ConfigError(f"{name} needs --coordinator, where the processes meet")
    return None


def meet(config: HostsConfig) -> None:
    """Return once all processes are at the coordinator, and agree on how many they are.

    Raises:
        ConfigError: in each of them otherwise, after `timeout_s` if one is missing.
    """
    host, _, port = config.coordinator.rpartition(":")
    deadline = time.monotonic() + config.timeout_s
    if config.process_id == 0:
        _receive_all(int(port), config, deadline)
    else:
        _report(host.strip("[]"), int(port), config, deadline)


def _receive_all(port: int, config: HostsConfig, deadline: float) -> None:
    assert config.processes is not None
    there: dict[int, socket.socket] = {}
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(socket.create_server(("", port)))
        except OSError as error:
            raise ConfigError(
                f"port {port} of this host is not free for the other processes ({error}); choose "
                "another one in --coordinator"
            ) from error
        problem = ""
        while len(there) < config.processes - 1 and not problem:
            left = deadline - time.monotonic()
            server.settimeout(max(left, 0.001))
            try:
                connection, _ = server.accept()
            except TimeoutError:
                problem = _missing(config, sorted({*range(1, config.processes)} - {*there}))
                break
            stack.enter_context(connection)
            told = _read(connection, left)
            if told is None:
                continue  # no process of ours: somebody looks which ports are open
            number, count = told["process"], told["processes"]
            if count != config.processes:
                problem = (
                    f"process 0 expects {config.processes} processes and process {number} {count}; "
                    "give all the same --processes"
                )
            elif number in there:
                problem = f"two processes have the --process-id {number}; give each its own"
            if number not in there:
                there[number] = connection
            else:
                _say(connection, problem)
        for connection in there.values():
            _say(connection, problem)
        if problem:
            raise ConfigError(problem)
        # Whoever closes first holds the port for a while: let that be the others.
        for connection in there.values():
            connection.settimeout(5)
            with contextlib.suppress(OSError):
                connection.recv(1)


def _report(host: str, port: int, config: HostsConfig, deadline: float) -> None:
    with _connected(host, port, config, deadline) as connection:
        told = {"process": config.process_id, "processes": config.processes}
        connection.sendall(json.dumps(told).encode() + b"\n")
        # Process 0 may have begun to wait after this one, and says so in the end.
        answer = _read(connection, 2 * config.timeout_s)
    if answer is None:
        raise ConfigError(_unreachable(config, "it went away"))
    if answer["problem"]:
        raise ConfigError(answer["problem"])


@contextmanager
def _connected(
    host: str, port: int, config: HostsConfig, deadline: float
) -> Iterator[socket.socket]:
    while True:
        try:
            connection = socket.create_connection(
                (host, port), timeout=max(deadline - time.monotonic(), 0.1)
            )
            break
        except OSError as error:
            if time.monotonic() + RETRY_S > deadline:
                raise ConfigError(_unreachable(config, str(error))) from error
            time.sleep(RETRY_S)
    with connection:
        yield connection


def _read(connection: socket.socket, timeout_s: float) -> dict | None:
    connection.settimeout(max(timeout_s, 0.1))
    data = b""
    try:
        while not data.endswith(b"\n") and len(data) < 4096:
            piece = connection.recv(4096)
            if not piece:
                return None
            data += piece
        message = json.loads(data)
    except (OSError, ValueError):
        return None
    return (
        message if isinstance(message, dict) and message.keys() & {"process", "problem"} else None
    )


def _say(connection: socket.socket, problem: str) -> None:
    with contextlib.suppress(OSError):
        connection.sendall(json.dumps({"problem": problem}).encode() + b"\n")


def _missing(config: HostsConfig, missing: list[int]) -> str:
    names = ", ".join(map(str, missing))
    return (
        f"of the {config.processes} processes number {names} did not come to {config.coordinator} "
        f"within {config.timeout_s} s; start each with the same --coordinator and --processes and "
        "its own --process-id"
    )


def _unreachable(config: HostsConfig, reason: str) -> str:
    return (
        f"process 0 is not at {config.coordinator} ({reason}; tried for {config.timeout_s} s); "
        "start it on that host, its port open to the others"
    )
