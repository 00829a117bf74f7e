"""Errors that are written for the person who made the mistake, not for the debugger."""


class MaceError(Exception):
    """A mistake the user can mend: one sentence that says what, where and what to do.

    The command line prints the sentence without a traceback and exits with `exit_code`.
    """

    exit_code: int = 2


class ConfigError(MaceError):
    """A setting that is out of range, or that contradicts another one."""


class DataError(MaceError):
    """A data set, video, image or annotation that is missing, damaged or not what it says."""

    exit_code = 3


class CheckpointError(MaceError):
    """A checkpoint that is missing, damaged, or made with another configuration."""

    exit_code = 4


class TrainingError(MaceError):
    """Training that cannot go on, such as a loss that is not a number."""

    exit_code = 5


class WorkerError(MaceError):
    """A worker process that died, killed by the system or by somebody."""

    exit_code = 5


class OutputError(MaceError):
    """A place that cannot be written to: no permission, or no space left."""

    exit_code = 6


def first_line(error: BaseException) -> str:
    """Return the first line of what a library says went wrong, for a sentence of our own."""
    return next(filter(None, map(str.strip, str(error).splitlines())), repr(error))
