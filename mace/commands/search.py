"""`mace search`: the settings of a recipe chosen on training subjects, then scored once."""

import functools
import json
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from mace.annotation.class_sets import ClassSet
from mace.commands.defaults import DATASET, check_counts, with_default_recipe
from mace.errors import ConfigError
from mace.models.networks import network_of
from mace.places import DATA_DIR, RUNS_DIR, prepared_dataset
from mace.protocols.benchmarks import BENCHMARKS, BenchmarkName
from mace.recipes import FLOW, Recipe
from mace.search.config import EngineConfig, SearchConfig, SearchPlan

if TYPE_CHECKING:  # `--help` is to show at once
    from mace.data.clips import Clip


def run(
    dataset: str = DATASET,
    also: tuple[str, ...] = (),
    classes: ClassSet | None = None,
    benchmark: BenchmarkName | None = None,
    space: str = "flow",
    search: Annotated[SearchConfig, tyro.conf.arg(name="")] = SearchConfig(),  # noqa: B008
    out: Path | None = None,
    storage: str = "",
    name: str = "",
    join: bool = False,
    earlier: Annotated[tuple[Path, ...], tyro.conf.arg(name="from")] = (),
    seeds: int = 1,
    baselines: bool = True,
    data_dir: Path = DATA_DIR,
    workers: int = os.cpu_count() or 1,
    engine: EngineConfig = EngineConfig(),  # noqa: B008
    recipe: Recipe = FLOW,
    units_from: Path | None = None,
    as_json: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> None:
    """Search for settings of a recipe, and score the choice on people who had no part in it.

    The subjects are dealt into groups. For each group settings are tried on all other subjects, by
    inner folds; the best setting then predicts the group's clips, each subject left out of
    training. So no choice has seen whom it is tested on, and the score is computed once.

    Whatever ends a search, the same command goes on where it was; `mace top` shows it at work and
    `mace report` makes a page of it.

    Args:
        dataset: name and configuration of a prepared data set; `mace doctor` lists them.
        also: further prepared data sets, searched and evaluated together with it.
        classes: set of classes to learn in place of the emotions; clips without one are left out.
        benchmark: take the databases and classes of this benchmark only.
        space: what may be tried: a TOML file, or `flow` for the ranges that come with MACE.
        search: how.
        out: folder of the study; by default runs/search/NAME/CONFIGURATION[-CLASSES].
        storage: database that many machines search in, such as postgresql://user@host/name, or
            the path of a file; by default study.db in the study's folder.
        name: of the study in a shared storage; by default the last part of --out.
        join: work beside other searches on the same study, and leave the outer score to the one
            that is started without --join.
        earlier: folders of earlier searches whose best settings are tried first, as far as they
            were judged on other people than those tested here.
        seeds: how many training seeds the outer score has.
        baselines: whether the outer score has the shallow baselines beside it.
        data_dir: where prepared data sets lie.
        workers: processes of the outer score; each keeps to one core.
        engine: where settings are trained: this process, worker processes that may die, or a Ray
            cluster.
        recipe: input, network and training that the space varies.
        units_from: for `recipe.train.unit-weight`, a table of the clips' action units, as for
            `mace evaluate`.
        as_json: print the outcome as one JSON object.
    """
    check_counts(seeds=seeds, workers=workers)
    names = (dataset, *also)
    folders = [prepared_dataset(name, data_dir=data_dir) for name in names]
    if out is None:
        place = "+".join(part.replace("/", "-") for part in names) if also else dataset
        out = RUNS_DIR / "search" / "-".join(filter(None, [place, benchmark or classes]))

    # Where most mistakes are made, before what takes seconds to load.
    from mace.search.setting import check_space
    from mace.search.space import find_space

    searched = find_space(space)
    corners = check_space(searched, recipe.train)
    if units_from is not None and not any(corner.unit_weight for corner in corners):
        raise ConfigError(
            "--units-from goes with a recipe.train.unit-weight above 0, fixed or searched; give "
            "one or leave out --units-from"
        )

    from mace.search.executors import make_engine

    workplace = make_engine(engine)

    from mace.compilation import keep_compiled
    from mace.search.nested import nested_cross_validation

    plan = SearchPlan(
        train=recipe.train,
        space=searched,
        config=search,
        out=out,
        storage=storage,
        name=name,
        join=join,
        earlier=earlier,
        benchmark=benchmark,
        title=", ".join(
            [network_of(recipe.train.model.arch).title, recipe.motion.representation, "searched"]
        ),
        description={"data set": ", ".join(names), **({"classes": classes} if classes else {})},
        command=_shown_command(storage),
    )
    keep_compiled()

    def check(clips: Sequence["Clip"]) -> None:
        from mace.motion.representation import channels
        from mace.protocols.inner import check_nested
        from mace.search.setting import check_networks

        if not also:  # which may add people
            people = len({clip.person for clip in clips})
            check_nested(people, outer=search.groups, inner=search.inner_folds)
        size, kinds = recipe.motion.size, len({clip.emotion for clip in clips})
        check_networks(corners, shape=(size, size, channels(recipe.motion)), classes=kinds)

    def read() -> Any:
        return _read(
            folders,
            recipe,
            cache_dir=out / "cache",
            classes=classes,
            benchmark=benchmark,
            check=check,
            units_from=units_from,
        )

    result = nested_cross_validation(
        read,
        plan,
        engine=workplace,
        seeds=tuple(range(seeds)),
        workers=workers,
        baselines=baselines,
    )

    from mace.evaluation.method_scores import figures_json
    from mace.evaluation.summary import summarise
    from mace.evaluation.table import headline_rows, print_table
    from mace.search.choose import tried_text
    from mace.search.study import different

    if result.evaluation is None:
        tried = tried_text(result.outcomes, search.groups)
        print(f"no setting is left to try ({tried}); the outer score is computed without --join")
        return
    summary = summarise(result.evaluation)
    if as_json:
        chosen = {group: dict(outcome.setting) for group, outcome in result.chosen.items()}
        tries = len(different(result.outcomes))
        print(json.dumps({**figures_json(summary), "settings": chosen, "tried": tries}, indent=2))
        return
    for what, fact in result.evaluation.description.items():
        print(f"{what}: {fact}")
    print_table(headline_rows([result.evaluation], [summary]))
    print(f"\nresults  {out}   (mace report {out})")


def _read(
    folders: Sequence[Path],
    recipe: Recipe,
    *,
    cache_dir: Path,
    classes: ClassSet | None,
    benchmark: BenchmarkName | None,
    check: Callable[[Sequence["Clip"]], None],
    units_from: Path | None,
) -> Any:
    from mace.data.flow_images import holds_flow_images
    from mace.evaluation.selection import join, restrict
    from mace.inputs import read_motion, with_units

    protocol = BENCHMARKS[benchmark] if benchmark else None
    if protocol is not None and classes is None and not any(map(holds_flow_images, folders)):
        classes = protocol.class_set
    inputs = join(
        [
            read_motion(
                folder,
                recipe,
                cache_dir=cache_dir,
                classes=classes,
                benchmark=protocol,
                check=check,
            )
            for folder in folders
        ]
    )
    inputs = inputs if protocol is None else restrict(inputs, protocol)
    return inputs if units_from is None else with_units(inputs, units_from)


def _shown_command(storage: str) -> str:
    """Return the command as it was typed, without the password of a database."""
    words = ["mace", *sys.argv[1:]]
    if storage:
        from mace.search.storage import shown

        words = [word.replace(storage, shown(storage)) for word in words]
    return shlex.join(words)


# The recipe's defaults are those for the data set that the arguments name.
adapted_run = functools.partial(with_default_recipe, run)
