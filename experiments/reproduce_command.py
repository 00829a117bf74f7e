"""`mace reproduce`: the main job, from nothing to a table, a report and a model."""

import json
import os
import shlex
import sys
from pathlib import Path
from typing import Annotated, Literal

import tyro

from mace.places import DATA_DIR, RUNS_DIR


def run(
    preset: Literal["tiny", "demo", "full"] = "demo",
    seeds: int = 1,
    data_seed: int = 0,
    data_dir: Path = DATA_DIR,
    out: Path = RUNS_DIR / "reproduce",
    workers: int = os.cpu_count() or 1,
    as_json: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> None:
    """Render a data set, cross-validate MACNN with its baselines, write a report, keep a model.

    Interrupt it whenever you like; the same command goes on where it was.

    Args:
        preset: size of the synthetic data set; tiny takes a minute and proves nothing.
        seeds: how many training seeds; the README's claim is a mean over three.
        data_seed: of the people and clips; 0 is the set on which the recipes were chosen.
        data_dir: where prepared data sets lie.
        out: folder of the results: flow, appearance, model, report.
        workers: processes; each keeps to one core.
        as_json: print the summaries as one JSON object instead of the table.
    """
    from mace.compilation import keep_compiled
    from mace.evaluation.method_scores import figures_json
    from mace.evaluation.report.report import write_report
    from mace.evaluation.summary import summarise
    from mace.evaluation.table import headline_rows, print_table
    from mace.experiments.reproduce import Config, run_study
    from mace.models.runtime import keep_heap

    keep_compiled()
    keep_heap()
    study = run_study(
        Config(preset=preset, seeds=tuple(range(seeds)), data_seed=data_seed),
        data_dir=data_dir,
        out=out,
        workers=workers,
        command=shlex.join(["mace", *sys.argv[1:]]),
    )
    evaluations = [study.flow, study.appearance]
    page = write_report(evaluations, folder=out / "report", faces=study.faces)
    summaries = [summarise(evaluation) for evaluation in evaluations]
    if as_json:
        print(json.dumps({s.title: figures_json(s) for s in summaries}, indent=2))
    else:
        print_table(headline_rows(evaluations, summaries))
        print(f"\nreport  {page}")
        print(f"model   {study.model}   (mace live VIDEO --model {study.model})")
