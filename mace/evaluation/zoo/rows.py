"""What the zoo says of each row before anything is trained: paper, images, what is published."""

from collections.abc import Mapping, Sequence
from typing import Any

import flax.linen as nn

from mace.errors import ConfigError
from mace.evaluation.comparison.published import (
    ALL,
    Elsewhere,
    Published,
    published_elsewhere,
    published_results,
)
from mace.models.networks import NETWORKS, Network, network_of, no_network
from mace.models.own_module import load
from mace.models.presets import CONTROLS, MODELS
from mace.shallow import SHALLOW, Shallow

RIDGE = "kernel_ridge"
ROWS = (*dict.fromkeys(("macnn", *CONTROLS, *NETWORKS)), *SHALLOW)
"""Everything that the table names."""
EVALUATED = tuple(name for name in ROWS if name != RIDGE)
"""What is evaluated by default; kernel ridge stands beside each."""
PUBLISHED = "published UF1 / UAR"
HEADINGS = ("name", "network", "paper", "images", "weights", PUBLISHED)
"""Of the table, which are keys of its rows."""
LEGEND = (
    "Published scores are those of MEGC 2019's composite, 442 clips of 68 people, three classes, "
    "if nothing else is said."
)


def network_rows(names: Sequence[str] = ROWS) -> list[dict[str, Any]]:
    """Return what the table says of each row, by heading.

    `weights` is 0 of what is no network. A key more than the headings, `seen`, is where the
    published score was seen, and what else is known of it; empty where there is none.

    Raises:
        ConfigError: for a name that no row has, or a file of one's own without such a network.
    """
    for name in names:
        if ":" in name:
            made = load(name)
            if not isinstance(made, nn.Module) and not callable(made):
                raise ConfigError(
                    f"{name} does not make a network: it is a {type(made).__name__}, expected a "
                    "flax.linen.Module, or what makes one of a number of classes"
                )
    return [{"name": name, **_row(name)} for name in names]


def listed(row: Mapping[str, Any]) -> list[str]:
    """Return a row as people read it, by `HEADINGS`."""
    weights = f"{row['weights']:,}" if row["weights"] else ""
    return [weights if heading == "weights" else str(row[heading]) for heading in HEADINGS]


def _row(name: str) -> dict[str, Any]:
    if name in SHALLOW:
        method = SHALLOW[name]
        images, weights = method.images, 0
    else:
        method = _network(name)
        images, weights = f"{method.size or 'any'} px, {method.channels}", method.weights
    if name in CONTROLS:
        paper, entry = f"MACNN's control, {CONTROLS[name].lacks}", None
    else:
        paper, entry = method.paper or "your own", published_of(method)
    return {
        "network": title_of(name),
        "paper": paper,
        "images": images,
        "weights": weights,
        PUBLISHED: published_text(entry, epochs=name not in SHALLOW),
        "seen": "" if entry is None else entry.seen,
    }


def title_of(name: str) -> str:
    """Return what tables call a row.

    Raises:
        ConfigError: for a name that no row has.
    """
    for named in (SHALLOW, CONTROLS):
        if name in named:
            return named[name].title
    return _network(name).title


def _network(name: str) -> Network:
    if name not in ROWS and ":" not in name:
        raise no_network(name, ROWS)
    return network_of(MODELS[name].arch if name in MODELS else name)


def published_of(network: Network | Shallow) -> Published | Elsewhere | None:
    """Return what is published of a network on MEGC 2019's composite, or else on another."""
    results = (*published_results("megc2019"), *published_elsewhere())
    named = [entry for entry in results if entry.method == network.published]
    return named[0] if named else None


def published_text(entry: Published | Elsewhere | None, *, epochs: bool = True) -> str:
    """Return a published score with what must be known of it.

    Args:
        entry: the score.
        epochs: whether the method has any, of which one may have been chosen.
    """
    if entry is None:
        return "none"
    remarks = list(entry.remarks)
    if isinstance(entry, Elsewhere):
        uf1, uar = entry.figures["uf1"], entry.figures["uar"]
        remarks.insert(0, f"{entry.n} clips of {entry.protocol}")
    else:
        figures = entry.parts[ALL]
        uf1, uar = figures.uf1, figures.uar
    if entry.best_test_epoch is None and epochs:
        remarks.append("choice of the epoch not known")
    return f"{uf1:.4f} / {'-' if uar is None else f'{uar:.4f}'}" + (
        f" ({'; '.join(remarks)})" if remarks else ""
    )
