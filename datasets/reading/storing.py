"""A reading to corrected clips on disk: in parallel, resumed after an interruption."""

import hashlib
import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mace.datasets.reading.cells import subject_key
from mace.datasets.reading.correcting import Correctable, Outcome, Task, load, plan, store
from mace.datasets.reading.long_correcting import plan_videos
from mace.datasets.reading.long_videos import LongReading
from mace.datasets.reading.records import Annotation, Change, Reading
from mace.errors import DataError
from mace.face.config import FaceConfig
from mace.progress import progress
from mace.workers import parallel_map, workers_for


@dataclass(frozen=True, kw_only=True)
class Stored:
    """What became of a reading.

    Attributes:
        paths: files of the samples, in the order of the sheet.
        changes: all of the reading and after.
    """

    paths: tuple[Path, ...]
    changes: tuple[Change, ...]


def plan_reading(
    reading: Reading | LongReading, *, face: FaceConfig
) -> tuple[Sequence[Correctable], list[Change]]:
    """Return what is to be corrected, clips or long videos, and the changes so far."""
    if isinstance(reading, LongReading):
        return plan_videos(reading, face=face)
    return plan_clips(reading, face=face)


def plan_clips(reading: Reading, *, face: FaceConfig) -> tuple[list[Task], list[Change]]:
    """Resolve every annotation; the changes are the reading's own and the drops made here.

    The repairs of a clip that goes on are in its task.
    """
    tasks: list[Task] = []
    changes = list(reading.changes)
    names: dict[str, Annotation] = {}
    recorded: dict[Hashable, Annotation] = {}
    for annotation in one_spelling(reading.annotations, changes):
        first, same = names.get(annotation.name), "the same subject and clip as"
        if first is None:
            first, same = recorded.get(_recorded(annotation)), "the same frames as"
        if first is not None:
            other = "another" if first.row is None else f"row {first.row}"
            reason = f"{same} {other} ({first.name}, {first.emotion}), which was taken"
            changes.append(annotation.change("drop", "duplicate", reason))
            continue
        names[annotation.name] = recorded[_recorded(annotation)] = annotation
        try:
            tasks.append(plan(annotation, database=reading.database, face=face))
        except DataError as error:
            changes.append(annotation.change("drop", "unusable", str(error)))
    drops = sum(change.kind == "drop" for change in changes)
    assert reading.rows == len(tasks) + drops, f"{reading.rows} rows, {len(tasks)} + {drops}"
    return tasks, changes


def one_spelling(annotations: Sequence[Annotation], changes: list[Change]) -> Iterator[Annotation]:
    """Yield annotations whose subjects are spelt in one way: `1` and `01` are one person.

    Or folds would have one person on both sides. What differs in more than zeros and case, such as
    `1` and `sub01`, may be two people, which is a choice.
    """
    spellings: dict[str, str] = {}
    similar: dict[str, str] = {}
    said: set[str] = set()
    for annotation in annotations:
        written = annotation.subject
        plain = re.sub(r"(?<![0-9])0+(?=[0-9])", "", written.casefold())
        chosen = spellings.setdefault(plain, written)
        first = similar.setdefault(subject_key(written), chosen)
        if written not in said and chosen != written:
            reason = f"the subject {written} is written {chosen} elsewhere; taken as one person"
            changes.append(annotation.change("repair", "subject-spelling", reason))
        elif written not in said and first != chosen:
            reason = f"the subjects {first} and {written} may be one person; taken as two"
            changes.append(annotation.change("choice", "subject-names", reason))
        said.add(written)
        yield annotation if chosen == written else replace(annotation, subject=chosen)


def _recorded(annotation: Annotation) -> Hashable:
    """Return what tells two rows of one recording and interval from two recordings."""
    source = annotation.video
    if source is None and annotation.frames:
        source = next(iter(annotation.frames.values())).parent
    if source is None or annotation.onset is None:
        return id(annotation)
    return source, annotation.onset, annotation.offset


def fingerprint(tasks: Sequence[Correctable], changes: Sequence[Change]) -> str:
    """Name what a preparation will make: annotations, repairs, drops, files and settings."""
    content = "\n".join([task.key for task in tasks] + [repr(change) for change in changes])
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def store_clips(
    reading: Reading | LongReading,
    *,
    face: FaceConfig,
    folder: Path,
    workers: int | None = None,
) -> Stored:
    """Correct all clips or videos of a reading into `folder`, each into a file of its own.

    Raises:
        DataError: if no clip is left.
        WorkerError: if a worker was killed.
        OutputError: if the folder cannot be written to.
    """
    tasks, changes = plan_reading(reading, face=face)
    return store_tasks(tasks, changes, database=reading.database, folder=folder, workers=workers)


def store_tasks(
    tasks: Sequence[Correctable],
    changes: Sequence[Change],
    *,
    database: str,
    folder: Path,
    workers: int | None = None,
) -> Stored:
    """Correct planned clips that are not in `folder` yet.

    Args:
        tasks: what `plan_reading` returned.
        changes: the changes so far, which those made here follow.
        database: for the progress display.
        folder: of finished clips; those of an interrupted run are taken over.
        workers: processes, as many as there are cores by default; 1 works in this process. The
            samples do not depend on it.

    Raises:
        DataError: if no clip is left.
        WorkerError: if a worker was killed.
        OutputError: if the folder cannot be written to.
    """
    paths = [folder / f"{task.key}.pickle" for task in tasks]
    outcomes: list[Outcome | None] = [load(path) for path in paths]
    ready = sum(outcome is not None for outcome in outcomes)
    for index, outcome in enumerate(outcomes):
        if outcome is not None:  # samples stay on disk
            outcomes[index] = Outcome(sample=None, changes=outcome.changes)
    missing = [index for index, outcome in enumerate(outcomes) if outcome is None]
    with progress(f"preparing {database}", len(tasks), done=ready) as advance:
        for (index, _, _), outcome in parallel_map(
            _store,
            [(index, tasks[index], paths[index]) for index in missing],
            None,
            workers=workers_for(len(missing), workers),
        ):
            outcomes[index] = outcome
            advance(1, note=tasks[index].name)
    everything = list(changes)
    for outcome in outcomes:
        assert outcome is not None
        everything += outcome.changes
    kept = tuple(path for path in paths if path.exists())
    if not kept:
        drops = [change for change in everything if change.kind == "drop"]
        first = f", the first because {drops[0].clip}: {drops[0].reason}" if drops else ""
        raise DataError(
            f"none of the {len(drops)} rows of {database} gave a sample{first}; check --manual-dir "
            "and --config"
        )
    return Stored(paths=kept, changes=tuple(everything))


def _store(_: None, job: tuple[int, Correctable, Path]) -> Outcome:
    return store(*job[1:])
