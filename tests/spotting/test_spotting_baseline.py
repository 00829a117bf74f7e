"""The plain baseline, on movements made by hand."""

import numpy as np
import pytest

from mace.errors import ConfigError
from mace.spotting.baseline import BaselineConfig, spot_plainly
from mace.spotting.signal import REGIONS
from mace.spotting.spotter import Sample


def samples(apexes, *, fps=100, seconds=6.0, px=1.0):
    found = []
    for k in range(round(fps * seconds)):
        time = k / fps
        height = sum(np.clip(1 - abs(time - apex) / 0.14, 0, 1) for apex in apexes)
        regions = np.zeros((len(REGIONS), 2))
        regions[:3, 1] = -px * height
        found.append(Sample(time, k, regions, np.zeros((3, 2))))
    return found


def test_peaks_are_spotted_with_a_fixed_length():
    first, second = spot_plainly(samples([2.0, 4.0]))
    assert (first.apex, second.apex) == (pytest.approx(2.0, abs=0.02), pytest.approx(4.0, abs=0.02))
    assert first.offset - first.onset == pytest.approx(2 * BaselineConfig().half_s)
    assert (first.onset_frame, first.offset_frame) == (186, 214)
    assert first.kind == "micro"


def test_nothing_gives_nothing():
    assert spot_plainly([]) == []
    assert spot_plainly(samples([])) == []
    assert spot_plainly(samples([0.1], seconds=0.3)) == []


def test_lost_frames_are_left_out():
    lost = [one._replace(ok=False, regions=one.regions + 9) if one.frame % 5 == 0 else one
            for one in samples([2.0])]  # fmt: skip
    assert len(spot_plainly(lost)) == 1


def test_a_wrong_share_is_refused():
    with pytest.raises(ConfigError, match=r"baseline\.share"):
        BaselineConfig(share=1.0)
