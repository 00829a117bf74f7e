"""`mace zoo`: the field's networks, what is published of them and what they are worth here."""

import functools
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from mace.annotation.class_sets import ClassSet
from mace.commands.defaults import check_counts, with_default_recipe
from mace.config import config_hash, to_dict
from mace.errors import ConfigError, TrainingError
from mace.evaluation.config import ProtocolConfig, describe_folds
from mace.places import DATA_DIR, RUNS_DIR, prepared_dataset
from mace.protocols.benchmarks import class_benchmark
from mace.recipes import FLOW, Recipe

if TYPE_CHECKING:
    from mace.data.motion_set import MotionSet
    from mace.evaluation.zoo.results import Result

SEEDS = 3


def run(
    dataset: str | None = None,
    networks: tuple[str, ...] = (),
    classes: ClassSet | None = None,
    seeds: int = SEEDS,
    protocol: ProtocolConfig = ProtocolConfig(),  # noqa: B008
    out: Path | None = None,
    results: Path | None = None,
    page: Path | None = None,
    data_dir: Path = DATA_DIR,
    workers: int = os.cpu_count() or 1,
    recipe: Recipe = FLOW,
    as_json: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> None:
    """List the field's networks and descriptors, or train all of them alike on a data set.

    Without a data set nothing is trained: a line for each network with its paper, images, weights
    and published score, and what is known to be wrong with that.

    With one, every network has the same recipe, folds and seeds; only the network differs, and the
    size of its images where its paper has one and they are not ready-made. Kernel ridge stands
    beside each. An interrupted run goes on where it was.

    Args:
        dataset: name and configuration of a prepared data set; `mace doctor` lists them.
        networks: the rows to list or train, by name, or `module:attribute` for a file of your own;
            by default all.
        classes: set of classes to learn in place of the emotions; clips without one are left out.
        seeds: how many training seeds.
        protocol: the folds; leave one subject out by default.
        out: folder of the evaluations; by default runs/zoo/NAME/CONFIGURATION[-CLASSES].
        results: table (CSV) that the scores are added to; by default zoo.csv in that folder.
        page: write the page of the zoo (Markdown) from that table.
        data_dir: where prepared data sets lie.
        workers: processes that share the folds of kernel ridge.
        recipe: what all networks have in common; settings of a network are those of `macnn` and
            its controls.
        as_json: print the scores as JSON in place of the table.
    """
    from mace.evaluation.table import print_text_table
    from mace.evaluation.zoo.page import MEASURED, measured_row, zoo_page
    from mace.evaluation.zoo.results import read_results
    from mace.evaluation.zoo.rows import EVALUATED, ROWS, network_rows
    from mace.files import write_text

    if page is not None and dataset is None and not (results and results.exists()):
        raise ConfigError(
            f"--page shows what is in --results, and {results or 'none was given'} is no table; "
            "give the table, or a --dataset to train on"
        )
    if dataset is None:
        given = {
            "--classes": classes is not None, "--seeds": seeds != SEEDS,
            "--protocol": protocol != ProtocolConfig(), "--out": out is not None,
            "--recipe": recipe != FLOW,
        }  # fmt: skip
        if any(given.values()):
            raise ConfigError(
                f"{', '.join(name for name, there in given.items() if there)} would say how "
                "networks are trained, and without a data set none is; add --dataset"
            )
    names = networks or (ROWS if dataset is None else EVALUATED)
    check_counts(seeds=seeds, workers=workers)
    if protocol.benchmark is not None:
        class_benchmark(protocol.benchmark)
    rows = network_rows(names)  # which refuses a name that no network has
    scores: list[Result] = [] if results is None else read_results(results)
    failed: list[str] = []
    if dataset is None:
        if as_json:
            print(json.dumps(rows, indent=2))
        else:
            _print_list(rows)
    else:
        place = "-".join(filter(None, [dataset, protocol.benchmark or classes]))
        out = RUNS_DIR / "zoo" / place if out is None else out
        results = out / "zoo.csv" if results is None else results
        new, failed, scores = _trained(
            dataset, names, classes=classes, seeds=seeds, protocol=protocol, out=out,
            results=results, data_dir=data_dir, workers=workers, recipe=recipe, place=place,
        )  # fmt: skip
        if as_json:
            print(json.dumps([asdict(result) for result in new], indent=2))
        else:
            if new:
                print_text_table(MEASURED, [measured_row(result) for result in new])
            print(f"\nresults  {results}   (evaluations in {out})")
    if page is not None:
        write_text(page, zoo_page(scores, command=f"mace zoo --results {results} --page {page}"))
    if failed:
        raise TrainingError(f"there is no result of {', '.join(failed)}, as said above")


def _print_list(rows: Sequence[Mapping[str, Any]]) -> None:
    from mace.evaluation.table import print_text_table
    from mace.evaluation.zoo.rows import HEADINGS, LEGEND, listed

    print_text_table(HEADINGS, [listed(row) for row in rows])
    print(LEGEND)
    for row in rows:
        if row["seen"]:
            print(f"  {row['network']}: {row['seen']}")


def _trained(
    dataset: str,
    names: tuple[str, ...],
    *,
    classes: ClassSet | None,
    seeds: int,
    protocol: ProtocolConfig,
    out: Path,
    results: Path,
    data_dir: Path,
    workers: int,
    recipe: Recipe,
    place: str,
) -> tuple[list["Result"], list[str], list["Result"]]:
    """Train; return the new scores, what failed, and all of the table they were added to."""
    folder = prepared_dataset(dataset, data_dir=data_dir)

    from mace.compilation import keep_compiled
    from mace.data.flow_images import holds_flow_images
    from mace.evaluation.selection import benchmark_of, of_partitions, restrict
    from mace.evaluation.zoo.evaluate import evaluate_zoo
    from mace.evaluation.zoo.results import check_alike, read_results, write_results
    from mace.inputs import read_motion
    from mace.models.runtime import keep_heap

    keep_compiled()
    keep_heap()
    benchmark, protocol = benchmark_of(protocol)
    ready = holds_flow_images(folder)
    if benchmark is not None and classes is None and not ready:
        classes = benchmark.class_set

    def read(own: Recipe, name: str) -> "MotionSet":
        inputs = read_motion(
            folder, own, cache_dir=out / "cache", classes=classes, benchmark=benchmark,
            lbp_top=name == "lbp_top",
        )  # fmt: skip
        inputs = inputs if benchmark is None else restrict(inputs, benchmark)
        return of_partitions(inputs, protocol)

    there = [result for result in read_results(results) if result.network not in names]
    alike = functools.partial(
        check_alike, there, dataset=place, folds=describe_folds(to_dict(protocol)), path=results
    )
    for name in names:
        alike(name, recipe=config_hash(recipe), seeds=seeds)

    def check(name: str, size: int, inputs: "MotionSet") -> None:
        people = len(set(inputs.groups.tolist()))
        alike(name, classes=len(inputs.classes), clips=len(inputs), people=people, size=size,
              data=inputs.fingerprint)  # fmt: skip

    new, failed = evaluate_zoo(
        names,
        recipe,
        read=read,
        dataset=place,
        fixed_size=ready,
        seeds=seeds,
        protocol=protocol,
        out=out,
        workers=workers,
        log=lambda line: print(line, file=sys.stderr),
        check=check,
        done=lambda result: write_results(results, [result]),
    )
    if not new and not failed:
        raise ConfigError("nothing was evaluated: every row was left out, as said above")
    return new, failed, read_results(results)


# The recipe's defaults are those for the data set that the arguments name.
adapted_run = functools.partial(with_default_recipe, run)
