"""The command line: finds the command's module, turns errors into sentences and exit codes."""

import importlib
import io
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NamedTuple

from mace import __version__
from mace.errors import MaceError

INTERRUPTED = 128 + signal.SIGINT  # what a shell reports for a program ended by Ctrl-C
TERMINATED = 128 + signal.SIGTERM


class Terminated(KeyboardInterrupt):
    """SIGTERM, which ends a command as Ctrl-C does: nothing is left half-written."""


class Command(NamedTuple):
    """A command by the module that holds it and the line that describes it."""

    module: str
    summary: str


# An explicit table, so that `mace --help` imports none of the modules it lists.
COMMANDS = {
    "reproduce": Command(
        "mace.experiments.reproduce_command",
        "the main job: data, training, honest evaluation, report, model",
    ),
    "prepare": Command("mace.commands.prepare", "prepare a data set: correct faces, store clips"),
    "train": Command("mace.commands.train", "train one model on a prepared data set"),
    "pretrain": Command("mace.commands.pretrain", "train a network on rendered faces alone"),
    "evaluate": Command("mace.commands.evaluate", "cross-validate over subjects, with baselines"),
    "search": Command("mace.commands.search", "choose settings without the tested subjects"),
    "top": Command("mace.commands.top", "watch a search at work"),
    "zoo": Command(
        "mace.commands.zoo", "the field's networks: what is published, and all trained alike"
    ),
    "score": Command("mace.commands.score", "score a log of predictions, whoever made it"),
    "compare": Command("mace.commands.compare", "runs side by side, and the published numbers"),
    "audit": Command("mace.commands.audit", "look for leaks in a run or a split of any code base"),
    "report": Command(
        "mace.commands.report", "write the HTML report of evaluations, or of a search"
    ),
    "live": Command("mace.commands.live", "what moves in the faces of a camera or video"),
    "spot": Command("mace.commands.spot", "find the micro-expressions in long videos"),
    "flow-images": Command(
        "mace.commands.flow_images", "a data set's motion as pictures, for the code of others"
    ),
    "export": Command(
        "mace.commands.export", "a trained model as one program that needs no MACE to run"
    ),
    "review": Command("mace.commands.review", "code videos by hand, on a page; compare two coders"),
    "doctor": Command("mace.commands.doctor", "check versions, devices, data sets and models"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `mace` with `arguments` (default: the process's own) and return the exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if not arguments or arguments[0] in ("-h", "--help"):
        print(overview())
        return 0 if arguments else 2
    if arguments[0] in ("-V", "--version"):
        print(f"mace {__version__}")
        return 0
    name = arguments[0]
    if name not in COMMANDS:
        print(f"mace: there is no command {name!r}; `mace --help` lists them", file=sys.stderr)
        return 2
    _quiet_native_libraries()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Names of files may hold bytes that are no text; standard error writes them so by itself.
        sys.stdout.reconfigure(errors="backslashreplace")
    previous = signal.signal(signal.SIGTERM, _terminate)
    try:
        return _run(name, arguments[1:])
    except MaceError as error:
        print(f"mace {name}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt as stop:
        then = str(stop) or "the same command goes on from here"
        print(f"mace {name}: interrupted; {then}", file=sys.stderr)
        return TERMINATED if isinstance(stop, Terminated) else INTERRUPTED
    except BrokenPipeError:
        # The reader of our output (`head`, a pager) has gone; nothing is left to say to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    finally:
        signal.signal(signal.SIGTERM, previous)


def overview() -> str:
    """Return the help page that lists the commands."""
    width = max(map(len, COMMANDS))
    rows = [f"  {name:<{width}}  {command.summary}" for name, command in COMMANDS.items()]
    return "\n".join(
        [
            "usage: mace COMMAND [options]",
            "",
            "Micro-expression recognition with multi-scale atrous convolutions.",
            "",
            "commands:",
            *rows,
            "",
            "`mace COMMAND --help` explains a command's options.",
        ]
    )


def _run(name: str, arguments: list[str]) -> int:
    # What tyro checks types with would look for plugins in every installed package: 50 ms.
    os.environ.setdefault("TYPEGUARD_DISABLE_PLUGIN_AUTOLOAD", "1")
    import tyro  # not at the top: it costs 0.2 s that `mace --help` need not pay

    module = importlib.import_module(COMMANDS[name].module)
    # Some defaults depend on an argument; the help page then shows the right ones as well.
    adapt = getattr(module, "adapted_run", None)
    tyro.cli(module.run if adapt is None else adapt(arguments), prog=f"mace {name}", args=arguments)
    return 0


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


def _quiet_native_libraries() -> None:
    """Keep OpenCV, FFmpeg and BLAS from chattering or over-threading, unless the user says so."""
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Two BLAS threads more than double the cost of the renderer's small products.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


if __name__ == "__main__":
    sys.exit(main())
