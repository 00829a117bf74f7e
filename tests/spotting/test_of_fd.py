"""OF-FD, on movements made by hand."""

import numpy as np
import pytest

from mace.errors import ConfigError
from mace.spotting.of_fd import OpticalFlowConfig, spot_by_flow_peaks, united
from mace.spotting.signal import REGIONS
from mace.spotting.spotter import Sample


def samples(movements, *, fps=60, seconds=9.0, head=0.0):
    """Regions that rise and fall as (start, rise, hold, fall, px, names) say; the head drifts."""
    line = []
    for k in range(round(fps * seconds)):
        time = k / fps
        regions = np.full((len(REGIONS), 2), [head * np.sin(time * 3), 0])
        for start, rise, hold, fall, px, names in movements:
            points = np.cumsum([start, rise, hold, fall])
            height = px * np.interp(time, points, [0, 1, 1, 0])
            for name in names:
                regions[REGIONS.index(name), 1] -= height
        line.append(Sample(time, k, regions, np.zeros((3, 2))))
    return line


BROWS = ("brow_left", "brow_middle", "brow_right")
FLASH = (2.0, 0.12, 0.0, 0.2, 1.5, BROWS)
SMILE = (5.0, 0.4, 0.4, 0.5, 3.0, ("mouth_left", "mouth_right"))


def test_short_is_micro_and_long_is_macro():
    flash, smile = spot_by_flow_peaks(samples([FLASH, SMILE]))
    assert (flash.kind, smile.kind) == ("micro", "macro")
    assert flash.apex == pytest.approx(2.12, abs=0.05)
    assert 1.9 < flash.onset < 2.1 < flash.offset < 2.45
    assert (flash.onset_frame, flash.offset_frame) == (
        pytest.approx(60 * flash.onset, abs=1), pytest.approx(60 * flash.offset, abs=1),
    )  # fmt: skip
    assert 4.9 < smile.onset < 5.4 < smile.offset < 6.5


def test_the_head_is_taken_out_by_the_nose():
    assert spot_by_flow_peaks(samples([], head=5.0)) == []
    assert [e.kind for e in spot_by_flow_peaks(samples([FLASH], head=5.0))] == ["micro"]


def test_blinks_and_nothing_are_nothing():
    assert spot_by_flow_peaks([]) == []
    assert spot_by_flow_peaks(samples([])) == []
    lids = (2.0, 0.1, 0.05, 0.1, 4.0, ("eye_left", "eye_right"))
    assert spot_by_flow_peaks(samples([lids])) == []


def test_regions_that_move_together_are_one_movement():
    cheeks = (2.02, 0.12, 0.0, 0.2, 1.5, ("cheek_left", "chin"))
    (event,) = spot_by_flow_peaks(samples([FLASH, cheeks]))
    assert event.kind == "micro"


def test_two_peaks_with_a_deep_valley_are_two():
    again = (2.4, 0.12, 0.0, 0.2, 1.5, BROWS)
    assert len(spot_by_flow_peaks(samples([FLASH, again]))) == 2


def test_intervals_that_touch_are_two_and_overlap_make_one():
    assert united([(10, 20), (20, 30)], 0.1) == [(10, 20), (20, 30)]
    assert united([(10, 20), (12, 15), (18, 40)], 0.1) == [(10, 40)]


def test_wrong_settings_are_refused():
    with pytest.raises(ConfigError, match=r"of_fd\.high_px"):
        OpticalFlowConfig(high_px=0)
    with pytest.raises(ConfigError, match=r"of_fd\.window"):
        OpticalFlowConfig(window=3)
