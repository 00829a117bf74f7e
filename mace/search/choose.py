"""Which setting a group goes on with, and what a reader of the score must know about the choice."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from optuna.distributions import FloatDistribution, IntDistribution

from mace.errors import ConfigError, TrainingError
from mace.search.config import SearchConfig
from mace.search.folder import StoredStudy
from mace.search.setting import text_of
from mace.search.space import SearchSpace, Setting, encoded
from mace.search.study import Outcome, different, ranked

# Groups whose numbers lie further apart than this part of the range are said to disagree.
APART = 0.5
# Of each earlier study, so many settings are tried first.
WARM = 3


def choose(outcomes: Iterable[Outcome], *, group: str, config: SearchConfig) -> Outcome:
    """Return the best outcome of a group, the earlier proposal of equals.

    Raises:
        TrainingError: if no setting was trained to its end.
        ConfigError: if none is as quick as was asked for.
    """
    best = ranked([outcome for outcome in outcomes if outcome.group == group])
    if not best:
        raise TrainingError(
            f"no setting of group {group} was trained to its end; look at what went wrong in the "
            'study ("outcome" of its trials), narrow the search space, and search in a new folder'
        )
    limit = config.latency_limit_ms or math.inf
    quick = [outcome for outcome in best if (outcome.latency_ms or 0.0) <= limit]
    if not quick:
        fastest = min(outcome.latency_ms or 0.0 for outcome in best)
        raise ConfigError(
            f"no setting of group {group} answers within {limit:g} ms, the quickest takes "
            f"{fastest:.3g} ms; raise --latency-limit-ms and type the command again: nothing is "
            "evaluated twice"
        )
    return quick[0]


def earlier_settings(
    studies: Iterable[StoredStudy], space: SearchSpace, tested: Iterable[str]
) -> tuple[list[Setting], list[str], set[str]]:
    """Return the best settings of earlier studies that a group may begin with, and what was not.

    An earlier group's results count only if none of the subjects who judged its settings, or those
    that it began with itself, is tested here: otherwise their labels would speak through the
    choice.

    Args:
        studies: finished or not.
        space: settings outside of it are left out.
        tested: names of the subjects whom this group's choice will be tested on.

    Returns:
        The settings, sentences for people about what could not be used, and the subjects whose
        labels speak through the settings.
    """
    here = set(tested)
    settings: list[Setting] = []
    notes: list[str] = []
    people: set[str] = set()
    for study in studies:
        informed_by = {
            name: set(group["informed_by"]) for name, group in study.facts["groups"].items()
        }
        outcomes = [o for o in study.outcomes() if not here & informed_by[o.group]]
        if all(here & subjects for subjects in informed_by.values()):
            notes.append(
                f"nothing of {study.name} is used for the group that tests {min(here)}: its "
                "settings were judged on people who are tested here"
            )
        usable = [outcome for outcome in ranked(outcomes) if _fits(space, outcome.setting)]
        if outcomes and not usable:
            notes.append(f"no setting of {study.name} lies in this search space")
        for outcome in usable[:WARM]:
            if outcome.setting not in settings:
                settings.append(outcome.setting)
                people |= informed_by[outcome.group]
    return settings, notes, people


def _fits(space: SearchSpace, setting: Setting) -> bool:
    try:
        space.to_params(setting)
    except ConfigError:
        return False
    return set(setting) == set(space.paths)


def disagreements(chosen: Mapping[str, Setting], space: SearchSpace) -> list[str]:
    """Return the paths whose chosen values differ much between the groups.

    Numbers do if they lie more than half of the range apart (of its logarithm where the search
    was uniform in it), other values if two differ.
    """
    paths = []
    for path, distribution in space.distributions.items():
        values = [setting.get(path) for setting in chosen.values()]
        if isinstance(distribution, FloatDistribution | IntDistribution):
            scale = math.log if distribution.log else float
            low, high = scale(distribution.low), scale(distribution.high)
            places = [scale(value) for value in values if value is not None]
            apart = max(places, default=0.0) - min(places, default=0.0) > APART * (high - low)
        else:
            apart = len(set(map(encoded, values))) > 1
        if apart:
            paths.append(path)
    return paths


def disagreement_text(chosen: Mapping[str, Outcome], space: SearchSpace) -> str:
    """Return a plain warning if the groups chose very different settings; empty if not."""
    paths = disagreements({group: outcome.setting for group, outcome in chosen.items()}, space)
    if not paths:
        return ""
    names = ", ".join(path.removeprefix("train.") for path in paths)
    return (
        f"much, on {names}: these settings matter little here, or the subjects are too few to tell"
    )


def described(
    outcomes: Sequence[Outcome],
    chosen: Mapping[str, Outcome],
    space: SearchSpace,
    looks: Sequence[Mapping[str, Any]],
) -> dict[str, str]:
    """Return what a reader of the outer score must know about the search, by name.

    `looks` are earlier outer scores of the same study.
    """
    facts = {"settings tried": tried_text(outcomes, len(chosen))}
    for group, outcome in chosen.items():
        latency = "" if outcome.latency_ms is None else f", {outcome.latency_ms:.3g} ms"
        facts[f"setting for group {group}"] = (
            f"{text_of(outcome.setting)} (inner UF1 {outcome.uf1:.3f}{latency})"
        )
    warning = disagreement_text(chosen, space)
    if warning:
        facts["groups disagree"] = warning
    if looks:
        scores = ", ".join(f"{look['uf1']:.3f} after {look['tried']} settings" for look in looks)
        facts["looked at before"] = (
            f"{scores}; going on after having seen an outer score makes the next one too good"
        )
    return facts


def tried_text(outcomes: Sequence[Outcome], groups: int) -> str:
    """Return how many settings were tried, and what became of them."""
    tried = different(outcomes)
    counts = Counter(outcome.status for outcome in tried.values())
    words = {"pruned": "ended early", "diverged": "diverged"}
    parts = [f"{counts[status]} {text}" for status, text in words.items() if counts[status]]
    text = f"{len(tried)}, for {groups} groups together"
    return f"{text} ({', '.join(parts)})" if parts else text
