"""How a set of clips differs from a benchmark, and which clips of a set belong to one."""

from collections import Counter
from collections.abc import Mapping, Sequence

from mace.errors import DataError
from mace.protocols.benchmarks import BENCHMARKS, Benchmark

# Other spellings of a class and of a database, all in lower-case letters and digits.
CLASS_ALIASES: Mapping[str, str] = {"other": "others", "happy": "happiness", "sad": "sadness"}
DATABASE_ALIASES: Mapping[str, str] = {
    "casmeii": "casme2",
    "smichs": "smic",
    "smicehs": "smic",
    "samm2": "samm",
}


def check_counts(benchmark: Benchmark, labels: Sequence[str], groups: Sequence[str]) -> list[str]:
    """Return in words how a set of clips differs from a benchmark; nothing if it does not.

    Args:
        benchmark: what the set is called after.
        labels: the class of each clip, by name.
        groups: the subject of each clip, as `database/subject`.

    Raises:
        DataError: if `labels` and `groups` differ in length.
    """
    if len(labels) != len(groups):
        raise DataError(f"{len(labels)} labels but {len(groups)} subjects; give one for each clip")
    found = [canonical_database(group.split("/")[0]) for group in groups]
    classes = [canonical_class(label) for label in labels]
    wanted = {canonical_class(name): name for name in benchmark.classes}
    deviations = _difference("samples", len(labels), benchmark.samples, "")
    deviations += _difference("subjects", len(set(groups)), benchmark.subjects, "")
    for database in sorted(set(found) - set(benchmark.databases)):
        deviations.append(f"{found.count(database)} samples of {database}, which is not part of it")
    for name in sorted(set(classes) - set(wanted)):
        deviations.append(f"{classes.count(name)} samples of the class {name}, which it leaves out")
    for database, part in benchmark.parts.items():
        own = [i for i, name in enumerate(found) if name == database]
        where = f" of {database}"
        if len(benchmark.parts) > 1:
            deviations += _difference("samples", len(own), part.samples, where)
            people = len({groups[i] for i in own})
            deviations += _difference("subjects", people, part.subjects, where)
        tally = Counter(classes[i] for i in own)
        for name, count in part.classes.items():
            deviations += _difference(name, tally[canonical_class(name)], count, where)
    return deviations


def select(benchmark: Benchmark, labels: Sequence[str], groups: Sequence[str]) -> list[int]:
    """Return the positions of the clips that are of the benchmark's databases and classes.

    Raises:
        DataError: if there is none.
    """
    classes = {canonical_class(name) for name in benchmark.classes}
    kept = [
        i
        for i, (label, group) in enumerate(zip(labels, groups, strict=True))
        if canonical_class(label) in classes
        and canonical_database(group.split("/")[0]) in benchmark.databases
    ]
    if not kept:
        raise DataError(
            f"no clip is of {benchmark.title}: expected {', '.join(benchmark.databases)} in the "
            f"classes {', '.join(benchmark.classes)}; found "
            f"{', '.join(sorted({group.split('/')[0] for group in groups})) or 'nothing'} in "
            f"{', '.join(sorted(set(labels))) or 'none'}"
        )
    return kept


def likely_benchmark(groups: Sequence[str], classes: Sequence[str]) -> Benchmark | None:
    """Return the one benchmark with these databases and classes, or None.

    Integers 0, 1, 2 stand for the three classes of MEGC 2019, in its order; other class sets have
    no agreed integers. Where two benchmarks share their clips (MEGC 2018), the one that leaves
    subjects out is meant.
    """
    databases = {canonical_database(group.split("/")[0]) for group in groups}
    names = {canonical_class(name) for name in classes}
    for benchmark in BENCHMARKS.values():
        own = {canonical_class(name) for name in benchmark.classes}
        numbers = {str(i) for i in range(len(own))}
        fits = names == own or (names == numbers and benchmark.class_set == "3")
        if fits and databases == set(benchmark.databases) and benchmark.folds == "loso":
            return benchmark
    return None


def canonical_class(name: str) -> str:
    """Return the one spelling of a class: lower case, `others` for `Other`, and so on."""
    plain = name.strip().lower()
    return CLASS_ALIASES.get(plain, plain)


def canonical_database(name: str) -> str:
    """Return the one spelling of a database: `casme2` for `CASME II`, and so on."""
    plain = "".join(c for c in name.lower() if c.isalnum())
    return DATABASE_ALIASES.get(plain, plain)


def _difference(what: str, found: int, wanted: int | None, where: str) -> list[str]:
    if wanted is None or found == wanted:
        return []
    more = found - wanted
    amount = f"{abs(more)} {'more' if more > 0 else 'fewer'}"
    return [f"{found} {what}{where}, the protocol has {wanted} ({amount})"]
