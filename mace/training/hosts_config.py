"""How the processes of one training find each other."""

from dataclasses import dataclass

from mace.errors import ConfigError


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
