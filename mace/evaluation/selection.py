"""Motion sets put together and cut down to a benchmark's clips."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Int

from mace.data.motion_set import MotionSet
from mace.errors import DataError
from mace.evaluation.config import ProtocolConfig
from mace.protocols.benchmarks import Benchmark, find_benchmark
from mace.protocols.counts import select
from mace.protocols.folds import clips_of
from mace.protocols.labels import canonical_class
from mace.protocols.names import clip_key, subject_key


def join(sets: Sequence[MotionSet]) -> MotionSet:
    """Return the clips of several sets as one; a person whom they spell differently is one.

    Raises:
        DataError: if a clip is in two of them, or their inputs are of different kinds.
    """
    if len(sets) == 1:
        return sets[0]
    first: dict[str, str] = {}
    for name in (name for motion_set in sets for name in motion_set.clips):
        key = clip_key(*name.split("/", 2))
        if key in first:
            spelt = "" if first[key] == name else f" (as {first[key]})"
            raise DataError(f"clip {name} is in two of the data sets{spelt}; name each clip once")
        first[key] = name
    for other in sets[1:]:
        if other.inputs.shape[1:] != sets[0].inputs.shape[1:] or other.motion != sets[0].motion:
            raise DataError(
                f"the inputs of {other.clips[0]} are {other.inputs.shape[1:]}, those of "
                f"{sets[0].clips[0]} {sets[0].inputs.shape[1:]}; use one recipe for all data sets"
            )
    classes = tuple(sorted({name for motion_set in sets for name in motion_set.classes}))
    # People by their key, under the first spelling of each.
    spelling: dict[str, str] = {}
    for name in (name for motion_set in sets for name in motion_set.subjects):
        spelling.setdefault(subject_key(*name.split("/", 1)), name)
    subjects = tuple(sorted(spelling.values()))

    def place(name: str) -> int:
        return subjects.index(spelling[subject_key(*name.split("/", 1))])

    labels = [classes.index(own.classes[label]) for own in sets for label in own.labels]
    groups = [place(own.subjects[group]) for own in sets for group in own.groups]
    return MotionSet(
        inputs=np.concatenate([motion_set.inputs for motion_set in sets]),
        labels=np.array(labels, np.int32),
        groups=np.array(groups, np.int32),
        subjects=subjects,
        clips=tuple(name for motion_set in sets for name in motion_set.clips),
        classes=classes,
        motion=sets[0].motion,
        units=tuple(listed for motion_set in sets for listed in motion_set.units),
        partitions=tuple(name for motion_set in sets for name in motion_set.partitions),
        lbp_top=None
        if any(motion_set.lbp_top is None for motion_set in sets)
        else np.concatenate([motion_set.lbp_top for motion_set in sets]),  # pyright: ignore[reportArgumentType, reportCallIssue]
    )


def restrict(motion_set: MotionSet, benchmark: Benchmark) -> MotionSet:
    """Return the clips of a benchmark's databases and classes, its classes in its order.

    Where it has several labels to a clip, the set's own classes stay.

    Raises:
        DataError: if there is none.
    """
    labels = [motion_set.classes[label] for label in motion_set.labels]
    people = [motion_set.subjects[group] for group in motion_set.groups]
    index = np.array(select(benchmark, labels, people), np.int64)
    if benchmark.labels != "one":
        return subset(motion_set, index)
    order = [canonical_class(name) for name in benchmark.classes]
    return replace(
        subset(motion_set, index),
        labels=np.array([order.index(canonical_class(labels[i])) for i in index], np.int32),
        classes=benchmark.classes,
        fingerprint="",
    )


def of_partitions(motion_set: MotionSet, protocol: ProtocolConfig) -> MotionSet:
    """Return the clips that a protocol trains on and tests, if it names the authors' partitions.

    Raises:
        DataError: if either partition has no clip here.
    """
    if protocol.kind != "partition":
        return motion_set
    return subset(motion_set, np.array(clips_of(motion_set.partitions, protocol.partition)))


def subset(motion_set: MotionSet, index: Int[np.ndarray, " m"]) -> MotionSet:
    """Return some clips of a set, and of its people those whom they show, by name."""
    people = [motion_set.subjects[motion_set.groups[i]] for i in index]
    subjects = tuple(sorted(set(people)))
    return replace(
        motion_set,
        inputs=motion_set.inputs[index],
        labels=motion_set.labels[index],
        groups=np.array([subjects.index(person) for person in people], np.int32),
        subjects=subjects,
        clips=tuple(motion_set.clips[i] for i in index),
        units=tuple(motion_set.units[i] for i in index),
        partitions=tuple(motion_set.partitions[i] for i in index),
        lbp_top=None if motion_set.lbp_top is None else motion_set.lbp_top[index],
        fingerprint="",
    )


def benchmark_of(protocol: ProtocolConfig) -> tuple[Benchmark | None, ProtocolConfig]:
    """Return the benchmark that a protocol names, and the protocol with that benchmark's folds.

    Folds other than leave one subject out that the user chose are kept.

    Raises:
        ConfigError: if none is called so.
    """
    if protocol.benchmark is None:
        return None, protocol
    benchmark = find_benchmark(protocol.benchmark)
    if benchmark.folds != "loso" and protocol.kind == "loso":
        protocol = replace(protocol, kind=benchmark.folds)
        if benchmark.folds == "kfold":
            protocol = replace(protocol, folds=benchmark.fold_count)
        if benchmark.folds == "partition":
            protocol = replace(protocol, partition=benchmark.tested)
    return benchmark, protocol
