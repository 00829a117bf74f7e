"""SAMM through `mace prepare`: the sheet below its prose, typing errors, padding as it happens."""

import pytest
from fuzzing import mutations
from hypothesis import given
from hypothesis import strategies as st
from trees.preparing import prepare, read_or_refuse, samples_of
from trees.samm_tree import COUNTS, make_samm, samm_rows, write_sheet

from mace.datasets.samm.reading import read
from mace.errors import DataError


def test_the_whole_sheet_with_its_two_typing_errors(tmp_path, whole_frames):
    make_samm(tmp_path / "in")
    report, folder = prepare("samm", tmp_path / "in", tmp_path / "out", strict=True)
    assert (report["rows"], report["samples"]) == (159, 159)
    counts = {name.lower(): count for name, count in COUNTS.items()}
    counts["others"] = counts.pop("other")
    assert report["emotions"] == counts == report["published"]["counts"]
    assert report["classes"]["3"] == {"negative": 92, "positive": 26, "surprise": 15}
    assert report["classes"]["5"] == {
        "anger": 57, "happiness": 26, "other": 26, "surprise": 15, "contempt": 12,
    }  # fmt: skip
    assert sum(report["classes"]["objective"].values()) == 159
    assert report["codes"] == {"correction apex-outside": 2}
    assert report["apex_sources"] == {"annotated": 157, "repaired": 2}
    samples = samples_of(folder)
    assert len({name.split("/")[0] for name in samples}) == 29
    first, second = samples["028/028_4_1"], samples["032/032_3_1"]
    assert (first["onset"], first["apex"], first["offset"]) == (0, 1113 - 1104, 30)
    assert (second["onset"], second["apex"], second["offset"]) == (0, 4930 - 4896, 76)
    plain = samples["006/006_1_1"]
    assert (plain["onset"], plain["apex"], plain["offset"]) == (2, 6, 10)
    assert plain["fps"] == 200
    assert plain["emotion_raw"] == b"Anger"
    assert plain["aus_raw"] == b"(R6 or R12)+R15"
    assert plain["aus"] == b"R6|R12 R15"
    assert samples["006/006_1_2"]["class_objective"] == b"II"


@pytest.mark.parametrize("sheet", ["plain", "headerless"])
def test_copies_of_the_sheet(tmp_path, sheet):
    make_samm(tmp_path / "a", keep=8)
    make_samm(tmp_path / "b", sheet=sheet, keep=8)
    first, second = read(tmp_path / "a"), read(tmp_path / "b")
    assert second.rows == 8
    assert second.changes == ()
    # Row 15 below the prose is row 2 or 1 of a plain one.
    shift = {"plain": 13, "headerless": 14}[sheet]
    for one, other in zip(first.annotations, second.annotations, strict=True):
        assert one.row is not None
        assert other.row == one.row - shift
        assert (one.name, one.onset, one.apex, one.offset, one.emotion, one.objective) == (
            other.name, other.onset, other.apex, other.offset, other.emotion, other.objective,
        )  # fmt: skip


def test_a_duration_that_contradicts_is_remarked_on(tmp_path):
    rows = make_samm(tmp_path, keep=2)
    rows[1].offset = 1709  # the stored result of the formula is made anew: spoil the other side
    write_sheet(tmp_path / "SAMM_Micro_FACS_Codes_v2.xlsx", rows)
    assert read(tmp_path).changes == ()
    write_sheet(tmp_path / "SAMM_Micro_FACS_Codes_v2.xlsx", rows, durations={"G16": 4})
    (change,) = read(tmp_path).changes
    assert (change.kind, change.code, change.row) == ("remark", "duration-differs", 16)


def test_no_sheet_and_no_frames_are_said(tmp_path):
    (tmp_path / "notes.csv").write_text("a,b\n")
    with pytest.raises(DataError, match=r"no annotation file samm.*spreadsheets there: notes\.csv"):
        read(tmp_path)
    write_sheet(tmp_path / "SAMM_Micro_FACS_Codes_v2.xlsx", samm_rows()[:2])
    with pytest.raises(DataError, match="holds no folder of whole frames"):
        read(tmp_path)


_CELLS = st.one_of(
    st.none(), st.integers(-3, 5000), st.floats(allow_nan=False), st.text(max_size=4),
    st.sampled_from(["/", "?", "1004", " 01008 ", "", "Other", "VIII", "006_1_1"]),
)  # fmt: skip


@mutations(60)
@given(changes=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6), _CELLS), max_size=6))
def test_mutated_sheets_give_a_whole_account_or_a_sentence(tmp_path_factory, changes):
    root = tmp_path_factory.mktemp("samm")
    rows = make_samm(root, keep=4)
    names = ("subject", "clip", "onset", "apex", "offset", "emotion", "objective")
    for line, column, cell in changes:
        setattr(rows[line], names[column], cell)
    write_sheet(root / "SAMM_Micro_FACS_Codes_v2.xlsx", rows, durations={})
    read_or_refuse(lambda: read(root))


_MISHAPS = st.sampled_from(["delete", "empty", "renumber", "folder", "stray", "rename", "copy"])


@mutations(60)
@given(mishaps=st.lists(st.tuples(_MISHAPS, st.integers(0, 2), st.integers(0, 11)), max_size=8))
def test_mishaps_of_frame_folders_give_a_whole_account_or_a_sentence(tmp_path_factory, mishaps):
    root = tmp_path_factory.mktemp("samm")
    rows = make_samm(root, keep=3)
    for kind, line, index in mishaps:
        row = rows[line]
        folder = root / "SAMM" / row.subject / row.clip
        found = sorted(folder.glob(f"{row.subject}_*.jpg")) if folder.exists() else []
        files = [path for path in found if path.is_file()]
        if not files:
            continue
        file = files[index % len(files)]
        if kind == "delete":
            file.unlink()
        elif kind == "empty":
            file.write_bytes(b"")
        elif kind == "renumber":
            number = int(file.stem.rsplit("_", 1)[1]) + index - 5
            target = folder / f"{row.subject}_{number:07d}.jpg"
            if not target.exists():
                file.rename(target)
        elif kind == "folder":
            file.unlink()
            file.mkdir()
        elif kind == "stray":
            (folder / f"{file.stem} (copy).txt").write_text("stray")
        elif kind == "rename":
            folder.rename(folder.with_name(f"{row.clip}_{index}"))
        else:
            (folder / f"copy_{file.name}").write_bytes(file.read_bytes())
    read_or_refuse(lambda: read(root))
