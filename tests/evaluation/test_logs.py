"""`mace score`, as a user types it, and the logs it reads."""

import csv
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fuzzing import mutations
from hypothesis import example, given
from hypothesis import strategies as st
from log_cases import CLASSES, check_known, known_samples, megc_text, scored

from mace.cli import main
from mace.errors import DataError
from mace.evaluation.logs.forms import read_log, write_log
from mace.evaluation.logs.predictions import predictions_from_logs


@pytest.fixture
def known_log(tmp_path) -> Path:
    path = tmp_path / "known.log"
    path.write_text(megc_text(known_samples()))
    return path


def test_known_answer(known_log, capsys):
    scores = scored(capsys, known_log, "--benchmark", "megc2019")
    check_known(scores)
    assert list(scores["per_class"]) == list(CLASSES)
    assert scores["per_class"]["surprise"] == {
        "precision": pytest.approx(59 / 75),
        "recall": pytest.approx(59 / 83),
        "f1": pytest.approx(118 / 158),
        "support": 83,
    }
    assert {name: part["n"] for name, part in scores["per_database"].items()} == {
        "casme2": 145,
        "samm": 133,
        "smic": 164,
    }
    assert scores["benchmark"]["deviations"] == []
    low, high = scores["intervals"]["uf1"]
    assert low < scores["uf1"] < high


def test_known_answer_without_a_benchmark_and_as_text(known_log, capsys):
    scores = scored(capsys, known_log)
    check_known(scores)
    assert scores["classes"] == list(CLASSES)
    assert scores["benchmark"]["name"] == "megc2019"
    assert main(["score", str(known_log)]) == 0
    printed = capsys.readouterr().out
    for figure in ("0.7353", "0.7186", "0.7692", "0.7605", "n = 442 of 442"):
        assert figure in printed


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_table_in_any_order_and_case(tmp_path, capsys, delimiter):
    path = tmp_path / "known.csv"
    rows = [["Prediction", "CLIP", "Database", "extra", "Subject", "Truth"]]
    for database, subject, clip, truth, predicted in known_samples():
        rows.append([CLASSES[predicted].title(), clip, database, "x", subject, CLASSES[truth]])
    path.write_text("\ufeff" + "\r\n".join(delimiter.join(row) for row in rows) + "\r\n\r\n")
    scores = scored(capsys, path)
    check_known(scores)
    assert scores["classes"] == list(CLASSES)


def test_several_logs_are_several_seeds(known_log, tmp_path, capsys):
    perfect = tmp_path / "perfect.log"
    perfect.write_text(megc_text([(*s[:4], s[3]) for s in reversed(known_samples())]))
    scores = scored(capsys, known_log, perfect)
    assert scores["uf1"] == pytest.approx((0.73526 + 1) / 2, abs=1e-4)
    assert scores["per_seed"]["uar"] == [pytest.approx(0.7186, abs=5e-5), 1.0]
    assert scores["n"] == 442
    assert np.sum(scores["confusion"]) == 884


def test_missing_samples_are_counted_against_the_protocol(tmp_path, capsys):
    path = tmp_path / "short.log"
    path.write_text(megc_text(known_samples()[:-7]))
    scores = scored(capsys, path, "--benchmark", "megc2019")
    assert scores["n"] == 435
    assert "435 samples, the protocol has 442 (7 fewer)" in scores["benchmark"]["deviations"]
    assert main(["score", str(path), "--benchmark", "megc2019"]) == 0
    assert "n = 435 of 442; not comparable" in capsys.readouterr().out


def test_subjects_of_one_name_in_two_databases_are_two(tmp_path):
    path = tmp_path / "two.log"
    path.write_text("casme2 01\na 0 0\nsamm 01\na 1 1\ncasme2 01\nb 1 0\n")
    predictions = predictions_from_logs([path])
    assert predictions.subjects == ("casme2/01", "samm/01")
    assert predictions.clips == ("casme2/01/a", "samm/01/a", "casme2/01/b")


def test_a_class_that_is_only_predicted_counts_as_a_class(tmp_path, capsys):
    path = tmp_path / "x.log"
    path.write_text("x 1\na 0 0\nb 0 2\nc 1 1\n")
    scores = scored(capsys, path)
    assert scores["classes"] == ["0", "1", "2"]
    assert scores["per_class"]["2"]["f1"] is None
    assert scores["uar"] == pytest.approx(0.75)


DAMAGED = {
    "": ("holds no sample",),
    "casme2 01\n": ("holds no sample",),
    "a 0 1\n": ("line 1", "before any line `database subject`"),
    "casme2 01\na 0\nb\n": ("line 3", "has 1 words"),
    "casme2 01\na 0 1 2\n": ("line 2", "has 4 words"),
    "casme2 01\na 0 1\nb 1 1\na 1 1\n": ("line 4", "casme2/01/a", "line 2"),
    "casme2 01\na 0 1\nb 1 surprise\n": ("line 3", "surprise"),
    "casme2 01\na 0 -1\n": ("line 2", "-1"),
    "casme2 01\na 0 1000000\n": ("line 2", "1000000"),
    "database,subject,clip,truth\nx,1,a,0\n": ("line 1", "lacks the column prediction"),
    "database,subject,clip,truth,prediction,pred\n": ("more than one column for prediction",),
    "database,subject,clip,truth,prediction\nx,1,a,0\n": ("line 2", "has 4 cells"),
    "database,subject,clip,truth,prediction\nx,1,a,0,\n": ("line 2", "no prediction"),
    "mine,01,a,0,1\n": ("line 1", "lacks the column"),
    "casme2 01\nEP02_01f 0 1\ncasme2 sub01\nEP02_01f 1 1\n": ("line 4", "as casme2/01/EP02_01f"),
    "subject,clip,truth,prediction\nsub01,a,0,1\n": ("lacks the column database", "--benchmark"),
    "database;subject;clip;truth;prediction\nx;1;a;0;1\nx;1;a;0;1\n": ("line 3", "x/1/a"),
}


@pytest.mark.parametrize("text", DAMAGED)
def test_damaged_log_is_one_sentence(text, tmp_path, capsys):
    path = tmp_path / "damaged.log"
    path.write_text(text)
    assert main(["score", str(path)]) == 3
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "damaged.log" in error
    for word in DAMAGED[text]:
        assert word in error


def test_logs_that_do_not_go_together(tmp_path, capsys):
    first, other = tmp_path / "one.log", tmp_path / "other.log"
    first.write_text("x 1\na 0 0\nb 1 1\n")
    other.write_text("x 1\na 0 0\n")
    assert main(["score", str(first), str(other)]) == 3
    assert "lacks 1 samples" in capsys.readouterr().err
    other.write_text("x 1\na 0 0\nc 1 1\n")
    assert main(["score", str(first), str(other)]) == 3
    assert "x/1/c is not in" in capsys.readouterr().err
    other.write_text("x 1\na 0 0\nb 0 1\n")
    assert main(["score", str(first), str(other)]) == 3
    assert "the truth of x/1/b is 0, but 1 in line 3" in capsys.readouterr().err
    assert main(["score", str(first), "--classes", "only"]) == 3
    assert "none of the 1 classes" in capsys.readouterr().err


def test_files_that_are_no_logs(tmp_path, capsys):
    (tmp_path / "binary").write_bytes(b"\x89PNG\r\n\x00\x01")
    for path in (tmp_path / "binary", tmp_path / "nowhere", tmp_path):
        assert main(["score", str(path)]) == 3
        assert str(path) in capsys.readouterr().err
    assert main(["score"]) == 2
    assert "at least one log" in capsys.readouterr().err


def test_written_log_is_read_back(tmp_path):
    clips = ("samm/006/006_1_2", "samm/006/006_1_3", "smic/s1/s1 ne/01")
    write_log(tmp_path / "p.log", clips, [0, 1, 2], [0, 2, 2], classes=CLASSES)
    assert (tmp_path / "p.log").read_text().splitlines()[:2] == ["samm 006", "006_1_2 0 0"]
    read = read_log(tmp_path / "p.log")
    assert [s.name for s in read.samples] == [*clips[:2], "smic/s1/s1%20ne/01"]
    assert [(s.truth, s.prediction) for s in read.samples] == [("0", "0"), ("1", "2"), ("2", "2")]
    write_log(tmp_path / "p.log", clips, [0, 1, 1], [0, 1, 0], classes=("disgust", "very happy"))
    assert (tmp_path / "p.log").read_text().splitlines()[2] == "006_1_3 very%20happy very%20happy"


BASE = megc_text(known_samples()[:30])


@mutations(150)
@given(st.data())
def test_mutated_logs_give_a_count_or_a_sentence(tmp_path_factory, data):
    lines = BASE.splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        i = data.draw(st.integers(0, len(lines) - 1))
        kind = data.draw(st.sampled_from(["cut", "drop", "double", "junk", "swap"]))
        if kind == "cut":
            lines[i] = lines[i][: data.draw(st.integers(0, len(lines[i])))]
        elif kind == "drop" and len(lines) > 1:
            del lines[i]
        elif kind == "double":
            lines.insert(i, lines[i])
        elif kind == "junk":
            lines[i] = data.draw(st.text(max_size=12).filter(lambda t: "#" not in t))
        else:
            lines[i], lines[-1] = lines[-1], lines[i]
    path = tmp_path_factory.mktemp("log") / "mutated.log"
    path.write_bytes("\n".join(lines).encode("utf-8", "surrogateescape"))
    message, samples = "", 0
    try:
        samples = len(predictions_from_logs([path]))
    except DataError as error:  # anything else fails the test
        message = str(error)
    if message:
        assert "mutated.log" in message
        assert "\n" not in message
    else:
        words = [line.split() for line in path.read_text("utf-8-sig").splitlines()]
        assert samples == sum(len(line) == 3 for line in words)


TABLE = [["database", "subject", "clip", "truth", "prediction"]] + [
    [str(cell) for cell in sample] for sample in known_samples()[:30]
]
CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["", "0", "1", "2", "1.0", "-1", "100", "surprise", "c000", "smic", "#", '"', "1e3", "nan"]
)


@mutations(150)
@given(
    changes=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5), CELLS), max_size=4),
    lost=st.integers(1, 60),
    doubled=st.lists(st.integers(1, 30), max_size=1),
    quoted=st.booleans(),
    delimiter=st.sampled_from(",;\t"),
    cut=st.integers(0, 60),
)
@example(changes=[(0, 0, "#")], lost=1, doubled=[], quoted=False, delimiter=",", cut=0)
def test_mutated_tables_give_a_count_or_a_sentence(
    tmp_path_factory, changes, lost, doubled, quoted, delimiter, cut
):
    cells = [list(row) for row in TABLE]
    for row, column, value in changes:
        cells[row] = [*cells[row][:column], value, *cells[row][column + 1 :]]
    rows = [row for k, row in enumerate(cells) if k != lost] + [cells[k] for k in doubled]
    if quoted:
        file = io.StringIO(newline="")
        csv.writer(file, delimiter=delimiter).writerows(rows)
        text = file.getvalue()
    else:
        text = "\n".join(delimiter.join(row) for row in rows) + "\n"
    text = text[: len(text) - max(0, cut - 50)]
    path = tmp_path_factory.mktemp("table") / "mutated.csv"
    path.write_bytes(text.encode())
    message, predictions = "", None
    try:
        predictions = predictions_from_logs([path])
    except DataError as error:  # anything else fails the test
        message = str(error)
    if predictions is None:
        assert changes or doubled or cut > 50
        assert "mutated.csv" in message
        assert "\n" not in message
        return
    lines = [line.strip() for line in text.splitlines()]
    content = [line for line in lines if line.strip(f'{delimiter}" ') and line[0] != "#"]
    # A header that begins as a comment does is none, and rows of a database MACE knows need none.
    assert len(predictions.clips) == len(content) - (lines[0][0] != "#")
    if not changes and cut <= 52:
        truth = {f"{s[0]}/{s[1]}/{s[2]}": s[3:] for s in known_samples()[:30]}
        for clip, label, predicted in zip(
            predictions.clips, predictions.labels, predictions.predicted[0], strict=True
        ):
            assert truth[clip] == (label, predicted)


def test_scoring_needs_no_jax(known_log):
    code = (
        "import sys; from mace.cli import main; "
        f"code = main(['score', {str(known_log)!r}, '--json']); "
        "sys.exit('jax was imported' if 'jax' in sys.modules else code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
