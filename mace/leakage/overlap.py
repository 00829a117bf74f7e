"""Checks of what is on both sides of a split: people, clips, pictures and copies of them."""

from collections import defaultdict
from collections.abc import Callable, Hashable

import numpy as np

from mace.evaluation.fingerprints import NEAR
from mace.leakage.case import Case, Finding, Item, NotRecorded, Part, finding, share
from mace.protocols.names import canonical_database, clip_subject, subject_number

# Random splits against leaving subjects out, measured on the 442 flows of MEGC 2019 by an SVM.
RANDOM_SPLIT = "on single flow images of MEGC 2019 a random split gave UF1 0.726 instead of 0.718"
FRAMES = "with frames of one clip on both sides, published scores have fallen to those of chance"

# Pairs of hashes compared at once, for memory.
BLOCK = 1024


def subject_overlap(case: Case) -> list[Finding]:
    """A subject whose clips are on the training and the test side of a fold."""
    places, touched = _shared(case, lambda i: case.items[i].person)
    return finding(
        "subject-overlap",
        "subjects are on the training and on the test side of a fold",
        places,
        f"{share(case, touched)}; {RANDOM_SPLIT}, more where clips of a person are alike",
    )


def renamed_subject(case: Case) -> list[Finding]:
    """A subject under two spellings, such as `1`, `01` and `sub01`, one on each side."""
    keys = [_probable_person(item) for item in case.items]
    spellings: dict[str, set[str]] = defaultdict(set)
    for key, item in zip(keys, case.items, strict=True):
        spellings[key].add(item.person)
    several = {key for key, names in spellings.items() if len(names) > 1}

    def label(key: Hashable) -> str:
        names = sorted(spellings[str(key)])
        databases = {name.partition("/")[0] for name in names}
        if len(databases) > 1:
            return " = ".join(names)
        return f"{databases.pop()}: {' = '.join(name.partition('/')[2] for name in names)}"

    # One spelling on both sides is `subject_overlap`'s.
    same = {(part.fold, i) for part in case.splits for i in _both_sides(case, part)}
    places, touched = _shared(
        case, lambda i: keys[i] if keys[i] in several else None, label=label, skip=same
    )
    return finding(
        "subject-renamed",
        "what is probably one subject has two names, one on each side of a fold",
        places,
        share(case, touched),
    )


def misplaced_clip(case: Case) -> list[Finding]:
    """A clip whose name begins with another subject than it is listed under."""
    named = {i: clip_subject(item.database, item.clip) for i, item in enumerate(case.items)}
    wrong = [
        i
        for i, subject in named.items()
        if subject is not None
        and (own := subject_number(case.items[i].subject)).isdecimal()
        and subject != own
    ]
    return finding(
        "subject-contradicted",
        "clips are listed under another subject than the one that their names begin with",
        [f"{case.items[i].clip_name} is subject {named[i]}'s by its name" for i in wrong],
        f"{share(case, wrong)}; whose they are decides on which side of a fold they belong",
    )


def clip_overlap(case: Case) -> list[Finding]:
    """A clip, or frames of it, on the training and the test side of a fold."""
    spellings: dict[str, set[str]] = defaultdict(set)
    for item in case.items:
        spellings[item.clip_key].add(item.clip_name)
    places, touched = _shared(
        case,
        lambda i: case.items[i].clip_key,
        label=lambda key: " = ".join(sorted(spellings[str(key)])),
    )
    return finding(
        "clip-overlap",
        "clips are on the training and on the test side of a fold",
        places,
        f"{share(case, touched)}; {FRAMES}",
    )


def copy_overlap(case: Case) -> list[Finding]:
    """An augmented, magnified or synthesised copy on the other side than its source or sibling."""
    if not any(item.source for item in case.items):
        raise NotRecorded("which samples are copies (column `source`)")
    # The clip itself on both sides is `clip_overlap`'s; here at least one of the two is a copy.
    copies = {item.source_key for item in case.items if item.source}
    places, touched = _shared(
        case,
        lambda i: case.items[i].source_key if case.items[i].source_key in copies else None,
        label=lambda key: "",
    )
    return finding(
        "augmentation-overlap",
        "copies of a clip are on the other side of a fold than the clip or another copy",
        places,
        f"{share(case, touched)}; augment after splitting, and training clips only",
    )


def picture_overlap(case: Case) -> list[Finding]:
    """Pictures with the same content on both sides, whatever they are called."""
    if not any(item.digest for item in case.items):
        raise NotRecorded("digests of the pictures (column `digest` or `image`)")
    places, touched = _shared(case, lambda i: case.items[i].digest or None, label=lambda key: "")
    return finding(
        "picture-overlap",
        "the same picture is on the training and on the test side of a fold",
        places,
        f"{share(case, touched)}; {FRAMES}",
    )


def near_duplicates(case: Case) -> list[Finding]:
    """Pictures that are nearly the same on both sides: neighbouring frames, noise, compression."""
    usable = [i for i, item in enumerate(case.items) if item.hash]
    if not usable:
        raise NotRecorded("perceptual hashes of the pictures (column `hash` or `image`)")
    pairs = [
        (a, b)
        for a, b in _near_pairs([case.items[i].hash for i in usable])
        # Equal pictures are `picture_overlap`'s.
        if not case.items[usable[a]].digest
        or case.items[usable[a]].digest != case.items[usable[b]].digest
    ]
    first = np.array([usable[a] for a, _ in pairs], np.int64)
    second = np.array([usable[b] for _, b in pairs], np.int64)
    places: list[str] = []
    touched: set[int] = set()
    for part in case.splits:
        train, test = _sides(case, part)
        for left, right in ((first, second), (second, first)):
            for k in np.flatnonzero(train[left] & test[right]):
                a, b = case.items[left[k]], case.items[right[k]]
                places.append(f"{part.where}: {b.name} like {a.name}")
                touched.add(int(right[k]))
    return finding(
        "near-duplicate",
        "pictures that are almost the same are on the training and on the test side of a fold",
        places,
        f"{share(case, touched)}; {FRAMES}",
    )


def database_overlap(case: Case) -> list[Finding]:
    """Training clips of the tested database, where the protocol holds a whole database out."""
    if not case.other_databases:
        raise NotRecorded("a protocol that holds databases out")
    places, touched = _shared(case, lambda i: canonical_database(case.items[i].database))
    return finding(
        "database-overlap",
        "the tested database is in training too, though the protocol holds it out",
        places,
        share(case, touched),
    )


def _shared(
    case: Case,
    key: Callable[[int], Hashable],
    *,
    label: Callable[[Hashable], str] | None = None,
    skip: set[tuple[str, int]] | None = None,
) -> tuple[list[str], set[int]]:
    """Return places and test items whose key is on both sides; a key of None is nobody's."""
    keys = [key(i) for i in range(len(case.items))]
    places: list[str] = []
    touched: set[int] = set()
    for part in case.splits:
        learnt = {keys[i] for i in part.train.tolist()} - {None}
        for i in part.test.tolist():
            if keys[i] in learnt and (skip is None or (part.fold, i) not in skip):
                name = case.items[i].name if label is None else label(keys[i])
                shown = keys[i] if label is None and isinstance(keys[i], str) else name
                places.append(f"{part.where}: {shown or case.items[i].name}")
                touched.add(i)
    return places, touched


def _both_sides(case: Case, part: Part) -> set[int]:
    learnt = {case.items[i].person for i in part.train.tolist()}
    return {i for i in part.test.tolist() if case.items[i].person in learnt}


def _sides(case: Case, part: Part) -> tuple[np.ndarray, np.ndarray]:
    train, test = np.zeros(len(case.items), bool), np.zeros(len(case.items), bool)
    train[part.train] = True
    test[part.test] = True
    return train, test


def _near_pairs(hashes: list[str]) -> list[tuple[int, int]]:
    pairs = []
    for length in {len(code) for code in hashes}:
        index = [i for i, code in enumerate(hashes) if len(code) == length]
        data = np.frombuffer(bytes.fromhex("".join(hashes[i] for i in index)), np.uint8)
        signs = np.unpackbits(data.reshape(len(index), -1), axis=1).astype(np.float32) * 2 - 1
        bits = signs.shape[1]
        for start in range(0, len(index), BLOCK):
            differ = (bits - signs[start : start + BLOCK] @ signs.T) / 2
            for a, b in np.argwhere(differ <= NEAR * bits):
                if start + a < b:
                    pairs.append((index[start + a], index[b]))
    return pairs


def _probable_person(item: Item) -> str:
    """Return the same for `01`, `s01`, `sub01` and `subject 1`, in data of any name."""
    return f"{canonical_database(item.database)}/{subject_number(item.subject)}"
