"""`mace evaluate`: what a recipe is worth on people it has not seen."""

import json
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import tyro

from mace.annotation import ClassSet
from mace.commands.defaults import with_default_recipe
from mace.commands.places import DATA_DIR, RUNS_DIR, prepared_dataset
from mace.evaluation import EvaluationConfig, ProtocolConfig
from mace.experiments.recipes import FLOW, Recipe


def run(
    dataset: str = "synthetic/demo",
    also: tuple[str, ...] = (),
    classes: ClassSet | None = None,
    out: Path | None = None,
    seeds: int = 1,
    protocol: ProtocolConfig = ProtocolConfig(),  # noqa: B008
    data_dir: Path = DATA_DIR,
    workers: int = os.cpu_count() or 1,
    recipe: Recipe = FLOW,
    leaky: bool = False,
    as_json: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> None:
    """Cross-validate a recipe over subjects, with shallow baselines on the same input.

    Scores come from pooled counts; no test subject is seen in training, in choosing the epoch or
    in normalisation. An interrupted evaluation goes on where it was.

    Args:
        dataset: name and configuration of a prepared data set; `mace doctor` lists them.
        also: further prepared data sets, evaluated together with it.
        classes: set of classes to learn in place of the emotions; clips without one are left out.
        out: folder of the results; by default runs/evaluate/NAME/CONFIGURATION[-CLASSES].
        seeds: how many training seeds.
        protocol: the folds; leave one subject out by default.
        data_dir: where prepared data sets lie.
        workers: processes; each keeps to one core.
        recipe: input, network and training.
        leaky: afterwards train the usual leaks on purpose, to show what they would have made of it.
        as_json: print the summary as one JSON object instead of the table.
    """
    names = (dataset, *also)
    folders = [prepared_dataset(name, data_dir=data_dir) for name in names]
    config = EvaluationConfig(train=recipe.train, protocol=protocol, seeds=tuple(range(seeds)))

    from mace.commands.inputs import read_motion
    from mace.evaluation import cross_validate, headline_rows, print_table, summarise
    from mace.evaluation.leaky import show_leaks
    from mace.evaluation.score_text import benchmark_lines, print_leaks
    from mace.evaluation.selection import benchmark_of, join, restrict
    from mace.flow_images import holds_flow_images
    from mace.training import keep_compiled

    keep_compiled()
    benchmark, protocol = benchmark_of(protocol)
    if benchmark is not None and classes is None:
        # Ready-made images have classes of their own, which the benchmark's are chosen from.
        classes = None if any(map(holds_flow_images, folders)) else benchmark.class_set
    if out is None:
        place = "+".join(name.replace("/", "-") for name in names) if also else dataset
        suffixes = [protocol.benchmark or classes or ""]
        out = RUNS_DIR / "evaluate" / "-".join([place, *filter(None, suffixes)])
    inputs = join(
        [
            read_motion(folder, recipe, cache_dir=out / "cache", classes=classes)
            for folder in folders
        ]
    )
    if benchmark is not None:
        inputs = restrict(inputs, benchmark)
    config = replace(config, protocol=protocol)
    evaluation = cross_validate(
        inputs,
        config=config,
        run_dir=out,
        title=f"{recipe.train.model.arch.upper()}, {recipe.motion.representation}",
        description={"data set": ", ".join(names), **({"classes": classes} if classes else {})},
        command=shlex.join(["mace", *sys.argv[1:]]),
        workers=workers,
    )
    if leaky:
        rows = show_leaks(inputs, evaluation, config=config, run_dir=out, workers=workers)
        evaluation = replace(evaluation, leaks=rows)
    summary = summarise(evaluation)
    if as_json:
        print(json.dumps(summary, indent=2))
        return
    print_table(headline_rows([evaluation], [summary]))
    for line in benchmark_lines(summary["benchmark"]):
        print(line)
    if evaluation.leaks:
        print_leaks(evaluation.leaks)
    print(f"\nresults  {out}   (mace report {out})")


def adapted_run(arguments: Sequence[str]) -> Callable[..., None]:
    """Return `run` with the recipe's defaults for the data set that `arguments` name."""
    return with_default_recipe(run, arguments)
