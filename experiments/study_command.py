"""The command line of a study: run what is missing, or draw and write what is there."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from mace.errors import MaceError
from mace.experiments.study import Places, Study, run_study
from mace.experiments.study_page import RESULTS, section, write_figure, write_page
from mace.places import DATA_DIR, RUNS_DIR

OUT_DIR = RUNS_DIR / "experiments"

type What = Annotated[Literal["run", "page"], tyro.conf.Positional]


def main(study: Study) -> None:
    """Run the command line of one study; errors end the process with one sentence."""

    def command(
        what: What = "run",
        seeds: int = 2,
        only: str = "",
        data_dir: Path = DATA_DIR,
        out: Path = OUT_DIR,
        workers: int = 0,
    ) -> None:
        """Run the study, or draw its figure and write docs/experiments.md.

        Args:
            what: `run` trains what the committed results lack; `page` draws and writes.
            seeds: training seeds of each setting.
            only: run only settings whose names hold this.
            data_dir: where prepared data sets lie.
            out: where unfinished work is kept.
            workers: processes that share the folds; 0 works in this one.
        """
        places = Places(data_dir=data_dir, out=out, workers=workers)
        run_or_write(study, what, seeds=seeds, only=only, places=places)

    start(command, study)


def start(command: Callable[..., None], study: Study) -> None:
    """Run a command function under the name and with the description of a study."""
    try:
        tyro.cli(command, prog=f"python -m mace.experiments.{study.name}", description=study.about)
    except MaceError as error:
        print(f"{study.name}: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from error


def run_or_write(
    study: Study, what: Any, *, seeds: int, only: str, places: Places, committed: bool = True
) -> None:
    """Do what a command line asks for.

    Without `committed` results go below `places.out` instead of the package, and the tables are
    printed instead of written, as for data sets that only their owner has.
    """
    folder = RESULTS if committed else places.out
    if what == "run":
        results = folder / f"{study.name}.jsonl"
        run_study(study, seeds=seeds, places=places, results=results, only=only)
    if not committed:
        print(section(study, folder))
    elif what == "page":
        write_figure(study)
        # Every study is on the page, so they are imported by the time it is written.
        from mace.experiments.studies import STUDIES

        write_page(STUDIES)
