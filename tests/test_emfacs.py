"""Emotions read from action units."""

import doctest

import numpy as np
import pytest

from mace import emfacs
from mace.emfacs import emotion_probabilities, reads
from mace.errors import ConfigError


def test_two_units_by_hand():
    # Contempt is AU14 in 85 % of its prototypes and AU10+14 in the others; of the two units asked
    # for, happiness shows AU14 in 7 % and neither in the others.
    presence = np.array([[0.9, 0.2]])
    contempt = 0.9 * (0.85 * 0.8 + 0.15 * 0.2)
    happiness = 0.8 * (0.07 * 0.9 + 0.93 * 0.1)
    read = emotion_probabilities(presence, units=("14", "10"), classes=("contempt", "happiness"))
    np.testing.assert_allclose(read[0, 0], contempt / (contempt + happiness), rtol=1e-5)
    np.testing.assert_allclose(read.sum(axis=1), 1, rtol=1e-6)


def test_a_polarity_is_what_is_no_class_of_its_own():
    units = ("4", "12", "15")
    presence = np.array([[0.05, 0.05, 0.95]])
    three = emotion_probabilities(
        presence, units=units, classes=("negative", "positive", "surprise")
    )
    five = emotion_probabilities(
        presence, units=units, classes=("negative", "positive", "surprise", "repression", "others")
    )
    assert three[0].argmax() == 0
    assert five[0].argmax() == 3


def test_a_class_that_is_nothing_but_others_is_refused():
    with pytest.raises(ConfigError, match="positive is nothing but happiness"):
        emotion_probabilities(
            np.full((1, 1), 0.5), units=("12",), classes=("positive", "happiness", "surprise")
        )


def test_spellings_and_unknown_classes():
    assert reads(["Happiness", "other", "negative"])
    assert not reads(["tense"])
    with pytest.raises(ConfigError, match="no action units are listed for tense"):
        emotion_probabilities(np.zeros((1, 1)), units=("4",), classes=("tense", "happiness"))


def test_example():
    assert doctest.testmod(emfacs).failed == 0
