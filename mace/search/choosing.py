"""Which setting a group goes on with."""

import math
from collections.abc import Iterable, Mapping, Sequence

from mace.errors import ConfigError, TrainingError
from mace.search.config import SearchConfig
from mace.search.results import Outcome, ranked
from mace.search.space import Choice, SearchSpace, Setting

# Groups whose numbers lie further apart than this part of the range are said to disagree.
APART = 0.5


def choose(outcomes: Iterable[Outcome], *, group: str, config: SearchConfig) -> Outcome:
    """Return the best outcome of a group, the earlier proposal of equals.

    Raises:
        TrainingError: if no setting was trained to its end.
        ConfigError: if none is as quick as was asked for.
    """
    best = ranked([one for one in outcomes if one.group == group])
    if not best:
        raise TrainingError(
            f"no setting of group {group} was trained to its end; look at what went wrong in "
            'results.jsonl ("reason"), narrow the search space, and search in a new folder'
        )
    if not config.latency_limit_ms:
        return best[0]
    quick = [one for one in best if (one.latency_ms or 0.0) <= config.latency_limit_ms]
    if not quick:
        fastest = min(one.latency_ms or 0.0 for one in best)
        raise ConfigError(
            f"no setting of group {group} answers within {config.latency_limit_ms:g} ms, the "
            f"quickest takes {fastest:.3g} ms; raise --latency-limit-ms and type the command "
            "again: nothing is evaluated twice"
        )
    return quick[0]


def front(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return the outcomes that no other one beats in both UF1 and latency, quickest first."""
    found: list[Outcome] = []
    timed = [one for one in ranked(outcomes) if one.latency_ms is not None]
    for one in sorted(timed, key=lambda one: (one.latency_ms or 0.0, -(one.uf1 or 0.0))):
        if not found or (one.uf1 or 0.0) > (found[-1].uf1 or 0.0):
            found.append(one)
    return found


def disagreements(chosen: Mapping[str, Setting], space: SearchSpace) -> list[str]:
    """Return the paths whose chosen values differ much between the groups.

    Numbers do if they lie more than half of the range apart (of its logarithm where the search
    was uniform in it), other values if two differ.
    """
    found = []
    for path in space.paths:
        values = [setting.get(path) for setting in chosen.values()]
        dimension = space.dimensions.get(path)
        if dimension is None or isinstance(dimension, Choice):
            if any(value != values[0] for value in values):
                found.append(path)
            continue
        ends = [dimension.low, dimension.high, *(value for value in values if value is not None)]
        if dimension.log:
            ends = [math.log(value) for value in ends]
        low, high, *places = ends
        if places and max(places) - min(places) > APART * (high - low):
            found.append(path)
    return found
