"""CAS(ME)^2 through `mace prepare`: no header, names in code, 0 for not known."""

import pytest
from fuzzing import mutations
from hypothesis import given
from hypothesis import strategies as st
from trees.casme_squared_tree import COUNTS, ROWS, make_casme_squared
from trees.preparing import prepare, read_or_refuse, samples_of
from trees.sheets import write_book

from mace.datasets.casme_squared.reading import read
from mace.errors import DataError


def test_micro_expressions_by_the_naming_rules(tmp_path, whole_frames):
    make_casme_squared(tmp_path / "in")
    report, folder = prepare("casme_squared", tmp_path / "in", tmp_path / "out")
    assert (report["rows"], report["samples"], report["drops"]) == (10, 6, 4)
    assert report["emotions"] == COUNTS
    assert report["codes"] == {
        "drop interval-missing": 2,
        "drop no-folder-name": 2,
        "remark apex-is-offset": 1,
        "remark other-kind": 1,
        "repair apex-missing": 1,
        "repair offset-missing": 1,
    }
    drops = {c["clip"]: c["reason"] for c in report["changes"] if c["kind"] == "drop"}
    assert set(drops) == {"s16/happy1_2", "s16/happy1_3", "s19/boredom1_1", "9/anger1_1"}
    assert "naming rule2" in drops["s19/boredom1_1"]
    assert "naming rule1" in drops["9/anger1_1"]
    samples = samples_of(folder)
    # The naming rule lacks disgust1; the sheet repeats anger1_2.
    assert set(samples) == {
        "s15/disgust1_1", "s15/anger1_2_121", "s15/anger1_2_141", "s16/happy1_1",
        "s16/surprise1_1", "s19/disgust2_1",
    }  # fmt: skip
    plain = samples["s15/disgust1_1"]
    assert (plain["onset"], plain["apex"], plain["offset"]) == (10, 14, 19)
    assert plain["fps"] == 30
    assert plain["class_3"] == b"negative"
    without_offset, without_apex = samples["s15/anger1_2_121"], samples["s15/anger1_2_141"]
    assert (without_offset["onset"], without_offset["apex"]) == (10, 14)
    assert without_offset["offset"] == 14
    assert (without_apex["apex"], without_apex["apex_source"]) == (14, b"midpoint")
    # Frames 131 to 160: drawn frames grow brighter with their number.
    means = [frame.mean() for frame in without_apex["frames"]]
    assert means == sorted(means)
    assert len(means) == 30


def test_macro_expressions(tmp_path):
    make_casme_squared(tmp_path)
    reading = read(tmp_path, "macro")
    assert [(a.name, a.offset) for a in reading.annotations] == [
        ("s15/anger1_1", 105),
        ("s19/surprise1_1", 39),
    ]
    assert reading.rows == 2


@pytest.mark.parametrize(
    ("name", "sheet"),
    [
        ("CAS(ME)^2code_final(Updated).xlsx", "CASMEcode_final"),
        ("code_final.xls", "Tabelle1"),
        ("code_final.csv", "CASFEcode_final"),
    ],
)
def test_renamed_workbooks_and_exports(tmp_path, name, sheet):
    make_casme_squared(tmp_path, name=name, sheet=sheet)
    reading = read(tmp_path, "micro")
    assert (reading.rows, len(reading.annotations)) == (10, 6)


def test_a_header_that_somebody_added_is_no_row(tmp_path):
    header = ["participant", "video", "onset", "apex", "offset", "AUs", "emotion", "type", "self"]
    make_casme_squared(tmp_path, rows=[header, *ROWS])
    assert read(tmp_path, "micro").rows == 10


def test_a_workbook_without_the_naming_rules_is_refused(tmp_path):
    make_casme_squared(tmp_path, frames=False)
    write_book(tmp_path / "code" / "CAS(ME)^2code_final.xlsx", {"CASFEcode_final": ROWS})
    with pytest.raises(DataError, match="naming rule1"):
        read(tmp_path, "micro")
    (tmp_path / "code" / "CAS(ME)^2code_final.xlsx").unlink()
    with pytest.raises(DataError, match="no coding table"):
        read(tmp_path, "micro")


CELLS = st.one_of(
    st.none(), st.integers(-5, 10**7), st.floats(), st.text(max_size=8),
    st.sampled_from(["/", "?", "0", "35.0", "micro-expression", "anger1_1", "negative", "x"]),
)  # fmt: skip


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    root = tmp_path_factory.mktemp("squared")
    make_casme_squared(root)
    return root


@mutations(20)
@given(data=st.data())
def test_mutated_sheets_are_read_or_refused(frames, data):
    rows = [list(row) for row in ROWS]
    for _ in range(data.draw(st.integers(1, 6))):
        row = data.draw(st.integers(0, len(rows) - 1))
        rows[row][data.draw(st.integers(0, 8))] = data.draw(CELLS)
    make_casme_squared(frames, rows=rows, frames=False)
    for config in ("micro", "macro"):
        read_or_refuse(lambda config=config: read(frames, config))
