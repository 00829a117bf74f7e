"""The table of coded events: several coders, other programs, full disks."""

import csv
import os

import pytest

from mace.cli import main
from mace.errors import ConfigError, DataError, OutputError
from mace.review.events import Coding, added, changed, renamed
from mace.review.rows import COLUMNS, read_codings
from mace.review.table import CoderTable


def open_table(path, coder="anna", videos=("p1/take.mp4",), rate=200.0):
    return CoderTable(path, coder, dict.fromkeys(videos, "take"), rate=lambda video: rate)


def coded(*frames, video="p1/take.mp4", **fields):
    coding = renamed(Coding(), video, "p1")
    for onset, offset in frames:
        coding, _ = added(coding, video, {"onset": onset, "offset": offset, **fields}, count=999)
    return coding


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_table_holds_what_was_written(tmp_path):
    path = tmp_path / "annotations.csv"
    coding = coded((10, 20), (30, 40), label="Happy, surely", units="12+6", note='a "note"')
    with open_table(path) as table:
        assert table.read() == Coding()
        table.write(coding)
        assert [event.label for event in table.read().of("p1/take.mp4")] == ["Happy, surely"] * 2
    with open_table(path) as table:
        read = table.read()
    assert read == coding
    assert tuple(rows(path)[0]) == COLUMNS
    assert rows(path)[0] | {"apex": ""} == {
        **{"coder": "anna", "subject": "p1", "clip": "take_f10", "path": "p1/take.mp4"},
        **{"kind": "micro", "onset": "10", "apex": "", "offset": "20", "fps": "200"},
        **{"emotion": "Happy, surely", "aus": "12 6", "note": 'a "note"'},
    }
    assert [file.name for file in tmp_path.iterdir()] == ["annotations.csv"]


def test_coders_and_videos_leave_each_other_alone(tmp_path):
    path = tmp_path / "annotations.csv"
    with open_table(path) as anna, open_table(path, "ben") as ben:
        anna.write(coded((10, 20)))
        ben.write(coded((11, 21)))
        with open_table(path, "carl", videos=["p2/x.mp4"]) as carl:
            carl.write(coded((5, 6), video="p2/x.mp4"))
        anna.write(coded((10, 20), (30, 40)))
        ben.write(Coding())
    assert [(row["coder"], row["onset"]) for row in rows(path)] == [
        ("anna", "10"),
        ("anna", "30"),
        ("carl", "5"),
    ]
    codings = read_codings(path, root=tmp_path)
    assert list(codings) == ["anna", "carl"]
    assert codings["carl"].subjects == {"p2/x.mp4": "p1"}
    with open_table(path, videos=["p2/x.mp4"]) as other:  # anna's rows of another video stay
        other.write(coded((1, 2), video="p2/x.mp4"))
    assert len(rows(path)) == 4


def test_one_coder_works_in_one_place(tmp_path):
    path = tmp_path / "annotations.csv"
    with (
        open_table(path),
        pytest.raises(ConfigError, match=r"anna is coding in .* already, in another `mace review`"),
    ):
        open_table(path)
    open_table(path).close()
    with pytest.raises(ConfigError, match="up to 40 letters"):
        open_table(path, "../anna")


def test_what_a_spreadsheet_makes_of_it_is_read(tmp_path):
    path = tmp_path / "annotations.csv"
    with open_table(path) as table:
        table.write(coded((10, 20), units="1+2"))
    read = rows(path)
    lines = [";".join((*COLUMNS, "session")), ";".join((*read[0].values(), "morning"))]
    path.write_text("\ufeff" + "\r\n".join(lines) + "\r\n", encoding="utf-8")
    with open_table(path) as table:
        coding, _ = added(table.read(), "p1/take.mp4", {"onset": 50, "offset": 60}, count=99)
        table.write(coding)
    assert [(row["onset"], row["session"]) for row in rows(path)] == [("10", "morning"), ("50", "")]


@pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "SEP=;;;;"])
def test_a_line_for_excel_above_the_header_is_read(tmp_path, line):
    path = tmp_path / "annotations.csv"
    with open_table(path) as table:
        table.write(coded((10, 20), label="sad, surely"))
    (row,) = rows(path)
    lines = [line, ";".join(COLUMNS), ";".join(row.values())]
    path.write_text("\ufeff" + "\r\n".join(lines) + "\r\n", encoding="utf-8")
    with open_table(path) as table:
        assert table.read() == coded((10, 20), label="sad, surely")
        table.write(table.read())
    assert rows(path) == [row]
    path.write_text("\n".join([*lines[:2], lines[2].replace("micro", "mega")]), encoding="utf-8")
    with pytest.raises(DataError, match="row 3"):  # as a text editor counts them
        open_table(path)


def test_what_another_program_changed_is_not_written_over(tmp_path):
    path = tmp_path / "annotations.csv"
    with open_table(path) as table:
        table.write(coded((10, 20)))
        path.write_text(path.read_text().replace(",10,", ",12,"))
        before = path.read_text()
        with pytest.raises(OutputError, match="changed by another program"):
            table.write(coded((10, 20), (30, 40)))
        assert path.read_text() == before
        coding = table.read()
        assert coding.of("p1/take.mp4")[0].onset == 12
        table.write(coding)


@pytest.mark.parametrize(
    ("cells", "what"),
    [
        ({"onset": "30"}, r"row 2: onset 30, apex none and offset 20 are not in this order"),
        ({"onset": "x"}, r"row 2: 'x' is no frame number"),
        ({"offset": ""}, r"row 2: its offset is blank"),
        ({"kind": "mini"}, r"row 2: 'mini' is no kind"),
    ],
)
def test_a_row_that_is_no_event_is_named(tmp_path, cells, what):
    path = tmp_path / "annotations.csv"
    with open_table(path) as table:
        table.write(coded((10, 20)))
    row = rows(path)[0] | {"apex": ""} | cells
    path.write_text(",".join(COLUMNS) + "\n" + ",".join(row.values()) + "\n")
    with pytest.raises(DataError, match=what):
        open_table(path)
    assert [file.name for file in tmp_path.iterdir()] == ["annotations.csv"]


def test_other_peoples_tables_are_left_alone(tmp_path):
    path = tmp_path / "annotations.csv"
    path.write_text("Subject;Clip;Onset\n1;a;3\n")
    with pytest.raises(DataError, match=r"no column coder, path, kind, onset, offset; .*--table"):
        open_table(path)
    with pytest.raises(DataError, match="makes it with the first event"):
        read_codings(tmp_path / "none.csv", root=tmp_path)


def test_a_table_that_cannot_be_written_stays_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "annotations.csv"
    with open_table(path) as table:
        table.write(coded((10, 20)))
        before = path.read_bytes()

        def full(*_):
            raise OSError(28, os.strerror(28))

        with monkeypatch.context() as broken:
            broken.setattr("os.replace", full)
            with pytest.raises(OutputError, match="No space left"):
                table.write(coded((30, 40)))
        assert path.read_bytes() == before
        table.write(coded((30, 40)))
    assert rows(path)[0]["onset"] == "30"


def test_what_cannot_be_written_back_as_it_is_is_refused(tmp_path):
    path = tmp_path / "annotations.csv"
    header = ",".join(COLUMNS)
    row = "bob,Müller,x,p1/take.mp4,micro,1,2,3,joy,,30,schön"
    for content, message in (
        (f"{header}\n{row}\n".encode("cp1252"), "save it as CSV UTF-8"),
        (f"{header},note\n{row},x\n".encode(), "has the column 'note' twice"),
        (f"{header}\n{row},more\n".encode(), "row 2: there are more cells than columns"),
        (f'{header}\n{row}\n"bob,x\n'.encode(), "row 3: unexpected end of data; mend the row"),
    ):
        path.write_bytes(content)
        with pytest.raises(DataError, match=message):
            open_table(path)
        assert path.read_bytes() == content


def test_cells_of_several_lines_stay_what_they_are(tmp_path):
    path = tmp_path / "annotations.csv"
    row = 'bob,M,x,p1/take.mp4,micro,1,2,3,joy,,30,"one\ntwo"'
    path.write_text(f"{','.join(COLUMNS)}\n{row}\n", encoding="utf-16")
    with open_table(path) as table:
        table.write(coded((10, 20)))
    assert [row["note"] for row in rows(path)] == ["", "one\ntwo"]


def test_what_a_spreadsheet_would_run_is_not_written_by_us(tmp_path):
    path = tmp_path / "annotations.csv"
    for text in ("=1+1", "+3", " -a", "@cmd"):
        with pytest.raises(ConfigError, match="would be run as a formula"):
            coded((10, 20), note=text)
        with pytest.raises(ConfigError, match="would be run as a formula"):
            renamed(coded((10, 20)), "p1/take.mp4", text)
    # What a laboratory's table holds is read back as it was; a file's own name is told apart.
    names = {"=take.mp4": "=take"}
    path.write_text("coder,path,kind,onset,offset,emotion\nanna,=take.mp4,micro,1,5,-\n")
    with CoderTable(path, "anna", names, rate=lambda video: 25.0) as table:
        coding = table.read()
        assert [event.label for event in coding.of("=take.mp4")] == ["-"]
        table.write(coding)
        assert table.read() == coding
    (row,) = rows(path)
    assert (row["emotion"], row["path"], row["clip"]) == ("-", "./=take.mp4", "_=take_f1")


def test_a_table_elsewhere_is_one_folder_s(tmp_path):
    path, labs = tmp_path / "tables" / "all.csv", [tmp_path / "a", tmp_path / "b"]
    videos = {"p1/take.mp4": "take"}
    for lab in labs:
        (lab / "p1").mkdir(parents=True)
        (lab / "p1" / "take.mp4").touch()
    with CoderTable(path, "anna", videos, root=labs[0], rate=lambda video: 25.0) as table:
        table.write(coded((10, 20)))
    assert rows(path)[0]["folder"] == str(labs[0])
    with CoderTable(path, "anna", videos, root=labs[0], rate=lambda video: 25.0) as table:
        assert table.read() == coded((10, 20))
    with pytest.raises(ConfigError, match=r"row 2: it is of a video in .*a, not in .*b"):
        CoderTable(path, "ben", videos, root=labs[1], rate=lambda video: 25.0)
    # Neither is the table of a folder that of a folder in it.
    beside = labs[0] / "annotations.csv"
    with CoderTable(beside, "anna", videos, rate=lambda video: 25.0) as table:
        table.write(coded((10, 20)))
    with pytest.raises(
        ConfigError, match=r"no p1/take.mp4 in .*p1; name their folder, or add the column"
    ):
        CoderTable(beside, "anna", {"take.mp4": "x"}, root=labs[0] / "p1", rate=lambda video: 25.0)


def test_coders_are_compared_in_their_own_folder_s_table(tmp_path, capsys):
    path, lab, other = tmp_path / "all.csv", tmp_path / "lab", tmp_path / "other"
    for folder in (lab, other):
        (folder / "p1").mkdir(parents=True)
    (lab / "p1" / "take.mp4").touch()
    for coder in ("anna", "ben"):
        videos = {"p1/take.mp4": "take"}
        with CoderTable(path, coder, videos, root=lab, rate=lambda video: 25.0) as table:
            table.write(coded((10, 20)))
    asked = ["--agreement", "anna", "ben", "--table", str(path)]
    assert main(["review", str(lab), *asked]) == 0
    assert "1 matched" in capsys.readouterr().out
    assert main(["review", str(other), *asked]) != 0
    assert f"in {lab}, not in {other}; name that folder" in capsys.readouterr().err
    # By hand, and without the column: the videos have to be where it is said.
    lines = [row[: row.index(f",{lab}")] for row in path.read_text().splitlines()[1:]]
    path.write_text("\n".join([",".join(COLUMNS), *lines]))
    assert main(["review", str(lab), *asked]) == 0
    assert main(["review", str(other), *asked]) != 0
    said = capsys.readouterr().err.strip()
    assert "row 2" in said
    assert "the column folder" in said
    assert len(said.splitlines()) == 1


def test_pictures_are_numbered_as_their_names_are(tmp_path):
    path, numbers = tmp_path / "annotations.csv", tuple(range(100, 200, 2))

    def opened():
        return CoderTable(
            path, "anna", {"p1/take": "take"}, rate=lambda v: 25.0, numbers=lambda v: numbers
        )

    with opened() as table:
        table.write(coded((1, 3), video="p1/take", apex=2))
        assert table.read() == coded((1, 3), video="p1/take", apex=2)
    (row,) = rows(path)
    assert [row[name] for name in ("onset", "apex", "offset")] == ["100", "102", "104"]
    assert row["clip"] == "take_f100"
    path.write_text(path.read_text().replace(",102,", ",103,"))
    with pytest.raises(DataError, match="row 2: there is no picture of the number 103"):
        opened()


def test_a_lock_that_is_removed_as_it_is_taken_keeps_others_out_all_the_same(tmp_path, monkeypatch):
    path, really_open, removed = tmp_path / "annotations.csv", os.open, []

    def opening(name, *rest, **options):
        file = really_open(name, *rest, **options)
        if str(name).endswith(".lock") and not removed:
            removed.append(name)
            os.unlink(name)  # by another `mace review` of this coder, which ends just now
        return file

    monkeypatch.setattr(os, "open", opening)
    with open_table(path), pytest.raises(ConfigError, match="is coding in"):
        open_table(path)
    assert removed
    assert not list(tmp_path.glob(".*"))


def test_several_people_of_a_video_keep_their_events(tmp_path):
    path = tmp_path / "annotations.csv"
    coding = renamed(coded((10, 20)), "p1/take.mp4", "anna k")
    coding, number = added(coding, "p1/take.mp4", {"onset": 12, "offset": 30}, count=99)
    coding = changed(coding, "p1/take.mp4", number, {"subject": "ben"}, count=99)
    with open_table(path) as table:
        table.write(coding)
        assert table.read() == coding
    assert [row["subject"] for row in rows(path)] == ["anna k", "ben"]


def test_the_person_of_a_video_is_not_whoever_moves_first(tmp_path):
    path = tmp_path / "annotations.csv"
    coding = coded((10, 20))
    coding, _ = added(coding, "p1/take.mp4", {"onset": 5, "offset": 9, "subject": "p2"}, count=99)
    people = {"p1/take.mp4": "p1"}
    with CoderTable(
        path, "anna", {"p1/take.mp4": "take"}, rate=lambda video: 200.0, people=people
    ) as table:
        table.write(coding)
        assert table.read().subjects == people
        assert [event.subject for event in table.read().of("p1/take.mp4")] == ["p2", ""]
    # A table that nobody's folders explain: whom most of its rows name.
    coding, _ = added(coding, "p1/take.mp4", {"onset": 30, "offset": 39}, count=99)
    with open_table(path) as table:
        table.write(coding)
        assert table.read().subjects == people


def test_columns_may_be_put_in_another_order_meanwhile(tmp_path):
    path = tmp_path / "annotations.csv"
    # By label the rows are in one order, by onset in the other.
    coding = coded((10, 20), label="b")
    coding, _ = added(coding, "p1/take.mp4", {"onset": 30, "offset": 40, "label": "a"}, count=99)
    with open_table(path) as table:
        table.write(coding)
        header, *body = csv.reader(path.read_text().splitlines())
        with path.open("w", newline="") as file:
            csv.writer(file, delimiter=";").writerows(line[::-1] for line in (header, *body))
        table.write(coding)
    assert [row["emotion"] for row in rows(path)] == ["b", "a"]
    assert path.read_text().startswith("note,fps,aus,")


def test_a_table_that_is_gone_is_written_anew(tmp_path):
    path = tmp_path / "annotations.csv"
    with open_table(path) as table:
        table.write(coded((10, 20)))
        path.unlink()
        table.write(coded((10, 21)))
    assert [row["offset"] for row in rows(path)] == ["21"]
