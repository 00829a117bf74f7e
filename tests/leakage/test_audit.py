"""`mace audit`: every kind of planted leak is found, and nothing clean is accused."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from audit_cases import CLASSES, PLANTED, clean_split, planted, pooled_counts
from fuzzing import mutations
from hypothesis import given
from hypothesis import strategies as st

from mace.cli import main
from mace.errors import DataError
from mace.leakage.audit_report import audit_case
from mace.leakage.split_file import read_split
from mace.metrics import uf1


def written(folder: Path, split, name: str = "split.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(split))
    return path


def audited(path: Path, capsys, *options: str) -> tuple[int, dict]:
    code = main(["audit", str(path), *options, "--json"])
    return code, json.loads(capsys.readouterr().out)


CLEAN = {
    "leave one subject out": {},
    "another seed": {"seed": 1},
    "one database": {"databases": ("smic",)},
    "three databases with the same subject names": {"databases": ("casme2", "samm", "smic")},
    "three seeds": {"seeds": 3, "seed": 4},
    "five folds": {"folds": 5, "seed": 5},
    "two folds": {"folds": 2, "seed": 6},
    "nested validation": {"validation": True, "seed": 7},
    "nested validation, three seeds": {"validation": True, "seeds": 3, "folds": 4, "seed": 8},
    "one clip a subject": {"clips": 1, "subjects": 8, "seed": 9},
    "many subjects": {"subjects": 30, "clips": 3, "seed": 10},
    "perfect predictions": {"right": 1.0, "seed": 11},
}


@pytest.mark.parametrize("name", CLEAN)
def test_clean_split_is_not_accused(name, tmp_path, capsys):
    code, report = audited(written(tmp_path, clean_split(**CLEAN[name])), capsys)
    assert report["findings"] == []
    assert report["clean"]
    assert code == 0
    assert len(report["checked"]) >= 10


@pytest.mark.parametrize("name", PLANTED)
def test_planted_leak_is_found(name, tmp_path, capsys):
    code, report = audited(written(tmp_path, planted(name, seed=3)), capsys)
    assert code == 1
    by_code = {finding["code"]: finding for finding in report["findings"]}
    finding = by_code[PLANTED[name][1]]
    assert finding["where"]
    assert finding["count"] >= len(finding["where"])
    assert finding["worth"]


# A leak may bring others of necessity: a clip on both sides is its subject's on both sides.
ALLOWED = {
    "clip on both sides": {"clip-overlap", "subject-overlap", "picture-overlap"},
    "frames of a clip on both sides": {"clip-overlap", "subject-overlap", "missing-samples"},
    "subject on both sides": {"subject-overlap", "missing-samples"},
    "validation clips of the test subject": {"settings-test", "subject-overlap", "missing-samples"},
    "copies of test clips in training": {"augmentation-overlap", "missing-samples"},
    "subject under two names": {"subject-renamed"},
}


@pytest.mark.parametrize("name", PLANTED)
def test_nothing_else_is_accused(name, tmp_path, capsys):
    _, report = audited(written(tmp_path, planted(name, seed=3)), capsys)
    codes = {finding["code"] for finding in report["findings"]}
    assert codes <= ALLOWED.get(name, {PLANTED[name][1]})


def test_best_of_several_seeds(tmp_path, capsys):
    split = clean_split(seeds=3, seed=4)
    single = []
    for seed in "012":
        folds = [fold for fold in split["folds"] if fold["seed"] == seed]
        single.append(uf1(pooled_counts(split | {"folds": folds})))
    split["scores"] = {"uf1": max(single)}
    code, report = audited(written(tmp_path, split), capsys)
    assert [finding["code"] for finding in report["findings"]] == ["best-seed"]
    assert code == 1


def table(folder: Path, split, **extra) -> Path:
    """The same split as a table, a row for each sample of each side of each fold."""
    path = folder / "split.csv"
    with path.open("w", newline="") as file:
        columns = ["Fold", "Side", "Subject", "Database", "Clip", "Source clip", "truth",
                   "prediction", "digest", "hash", "normalised", "chosen_on", *extra]  # fmt: skip
        writer = csv.writer(file)
        writer.writerow(columns)
        for fold in split["folds"]:
            predictions = dict(zip(fold["test"], fold["predictions"], strict=True))
            for side in ("train", "test"):
                for i in fold[side]:
                    sample = split["samples"][i]
                    statistics = "yes" if i in fold["normalised"] else "no"
                    chosen = "yes" if i in fold["chosen_on"] else ""
                    # The truth stands on test rows only, as many code bases write it.
                    writer.writerow(
                        [fold["name"], side, sample["subject"], sample["database"], sample["clip"],
                         sample.get("source", ""), sample["truth"] if side == "test" else "",
                         predictions.get(i, ""), sample["digest"], sample["hash"],
                         statistics, chosen]
                        + [value[i] for value in extra.values()]
                    )  # fmt: skip
    return path


def test_table_of_a_clean_split(tmp_path, capsys):
    split = clean_split()
    path = table(tmp_path, split)
    scores = [f"--{name}={value}" for name, value in split["scores"].items()]
    code, report = audited(path, capsys, *scores)
    assert report["findings"] == []
    assert code == 0
    assert report["samples"] == 60
    assert "reported scores" in report["checked"]


def composite(folder: Path, *, numbered: bool = True, database: bool = True) -> Path:
    """Leave one subject out of MEGC 2019's composite, every label right; labels 0, 1, 2."""
    counts = {"casme2": (24, (88, 32, 25)), "samm": (28, (92, 26, 15)), "smic": (16, (70, 51, 43))}
    spelling = {"casme2": "sub{:02d}", "samm": "{:03d}", "smic": "s{:02d}"}
    clips = []
    for name, (people, classes) in counts.items():
        labels = [k for k, count in enumerate(classes) for _ in range(count)]
        for i, label in enumerate(labels):
            shown = str(label) if numbered else CLASSES[label].title()
            clips.append((name, spelling[name].format(i % people + 1), f"c{i}", shown))
    columns = ["fold", "side", *["database"] * database, "subject", "clip", "label", "pred"]
    lines = [columns]
    # A few folds will do: each tests a part of the people.
    owners = sorted({clip[:2] for clip in clips})
    for fold in range(4):
        own = set(owners[fold::4])
        for clip in clips:
            side = "test" if clip[:2] in own else "train"
            lines.append([str(fold), side, *clip[not database :], clip[3]])
    path = folder / "composite.csv"
    path.write_text("".join(",".join(line) + "\n" for line in lines), encoding="utf-16")
    return path


@pytest.mark.parametrize("numbered", [True, False])
@pytest.mark.parametrize("database", [True, False])
def test_labels_mean_what_they_do_in_scores(numbered, database, tmp_path, capsys):
    path = composite(tmp_path, numbered=numbered, database=database)
    code, report = audited(path, capsys, "--benchmark", "megc2019", "--uf1", "1", "--uar", "1")
    assert report["findings"] == []
    assert (code, report["samples"]) == (0, 442)


def test_one_label_in_two_spellings_is_no_conflict(tmp_path, capsys):
    split = clean_split()
    number = {name: str(i) for i, name in enumerate(CLASSES)}
    for fold in split["folds"]:
        fold["predictions"] = [number[name] for name in fold["predictions"]]
    for sample in split["samples"][::2]:
        sample["truth"] = f" {sample['truth'].title()} "
    path = written(tmp_path, split | {"benchmark": "megc2019"})
    _, report = audited(path, capsys)
    assert {finding["code"] for finding in report["findings"]} == {"missing-samples"}


def test_a_clip_of_two_truths_is_one_sample_and_one_named_after_another_person_is_told(
    tmp_path, capsys
):
    lines = [
        "fold,side,database,subject,clip,truth",
        *("1,test,casme2,01,sub02_EP01,0", "1,train,casme2,02,sub02_EP03,1"),
        *("2,test,casme2,02,sub02_EP03,1", "2,train,casme2,01,sub02_EP01,1"),
    ]
    path = tmp_path / "split.csv"
    path.write_text("\n".join(lines))
    _, report = audited(path, capsys)
    places = {finding["code"]: finding["where"] for finding in report["findings"]}
    assert report["samples"] == 2
    assert places == {
        "subject-contradicted": ["casme2/01/sub02_EP01 is subject 2's by its name"],
        "label-conflict": ["casme2/01/sub02_EP01: 0 and 1"],
    }


def test_a_reported_score_in_percent_is_hinted_at(tmp_path, capsys):
    assert main(["audit", str(table(tmp_path, clean_split())), "--uf1", "93.4"]) == 3
    assert "if it is in percent, give 0.934" in capsys.readouterr().err


LOGS = {
    "megc.log": "casme2 01\nEP02_01f 0 1\n",
    "table.csv": "database,subject,clip,truth,prediction\ncasme2,01,EP02_01f,0,1\n",
    "printed.txt": "Subject: sub01\nPredicted : [1]\nGround Truth : [0]\n",
}


@pytest.mark.parametrize("name", LOGS)
def test_a_log_is_told_that_it_is_one(name, tmp_path, capsys):
    path = tmp_path / name
    path.write_text(LOGS[name])
    assert main(["audit", str(path)]) == 3
    error = capsys.readouterr().err
    assert "is a log of 1 predictions, which `mace score` reads" in error
    assert "fold and side" in error


def test_one_clip_in_two_spellings_is_on_both_sides(tmp_path, capsys):
    split = clean_split(databases=("smic",))
    fold = split["folds"][0]
    tested = split["samples"][fold["test"][0]]
    split["samples"].append(
        tested | {"database": "SMIC-HS", "subject": "s3", "clip": "EP0", "digest": "", "hash": ""}
    )
    fold["train"].append(len(split["samples"]) - 1)
    code, report = audited(written(tmp_path, split), capsys)
    places = {finding["code"]: finding["where"] for finding in report["findings"]}
    assert code == 1
    assert places["clip-overlap"] == ["fold smic/03: SMIC-HS/s3/EP0 = smic/03/EP00"]
    assert places["subject-renamed"] == ["fold smic/03: SMIC-HS/s3 = smic/03"]


TABLE_LEAKS = [
    "clip on both sides",
    "normalisation over all data",
    "epoch chosen on the test fold",
    "copies of test clips in training",
    "near-duplicate pictures",
    "samples that no fold tests",
]


@pytest.mark.parametrize("name", TABLE_LEAKS)
def test_table_of_a_leaky_split(name, tmp_path, capsys):
    code, report = audited(table(tmp_path, planted(name)), capsys)
    assert code == 1
    assert PLANTED[name][1] in {finding["code"] for finding in report["findings"]}


def test_published_mistake_is_found_from_the_command_line(tmp_path, capsys):
    # STSTNet's confusion matrix: the printed UAR 0.7605 is the macro-precision.
    confusion = [[219, 22, 9], [40, 62, 7], [21, 3, 59]]
    rows = ["fold,side,database,subject,clip,truth,prediction"]
    number = 0
    for truth, row in enumerate(confusion):
        for predicted, count in enumerate(row):
            for _ in range(count):
                side = f"x,{number % 2},c{number},{CLASSES[truth]},{CLASSES[predicted]}"
                rows += [f"{number % 2},test,{side}", f"{1 - number % 2},train,{side}"]
                number += 1
    path = tmp_path / "split.csv"
    path.write_text("\n".join(rows))
    assert audited(path, capsys, "--uf1", "0.7353", "--uar", "0.7186")[0] == 0
    code, report = audited(path, capsys, "--uf1", "0.7353", "--uar", "0.7605")
    assert code == 1
    assert [finding["code"] for finding in report["findings"]] == ["uar-macro-precision"]
    assert "UAR is 0.7186, +0.0419 in the claim" in report["findings"][0]["worth"]


def test_pictures_are_read_and_compared(tmp_path, capsys):
    rng = np.random.default_rng(0)
    rows = ["fold,side,database,subject,clip,image"]
    for subject in range(4):
        image = cv2.resize(rng.integers(0, 255, (12, 12)).astype(np.float32), (96, 96))
        for clip in range(2):
            noisy = np.clip(image + rng.normal(0, 1, image.shape), 0, 255).astype(np.uint8)
            name = f"{subject}-{clip}.png"
            assert cv2.imwrite(str(tmp_path / name), noisy)
            for fold in range(4):
                side = "test" if fold == subject else "train"
                rows.append(f"{fold},{side},x,{subject},c{clip},{name}")
    path = tmp_path / "split.csv"
    path.write_text("\n".join(rows))
    assert audited(path, capsys)[0] == 0
    # The same person under another name: neighbouring frames on both sides.
    moved = "\n".join(rows).replace(",0,c1,0-1.png", ",9,c1,0-1.png")
    path.write_text(moved.replace("0,test,x,9", "0,train,x,9"))
    code, report = audited(path, capsys)
    assert code == 1
    by_code = {finding["code"]: finding for finding in report["findings"]}
    assert set(by_code) == {"near-duplicate", "missing-samples"}
    assert by_code["near-duplicate"]["where"] == ["fold 0: x/0/c0 like x/9/c1"]
    path.write_text("\n".join(rows).replace("3-1.png", "nowhere.png"))
    assert main(["audit", str(path)]) == 3
    assert "nowhere.png" in capsys.readouterr().err


def test_text_names_what_where_and_worth(tmp_path, capsys):
    assert main(["audit", str(written(tmp_path, planted("clip on both sides")))]) == 1
    captured = capsys.readouterr()
    for words in ("FOUND clip-overlap", "/EP0", "worth: touches 1 of 60", "UF1 is", "checked"):
        assert words in captured.out
    assert captured.err.count("\n") == 1
    assert main(["audit", str(written(tmp_path, clean_split()))]) == 0
    assert "nothing found" in capsys.readouterr().out


DAMAGED = {
    "": "needs the column fold once",
    "fold,side,database,subject\n": "needs the column clip",
    "fold,side,database,subject,clip\n": "holds no fold",
    "fold,side,database,subject,clip\n1,test,x,1,a\n": "fold 1 has no train sample",
    "fold,side,database,subject,clip\n1,middle,x,1,a\n": "row 2: the side 'middle'",
    "fold,side,database,subject,clip\n1,test,x,1\n": "row 2: 4 cells under 5",
    "fold,side,database,subject,clip\n1,test,x,,a\n": "row 2: the cell subject is empty",
    "fold,side,database,subject,clip,normalised\n1,test,x,1,a,maybe\n": "normalised is 'maybe'",
    "fold,side,database,subject,clip,hash\n1,test,x,1,a,zz\n1,train,x,2,b,\n": "not hexadecimal",
    "{": "is no split",
    '{"samples": [], "folds": [{"name": "1", "train": [0], "test": []}]}': "which is not there",
    '{"samples": [{"clip": "a"}], "folds": []}': "is no split",
    '{"samples": [], "folds": [], "scores": {"f1": 1}}': "'f1'",
}


@pytest.mark.parametrize("text", DAMAGED)
def test_damaged_split_is_one_sentence(text, tmp_path, capsys):
    path = tmp_path / "damaged"
    path.write_text(text)
    assert main(["audit", str(path)]) == 3
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "damaged" in error
    assert DAMAGED[text] in error


@mutations(150)
@given(st.data())
def test_mutated_splits_are_audited_or_refused(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("split")
    split = clean_split(databases=("x",), subjects=3, clips=2)
    whole = data.draw(st.booleans())
    text = written(folder, split).read_text() if whole else table(folder, split).read_text()
    for _ in range(data.draw(st.integers(1, 3))):
        i = data.draw(st.integers(0, len(text)))
        text = text[:i] + data.draw(st.text(max_size=3)) + text[i + data.draw(st.integers(0, 4)) :]
    path = folder / "mutated"
    path.write_bytes(text.encode("utf-8", "replace"))
    message = "nothing"
    try:
        report = audit_case(read_split(path))
        assert len(report.checked) + len(report.unchecked) == 14
    except DataError as error:  # anything else fails the test
        message = str(error)
    assert "\n" not in message


@mutations(150)
@given(
    lost=st.sets(st.integers(1, 18), max_size=3),
    doubled=st.lists(st.integers(1, 18), max_size=2),
    quotes=st.lists(st.tuples(st.integers(1, 18), st.floats(0, 1)), max_size=3),
)
def test_every_row_of_a_mutated_table_is_counted(tmp_path_factory, lost, doubled, quotes):
    folder = tmp_path_factory.mktemp("split")
    path = table(folder, clean_split(databases=("x",), subjects=3, clips=2))
    lines = path.read_text().splitlines()
    assert len(lines) == 19
    for row, place in quotes:
        k = int(place * len(lines[row]))
        lines[row] = lines[row][:k] + '"' + lines[row][k:]
    rows = [line for k, line in enumerate(lines) if k not in lost] + [lines[k] for k in doubled]
    path.write_text("\n".join(rows))
    message, case = "", None
    try:
        case = read_split(path)
    except DataError as error:  # anything else fails the test
        message = str(error)
    if case is None:
        # Without these rows a fold may lack a side.
        assert quotes or lost
        assert "\n" not in message
        return
    assert sum(part.train.size + part.test.size for part in case.parts) == len(rows) - 1


def test_auditing_a_split_needs_no_jax(tmp_path):
    path = written(tmp_path, clean_split())
    code = (
        "import sys; from mace.cli import main; "
        f"code = main(['audit', {str(path)!r}]); "
        "sys.exit('jax was imported' if 'jax' in sys.modules else code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
