"""A published log of the composite, rebuilt, and how its scores are checked."""

import json

import pytest

from mace.cli import main

KNOWN = [[219, 22, 9], [40, 62, 7], [21, 3, 59]]
"""Confusion matrix of a published log of MEGC 2019's 442 samples (rows truth)."""
CLASSES = ("negative", "positive", "surprise")


def known_samples() -> list[tuple[str, str, str, int, int]]:
    """442 samples of 68 subjects with the known confusion matrix and the benchmark's counts."""
    parts = {"smic": (16, (70, 51, 43)), "casme2": (24, (88, 32, 25)), "samm": (28, (92, 26, 15))}
    predictions = [
        [predicted for predicted, count in enumerate(row) for _ in range(count)] for row in KNOWN
    ]
    samples = []
    for database, (subjects, counts) in parts.items():
        number = 0
        for truth, count in enumerate(counts):
            for _ in range(count):
                person = f"{number % subjects + 1:02d}"
                samples.append(
                    (database, person, f"c{number:03d}", truth, predictions[truth].pop())
                )
                number += 1
    return sorted(samples)


def megc_text(samples) -> str:
    lines, person = [], None
    for database, subject, clip, truth, predicted in samples:
        if (database, subject) != person:
            person = database, subject
            lines.append(f"{database} {subject}")
        lines.append(f"{clip} {truth} {predicted}")
    return "\n".join(lines) + "\n"


def scored(capsys, *arguments) -> dict:
    assert main(["score", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def check_known(scores: dict) -> None:
    assert scores["uf1"] == pytest.approx(0.7353, abs=5e-5)
    assert scores["uar"] == pytest.approx(0.7186, abs=5e-5)
    assert scores["accuracy"] == pytest.approx(0.7692, abs=5e-5)
    assert scores["macro_precision"] == pytest.approx(0.7605, abs=5e-5)
    assert scores["n"] == 442
    assert scores["subjects"] == 68
    assert scores["confusion"] == KNOWN
