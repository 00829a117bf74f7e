"""Tables in every format, and files that are none."""

import csv
import io

import openpyxl
import pytest
import xlwt
from fuzzing import mutations
from hypothesis import given
from hypothesis import strategies as st

from mace.datasets.reading.gathering import Gathering
from mace.datasets.reading.report import refuse_changes
from mace.datasets.reading.tables import read_table
from mace.datasets.reading.trees import FolderIndex
from mace.errors import DataError

COLUMNS = {
    "subject": ("subject",),
    "clip": ("filename", "clip"),
    "onset": ("onset frame", "onsetf"),
    "?objective": ("objective classes",),
}
HEADER = ["Subject", "Filename", None, "OnsetFrame"]
ROWS = [["01", "EP02_01f", None, 46], ["01", "EP03_02", None, "/"]]


def xlsx(path, sheets):
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def xls(path, rows):
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet1")
    for i, row in enumerate(rows):
        for j, cell in enumerate(row):
            if cell is not None:
                sheet.write(i, j, cell)
    book.save(str(path))
    return path


def values(table):
    return [(row.text("subject"), row.text("clip"), row.text("onset")) for row in table.rows]


EXPECTED = [("01", "EP02_01f", "46"), ("01", "EP03_02", "")]


@pytest.mark.parametrize("name", ["a.xlsx", "a.xls", "wrong.csv"])
def test_workbooks_by_content(tmp_path, name):
    path = xls(tmp_path / "a", [HEADER, *ROWS]) if name == "a.xls" else tmp_path / "a"
    if name != "a.xls":
        xlsx(tmp_path / "a.xlsx", {"Sheet1": [HEADER, *ROWS], "Sheet2": []}).rename(path)
    table = read_table(path.rename(tmp_path / name), columns=COLUMNS)
    assert values(table) == EXPECTED
    assert [row.number for row in table.rows] == [2, 3]
    assert table.columns == ("subject", "clip", "onset")
    assert table.rows[1].raw("onset") == "/"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16"])
def test_text_in_any_delimiter_and_encoding(tmp_path, delimiter, encoding):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerows([[*HEADER, "备注, 说明"], *ROWS])
    path = tmp_path / "t.csv"
    path.write_bytes(out.getvalue().encode(encoding))
    assert values(read_table(path, columns=COLUMNS)) == EXPECTED


def test_header_below_prose_and_notes_below_the_data(tmp_path):
    prose = [["SAMM Micro-Expressions"], [], ['"/" = or', '"?" = unclear']] * 4
    rows = [*prose, [], ["Subject", "Filename", "Onset Frame"], ["006", "006_1_2", 5562.0], []]
    rows += [[None, None, None, "checked by AD"], [None, None, None]]
    table = read_table(xlsx(tmp_path / "t.xlsx", {"MICRO_ONLY": rows}), columns=COLUMNS)
    assert values(table) == [("006", "006_1_2", "5562")]
    assert table.rows[0].number == 15
    assert table.skipped == (17,)


def test_the_named_sheet_goes_first_and_a_renamed_one_is_found(tmp_path):
    sheets = {"notes": [["a", "b"]], "VIS": [HEADER, ROWS[0]], "HS": [HEADER, ROWS[1]]}
    path = xlsx(tmp_path / "t.xlsx", sheets)
    assert read_table(path, columns=COLUMNS, sheet="hs").sheet == "HS"
    assert read_table(path, columns=COLUMNS, sheet="NIR").sheet == "VIS"


def test_without_header_by_position(tmp_path):
    path = xlsx(tmp_path / "t.xlsx", {"CASFEcode_final": [[1, "anger1_1", 557], [1, "x", 0]]})
    columns = {"participant": (), "video": (), "onset": ()}
    table = read_table(path, columns=columns, header=False)
    assert [row.text("video") for row in table.rows] == ["anger1_1", "x"]
    assert table.rows[1].frame("onset") == 0


def test_stored_values_of_formulas(tmp_path):
    # openpyxl stores no values with its formulas; a spreadsheet program does, as here.
    path = xlsx(tmp_path / "t.xlsx", {"Sheet1": [HEADER, ["01", "EP01", None, 0]]})
    import zipfile

    target = tmp_path / "f.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for item in old.namelist():
            data = old.read(item)
            if item.endswith("sheet1.xml"):
                assert b"<v>0</v>" in data
                data = data.replace(b"<v>0</v>", b"<f>SUM(40,6)</f><v>46</v>")
            new.writestr(item, data)
    assert read_table(target, columns=COLUMNS).rows[0].frame("onset") == 46


def test_what_is_no_table_says_so_in_one_sentence(tmp_path):
    with pytest.raises(DataError, match=r"cannot read the table .*: No such file"):
        read_table(tmp_path / "none.xlsx", columns=COLUMNS)
    path = tmp_path / "t.xlsx"
    path.write_bytes(b"")
    with pytest.raises(DataError, match="empty"):
        read_table(path, columns=COLUMNS)
    whole = xlsx(tmp_path / "w.xlsx", {"Sheet1": [HEADER, *ROWS]}).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="damaged"):
        read_table(path, columns=COLUMNS)
    xlsx(path, {"Sheet1": [["Subject", "Estimated\nEmotion"], ["01", "fear"]]})
    with pytest.raises(
        DataError, match=r"filename or clip.*onset.*it has: Subject, Estimated Emotion"
    ) as got:
        read_table(path, columns=COLUMNS)
    assert "\n" not in str(got.value)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    new, old = (
        xlsx(folder / "m.xlsx", {"S": [HEADER, *ROWS]}),
        xls(folder / "m.xls", [HEADER, *ROWS]),
    )
    return {"xlsx": new.read_bytes(), "xls": old.read_bytes()}


@given(
    kind=st.sampled_from(["xlsx", "xls"]),
    bytes_changed=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=6),
    kept=st.sampled_from([1.0, 0.75, 0.01]),
)
@mutations(150)
def test_damaged_workbooks_are_read_or_refused(tmp_path, whole, kind, bytes_changed, kept):
    content = bytearray(whole[kind])
    for place, value in bytes_changed:
        content[int(place * len(content))] = value
    readable_or_refused(tmp_path / "t.xls", bytes(content[: int(kept * len(content))]))


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
@mutations(150)
def test_any_bytes_are_read_or_refused(tmp_path, content):
    readable_or_refused(tmp_path / "t.csv", content)
    readable_or_refused(tmp_path / "t.csv", b"subject,clip,onset frame\n" + content)


def readable_or_refused(path, content):
    path.write_bytes(content)
    try:
        table = read_table(path, columns=COLUMNS)
    except DataError as error:
        sentence = str(error)
    else:
        assert all(row.text("subject") or row.text("clip") for row in table.rows)
        return
    assert "\n" not in sentence


def test_a_stray_quotation_mark_swallows_no_rows(tmp_path):
    lines = ["subject,clip,onset frame,apex,emotion,notes"]
    lines += [f"{k:02d},EP{k:02d},{k},{k + 2},fear,plain" for k in range(1, 9)]
    path = tmp_path / "t.csv"
    for opened, closed in ((3, None), (3, 6), (4, 5)):
        changed = list(lines)
        changed[opened] = changed[opened].replace(",EP", ',"EP')
        if closed is not None:
            changed[closed] = changed[closed].replace("fear", 'fear"')
        path.write_text("\n".join(changed))
        with pytest.raises(DataError, match=f"mark in row {opened + 1} takes in the rows"):
            read_table(path, columns=COLUMNS)
    # A note of two lines is a note.
    lines[3] = lines[3].replace("plain", '"seen twice, by AB\nand by CD, later"')
    path.write_text("\n".join(lines))
    assert len(read_table(path, columns=COLUMNS).rows) == 8


def test_every_sheet_that_fits_is_known(tmp_path):
    mine, other = [HEADER, *ROWS], [HEADER, ROWS[0]]
    path = tmp_path / "a.xlsx"
    xlsx(path, {"empty": [HEADER], "note": [["Hi"]], "mine": mine, "other": other, "copy": mine})
    first = read_table(path, columns=COLUMNS)
    assert (first.sheet, [t.sheet for t in first.others]) == ("mine", ["other", "copy"])
    named = read_table(path, columns=COLUMNS, sheet="Other")
    gathering = Gathering("x", FolderIndex(()))
    gathering.begin(first)
    gathering.begin(named)
    said = [(c.kind, c.reason) for c in gathering.reading().changes]
    assert said == [
        ("choice", "its sheet other (1 rows) is not read: mine is preferred, for it comes first"),
        ("remark", "its sheet copy (2 rows) is not read: of the same content, mine is preferred"),
        ("remark", "its sheet mine (2 rows) is not read: other is preferred"),
        ("remark", "its sheet copy (2 rows) is not read: other is preferred"),
    ]
    with pytest.raises(DataError, match="needs 1 choice, which --strict refuses"):
        refuse_changes("x", gathering.reading().changes)
