"""Logs as people have them: what code prints, spreadsheets, other encodings, odd headers."""

from itertools import groupby
from pathlib import Path

import openpyxl
import pytest
from fuzzing import mutations
from hypothesis import given
from hypothesis import strategies as st
from log_cases import check_known, known_samples, scored

from mace.cli import main
from mace.errors import DataError
from mace.evaluation.logs.predictions import predictions_from_logs

HEADER = ["database", "subject", "clip", "truth", "prediction"]
SPELT = {"casme2": "sub{:02d}", "samm": "{:03d}", "smic": "s{:02d}"}


def rows() -> list[list[str]]:
    return [[str(cell) for cell in sample] for sample in known_samples()]


def table(*lines: list[str]) -> str:
    return "".join(",".join(line) + "\n" for line in lines)


def console(samples, *, before: str = "", best: bool = False) -> str:
    """What the STSTNet family prints of a run over all subjects."""
    lines = ["Namespace(train=True)"]
    for (database, subject), group in groupby(samples, key=lambda sample: sample[:2]):
        own = list(group)
        lines += [
            f"{before}Subject: {SPELT[database].format(int(subject))}",
            "Epoch   1/800, train loss: 0.91, train acc: 0.5, val loss: 0.4, val acc: 1.0",
            f"{before}{'Best ' * best}Predicted    : {[sample[4] for sample in own]}",
            f"{before}Ground Truth : {[sample[3] for sample in own]}",
            "Evaluation until this subject: ",
            "UF1: 0.4321 | UAR: 0.5432",
        ]
    return "\n".join([*lines, "Final Evaluation: ", "UF1: 0.7 | UAR: 0.8", "(442,)"]) + "\n"


@pytest.mark.parametrize(
    "before", ["", "INFO:root:", "2024-05-01 10:00:00,123 - INFO - ", "2024-05-01 INFO "]
)
def test_what_code_prints_is_scored_pooled(before, tmp_path, capsys):
    path = tmp_path / "out.txt"
    path.write_text(console(known_samples(), before=before))
    scores = scored(capsys, path)
    check_known(scores)
    assert scores["benchmark"]["deviations"] == []
    assert ["numbered by subject" in remark for remark in scores["remarks"]] == [True]


def test_best_predictions_are_scored_and_said_to_be_too_good(tmp_path, capsys):
    path = tmp_path / "out.txt"
    path.write_text(console(known_samples(), best=True))
    assert main(["score", str(path)]) == 0
    printed = capsys.readouterr().out
    assert "68 of 68 subjects: `Best Predicted` is of the epoch that did best" in printed
    # Where both are printed, those of the last epoch count.
    both = "Subject: s01\nPredicted : [1, 0]\nBest Predicted : [0, 0]\nGround Truth : [0, 0]\n"
    path.write_text(both)
    predictions = predictions_from_logs([path])
    assert predictions.predicted.tolist() == [[1, 0]]
    assert len(predictions.remarks) == 1


PRINTED = {
    "brief": "Subject: 901\nPredicted   : [0, 1]\nGround Truth: [0, 0]\n",
    "arrays": "Subject: 901\nPredicted: [0\n 1]\nGround Truth: array([0, 0])\n",
    "tensors": "Subject: 901\npredictions: tensor([0, 1], device='cuda:0')\n"
    "ground truth: tensor([0,\n 0])\n",
    "numpy": "Subject: 901\nPredicted: [np.int64(0), np.int64(1)]\nGround Truth: [[0], [0]]\n",
    "one line": "Subject: 901 | fold 1\nPredicted: [0, 1] Ground Truth: [0, 0]\n",
    "twice": "Subject: 901\nSubject: 901\nPredicted: [0, 1]\nPredicted: [0, 1]\n"
    "Ground Truth: [0, 0]\n",
    "floats": "Subject: 901\nPredicted: [0. 1.]\nGround Truth: [0., 0.]\n",
}


@pytest.mark.parametrize("name", PRINTED)
def test_ways_of_printing_a_list(name, tmp_path):
    path = tmp_path / "out.txt"
    path.write_text(PRINTED[name])
    predictions = predictions_from_logs([path])
    assert predictions.clips == ("samm/901/1", "samm/901/2")
    assert predictions.labels.tolist() == [0, 0]
    assert predictions.predicted.tolist() == [[0, 1]]


def test_the_database_of_a_subject(tmp_path, capsys):
    path = tmp_path / "out.txt"
    text = "Subject: {}\nPredicted: [0, 1]\nGround Truth: [0, 2]\n"
    path.write_text("".join(map(text.format, ("sub01", "006", "s1", "spNO.1"))))
    assert predictions_from_logs([path]).databases[::2] == ("casme2", "samm", "smic", "casme3")
    path.write_text("".join(map(text.format, ("7", "11"))))
    assert set(scored(capsys, path, "--benchmark", "samm-5")["per_database"]) == {"samm"}
    scores = scored(capsys, path)
    assert set(scores["per_database"]) == {"unknown"}
    assert any("no database spells its subjects like 7" in remark for remark in scores["remarks"])


def test_a_database_told_by_three_digits_is_remarked_on(tmp_path, capsys):
    path = tmp_path / "out.txt"
    path.write_text("Subject: 901\nPredicted: [0, 1]\nGround Truth: [0, 2]\n")
    (said,) = [remark for remark in scored(capsys, path)["remarks"] if "901" in remark]
    assert "taken for those of samm by their spelling; --benchmark tells" in said
    (said,) = [
        remark
        for remark in scored(capsys, path, "--benchmark", "casme2-5")["remarks"]
        if "901" in remark
    ]
    assert "which samm spells so, were taken for those of casme2, the only database" in said
    path.write_text(table(["subject", "clip", "truth", "prediction"], ["006", "a", "0", "1"]))
    assert "such as 006" in scored(capsys, path, "--benchmark", "casme2-5")["remarks"][0]


@pytest.mark.parametrize(
    "before",
    ["2024-01-01 INFO ", "[2024-01-01 10:00:00,123][INFO] ", "INFO: ", "\x1b[32mINFO\x1b[0m "],
)
def test_what_loggers_and_terminals_put_before_a_line_is_no_part_of_it(before, tmp_path):
    path = tmp_path / "megc.log"
    path.write_text(f"{before}casme2 01\n{before}EP02 \x1b[1m0\x1b[0m 1\n")
    assert predictions_from_logs([path]).clips == ("casme2/01/EP02",)
    path.write_text(f"{before}UF1: 0.7\n")
    with pytest.raises(DataError, match=r"only lines such as .*scores or losses alone"):
        predictions_from_logs([path])


WRONG = {
    "Predicted: [0]\nGround Truth: [0]\nSubject: s1\n": ("line 1", "before any line `Subject"),
    "Subject: s1\nPredicted: [0, 1]\nGround Truth: [0]\n": ("1 true classes but 2 predictions",),
    "Subject: s1\nPredicted: [0]\nGround Truth: [0]\nSubject: s2\n": ("line 4", "not finished"),
    "Subject: s1\nPredicted: [0]\nPredicted: [1]\nGround Truth: [0]\n": ("another `Predicted`",),
    "Subject: s1\nPredicted: []\nGround Truth: []\n": ("line 1", "no line `Ground Truth"),
    "Subject: s1\nPredicted: [0, ..., 1]\nGround Truth: [0, 1]\n": ("line 2", "shortened"),
    "Subject: s1\nGround Truth: [0]\nPredicted: [0,\n": ("line 3", "has no end"),
    "Subject: s1\nPredicted: [0]\nGround Truth: [0]\n"
    "Subject: s2\nPredicted: [0]\nGround Truth: [0]\n"
    "Subject: s01\nPredicted: [0]\nGround Truth: [0]\n": ("line 7", "was in line 1 already"),
}


@pytest.mark.parametrize("text", WRONG)
def test_what_cannot_be_counted_is_refused(text, tmp_path, capsys):
    path = tmp_path / "out.txt"
    path.write_text(text)
    assert main(["score", str(path)]) == 3
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    for word in (str(path), *WRONG[text]):
        assert word in error


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gbk"])
def test_encodings(encoding, tmp_path, capsys):
    path = tmp_path / "log.csv"
    noted = [[*line, "备注"] for line in rows()]
    path.write_bytes(table([*HEADER, "说明"], *noted).encode(encoding))
    check_known(scored(capsys, path))


def test_a_spreadsheet(tmp_path, capsys):
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Prediction", "Dataset", "Sub", "Filename", "GT"])
    for database, subject, clip, truth, predicted in known_samples():
        sheet.append([predicted, database, int(subject), clip, float(truth)])
    path = tmp_path / "log.xlsx"
    book.save(path)
    check_known(scored(capsys, path))
    book.create_sheet("more").append(["Prediction", "Dataset", "Sub", "Filename", "GT"])
    book.save(path)
    assert main(["score", str(path)]) == 3  # nothing is passed over in silence
    assert "has 2 sheets that hold something" in capsys.readouterr().err
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert main(["score", str(path)]) == 3
    assert "damaged" in capsys.readouterr().err


HEADERS = {
    "data for database": (["data", "subject", "clip", "label", "pred"], 0),
    "of pandas": (["", "0", "1", "2", "3", "4"], 1),
    "of pandas without an index": (["0", "1", "2", "3", "4"], 0),
    "an index beside names": (["", *HEADER], 1),
    "none": ([], 0),
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers(name, tmp_path, capsys):
    header, index = HEADERS[name]
    path = tmp_path / "log.csv"
    lines = [[*[str(i)] * index, *line] for i, line in enumerate(rows())]
    path.write_text(table(*([header] if header else []), *lines))
    check_known(scored(capsys, path))


def test_numbers_of_pandas_and_no_database(tmp_path, capsys):
    own = [line for line in known_samples() if line[0] == "casme2"]
    lines = [[f"{float(s)}", c, f"{float(t)}", f"{float(p)}"] for _, s, c, t, p in own]
    path = tmp_path / "log.csv"
    path.write_text(table(["subject", "clip", "label", "pred"], *lines))
    scores = scored(capsys, path, "--benchmark", "casme2-3")
    assert (scores["n"], scores["subjects"]) == (145, 24)
    assert scores["benchmark"]["deviations"] == []
    path.write_text(table(["subject", "clip", "label", "pred"], ["x", "a", "0", "0"]))
    assert main(["score", str(path), "--benchmark", "megc2019"]) == 3
    assert "nothing says which database the subject 'x' is of" in capsys.readouterr().err


BASE = console(known_samples()[:60]).splitlines()
JUNK = st.text(max_size=10) | st.sampled_from(
    ["Subject: s99", "Subject:", "Predicted : [0", "Ground Truth : []", "]", "[", "...", "0, 1]"]
)


@mutations(200)
@given(st.data())
def test_mutated_prints_give_a_count_or_a_sentence(tmp_path_factory, data):
    lines = list(BASE)
    for _ in range(data.draw(st.integers(1, 3))):
        i = data.draw(st.integers(0, len(lines) - 1))
        kind = data.draw(st.sampled_from(["cut", "drop", "double", "junk", "swap", "insert"]))
        if kind == "cut":
            lines[i] = lines[i][: data.draw(st.integers(0, len(lines[i])))]
        elif kind == "drop":
            del lines[i]
        elif kind == "double":
            lines.insert(i, lines[i])
        elif kind == "junk":
            lines[i] = data.draw(JUNK)
        elif kind == "insert":
            lines.insert(i, data.draw(JUNK))
        else:
            lines[i], lines[-1] = lines[-1], lines[i]
    path = tmp_path_factory.mktemp("print") / "mutated.txt"
    path.write_bytes("\n".join(lines).encode("utf-8", "surrogateescape"))
    message, predictions = "", None
    try:
        predictions = predictions_from_logs([path])
    except DataError as error:  # anything else fails the test
        message = str(error)
    if predictions is None:
        assert "mutated.txt" in message
        assert "\n" not in message
        return
    # Every list that is whole is counted: none is lost in silence.
    lists = {line for line in lines if line.startswith("Ground Truth") and line.endswith("]")}
    assert len(predictions) >= max(text.count(",") + 1 for text in lists)
    truths = [line for line in lines if line.startswith("Ground Truth")]
    if len(truths) == len([line for line in BASE if line.startswith("Ground Truth")]):
        assert len(predictions) == sum(text.count(",") + 1 for text in truths)


@mutations(100)
@given(st.binary(max_size=400), st.sampled_from(["", "PK\x03\x04", "\xff\xfe", "casme2 01\n"]))
def test_any_bytes_give_a_count_or_a_sentence(tmp_path_factory, data, start):
    path: Path = tmp_path_factory.mktemp("bytes") / "any.log"
    path.write_bytes(start.encode("latin-1") + data)
    message, count = "any.log", 1
    try:
        count = len(predictions_from_logs([path]))
    except DataError as error:  # anything else fails the test
        message = str(error)
    assert "any.log" in message
    assert count > 0
