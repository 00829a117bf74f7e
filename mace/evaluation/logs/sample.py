"""What every form of a log comes to: samples, and what a reader of the scores must know."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from mace.protocols.benchmarks import Benchmark
from mace.protocols.names import canonical_database, clip_key, databases_of


@dataclass(frozen=True)
class LogSample:
    """One sample of a log; names and labels as the log spells them, unless said otherwise.

    Attributes:
        database: named by the log, or told from the subject's spelling and the benchmark.
        subject: who is seen.
        clip: its name; a number where the log names no clips.
        truth: the true class.
        prediction: the predicted class.
        line: number of the line it stands on, from 1.
        seed: of the training, where one log holds several.
    """

    database: str
    subject: str
    clip: str
    truth: str
    prediction: str
    line: int
    seed: str = ""

    @property
    def name(self) -> str:
        """`database/subject/clip` as the log spells them."""
        return f"{self.database}/{self.subject}/{self.clip}"

    @cached_property
    def key(self) -> str:
        """`database/subject/clip`, the same for every spelling of one clip."""
        return clip_key(self.database, self.subject, self.clip)


@dataclass(frozen=True, kw_only=True)
class Log:
    """A log as read.

    Attributes:
        samples: in the log's order.
        remarks: how they came about, in sentences.
    """

    samples: tuple[LogSample, ...]
    remarks: tuple[str, ...] = ()


def database_of(subject: str, benchmark: Benchmark | None) -> str | None:
    """Return the database of a subject by its spelling and the benchmark, None if neither tells.

    `sub01` is of CASME II, or of CASME where the benchmark is CASME's. A spelling that no database
    has is of a benchmark's only database.
    """
    spelt = databases_of(subject)
    own = () if benchmark is None else tuple(map(canonical_database, benchmark.databases))
    both = [name for name in spelt if name in own]
    if both:
        return both[0]
    if spelt and len(own) != 1:
        return spelt[0]
    # A bare number says nothing against the only database; another database's spelling does.
    if len(own) == 1:
        return spelt[0] if spelt and not subject.strip().isdecimal() else own[0]
    return None


def database_remarks(subjects: Iterable[str], benchmark: Benchmark | None) -> list[str]:
    """Say which people were given a database by nothing but the spelling of a number.

    Args:
        subjects: those of which the log names no database.
        benchmark: the protocol that `database_of` was told of.
    """
    own = () if benchmark is None else tuple(map(canonical_database, benchmark.databases))
    taken: dict[tuple[str, str], str] = {}
    for subject in subjects:
        spelt, database = databases_of(subject), database_of(subject, benchmark)
        if not subject.strip().isdecimal():
            if benchmark is None:
                return []  # the others tell what kind of log it is
        elif database is not None and spelt:
            taken.setdefault((database, spelt[0]), subject)
    remarks = []
    for (database, spelt), subject in taken.items():
        if benchmark is None:
            remarks.append(
                f"nothing says whose subjects these are: such as {subject} were taken for those of "
                f"{database} by their spelling; --benchmark tells otherwise"
            )
        elif database != spelt and len(own) == 1:
            remarks.append(
                f"subjects such as {subject}, which {spelt} spells so, were taken for those of "
                f"{database}, the only database of {benchmark.title}"
            )
    return remarks


def shown(line: str) -> str:
    """Return a line as an error quotes it."""
    return repr(line if len(line) <= 60 else f"{line[:57]}...")
