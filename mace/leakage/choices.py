"""Checks of what was computed or chosen with the test clips in view."""

import numpy as np

from mace.leakage.case import Case, Finding, NotRecorded, Part, finding, share

BEST_EPOCH = (
    "choosing the epoch on the test subject alone raised published UF1 from 0.713 to 0.774 "
    "(STSTNet) and from 0.703 to 0.839 (OFF-ApexNet)"
)
# Folds from which on equal choices are no accident: in fewer, the best epoch is the last too often.
ENOUGH = 3


def normalisation(case: Case) -> list[Finding]:
    """Statistics of the normalisation that hold test clips, or other clips of test subjects."""
    known = [part for part in case.parts if part.normalised is not None]
    if not known:
        raise NotRecorded("which clips the normalisation's statistics are of")
    places, touched = [], set()
    for part in known:
        assert part.normalised is not None
        own = _of_test_people(case, part, part.normalised)
        if own:
            places.append(f"{part.where}: {own} clips of test subjects")
            touched |= set(part.test.tolist())
    return finding(
        "normalisation-test",
        "the statistics that inputs are normalised with hold clips of test subjects",
        places,
        f"{share(case, touched)}; usually little with many subjects, more with few",
    )


def selection(case: Case) -> list[Finding]:
    """An epoch or a setting chosen on test clips, or on other clips of test subjects."""
    places, touched = [], set()
    known = False
    for part in case.parts:
        if part.chosen_on is None:
            continue
        known = True
        own = _of_test_people(case, part, part.chosen_on)
        if own:
            places.append(f"{part.where}: chosen on {own} clips of test subjects")
            touched |= set(part.test.tolist())
    followed = _follows_test_curve(case)
    unexplained = _unexplained_epochs(case)
    if not known and not any(part.epoch is not None for part in case.parts):
        raise NotRecorded("what epochs and settings were chosen on")
    findings = finding(
        "settings-test",
        "an epoch or a setting was chosen by the score on test subjects",
        places,
        f"{share(case, touched)}; {BEST_EPOCH}",
    )
    if not findings:
        findings = finding(
            "settings-test",
            "in every fold the kept epoch is the best one of a curve of test scores",
            followed,
            BEST_EPOCH,
        )
    if not findings:
        findings = finding(
            "settings-test",
            "folds keep different epochs, and no validation clips are recorded that they were "
            "chosen on",
            unexplained,
            BEST_EPOCH,
        )
    return findings


def _of_test_people(case: Case, part: Part, index: np.ndarray) -> int:
    people = {case.items[i].person for i in part.test.tolist()}
    return sum(case.items[i].person in people for i in index.tolist())


def _follows_test_curve(case: Case) -> list[str]:
    followed = []
    for part in case.parts:
        curves = [curve for name, curve in part.curves.items() if name.startswith("test")]
        if not curves or part.epoch is None:
            continue
        # The last epoch needs no choice, and a curve that never moves shows none.
        best = [int(np.argmax(curve)) + 1 for curve in curves if max(curve) > min(curve)]
        losses = [int(np.argmin(curve)) + 1 for curve in curves if max(curve) > min(curve)]
        if best and part.epoch not in best + losses:
            return []
        if best and part.epoch < len(curves[0]):
            followed.append(f"{part.where}: epoch {part.epoch}")
    return followed if len(followed) >= min(ENOUGH, len(case.parts)) else []


def _unexplained_epochs(case: Case) -> list[str]:
    free = [part for part in case.parts if part.epoch is not None and not _chosen(part)]
    if len({part.epoch for part in free}) < 2:
        return []
    return [f"{part.where}: epoch {part.epoch}" for part in free]


def _chosen(part: Part) -> bool:
    return part.chosen_on is not None and part.chosen_on.size > 0
