"""The table of what the zoo's networks scored, and what stands in one table together."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from mace.config import from_dict
from mace.errors import ConfigError, DataError
from mace.evaluation.zoo.rows import RIDGE
from mace.files import atomic_path
from mace.shallow import SHALLOW


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a network scored on a data set.

    Attributes:
        dataset: its name and configuration, and the benchmark if there is one.
        folds: how people were dealt to them.
        network: its name, or `module:attribute`.
        size: side of the images, px; 0 of what looks at the clips' frames.
        weights: how many there are; 0 of what is no network, as are the next two.
        epochs: of the training.
        batch_size: of the training.
        recipe: names all that the rows of a table have in common.
        data: names the clips and their images; the same for the same size.
        classes: how many.
        seeds: how many.
        clips: how many.
        people: how many.
        uf1: unweighted F1, mean over the seeds.
        uf1_low: lower end of its interval, 95 %, by drawing people.
        uf1_high: upper end.
        uar: unweighted average recall.
        uar_low: lower end of its interval.
        uar_high: upper end.
        ridge_uf1: of kernel ridge on the same images.
        ahead: UF1 of the network less that.
        ahead_low: lower end of its interval, by the same draws.
        ahead_high: upper end.
        seconds: of all folds and seeds.
        revision: of the code; several where folds were trained by several.
    """

    dataset: str
    folds: str
    network: str
    size: int
    weights: int
    epochs: int
    batch_size: int
    recipe: str
    data: str
    classes: int
    seeds: int
    clips: int
    people: int
    uf1: float
    uf1_low: float
    uf1_high: float
    uar: float
    uar_low: float
    uar_high: float
    ridge_uf1: float
    ahead: float
    ahead_low: float
    ahead_high: float
    seconds: float
    revision: str


def write_results(path: Path, results: Sequence[Result]) -> list[Result]:
    """Add results to a table, in place of those of the same data, folds and network; return all.

    Rows of the same data and folds that were not trained alike go: `check_alike` has let only those
    pass that are trained anew.

    Raises:
        DataError: if what is there is no such table.
        OutputError: if it cannot be written.
    """
    everything = {(r.dataset, r.folds, r.network): r for r in read_results(path)}
    for result in results:
        facts = asdict(result)
        everything = {
            key: row
            for key, row in everything.items()
            if key[:2] != (result.dataset, result.folds)
            or _unlike(row, result.network, facts) is None
        }
        everything[result.dataset, result.folds, result.network] = result
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as place:
        pd.DataFrame([asdict(result) for result in everything.values()]).to_csv(place, index=False)
    return list(everything.values())


def check_alike(
    there: Sequence[Result],
    network: str,
    *,
    dataset: str,
    folds: str,
    path: Path,
    **facts: int | str,
) -> None:
    """Refuse to set beside each other what was not trained alike.

    Args:
        there: rows of a table, but for those that are to be replaced.
        network: name of a new row.
        dataset: what it is called after.
        folds: likewise.
        path: of the table.
        facts: what is known of it, by column.

    Raises:
        ConfigError: if a row differs.
    """
    for row in there:
        if (row.dataset, row.folds) != (dataset, folds):
            continue
        if (name := _unlike(row, network, facts)) is not None:
            raise ConfigError(
                f"the rows of a table are trained alike, and in {path} {row.network} on "
                f"{dataset}, {folds}, has {name} {getattr(row, name)}, not {facts[name]}; choose "
                "another --results and --out"
            )


def _unlike(row: Result, network: str, facts: Mapping[str, Any]) -> str | None:
    """Return in what a row differs from what is known of another, if in anything that matters."""
    alike = ["recipe", "classes", "clips", "people"]
    # What is no network draws nothing at random, and has one seed.
    alike += [] if {row.network, network} & SHALLOW.keys() else ["seeds"]
    # Images of another size are others.
    alike += ["data"] if facts.get("size") == row.size else []
    differing = (name for name in alike if name in facts and getattr(row, name) != facts[name])
    return next(differing, None)


def read_results(path: Path) -> list[Result]:
    """Return the results of a table; none where there is no file.

    Raises:
        DataError: if it is something else.
    """
    if not path.exists():
        return []
    columns = [field.name for field in fields(Result)]
    try:
        names = ("dataset", "folds", "network", "recipe", "data", "revision")
        words: Any = dict.fromkeys(names, str)
        table = pd.read_csv(path, dtype=words, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    if list(table.columns) != columns:
        raise DataError(f"{path} is no table of `mace zoo`; its columns would be {columns}")
    try:
        return [from_dict(Result, row) for row in table.to_dict("records")]
    except ConfigError as error:
        raise DataError(f"{path} is no table of `mace zoo`: {error}") from error


def verdict(result: Result) -> str:
    """Return how a network stands to kernel ridge on the same images; nothing for that itself."""
    if result.network == RIDGE:
        return ""
    if result.ahead_low > 0:
        return "better"
    return "worse" if result.ahead_high < 0 else "no better"
