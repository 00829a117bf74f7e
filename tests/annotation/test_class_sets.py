"""Class sets against the published counts of the sheets."""

from collections import Counter

import pytest

from mace.annotation.class_sets import CLASS_SETS, classes_of, normalise_emotion

SAMM = dict(
    anger=57, happiness=26, others=26, surprise=15, contempt=12, disgust=9, fear=8, sadness=6
)
CASME2 = dict(others=99, disgust=63, happiness=32, repression=27, surprise=25, sadness=7, fear=2)
CASME = dict(
    tense=69, disgust=44, repression=38, surprise=20, happiness=9, sadness=6, fear=2, contempt=1
)


def counts(database, emotions, chosen):
    total = Counter()
    for emotion, number in emotions.items():
        total[classes_of(database, emotion).get(chosen)] += number
    total.pop(None, None)
    return dict(total)


def test_samples_of_the_protocols():
    assert counts("samm", SAMM, "3") == {"negative": 92, "positive": 26, "surprise": 15}
    five = dict(anger=57, happiness=26, contempt=12, surprise=15, other=26)
    assert counts("samm", SAMM, "5") == five
    assert sum(counts("casme2", CASME2, "5").values()) == 246
    assert counts("casme2", CASME2, "3") == {"negative": 90, "positive": 32, "surprise": 25}
    assert sum(counts("casme2", CASME2, "7").values()) == 255
    assert sum(counts("casme", CASME, "4").values()) == 171
    smic = dict(negative=70, positive=51, surprise=43)
    assert counts("smic", smic, "3") == smic


def test_objective_classes_are_roman():
    assert classes_of("samm", "others", objective=7)["objective"] == "VII"
    assert "objective" not in classes_of("samm", "others", objective=8)
    assert set(classes_of("casme2", "disgust", objective=3)) <= set(CLASS_SETS)


@pytest.mark.parametrize(
    ("raw", "emotion"),
    [
        ("Other", "others"),
        ("Others", "others"),
        (" comtempt ", "contempt"),
        ("Happy", "happiness"),
        ("sad", "sadness"),
        ("tense", "tense"),
        ("", ""),
        ("Mixed  feelings.", "mixed feelings"),
    ],
)
def test_emotions_have_one_spelling(raw, emotion):
    assert normalise_emotion(raw) == emotion
