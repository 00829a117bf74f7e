"""`mace evaluate`: what a recipe is worth on people it has not seen."""

import json
import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import tyro

from mace.commands.places import DATA_DIR, RUNS_DIR, prepared_dataset
from mace.evaluation import EvaluationConfig, ProtocolConfig
from mace.experiments.recipes import FLOW, Recipe


def run(
    dataset: str = "synthetic/demo",
    out: Path | None = None,
    seeds: int = 1,
    protocol: ProtocolConfig = ProtocolConfig(),  # noqa: B008
    data_dir: Path = DATA_DIR,
    workers: int = os.cpu_count() or 1,
    recipe: Recipe = FLOW,
    as_json: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> None:
    """Cross-validate a recipe over subjects, with shallow baselines on the same input.

    Scores come from pooled counts; no test subject is seen in training, in choosing the epoch or
    in normalisation. An interrupted evaluation goes on where it was.

    Args:
        dataset: name and configuration of a prepared data set; `mace doctor` lists them.
        out: folder of the results; by default runs/evaluate/NAME/CONFIGURATION.
        seeds: how many training seeds.
        protocol: the folds; leave one subject out by default.
        data_dir: where prepared data sets lie.
        workers: processes; each keeps to one core.
        recipe: input, network and training.
        as_json: print the summary as one JSON object instead of the table.
    """
    folder = prepared_dataset(dataset, data_dir=data_dir)
    config = EvaluationConfig(train=recipe.train, protocol=protocol, seeds=tuple(range(seeds)))

    from mace.data import load_clips
    from mace.evaluation import cross_validate, headline_rows, print_table, summarise
    from mace.experiments.running import motion_set
    from mace.training import keep_compiled

    keep_compiled()
    out = RUNS_DIR / "evaluate" / dataset if out is None else out
    evaluation = cross_validate(
        motion_set(load_clips(folder), recipe, cache_dir=out / "cache"),
        config=config,
        run_dir=out,
        title=f"{recipe.train.model.arch.upper()}, {recipe.motion.representation}",
        description={"data set": dataset},
        command=shlex.join(["mace", *sys.argv[1:]]),
        workers=workers,
    )
    summary = summarise(evaluation)
    if as_json:
        print(json.dumps(summary, indent=2))
    else:
        print_table(headline_rows([evaluation], [summary]))
        print(f"\nresults  {out}   (mace report {out})")
