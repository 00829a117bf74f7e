"""Which setting a group goes on with, and what a reader of the score must know about the choice."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution

from mace.errors import ConfigError, TrainingError
from mace.protocols.names import person_key
from mace.search.config import SearchConfig
from mace.search.setting import text_of
from mace.search.space import SearchSpace, Setting, encoded
from mace.search.stored import StoredStudy
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


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """What a group may begin with.

    Attributes:
        settings: the best of earlier studies.
        people: whose labels speak through them.
        notes: sentences about what could not be used.
    """

    settings: Sequence[Setting]
    people: frozenset[str]
    notes: Sequence[str]


def earlier_settings(
    studies: Iterable[StoredStudy], space: SearchSpace, tested: Iterable[str]
) -> Earlier:
    """Return the best settings of earlier studies that a group may begin with.

    An earlier group's results count only if none of the subjects who judged its settings, or those
    that it began with itself, is tested here: otherwise their labels would speak through the
    choice.

    Args:
        studies: finished or not.
        space: settings outside of it are left out.
        tested: names of the subjects whom this group's choice will be tested on.
    """
    here = set(map(person_key, tested))
    settings: list[Setting] = []
    people: set[str] = set()
    notes: list[str] = []
    for study in studies:
        informed_by = {
            name: set(map(person_key, group["informed_by"]))
            for name, group in study.facts["groups"].items()
        }
        if all(here & subjects for subjects in informed_by.values()):
            notes.append(
                f"nothing of {study.name} is used for the group that tests {min(here)}: its "
                "settings were judged on people who are tested here"
            )
        outcomes = [o for o in study.outcomes() if not here & informed_by[o.group]]
        usable = [outcome for outcome in ranked(outcomes) if space.holds(outcome.setting)]
        if outcomes and not usable:
            notes.append(f"no setting of {study.name} lies in this search space")
        for outcome in usable[:WARM]:
            if outcome.setting not in settings:
                settings.append(outcome.setting)
                people |= informed_by[outcome.group]
    return Earlier(settings=settings, people=frozenset(people), notes=notes)


def disagreement(settings: Iterable[Setting], space: SearchSpace) -> str:
    """Return a plain warning if groups chose very different settings; empty if not.

    Numbers are if they lie more than half of the range apart (of its logarithm where the search
    was uniform in it), other values if two differ.
    """
    settings = list(settings)
    names = [
        path.removeprefix("train.")
        for path, distribution in space.distributions.items()
        if _are_apart([setting.get(path) for setting in settings], distribution)
    ]
    if not names:
        return ""
    return (
        f"much, on {', '.join(names)}: these settings matter little here, or the subjects are too "
        "few to tell"
    )


def _are_apart(values: Sequence[Any], distribution: BaseDistribution) -> bool:
    if not isinstance(distribution, FloatDistribution | IntDistribution):
        return len(set(map(encoded, values))) > 1
    scale = math.log if distribution.log else float
    places = [scale(value) for value in values]
    whole = scale(distribution.high) - scale(distribution.low)
    return max(places, default=0.0) - min(places, default=0.0) > APART * whole


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
    warning = disagreement((outcome.setting for outcome in chosen.values()), space)
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
