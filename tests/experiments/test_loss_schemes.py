"""Imbalance is made on the training side, by the ratio asked for."""

from typing import get_args, get_type_hints

import numpy as np
import pytest

from mace.errors import ConfigError
from mace.experiments.loss_schemes import KINDS, Config, drop_clips
from mace.losses.config import LossConfig

LABELS = np.repeat(np.arange(5), 40)
INDEX = np.arange(0, 200, 2)


def test_classes_fall_off_by_the_ratio_and_nothing_is_added():
    chosen = drop_clips(INDEX, LABELS, ratio=20.0, seed=0)
    counts = np.sort(np.bincount(LABELS[chosen]))[::-1]
    assert counts.tolist() == [20, 9, 4, 2, 1]
    assert set(chosen) <= set(INDEX)
    assert (np.diff(chosen) > 0).all()


def test_order_of_the_classes_is_drawn_by_the_seed():
    orders = {
        tuple(np.argsort(np.bincount(LABELS[drop_clips(INDEX, LABELS, ratio=20.0, seed=seed)])))
        for seed in range(6)
    }
    assert len(orders) > 1
    again = [drop_clips(INDEX, LABELS, ratio=5.0, seed=3) for _ in range(2)]
    np.testing.assert_array_equal(*again)


def test_ratio_one_drops_nothing():
    np.testing.assert_array_equal(drop_clips(INDEX, LABELS, ratio=1.0, seed=0), INDEX)


def test_ratio_below_one_is_refused():
    with pytest.raises(ConfigError, match=r"setting ratio is 0\.5, expected 1 or more"):
        Config(name="x", ratio=0.5)


def test_every_loss_is_in_the_study():
    assert set(KINDS) == set(get_args(get_type_hints(LossConfig)["kind"]))
