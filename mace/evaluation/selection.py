"""Motion sets put together and cut down to a benchmark's clips."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mace.data import MotionSet
from mace.errors import DataError
from mace.evaluation.config import ProtocolConfig
from mace.protocols import BENCHMARKS, Benchmark, canonical_class, select


def join(sets: Sequence[MotionSet]) -> MotionSet:
    """Return the clips of several sets as one; people keep their `database/subject` names.

    Raises:
        DataError: if a clip is in two of them, or their inputs are of different kinds.
    """
    if len(sets) == 1:
        return sets[0]
    clips = [name for one in sets for name in one.clips]
    if len(set(clips)) < len(clips):
        twice = next(name for i, name in enumerate(clips) if name in clips[:i])
        raise DataError(f"clip {twice} is in two of the data sets; name each clip once")
    for one in sets[1:]:
        if one.inputs.shape[1:] != sets[0].inputs.shape[1:] or one.motion != sets[0].motion:
            raise DataError(
                f"the inputs of {one.clips[0]} are {one.inputs.shape[1:]}, those of "
                f"{sets[0].clips[0]} {sets[0].inputs.shape[1:]}; use one recipe for all data sets"
            )
    classes = tuple(sorted({name for one in sets for name in one.classes}))
    subjects = tuple(sorted({name for one in sets for name in one.subjects}))
    labels = [classes.index(one.classes[label]) for one in sets for label in one.labels]
    groups = [subjects.index(one.subjects[group]) for one in sets for group in one.groups]
    return MotionSet(
        inputs=np.concatenate([one.inputs for one in sets]),
        labels=np.array(labels, np.int32),
        groups=np.array(groups, np.int32),
        subjects=subjects,
        clips=tuple(clips),
        classes=classes,
        motion=sets[0].motion,
    )


def restrict(motion_set: MotionSet, benchmark: Benchmark) -> MotionSet:
    """Return the clips of a benchmark's databases and classes, its classes in its order.

    Raises:
        DataError: if there is none.
    """
    labels = [motion_set.classes[label] for label in motion_set.labels]
    people = [motion_set.subjects[group] for group in motion_set.groups]
    index = np.array(select(benchmark, labels, people), np.int64)
    order = [canonical_class(name) for name in benchmark.classes]
    subjects = tuple(sorted({people[i] for i in index}))
    return replace(
        motion_set,
        inputs=motion_set.inputs[index],
        labels=np.array([order.index(canonical_class(labels[i])) for i in index], np.int32),
        groups=np.array([subjects.index(people[i]) for i in index], np.int32),
        subjects=subjects,
        clips=tuple(motion_set.clips[i] for i in index),
        classes=benchmark.classes,
        fingerprint="",
    )


def benchmark_of(protocol: ProtocolConfig) -> tuple[Benchmark | None, ProtocolConfig]:
    """Return the benchmark that a protocol names, and the protocol with that benchmark's folds.

    Folds other than leave one subject out that the user chose are kept.
    """
    if protocol.benchmark is None:
        return None, protocol
    benchmark = BENCHMARKS[protocol.benchmark]
    if benchmark.folds == "database" and protocol.kind == "loso":
        protocol = replace(protocol, kind="database")
    return benchmark, protocol
