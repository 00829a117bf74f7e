"""Events as tables: what stands in which column, and what is left empty."""

import csv

import numpy as np

from mace.spotting.events import Event, Unit
from mace.spotting.records import EVENTS_CSV, event_of, event_record, events_table, write_table

UNITS = {
    "1": Unit(0.9, 0.7, 0.1, called=True),
    "12": Unit(0.2, 0.1, 0.9, called=False),
    "14": Unit(0.4, 0.4, -0.8, called=True),
}
MICRO = Event(
    0, "micro", 1.0, 1.1, 1.25, 50, 55, 62, 0.8, ("brow_left",), "b", {"a": 0.25, "b": 0.75}, 0.75,
    UNITS,
)  # fmt: skip
BLINK = Event(1, "blink", 0.5, 0.6, 0.7, 25, 30, 35, 2.0)


def test_units_are_written_as_coders_write_them():
    assert MICRO.shown == ("1", "R14")
    assert BLINK.shown == ()


def test_a_line_of_the_log_holds_everything():
    assert event_of(event_record(MICRO)) == MICRO
    assert event_of(event_record(BLINK)) == BLINK


def test_a_table_has_the_columns_of_the_network(tmp_path):
    table = events_table([MICRO, BLINK], ["a", "b"], ["1", "12", "14"])
    assert table["kind"].tolist() == ["blink", "micro"]
    assert table["units"].isna().tolist() == [True, False]
    assert table["units"][1] == "1 R14"
    np.testing.assert_allclose(table["AU01_p"], [np.nan, 0.9])
    np.testing.assert_allclose(table["AU14_px"], [np.nan, 0.4])
    write_table(tmp_path / EVENTS_CSV, [MICRO, BLINK], ["a", "b"], ["1", "12", "14"])
    with (tmp_path / EVENTS_CSV).open() as file:
        blink, micro = csv.DictReader(file)
    assert (blink["label"], blink["units"], blink["AU12_p"]) == ("", "", "")
    assert (micro["units"], micro["AU12_p"], micro["AU12_px"]) == ("1 R14", "0.2000", "0.1000")


def test_a_network_without_units_has_no_columns_for_them():
    table = events_table([MICRO], ["a", "b"])
    assert [name for name in table if str(name).startswith(("AU", "units"))] == []
