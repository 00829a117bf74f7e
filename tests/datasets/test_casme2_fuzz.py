"""Mutated sheets and frame folders of CASME II: a right account or one sentence, nothing else."""

import csv
from collections import Counter

import numpy as np
import openpyxl
import pytest
from fuzzing import mutations
from hypothesis import given
from hypothesis import strategies as st
from trees.casme2_tree import HEADER, ODD, write_tree

from mace.datasets.casme2.reading import read
from mace.datasets.folder import reading as own
from mace.datasets.reading.correcting import correct
from mace.datasets.reading.storing import plan_clips
from mace.errors import DataError
from mace.face.config import FaceConfig

ROWS = ODD[6:11]
CELL = st.one_of(
    st.none(),
    st.integers(-5, 400),
    st.floats(),
    st.sampled_from(["/", "?", "", " 45 ", "045", "45.0", "#REF!", "EP01_2", "others", "1" * 400]),
    st.text(st.characters(blacklist_categories=["Cs"]), max_size=6),
)
MUTATION = st.tuples(st.integers(0, len(ROWS)), st.integers(0, len(HEADER)), CELL)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("casme2")
    write_tree(root / "Cropped", list(ROWS))
    (root / "sheets").mkdir()
    return root


def mutated(mutations, lost, doubled):
    cells = [list(HEADER), *(row.cells() for row in ROWS)]
    for row, column, value in mutations:
        if column < len(cells[row]):
            cells[row][column] = value
        else:
            cells[row].append(value)
    return [line for k, line in enumerate(cells) if k != lost] + [cells[k] for k in doubled]


def account(reading):
    """Every row is an annotation or a drop, before and after the frames are looked at."""
    drops = sum(change.kind == "drop" for change in reading.changes)
    assert reading.rows == len(reading.annotations) + drops
    tasks, changes = plan_clips(reading, face=FaceConfig())
    assert reading.rows == len(tasks) + sum(change.kind == "drop" for change in changes)
    for task in tasks:
        assert task.onset is not None
        assert task.offset is not None
        assert task.onset < task.offset
        assert task.apex is None or task.onset < task.apex <= task.offset
        given = task.annotation.onset, task.annotation.apex, task.annotation.offset
        if (task.onset, task.apex, task.offset) != given:
            # What differs from the sheet is in the report.
            assert task.changes
    return tasks


def read_or_refuse(read_it):
    try:
        return read_it()
    except DataError as error:
        sentence = str(error)
    assert sentence
    assert "\n" not in sentence
    return None


@given(
    mutations=st.lists(MUTATION, max_size=5),
    lost=st.integers(1, 40),
    doubled=st.lists(st.integers(1, len(ROWS)), max_size=2),
    suffix=st.sampled_from(["csv", "tsv"]),
)
@mutations(250)
def test_mutated_text_sheets(root, mutations, lost, doubled, suffix):
    path = root / "sheets" / "CASME2-coding.csv"
    lines = mutated(mutations, lost, doubled)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter="," if suffix == "csv" else "\t").writerows(lines)
    reading = read_or_refuse(lambda: read(root, "cropped"))
    path.unlink()
    if reading is not None:
        account(reading)
        if not mutations:
            assert reading.rows == len(ROWS) - (lost <= len(ROWS)) + len(doubled)


@given(mutations=st.lists(MUTATION, max_size=4), lost=st.integers(1, 40))
@mutations(60)
def test_mutated_workbooks(root, mutations, lost):
    path = root / "sheets" / "CASME2-coding.xlsx"
    book = openpyxl.Workbook()
    for line in mutated(mutations, lost, []):
        book.worksheets[0].append(
            [openpyxl.cell.cell.ILLEGAL_CHARACTERS_RE.sub("", c) if isinstance(c, str) else c
             for c in line]
        )  # fmt: skip
    book.save(path)
    reading = read_or_refuse(lambda: read(root, "cropped"))
    path.unlink()
    if reading is not None:
        account(reading)


@given(
    kept=st.sets(st.integers(38, 52)),
    names=st.lists(st.sampled_from(["reg_img{}.jpg", "img{}.PNG", "reg_img0{}.jpg", "x{}.jpg"])),
    content=st.sampled_from([b"", b"no image", b"\xff\xd8\xff\xd9", b"\x89PNG\r\n\x1a\n"]),
    bad=st.integers(38, 52),
)
@mutations(100)
def test_mutated_frame_folders(tmp_path_factory, kept, names, content, bad):
    root = tmp_path_factory.mktemp("f")
    folder = root / "Cropped" / "sub01" / "EP01_2"
    whole = write_tree(tmp_path_factory.getbasetemp() / "whole", [ROWS[0]])
    template = (whole / "sub01" / "EP01_2" / "reg_img45.jpg").read_bytes()
    folder.mkdir(parents=True)
    for k, number in enumerate(sorted(kept)):
        name = names[k % len(names)] if names else "reg_img{}.jpg"
        (folder / name.format(number)).write_bytes(content if number == bad else template)
    with (root / "CASME2-coding.csv").open("w", newline="") as file:
        csv.writer(file).writerows([HEADER, ROWS[0].cells()])
    reading = read_or_refuse(lambda: read(root, "cropped"))
    if reading is None:
        assert not kept
        return
    for task in account(reading):
        outcome = correct(task)
        kinds = Counter(change.kind for change in outcome.changes)
        assert (outcome.sample is None) == (kinds["drop"] == 1)
        if outcome.sample is not None:
            onset, apex, offset = (outcome.sample[k] for k in ("onset", "apex", "offset"))
            assert 0 <= onset < apex <= offset < len(outcome.sample["frames"])
            assert isinstance(onset, np.int32)


@given(
    rows=st.lists(st.lists(st.text(st.characters(blacklist_categories=["Cs"]), max_size=8) | CELL,
                           min_size=0, max_size=9), max_size=5),
)  # fmt: skip
@mutations(200)
def test_own_tables_of_anything(root, rows):
    path = root / "sheets" / "own.csv"
    header = ["subject", "clip", "onset", "offset", "emotion", "fps", "path", "apex", "aus"]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(
            [header, *rows, ["01", "EP01_2", 40, 50, "fear", 200, "", "", ""]]
        )
    reading = read_or_refuse(lambda: own.read(root, "cropped", path))
    path.unlink()
    if reading is not None:
        account(reading)
