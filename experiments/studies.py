"""All studies of the paper's questions in one command.

`python -m mace.experiments.studies run` runs what has no result yet, forty minutes on two idle
cores for everything; `... page` draws all figures and writes docs/experiments.md.
"""

import sys
from pathlib import Path
from typing import Literal

import tyro

from mace.errors import MaceError
from mace.experiments import (
    cross_database,
    dilation,
    face_correction,
    latency_accuracy,
    little_data,
    loss_schemes,
    representation,
    residual,
)
from mace.experiments.study import Places, Study, run_study
from mace.experiments.study_command import OUT_DIR
from mace.experiments.study_page import RESULTS, write_figure, write_page
from mace.places import DATA_DIR

STUDIES: tuple[Study, ...] = tuple(
    module.STUDY_OF
    for module in (
        loss_schemes,
        dilation,
        residual,
        face_correction,
        representation,
        cross_database,
        little_data,
        latency_accuracy,
    )
)


def main(
    what: tyro.conf.Positional[Literal["run", "page"]],
    seeds: int = 2,
    data_dir: Path = DATA_DIR,
    out: Path = OUT_DIR,
    workers: int = 0,
) -> None:
    """Run all studies, or draw their figures and write their page.

    Args:
        what: `run` or `page`.
        seeds: training seeds of each setting.
        data_dir: where prepared data sets lie.
        out: where unfinished work is kept.
        workers: processes that share the folds; 0 works in this one.
    """
    if what == "page":
        for study in STUDIES:
            write_figure(study)
        write_page(STUDIES)
        return
    places = Places(data_dir=data_dir, out=out, workers=workers)
    for study in STUDIES:
        run_study(study, seeds=seeds, places=places, results=RESULTS / f"{study.name}.jsonl")


if __name__ == "__main__":
    try:
        tyro.cli(main)
    except MaceError as error:
        print(error, file=sys.stderr)
        raise SystemExit(error.exit_code) from error
