"""What the zoo says of each row before anything is trained: paper, images, what is published."""

from collections.abc import Sequence

from mace.evaluation.comparison.published import (
    ALL,
    Elsewhere,
    Figures,
    Published,
    published_elsewhere,
    published_results,
)
from mace.models.config import ModelConfig
from mace.models.make import make_model
from mace.models.networks import NETWORKS, Network, network_of, no_network
from mace.models.presets import CONTROLS, MODELS
from mace.shallow import SHALLOW, Shallow

RIDGE = "kernel_ridge"
ROWS = (*dict.fromkeys(("macnn", *CONTROLS, *NETWORKS)), *SHALLOW)
"""Everything that the table names."""
EVALUATED = tuple(name for name in ROWS if name != RIDGE)
"""What is evaluated by default; kernel ridge stands beside each."""


def network_rows(names: Sequence[str] = ROWS) -> list[dict[str, str]]:
    """Return what the table says of each row, by heading; all of it as people read it.

    Raises:
        ConfigError: for a name that no row has, or a file of one's own without such a network.
    """
    for name in names:
        if ":" in name:
            make_model(ModelConfig(arch=name), classes=3)
    return [{"name": name, **_row(name)} for name in names]


def _row(name: str) -> dict[str, str]:
    if name in SHALLOW:
        method = SHALLOW[name]
        images, weights = method.images, None
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
        "weights": "" if weights is None else f"{weights:,}",
        "published UF1 / UAR": published_text(entry, epochs=name not in SHALLOW),
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
    warnings = [text for text in entry.warnings if text != "UAR is macro-precision"]
    if isinstance(entry, Elsewhere):
        uf1, uar = entry.figures["uf1"], entry.figures["uar"]
        warnings.insert(0, f"{entry.n} clips of {entry.protocol}")
    else:
        figures = entry.parts.get(ALL, Figures())
        uf1, uar = figures.uf1, figures.uar if figures.true_uar is None else figures.true_uar
        if figures.true_uar is not None:
            warnings.append("UAR from the authors' log; they print a macro-precision")
    if entry.best_test_epoch is None and epochs:
        warnings.append("choice of the epoch not known")
    return f"{uf1:.4f} / {uar:.4f}" + (f" ({'; '.join(warnings)})" if warnings else "")
