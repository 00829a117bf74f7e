"""The spotter's parts: regions from flow, the regular grid, the window, a pulse's feet."""

import numpy as np
import pytest

from mace.errors import ConfigError
from mace.face.config import CropConfig
from mace.spotting.config import SpottingConfig
from mace.spotting.segment import bump, course, delineate, travel
from mace.spotting.series import Grid
from mace.spotting.signal import REGIONS, head_position, region_displacements
from mace.spotting.window import RunningMedian, Window


def flow_at(x, y, size):
    """One px to the right where (x, y) eye distances from between the eyes, nothing elsewhere."""
    crop = CropConfig()
    flow = np.zeros((size, size, 2), np.float32)
    column = int((0.5 + x * crop.eye_distance) * size)
    row = int((crop.eye_height + y * crop.eye_distance) * size)
    flow[row - 1 : row + 2, column - 1 : column + 2, 0] = 1
    return flow


@pytest.mark.parametrize("size", [28, 64, 128])
@pytest.mark.parametrize(
    ("place", "name"),
    [((-0.62, -0.43), "brow_left"), ((0.5, 0), "eye_right"), ((0.45, 0.94), "mouth_right")],
)
def test_motion_is_in_the_region_where_it_is(size, place, name):
    moved = region_displacements(flow_at(*place, size))
    assert REGIONS[int(np.abs(moved[:, 0]).argmax())] == name
    assert not moved[:, 1].any()


def test_regions_are_means():
    flow = np.broadcast_to(np.array([0.5, -2.0], np.float32), (28, 28, 2))
    np.testing.assert_allclose(region_displacements(flow), [[0.5, -2.0]] * len(REGIONS), rtol=1e-6)


def test_a_framing_changes_the_place_of_a_region_and_not_its_motion():
    flow = flow_at(-0.62, -0.43, 128)
    cut = flow[6:122, 6:122]
    share = (6 / 128, 6 / 128, 122 / 128, 122 / 128)
    np.testing.assert_allclose(
        region_displacements(cut, framing=share)[:4], region_displacements(flow)[:4], atol=1e-6
    )


def test_the_head_is_where_the_transform_says():
    # Twice as large a crop, shifted: frame (50, 20) is crop (100 - 90, 40 - 30).
    transform = np.array([[2.0, 0, -90], [0, 2.0, -30]])
    head = head_position(transform)
    crop = CropConfig()
    np.testing.assert_allclose(head[:2], crop.eyes + np.array([90, 30]))
    moved = head_position(transform + np.array([[0, 0, -4.0], [0, 0, 0]]))
    np.testing.assert_allclose(moved - head, [[4.0, 0]] * 3, atol=1e-9)


def test_grid_interpolates_at_whole_multiples():
    grid = Grid(10.0, 2.0)
    assert grid.push(0.05, 0, np.array([0.0])) == []
    points = grid.push(0.25, 3, np.array([2.0]))
    assert [time for time, _ in points] == [0.1, 0.2]
    np.testing.assert_allclose([value for _, value in points], [[0.5], [1.5]])
    assert (grid.frame(0.05), grid.frame(0.19), grid.frame(9.0)) == (0, 2, 3)
    assert not grid.due(0.29)
    assert grid.due(0.31)
    assert grid.broken(0.2)
    assert grid.broken(0.5)
    grid.clear()
    assert grid.due(0.26)
    assert not grid.broken(9.0)


def test_window_keeps_the_last_rows():
    window = Window(3, (1,))
    assert window.last(2).shape == (0, 1)
    for k in range(20):
        window.push(np.array([float(k)]))
        rows = window.last(3)[:, 0].tolist()
        assert rows == [float(j) for j in range(max(k - 2, 0), k + 1)]
    assert len(window) == 3
    window.clear()
    assert len(window) == 0


def test_running_median_follows_in_steps():
    median = RunningMedian(5, (1,), every=2)
    assert median.value().tolist() == [0.0]
    seen = []
    for k in range(8):
        median.push(np.array([float(k)]))
        seen.append(float(median.value()[0]))
    assert seen == [0.0, 0.5, 0.5, 1.5, 1.5, 3.0, 3.0, 5.0]
    assert median.last(2)[:, 0].tolist() == [6.0, 7.0]


def test_bump_cancels_drift():
    time = np.arange(40.0)
    signal = (3 + 0.1 * time)[:, None, None] * np.ones((1, 2, 2))
    np.testing.assert_allclose(bump(signal, 20, 10), 0, atol=1e-12)
    signal[20, 1] += (0.0, 2.0)
    np.testing.assert_allclose(bump(signal, 20, 10), [[0, 0], [0, 2.0]], atol=1e-12)


def test_a_triangle_has_its_feet_where_the_edge_is_crossed():
    shape = np.interp(np.arange(60), [20, 30, 40], [0.0, 1, 0])
    signal = shape[:, None, None] * np.array([[[0.0, 2.0], [0, 0]]])
    pattern = np.array([[0.0, 2.0], [0, 0]])
    np.testing.assert_allclose(course(signal, pattern, np.ones(2)), shape)
    pulse = delineate(
        signal, 30, pattern=pattern, weights=np.ones(2), before=15, after=15, edge=0.2
    )
    assert pulse is not None
    assert (pulse.onset, pulse.apex, pulse.offset) == (pytest.approx(22), 30, pytest.approx(38))
    np.testing.assert_allclose(pulse.heights, [2.0, 0])
    assert pulse.returned == 1
    assert (
        delineate(shape[:31, None, None] * np.ones((1, 2, 2)), 30, pattern=np.ones((2, 2)),
                  weights=np.ones(2), before=15, after=15, edge=0.2) is None
    )  # fmt: skip


def test_half_undone_is_half_returned():
    shape = np.interp(np.arange(60), [20, 30, 40], [0.0, 1, 0.5])
    signal = shape[:, None, None] * np.ones((1, 1, 2))
    pulse = delineate(
        signal, 30, pattern=np.ones((1, 2)), weights=np.ones(1), before=15, after=15, edge=0.2
    )
    assert pulse is not None
    assert pulse.returned == pytest.approx(0.5)


def test_travel_is_the_farthest_from_the_start():
    head = np.zeros((10, 3, 2))
    head[4, :, 0] = 3.0
    assert travel(head, 2.0, 8.0) == 3.0
    assert travel(head, 6.0, 8.0) == 0.0


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"fps": 5.0}, "spotting.fps"),
        ({"micro_s": (0.5, 0.1)}, "spotting.micro_s"),
        ({"decide_s": 0.1}, "spotting.decide_s"),
        ({"least_px": 0.0}, "spotting.least_px"),
        ({"edge": 1.0}, "spotting.edge"),
    ],
)
def test_settings_that_contradict_are_refused(wrong, name):
    with pytest.raises(ConfigError, match=name):
        SpottingConfig(**wrong)
