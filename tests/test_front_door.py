"""The front door: what `import mace` gives, without anything heavy before it is asked for."""

import doctest
import importlib
import subprocess
import sys

import numpy as np
import pytest

import mace
from mace.errors import DataError


def test_nothing_heavy_is_imported():
    code = "import sys, mace; print(sorted({'jax', 'numpy', 'sklearn', 'cv2'} & set(sys.modules)))"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout == "[]\n"


@pytest.mark.parametrize("name", [name for name in mace.__all__ if name != "__version__"])
def test_every_name_is_there_and_its_example_is_right(name):
    value = getattr(mace, name)
    assert value.__doc__
    assert name in dir(mace)
    globs = vars(importlib.import_module(value.__module__)).copy()
    for test in doctest.DocTestFinder(recurse=False).find(value, name, globs=globs):
        result = doctest.DocTestRunner(verbose=False).run(test)
        assert result.failed == 0


def test_other_names_are_refused():
    with pytest.raises(AttributeError, match="no attribute 'flows'"):
        mace.flows  # noqa: B018


def moved(shift=3):
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 255, (12, 12), np.uint8)
    onset = np.kron(coarse, np.ones((6, 6), np.uint8))
    return onset, np.roll(onset, shift, axis=1)


@pytest.mark.parametrize("method", ["dis", "tvl1", "patches"])
def test_flow_is_how_far_a_picture_moved(method):
    onset, apex = moved()
    field = mace.flow(onset, apex, method=method)
    assert field.shape == (72, 72, 2)
    assert field.dtype == np.float32
    assert np.median(field[20:50, 20:50, 0]) == pytest.approx(3, abs=0.5)


def test_flow_of_a_batch_is_that_of_each_pair():
    onset, apex = moved()
    batch = mace.flow(np.stack([onset, onset]), np.stack([apex, onset]))
    np.testing.assert_array_equal(batch[0], mace.flow(onset, apex))
    assert np.abs(batch[1]).max() < 0.1


def test_flow_of_colour_is_that_of_gray():
    onset, apex = moved()
    colour = [np.repeat(picture[..., None], 3, axis=-1) for picture in (onset, apex)]
    np.testing.assert_array_equal(mace.flow(*colour), mace.flow(onset, apex))
    batch = mace.flow(colour[0][None], colour[1][None])
    np.testing.assert_array_equal(batch[0], mace.flow(onset, apex))


@pytest.mark.parametrize(
    ("onset", "apex", "message"),
    [
        (np.zeros((20, 20)), np.zeros((20, 20)), "onset is float64, expected pictures of uint8"),
        ([[1]], [[1]], "onset is list"),
        (np.zeros((20, 20), np.uint8), np.zeros((20, 21), np.uint8), "both must be of one size"),
        (np.zeros(20, np.uint8), np.zeros(20, np.uint8), "shape"),
        (np.zeros((8, 8), np.uint8), np.zeros((8, 8), np.uint8), "at least 12"),
    ],
)
def test_flow_refuses(onset, apex, message):
    with pytest.raises(DataError, match=message):
        mace.flow(onset, apex)
