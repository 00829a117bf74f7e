"""`mace evaluate`: what a recipe is worth on people it has not seen."""

import functools
import json
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from mace.adaptation.config import AdaptConfig
from mace.annotation.class_sets import ClassSet
from mace.commands.defaults import DATASET, check_counts, with_default_recipe
from mace.commands.mixing import make_mix, read_mix
from mace.commands.starting import Start, starting_from
from mace.errors import ConfigError, DataError, OutputError
from mace.evaluation.config import (
    DescriptorConfig,
    EvaluationConfig,
    ProtocolConfig,
    ZeroShotConfig,
)
from mace.models.networks import network_of
from mace.places import DATA_DIR, RUNS_DIR, prepared_dataset
from mace.protocols.benchmarks import BENCHMARKS
from mace.recipes import FLOW, Recipe

if TYPE_CHECKING:
    from mace.data.clips import Clip


def run(
    dataset: str = DATASET,
    also: tuple[str, ...] = (),
    classes: ClassSet | None = None,
    out: Path | None = None,
    seeds: int = 1,
    protocol: ProtocolConfig = ProtocolConfig(),  # noqa: B008
    data_dir: Path = DATA_DIR,
    workers: int = os.cpu_count() or 1,
    recipe: Recipe = FLOW,
    zero_shot: str | None = None,
    init: str | None = None,
    mix: str | None = None,
    adapt: bool = False,
    adaptation: AdaptConfig = AdaptConfig(),  # noqa: B008
    target: Literal["classes", "aus"] = "classes",
    units_from: Path | None = None,
    baselines: bool = True,
    descriptors: tuple[Literal["bi_woof", "lbp_top"], ...] = (),
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
        workers: processes that render, train baselines, and see to what is not trained as one
            population (`--zero-shot`, `--init --adapt`); each keeps to one core.
        recipe: input, network and training.
        zero_shot: evaluate this network as it is, without any training: the folder of a model, or
            `pretrained` for the one that comes with MACE. Emotions that are none of its classes are
            read from the action units that it names.
        init: fine-tune this network in every fold, in place of a new one; named alike.
        mix: rendered faces that share every training batch and how much of it they get:
            `synthetic:0.5` for pairs made for this input (minutes, once), or a prepared data set
            such as `synthetic/demo:0.5`.
        adapt: show the network of `zero_shot` or `init` the windows of the images, in the order and
            signs of the channels, that tell it most about the clips of the training subjects,
            without their labels.
        adaptation: what is tried.
        target: `aus` evaluates every action unit that the clips' annotations list, present or
            absent, in place of the classes: the pre-trained network's own outputs with
            `zero_shot`, otherwise a network trained for each unit. So do the benchmarks `cd6me`
            and, for emotions, `four_dme-5`.
        units_from: for `aus` and `recipe.train.unit-weight`, a table with the columns `clip`, `aus`
            and perhaps `subject`, such as a data set's sheet, where the data set has no action
            units itself, as ready-made flow images.
        baselines: whether to train shallow baselines on the same input.
        descriptors: the field's own baselines to stand beside it too, Bi-WOOF of flow and strain
            and LBP-TOP of the clips' frames, each with a linear SVM.
        leaky: afterwards train the usual leaks on purpose, to show what they would have made of it.
        as_json: print the summary as one JSON object instead of the table.
    """
    check_counts(seeds=seeds, workers=workers)
    if out is not None and out.is_file():
        raise OutputError(f"{out} is a file; --out names a folder")
    names = (dataset, *also)
    folders = [prepared_dataset(name, data_dir=data_dir) for name in names]
    named = BENCHMARKS[protocol.benchmark] if protocol.benchmark else None
    several = named is not None and named.labels != "one"
    aus = target == "aus" or several
    if units_from is not None and not aus and not recipe.train.unit_weight:
        raise ConfigError(
            "--units-from goes with --target aus or --recipe.train.unit-weight; add one or leave "
            "out --units-from"
        )
    if several and classes is not None:
        raise ConfigError(f"{protocol.benchmark} names its labels itself; leave out --classes")
    if named is not None and named.labels == "emotions" and zero_shot is not None:
        raise ConfigError(
            f"{named.name} has several emotions to a clip, which no pre-trained network names; "
            "leave out --zero-shot"
        )
    if aus and (leaky or as_json):
        raise ConfigError(
            f"{protocol.benchmark if several else '--target aus'} trains no leaks and writes "
            "units.csv in place of JSON; leave out --leaky or --json"
        )
    start = starting_from(
        zero_shot=zero_shot,
        init=init,
        needs_network=["--adapt"] if adapt else [],
        without_zero_shot=[*(["--leaky"] if leaky else []), *(["--mix"] if mix else [])],
    )
    if leaky and (protocol.kind == "partition" or (named and named.folds == "partition")):
        raise ConfigError(
            "--leaky deals clips to folds anew, which the authors' partitions are not"
        )
    if leaky and adapt:
        raise ConfigError(
            "--leaky shows what leaks are worth on the images as they are; leave out it or --adapt"
        )
    as_it_is = start if start is not None and start.use == "zero-shot" else None
    if as_it_is is not None and not aus:
        # Now, not after a minute of reading clips and computing their motion.
        as_it_is.check_set(classes, named)
    if "bi_woof" in descriptors:
        from mace.evaluation.methods.descriptors import check_bi_woof

        check_bi_woof(recipe.motion)
    if units_from is not None and not units_from.exists():
        raise DataError(f"there is no table {units_from}, which --units-from names")
    mixed = read_mix(mix, data_dir=data_dir)
    config = EvaluationConfig(train=recipe.train, protocol=protocol, seeds=tuple(range(seeds)))
    if not baselines:
        config = replace(config, logistic_regression=None, svm=None, kernel_ridge=None)
    config = replace(config, **{name: DescriptorConfig() for name in descriptors})
    if start is not None and start.use == "init":
        config = replace(config, start=start.bundle, adapt=adaptation if adapt else None)
    untrained = None
    if start is not None:
        untrained = ZeroShotConfig(
            bundle=start.bundle,
            adapt=adaptation if adapt else None,
            pair_average=recipe.train.pair_average,
        )
    if as_it_is is not None:
        # Nothing is drawn at random: one seed says it all.
        config = replace(config, zero_shot=untrained, seeds=(0,))

    from mace.compilation import keep_compiled
    from mace.data.flow_images import holds_flow_images
    from mace.evaluation.action_units import evaluate_units
    from mace.evaluation.cross_validation import evaluate_methods
    from mace.evaluation.leaky import show_leaks
    from mace.evaluation.method_scores import figures_json
    from mace.evaluation.protocol_folds import check_people
    from mace.evaluation.report.mean_motion import draw_mean_motion
    from mace.evaluation.score_text import (
        adaptation_lines,
        benchmark_lines,
        best_windows,
        print_leaks,
    )
    from mace.evaluation.selection import benchmark_of, join, of_partitions, restrict
    from mace.evaluation.summary import summarise
    from mace.evaluation.table import headline_rows, print_table, print_units
    from mace.inputs import read_motion, with_units
    from mace.models.runtime import keep_heap

    keep_compiled()
    keep_heap()
    benchmark, protocol = benchmark_of(protocol)
    images = any(map(holds_flow_images, folders))
    if benchmark is not None and classes is None:
        # Ready-made images have classes of their own, which the benchmark's are chosen from.
        classes = None if images else benchmark.class_set
    if as_it_is is not None and classes is None and not images and not aus:
        classes = as_it_is.class_set
    if out is None:
        place = "+".join(name.replace("/", "-") for name in names) if also else dataset
        suffixes = [protocol.benchmark or classes or "", start.use if start else ""]
        suffixes += ["adapt"] * adapt + ["mix"] * (mixed is not None) + ["aus"] * (target == "aus")
        out = RUNS_DIR / "evaluate" / "-".join([place, *filter(None, suffixes)])

    def check(clips: Sequence["Clip"]) -> None:
        if as_it_is is not None and not aus:
            as_it_is.check_classes({clip.emotion for clip in clips})
        if not also and benchmark is None:  # others may be added, or left out
            check_people([clip.person for clip in clips], protocol)

    inputs = join(
        [
            read_motion(
                folder,
                recipe,
                cache_dir=out / "cache",
                classes=classes,
                benchmark=benchmark,
                check=check,
                lbp_top="lbp_top" in descriptors,
            )
            for folder in folders
        ]
    )
    if benchmark is not None:
        inputs = restrict(inputs, benchmark)
    inputs = of_partitions(inputs, protocol)
    if units_from is not None:
        inputs = with_units(inputs, units_from)
    mixing = make_mix(mixed, inputs, recipe, cache_dir=out / "cache", workers=max(workers, 1))
    config = replace(config, protocol=protocol, mix=mixing)
    by_units = as_it_is is not None and not aus and not as_it_is.knows(inputs.classes)
    if by_units:  # no output is a class of these, so there is none to look behind
        config = replace(config, explain=False)
    if start is not None and not aus and start.knows(inputs.classes):
        config = replace(config, informed=untrained)
    title = _title(recipe, start, adapt=adapt, mixed=mixed is not None)
    description = {
        "data set": ", ".join(names),
        **({"classes": classes} if classes else {}),
        **({} if start is None else start.description),
        **({} if mixed is None else {"mixed in": f"{mixed.name}, {mixed.share:.0%}"}),
    }
    command = shlex.join(["mace", *sys.argv[1:]])

    def log(line: str) -> None:
        print(line, file=sys.stderr)

    if aus:
        scores = evaluate_units(
            inputs,
            config=replace(config, explain=False),
            known=None if as_it_is is None else tuple(as_it_is.bundle.load().model.units),
            run_dir=out,
            title=title,
            description=description,
            command=command,
            workers=workers,
            log=log,
            benchmark=benchmark if several else None,
        )
        print_units(scores)
        for line in benchmark_lines(scores.benchmark):
            print(line)
        print(f"\nresults  {out}   (a folder for each unit, and units.csv)")
        return
    evaluation = evaluate_methods(
        inputs,
        config=config,
        run_dir=out,
        title=title,
        description=description,
        command=command,
        workers=workers,
        log=log,
    )
    if leaky:
        rows = show_leaks(inputs, evaluation, config=config, run_dir=out, workers=workers)
        evaluation = replace(evaluation, leaks=rows)
    summary = summarise(evaluation)
    picture = None
    if as_it_is is not None:
        windows, place = best_windows(evaluation), out / "mean_motion.png"
        if draw_mean_motion(place, inputs, as_it_is.bundle.load(), windows=windows):
            picture = place
    if as_json:
        print(json.dumps(figures_json(summary), indent=2))
        return
    print_table(headline_rows([evaluation], [summary]))
    if by_units:
        print("classes are read from action units, by the prototypes of each (docs/pretrained.md)")
    for line in (*benchmark_lines(summary.benchmark), *adaptation_lines(evaluation)):
        print(line)
    if evaluation.leaks:
        print_leaks(evaluation.leaks)
    print(f"\nresults  {out}   (mace report {out})")
    if picture is not None:
        print(f"mean motion of these clips beside that of the training  {picture}")


def _title(recipe: Recipe, start: Start | None, *, adapt: bool, mixed: bool) -> str:
    network = network_of(recipe.train.model.arch).title
    name = f"{network}, {recipe.motion.representation}"
    if start is not None:
        name = f"{network} {start.title}"
    return name + (", adapted" if adapt else "") + (", mixed" if mixed else "")


# The recipe's defaults are those for the data set that the arguments name.
adapted_run = functools.partial(with_default_recipe, run)
