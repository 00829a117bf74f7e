"""Cells of real sheets, and anything else that may stand in one."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mace.annotation.action_units import ActionUnit, ActionUnits, listed_units, parse_action_units


@pytest.mark.parametrize(
    ("raw", "text", "remarks"),
    [
        ("4+7+L10", "4 7 L10", ()),
        (12, "12", ()),
        (12.0, "12", ()),
        ("12+15 ", "12 15", ()),
        ("(R6 or R12)+R15", "R6|R12 R15", ()),
        ("L12 or L14", "L12|L14", ()),
        ("14or23", "14|23", ()),
        ("4+L12orR14A and 17", "4 L12|R14A 17", ()),
        ("14或23", "14|23", ()),
        ("order 4", "4", ("order",)),
        ("4.0", "4", ()),
        ("4.0+10.0", "4 10", ()),
        ("R14A or 17A or 24A", "R14A|17A|24A", ()),
        ("ref(7B)+43", "7B 43", ("ref",)),
        ("10A/B", "10A/B", ()),
        ("R14+17+soft focus", "R14 17", ("soft focus",)),
        ("A2", "A2", ()),
        ("7?+12", "7? 12", ()),
        ("?", "", ("?",)),
        ("B", "", ("B",)),
        ("4\uff0c7\u300112", "4 7 12", ()),
        ("AU4 + AU 9", "4 9", ()),
        ("L12/R14", "L12|R14", ()),
        ("6 or (12+15)", "6|12 6|15", ()),
        ("(4+7)?", "4? 7?", ()),
        ("4+4", "4", ()),
        ("123+4", "4", ("123",)),
        ("/", "", ()),
        ("", "", ()),
        (None, "", ()),
        (math.nan, "", ()),
        ("l1 2b", "L1 2B", ()),
    ],
)
def test_cells(raw, text, remarks):
    parsed = parse_action_units(raw)
    assert (parsed.text, parsed.remarks) == (text, remarks)


def test_parts_of_a_unit():
    assert parse_action_units("R14C?").units == ((ActionUnit(14, "R", "C", unclear=True),),)
    assert parse_action_units("A2").units == ((ActionUnit(2, asymmetric=True),),)
    assert parse_action_units("B12").units == ((ActionUnit(12),),)
    assert parse_action_units("(R6 or R12)+R15+6").numbers == (6, 12, 15)


def test_brackets_without_end_do_not_exhaust_anything():
    assert parse_action_units("(" * 5000 + "4").remarks == ()
    many = " or ".join(["(1+2+3+4+5+6)"] * 30)
    assert parse_action_units(many).numbers == (1, 2, 3, 4, 5, 6)


@given(
    st.one_of(
        st.text(max_size=40),
        st.text(alphabet="0123456789LRABE+()/?or ,ref", max_size=40),
        st.integers(),
        st.floats(),
    )
)
def test_any_cell_is_read_and_its_text_means_the_same(raw):
    parsed = parse_action_units(raw)
    again = parse_action_units(parsed.text)
    assert again == ActionUnits(parsed.units)
    assert set(parsed.numbers) == {unit.number for entry in parsed.units for unit in entry}


def test_a_clip_lists_every_alternative_and_nothing_where_no_unit_is_read():
    assert listed_units(["L12|L14", "4B", 7.0]) == {"12", "14", "4", "7"}
    assert listed_units([None, "", "eyes"]) == frozenset()
