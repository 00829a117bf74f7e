"""`train_population`: members of any shapes to trained networks."""

from collections.abc import Callable, Sequence

from mace.data import MotionSet
from mace.training.bundle import Bundle
from mace.training.population.compiling import COMPILATIONS
from mace.training.population.member import Member, MemberResult
from mace.training.population.plan import Plan
from mace.training.population.population import Population
from mace.training.population.scalars import group_by_shape


def train_population(
    motion_set: MotionSet,
    members: Sequence[Member],
    *,
    plan: Plan | None = None,
    start: Bundle | None = None,
    log: Callable[[str], None] | None = None,
) -> list[MemberResult]:
    """Train all members to their end, those of one shape in one compiled program.

    A member's parameters are those that `fit` gives it, up to the order of sums; with equal plans
    they are the same bit for bit, whoever else is in the population.

    Args:
        motion_set: all clips.
        members: whose configurations may differ in anything.
        plan: how to compute them; decided for each shape by default.
        start: a pre-trained network that all of them go on from.
        log: is told the plan, early ends, and what was compiled.

    Returns:
        One result a member, in their order; a member that diverged takes no other along.

    Raises:
        ConfigError: for settings that contradict each other.
        DataError: for an index out of range.
    """
    log = log or (lambda line: None)
    results: dict[int, MemberResult] = {}
    before = COMPILATIONS.count, COMPILATIONS.seconds
    for positions in group_by_shape([member.config for member in members]):
        population = Population(
            motion_set, [members[i] for i in positions], plan=plan, start=start, log=log
        )
        population.advance()
        results |= dict(zip(positions, population.results(), strict=True))
    count, seconds = COMPILATIONS.count - before[0], COMPILATIONS.seconds - before[1]
    log(f"{len(members)} members, {count} programs compiled in {seconds:.1f} s")
    return [results[i] for i in range(len(members))]
