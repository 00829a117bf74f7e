"""What a search came to, in words for people."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from mace.search.checking import text_of
from mace.search.choosing import disagreements
from mace.search.results import Outcome
from mace.search.space import SearchSpace


def described(
    outcomes: Sequence[Outcome],
    chosen: Mapping[str, Outcome],
    space: SearchSpace,
    looks: Sequence[Mapping[str, Any]],
) -> dict[str, str]:
    """Return what a reader of the outer score must know about the search, by name.

    Args:
        outcomes: of every proposal.
        chosen: the best of each group.
        space: that was searched.
        looks: earlier outer scores of the same study.
    """
    found = {"settings tried": tried_text(outcomes, len(chosen))}
    for group, outcome in chosen.items():
        found[f"setting for group {group}"] = (
            f"{text_of(outcome.setting)} (inner UF1 {outcome.uf1:.3f})"
        )
    warning = disagreement_text(chosen, space)
    if warning:
        found["groups disagree"] = warning
    if looks:
        scores = ", ".join(f"{one['uf1']:.3f} after {one['tried']} settings" for one in looks)
        found["looked at before"] = (
            f"{scores}; going on after having seen an outer score makes the next one too good"
        )
    return found


def tried_text(outcomes: Sequence[Outcome], groups: int) -> str:
    """Return how many settings were tried, and what became of them."""
    different = {outcome.key: outcome for outcome in outcomes}
    counts = Counter(outcome.status for outcome in different.values())
    parts = [
        text
        for status, text in (("pruned", "ended early"), ("diverged", "diverged"))
        if (count := counts[status])
        for text in [f"{count} {text}"]
    ]
    text = f"{len(different)}, for {groups} groups together"
    return f"{text} ({', '.join(parts)})" if parts else text


def disagreement_text(chosen: Mapping[str, Outcome], space: SearchSpace) -> str:
    """Return a plain warning if the groups chose very different settings; empty if not."""
    paths = disagreements({group: one.setting for group, one in chosen.items()}, space)
    if not paths:
        return ""
    names = ", ".join(path.removeprefix("train.") for path in paths)
    return (
        f"much, on {names}: these settings matter little here, or the subjects are too few to tell"
    )


def setting_lines(chosen: Mapping[str, Outcome]) -> list[str]:
    """Return a line for each group's setting, with what it scored on other people."""
    return [
        f"group {group}: {text_of(one.setting)}  (inner UF1 {one.uf1:.3f}"
        f"{'' if one.latency_ms is None else f', {one.latency_ms:.3g} ms'})"
        for group, one in chosen.items()
    ]
