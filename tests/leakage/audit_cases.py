"""Splits with and without planted leaks; plain dictionaries as the JSON form has them."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from mace.metrics import accuracy, class_f1, confusion_matrix, macro_precision, uar, uf1

CLASSES = ("negative", "positive", "surprise")
Split = dict[str, Any]


def clean_split(
    *,
    seed: int = 0,
    databases: tuple[str, ...] = ("casme2", "samm"),
    subjects: int = 5,
    clips: int = 6,
    folds: int | None = None,
    seeds: int = 1,
    validation: bool = False,
    right: float = 0.7,
) -> Split:
    """Leave one subject out (or `folds` folds by subject), with everything recorded."""
    rng = np.random.default_rng(seed)
    samples = []
    people = [(database, f"{s + 1:02d}") for database in databases for s in range(subjects)]
    for database, subject in people:
        for clip in range(clips):
            samples.append(
                {
                    "database": database,
                    "subject": subject,
                    "clip": f"EP{clip:02d}",
                    # Uneven, so that macro-precision, accuracy and UAR are different figures.
                    "truth": CLASSES[min(int(rng.integers(0, 5)), 2)],
                    "digest": rng.bytes(8).hex(),
                    "hash": rng.bytes(32).hex(),
                }
            )
    owner = np.repeat(np.arange(len(people)), clips)
    groups = np.array_split(rng.permutation(len(people)), folds or len(people))
    result: Split = {"samples": samples, "folds": [], "scores": {}}
    truth = np.array([CLASSES.index(sample["truth"]) for sample in samples])
    counts = []
    for number in range(seeds):
        miss = rng.random(len(samples)) > right
        predicted = np.where(miss, rng.integers(0, 2, len(samples)), truth)
        counts.append(confusion_matrix(truth, predicted, 3))
        for group in groups:
            test = np.isin(owner, group)
            train = np.flatnonzero(~test)
            fold = {
                "name": "+".join("/".join(people[p]) for p in group),
                "seed": str(number),
                "train": train.tolist(),
                "test": np.flatnonzero(test).tolist(),
                "normalised": train.tolist(),
                "chosen_on": [],
                "epoch": 40,
                "predictions": [CLASSES[a] for a in predicted[test]],
            }
            if validation:
                held = owner == owner[train[0]]
                fold["train"] = np.flatnonzero(~test & ~held).tolist()
                fold["normalised"] = fold["train"]
                fold["validation"] = np.flatnonzero(held).tolist()
                fold["epoch"] = int(rng.integers(1, 40))
                del fold["chosen_on"]
            result["folds"].append(fold)
    for name, score in (("uf1", uf1), ("uar", uar), ("accuracy", accuracy)):
        result["scores"][name] = round(
            float(np.mean([score(confusion) for confusion in counts])), 4
        )
    return result


def pooled_counts(split: Split, fold: Split | None = None) -> np.ndarray:
    """Return the confusion over all folds, or of one."""
    truth, predicted = [], []
    for part in split["folds"] if fold is None else [fold]:
        for i, label in zip(part["test"], part["predictions"], strict=True):
            truth.append(CLASSES.index(split["samples"][i]["truth"]))
            predicted.append(CLASSES.index(label))
    return confusion_matrix(np.array(truth), np.array(predicted), 3)


def _subject(split: Split) -> None:
    fold = split["folds"][0]
    moved = fold["test"].pop()
    fold["predictions"].pop()
    fold["train"].append(moved)
    split["scores"] = {}


def _clip(split: Split) -> None:
    fold = split["folds"][2]
    fold["train"].append(fold["test"][0])


def _frames(split: Split) -> None:
    # Two frames of one clip, dealt to different sides.
    fold = split["folds"][1]
    first = split["samples"][fold["test"][0]]
    first["frame"] = "12"
    split["samples"].append(first | {"frame": "13", "digest": "", "hash": ""})
    fold["train"].append(len(split["samples"]) - 1)


def _renamed(split: Split) -> None:
    fold = split["folds"][0]
    tested = split["samples"][fold["test"][0]]
    same = [i for i in fold["train"] if split["samples"][i]["database"] == tested["database"]]
    for i in same[:6]:
        split["samples"][i]["clip"] += "x"
        split["samples"][i]["subject"] = f"sub{int(tested['subject'])}"


def _digest(split: Split) -> None:
    fold = split["folds"][3]
    split["samples"][fold["train"][4]]["digest"] = split["samples"][fold["test"][0]]["digest"]


def _near(split: Split) -> None:
    fold = split["folds"][3]
    bits = bytearray.fromhex(split["samples"][fold["test"][0]]["hash"])
    bits[3] ^= 0b101
    bits[17] ^= 0b1
    split["samples"][fold["train"][4]]["hash"] = bits.hex()


def _copies(split: Split) -> None:
    fold = split["folds"][0]
    source = split["samples"][fold["test"][0]]
    copied = source | {
        "subject": "synthetic",
        "clip": "magnified-1",
        "source": f"{source['database']}/{source['subject']}/{source['clip']}",
        "digest": "",
        "hash": "",
    }
    split["samples"].append(copied)
    fold["train"].append(len(split["samples"]) - 1)


def _normalisation(split: Split) -> None:
    for fold in split["folds"]:
        fold["normalised"] = list(range(len(split["samples"])))


def _best_test_epoch(split: Split) -> None:
    rng = np.random.default_rng(1)
    for fold in split["folds"]:
        fold["chosen_on"] = fold["test"]
        fold["epoch"] = int(rng.integers(1, 40))


def _test_curve(split: Split) -> None:
    rng = np.random.default_rng(2)
    for fold in split["folds"]:
        curve = rng.random(40)
        fold["curves"] = {"test_accuracy": curve.tolist()}
        fold["epoch"] = int(curve.argmax()) + 1
        fold["chosen_on"] = []


def _unexplained_epochs(split: Split) -> None:
    for number, fold in enumerate(split["folds"]):
        fold["epoch"] = 10 + number % 7


def _validation_on_test_subject(split: Split) -> None:
    fold = split["folds"][0]
    half = len(fold["test"]) // 2
    fold["validation"] = fold["test"][half:]
    fold["test"], fold["predictions"] = fold["test"][:half], fold["predictions"][:half]
    split["scores"] = {}


def _missing(split: Split) -> None:
    for fold in split["folds"][:2]:
        fold["test"].pop()
        fold["predictions"].pop()
    for name, score in (("uf1", uf1), ("uar", uar), ("accuracy", accuracy)):
        split["scores"][name] = float(score(pooled_counts(split)))


def _not_the_protocol(split: Split) -> None:
    split["benchmark"] = "megc2019"


def _unpredicted(split: Split) -> None:
    fold = split["folds"][0]
    fold["predictions"] = dict(zip(fold["test"][1:], fold["predictions"][1:], strict=True))
    fold["predictions"] = {
        "/".join(split["samples"][i][k] for k in ("database", "subject", "clip")): label
        for i, label in fold["predictions"].items()
    }
    split["scores"] = {}


def _twice(split: Split) -> None:
    split["folds"].append(split["folds"][0] | {"name": "once more"})
    split["scores"] = {}


def _labels(split: Split) -> None:
    i = split["folds"][0]["test"][0]
    wrong = next(name for name in CLASSES if name != split["samples"][i]["truth"])
    split["samples"].append(split["samples"][i] | {"truth": wrong, "frame": "2", "hash": ""})
    split["samples"][-1]["digest"] = ""
    split["folds"][0]["test"].append(len(split["samples"]) - 1)
    split["folds"][0]["predictions"].append(wrong)
    split["scores"] = {}


def _fold_averaged(split: Split) -> None:
    scores = [np.nan_to_num(class_f1(pooled_counts(split, fold))).mean() for fold in split["folds"]]
    split["scores"]["uf1"] = float(np.mean(scores))


def _precision(split: Split) -> None:
    split["scores"]["uar"] = float(macro_precision(pooled_counts(split)))


def _accuracy(split: Split) -> None:
    split["scores"]["uar"] = float(accuracy(pooled_counts(split)))


def _invented(split: Split) -> None:
    split["scores"]["uf1"] = 0.9123


def _held_out_database(split: Split) -> None:
    # Leaves subjects out, but is reported as holding a database out.
    split["protocol"] = "database"


PLANTED: dict[str, tuple[Callable[[Split], None], str]] = {
    "subject on both sides": (_subject, "subject-overlap"),
    "clip on both sides": (_clip, "clip-overlap"),
    "frames of a clip on both sides": (_frames, "clip-overlap"),
    "subject under two names": (_renamed, "subject-renamed"),
    "equal pictures": (_digest, "picture-overlap"),
    "near-duplicate pictures": (_near, "near-duplicate"),
    "copies of test clips in training": (_copies, "augmentation-overlap"),
    "normalisation over all data": (_normalisation, "normalisation-test"),
    "epoch chosen on the test fold": (_best_test_epoch, "settings-test"),
    "epoch at the top of a test curve": (_test_curve, "settings-test"),
    "epochs that nothing explains": (_unexplained_epochs, "settings-test"),
    "validation clips of the test subject": (_validation_on_test_subject, "settings-test"),
    "samples that no fold tests": (_missing, "missing-samples"),
    "another sample than the protocol's": (_not_the_protocol, "missing-samples"),
    "tested but not predicted": (_unpredicted, "missing-samples"),
    "predicted twice": (_twice, "not-once"),
    "two true classes": (_labels, "label-conflict"),
    "mean of the folds' F1": (_fold_averaged, "fold-averaged"),
    "UAR that is macro-precision": (_precision, "uar-macro-precision"),
    "UAR that is accuracy": (_accuracy, "other-metric"),
    "a score of other predictions": (_invented, "score-mismatch"),
    "tested database in training": (_held_out_database, "database-overlap"),
}


def planted(name: str, **options: Any) -> Split:
    """Return a clean split with one leak planted."""
    split = copy.deepcopy(clean_split(**options))
    PLANTED[name][0](split)
    return split
