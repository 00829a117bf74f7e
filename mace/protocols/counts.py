"""How a set of clips differs from a benchmark, and which clips of a set belong to one."""

from collections import Counter
from collections.abc import Sequence

from mace.errors import DataError
from mace.protocols.benchmarks import BENCHMARKS, Benchmark
from mace.protocols.labels import canonical_class
from mace.protocols.names import canonical_database, subject_key

MIDPOINT = "midpoint"
"""`apex_source` of a prepared clip whose sheet has no usable apex: its middle frame stands in."""


def check_counts(benchmark: Benchmark, labels: Sequence[str], groups: Sequence[str]) -> list[str]:
    """Return in words how a set of clips differs from a benchmark; nothing if it does not.

    Args:
        benchmark: what the set is called after.
        labels: the class of each clip, by name; of several the names joined by `+`.
        groups: the subject of each clip, as `database/subject`.

    Raises:
        DataError: if `labels` and `groups` differ in length.
    """
    if len(labels) != len(groups):
        raise DataError(f"{len(labels)} labels but {len(groups)} subjects; give one for each clip")
    people = [subject_key(*_parts(group)) for group in groups]
    databases = [person.split("/")[0] for person in people]
    classes = [[canonical_class(name) for name in benchmark.labels_of(label)] for label in labels]
    expected = {canonical_class(name) for name in benchmark.classes}
    deviations = _difference(_of(len(labels), "sample"), len(labels), benchmark.samples, "")
    persons = len(set(people))
    deviations += _difference(_of(persons, "subject"), persons, benchmark.subjects, "")
    for database in sorted(set(databases) - set(benchmark.databases)):
        count = databases.count(database)
        deviations.append(f"{count} {_of(count, 'sample')} of {database}, which is not part of it")
    # A clip may show action units that a protocol does not ask for.
    strange = Counter(name for shown in classes for name in shown if name not in expected)
    for name, count in sorted(strange.items() if benchmark.labels != "units" else ()):
        deviations.append(
            f"{count} {_of(count, 'sample')} of the class {name}, which it leaves out"
        )
    for database, part in benchmark.parts.items():
        own = [i for i, name in enumerate(databases) if name == database]
        if not own:
            deviations.append(f"no sample of {database}, the protocol has {part.samples}")
            continue
        where = f" of {database}"
        if len(benchmark.parts) > 1:
            deviations += _difference(_of(len(own), "sample"), len(own), part.samples, where)
            subjects = len({people[i] for i in own})
            deviations += _difference(_of(subjects, "subject"), subjects, part.subjects, where)
        tally = Counter(name for i in own for name in classes[i])
        counts = {name: (tally[canonical_class(name)], n) for name, n in part.classes.items()}
        for name, (count, expected_count) in counts.items():
            what = f"AU{name}" if benchmark.labels == "units" else name
            deviations += _difference(what, count, expected_count, where)
        # Clips may be missing for any reason; more of a class means another annotation.
        if part.annotation and any(count > n for count, n in counts.values()):
            deviations.append(f"the protocol's {database} is of {part.annotation}")
    return deviations


def exclusions(
    benchmark: Benchmark,
    labels: Sequence[str],
    groups: Sequence[str],
    apex_sources: Sequence[str] | None = None,
) -> dict[int, str]:
    """Return which clips a benchmark leaves out, and the reason in words, by position.

    Args:
        benchmark: the protocol.
        labels: the class of each clip, by name.
        groups: the subject of each clip, as `database/subject`.
        apex_sources: where the apex of each clip comes from, as prepared clips store it.
    """
    classes = {canonical_class(name) for name in benchmark.classes}
    reasons: dict[int, str] = {}
    for i, (label, group) in enumerate(zip(labels, groups, strict=True)):
        database = canonical_database(_parts(group)[0])
        part = benchmark.parts.get(database)
        if part is None:
            reasons[i] = f"of {database}, another database"
        elif benchmark.labels != "units" and not classes.intersection(
            map(canonical_class, benchmark.labels_of(label))
        ):
            reasons[i] = f"of the class {label or '(none)'}"
        elif part.needs_apex and apex_sources is not None and apex_sources[i] == MIDPOINT:
            reasons[i] = f"of {database}, without a usable apex in the sheet"
    return reasons


def select(
    benchmark: Benchmark,
    labels: Sequence[str],
    groups: Sequence[str],
    apex_sources: Sequence[str] | None = None,
) -> list[int]:
    """Return the positions of the clips of a benchmark; see `exclusions` for the arguments.

    Raises:
        DataError: if there is none.
    """
    reasons = exclusions(benchmark, labels, groups, apex_sources)
    if len(reasons) == len(labels):
        expected = ", ".join(benchmark.databases)
        given = ", ".join(sorted({_parts(group)[0] for group in groups})) or "nothing"
        if benchmark.labels != "units":
            expected += f" in the classes {', '.join(benchmark.classes)}"
            given += f" in {', '.join(sorted(set(labels))) or 'none'}"
        raise DataError(f"no clip is of {benchmark.title}: expected {expected}; found {given}")
    return [i for i in range(len(labels)) if i not in reasons]


def likely_benchmark(groups: Sequence[str], classes: Sequence[str]) -> Benchmark | None:
    """Return the one benchmark with these databases and classes, or None.

    Integers 0, 1, 2 stand for the three classes of MEGC 2019, in its order; other class sets have
    no agreed integers. Where two benchmarks share their clips (MEGC 2018), the one that leaves
    subjects out is meant. One with several labels to a clip is never meant.
    """
    databases = {canonical_database(_parts(group)[0]) for group in groups}
    names = {canonical_class(name) for name in classes}
    for benchmark in BENCHMARKS.values():
        if benchmark.labels != "one":
            continue
        own = {canonical_class(name) for name in benchmark.classes}
        numbers = {str(i) for i in range(len(own))}
        fits = names == own or (names == numbers and benchmark.class_set == "3")
        if fits and databases == set(benchmark.databases) and benchmark.folds != "database":
            return benchmark
    return None


def _parts(group: str) -> tuple[str, str]:
    database, _, subject = group.partition("/")
    return database, subject


def _of(count: int, noun: str) -> str:
    return noun if count == 1 else f"{noun}s"


def _difference(what: str, count: int, expected: int | None, where: str) -> list[str]:
    if expected is None or count == expected:
        return []
    more = count - expected
    amount = f"{abs(more)} {'more' if more > 0 else 'fewer'}"
    return [f"{count} {what}{where}, the protocol has {expected} ({amount})"]
