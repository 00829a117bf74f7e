"""Members of any shapes to trained networks, all together or one after the other."""

from collections.abc import Callable, Iterator, Sequence

from mace.bundle import Bundle
from mace.data.motion_set import MotionSet
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
    """Train all members to their end, and return one result a member, in their order.

    Args and errors: see `each_trained`.
    """
    results = dict(each_trained(motion_set, members, plan=plan, start=start, log=log))
    return [results[i] for i in range(len(members))]


def each_trained(
    motion_set: MotionSet,
    members: Sequence[Member],
    *,
    plan: Plan | None = None,
    start: Bundle | None = None,
    log: Callable[[str], None] | None = None,
) -> Iterator[tuple[int, MemberResult]]:
    """Train all members to their end, those of one shape in one compiled program.

    A member's parameters are those that `fit` gives it, up to the order of sums; with equal plans
    they are the same bit for bit, whoever else is in the population.

    Args:
        motion_set: all clips.
        members: whose configurations may differ in anything.
        plan: how to compute them; decided for each shape by default.
        start: a pre-trained network that all of them go on from.
        log: is told the plan, early ends, and at the end what was compiled.

    Yields:
        Position and result of each member as it ends; one that diverged takes no other along.

    Raises:
        ConfigError: for settings that contradict each other.
        DataError: for an index out of range.
    """
    log = log or (lambda line: None)
    before = COMPILATIONS.count, COMPILATIONS.seconds
    for positions in group_by_shape([member.config for member in members]):
        population = Population(
            motion_set, [members[i] for i in positions], plan=plan, start=start, log=log
        )
        for place, result in population.finish():
            yield positions[place], result
    count, seconds = COMPILATIONS.count - before[0], COMPILATIONS.seconds - before[1]
    log(f"{len(members)} members, {count} programs compiled in {seconds:.1f} s")
