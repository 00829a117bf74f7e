"""Kinds of movements, by hand."""

import numpy as np
import pytest

from mace.spotting.config import SpottingConfig
from mace.spotting.lasting import Movement
from mace.spotting.naming import Naming
from mace.spotting.series import Grid
from mace.spotting.signal import REGIONS

CONFIG = SpottingConfig()


def movement(*regions, apex=1.0, px=0.5, travel=0.0, length=0.2):
    heights = np.array([px if name in regions else 0.0 for name in REGIONS])
    return Movement(apex - length / 2, apex, apex + length / 2, heights, travel)


@pytest.fixture
def grid():
    grid = Grid(CONFIG.fps, 20)
    for frame in range(1000):
        grid.push(frame / 100, frame, np.zeros(1))
    return grid


def test_regions_that_move_half_as_much_are_named_and_times_are_frames(grid):
    found = movement("brow_left", "brow_right")
    found.heights[REGIONS.index("nose")] = 0.2
    event = Naming(CONFIG, identity=4)(found, "micro", grid)
    assert (event.kind, event.identity, event.strength_px) == ("micro", 4, 0.5)
    assert set(event.regions) == {"brow_left", "brow_right"}
    assert (event.onset_frame, event.apex_frame, event.offset_frame) == (90, 100, 110)


def test_a_head_that_went_far_is_the_cause(grid):
    far = movement("brow_left", travel=CONFIG.head_px + 1)
    assert Naming(CONFIG, identity=0)(far, "micro", grid).kind == "head"
    assert Naming(CONFIG, identity=0)(far, "blink", grid).kind == "blink"


def test_a_mouth_that_moves_again_and_again_speaks(grid):
    naming = Naming(CONFIG, identity=0)
    apexes = [1.0, 1.4, 1.8, 2.2, 2.6 + CONFIG.speech_s]
    kinds = [naming(movement("lip_lower", apex=apex), "micro", grid).kind for apex in apexes]
    assert kinds == ["micro", "micro", "micro", "speech", "micro"]


@pytest.mark.parametrize(
    ("found", "alone"),
    [
        (movement("eye_left", "eye_right"), True),
        (movement("eye_left"), False),
        (movement("eye_left", "eye_right", "cheek_left"), False),
        (movement("eye_left", "eye_right", length=CONFIG.blink_s + 0.1), False),
    ],
)
def test_lids_alone_are_both_lids_briefly_and_nothing_else(found, alone):
    assert Naming(CONFIG, identity=0).only_lids(found) is alone
