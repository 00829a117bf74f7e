"""Cells: what is a number, what is nothing, what is neither."""

import datetime
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mace.datasets.reading.cells import (
    CellError,
    cell_frame,
    cell_raw,
    cell_text,
    clip_key,
    normalise,
    subject_key,
)

CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.datetimes()
)


@pytest.mark.parametrize("cell", [12, 12.0, "12", "12.0", " 0012 ", "12.", "\uff11\uff12"])
def test_twelve(cell):
    assert cell_frame(cell) == 12


@pytest.mark.parametrize("cell", [None, "", " ", "/", "?", "??", "-", "NaN", math.nan, "N/A"])
def test_nothing(cell):
    assert cell_frame(cell) is None


@pytest.mark.parametrize(
    "cell",
    [-3, 12.5, "12a", True, math.inf, "MISSING <-426679", datetime.datetime(2014, 5, 8), 1e30],
)
def test_no_frame_number(cell):
    with pytest.raises(CellError, match="is no frame number"):
        cell_frame(cell)


def test_text():
    assert cell_text(7.0) == "7"
    assert cell_text(" 4+7 ") == "4+7"
    assert cell_text("/") == ""
    assert (cell_text("?"), cell_raw("/"), cell_raw(None)) == ("?", "/", "")


def test_names_for_comparison():
    assert normalise(" Onset_Frame\n") == normalise("OnsetFrame") == "onsetframe"
    assert {subject_key(s) for s in (1, "01", "sub01", "S1", "spNO.1", 1.0, "s01")} == {"1"}
    assert subject_key("anna") == "anna"
    assert clip_key("s01_ne_01") == clip_key("s1_ne_1")
    assert clip_key("EP1_11") != clip_key("EP11_1")
    assert clip_key("EP12_01f") != clip_key("EP12_01")


@given(CELLS)
def test_any_cell_is_a_number_nothing_or_refused(cell):
    assert isinstance(cell_text(cell), str)
    try:
        number = cell_frame(cell)
    except CellError:
        return
    assert number is None or number >= 0
    assert subject_key(cell) is not None
    assert clip_key(cell) is not None
