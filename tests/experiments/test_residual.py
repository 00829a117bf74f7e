"""Epochs to a training loss."""

from types import SimpleNamespace

import numpy as np
import pytest

from mace.errors import ConfigError
from mace.experiments.residual import Config, first_below


def test_first_epoch_below_the_goal_counts_from_one():
    assert first_below(np.array([1.0, 0.4, 0.6, 0.3]), 0.5) == 2
    assert first_below(np.array([1.0, 0.9]), 0.5) is None


def measured(*curves):
    histories = {3: {str(i): {"loss": curve} for i, curve in enumerate(curves)}}
    evaluation = SimpleNamespace(methods={"network": SimpleNamespace(histories=histories)})
    return Config(name="x").measure(evaluation, seed=3)  # pyright: ignore[reportArgumentType]


def test_measure_is_the_mean_over_the_folds():
    assert measured([1.0, 0.4], [0.4, 0.2]) == {"epochs": 1.5, "last_loss": pytest.approx(0.3)}


def test_one_fold_that_does_not_get_there_is_not_averaged_away():
    assert measured([1.0, 0.4], [1.0, 0.8])["epochs"] is None


def test_goal_must_be_a_loss():
    with pytest.raises(ConfigError, match="goal is 0, expected a loss above 0"):
        Config(name="x", goal=0)
