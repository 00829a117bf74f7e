"""The protocols of CAS(ME)^3, DFME, 4DME and CD6ME, typed on small trees as they lie on disk."""

import json

import pandas as pd
import pytest
from trees.casme3_tree import casme3_rows, make_casme3
from trees.dfme_tree import dfme_rows, make_dfme
from trees.four_dme_tree import four_dme_row, make_four_dme
from trees.preparing import prepare

from mace.cli import main
from mace.dataset import load_dataset

# The smallest network that is one, for an epoch, and no pair but the annotated one.
SMALL = [
    *("--recipe.train.model.widths", "4", "--recipe.train.model.depths", "1"),
    *("--recipe.train.epochs", "1", "--recipe.motion.size", "28", "--recipe.variants.extra", "0"),
    *("--workers", "0", "--no-baselines"),
]


@pytest.fixture
def mace(tmp_path, capsys):
    """`mace evaluate` as typed, on what is prepared in `tmp_path`; returns output and results."""

    def evaluate(*words: str):
        out = tmp_path / "run"
        where = ("--data-dir", str(tmp_path / "out"), "--out", str(out))
        code = main(["evaluate", *words, *where, *SMALL])
        written = capsys.readouterr()
        assert code == 0, written.err
        return written.out, written.err, out

    return evaluate


def four_dme_tree(root) -> None:
    """Five people: two clips of two emotions, one that copies another's frames."""
    rows = [
        four_dme_row(1, "01_1", 30, "4", ["Negative"], [4]),
        four_dme_row(1, "01_2", 30, "1+2", ["Surprise"], [1, 2]),
        four_dme_row(2, "02_1", 30, "4+7", ["Negative", "Repression"], [4, 7]),
        four_dme_row(2, "02_1(2)", 31, "12", ["Positive"], [12]),
        four_dme_row(3, "03_1", 30, "1+4", ["Negative", "Surprise"], [1, 4]),
        four_dme_row(4, "04_1", 30, "45", ["Others"], []),
        four_dme_row(5, "05_1", 30, "6+12", ["Positive"], [6, 12]),
    ]
    make_four_dme(root, rows)


def test_4dme_scores_each_of_its_emotions(tmp_path, whole_frames, mace):
    four_dme_tree(tmp_path / "in")
    prepare("four_dme", tmp_path / "in", tmp_path / "out")
    printed, _, out = mace("--dataset", "four_dme/gray", "--protocol.benchmark", "four_dme-5")
    table = pd.read_csv(out / "units.csv").set_index("unit")
    assert table["clips"].to_dict() == {
        "positive": 2, "negative": 3, "surprise": 2, "repression": 1, "others": 1, "mean of 5": 9,
    }  # fmt: skip
    assert set(table["of"].dropna()) == {7}
    assert "4DME, 5 emotions, several to a clip: n = 7 of 267" in printed
    config = json.loads((out / "negative" / "config.json").read_text())
    # Each person is left out once.
    assert config["folds"] == [f"four_dme/{person}" for person in range(1, 6)]


def test_cd6me_leaves_a_database_out(tmp_path, whole_frames, mace):
    four_dme_tree(tmp_path / "in" / "four")
    rows = [list(row) for row in casme3_rows()[:6]]
    for row, units in zip(rows, ("4", "12", "26+25", "L2+L1", "T28+14", "4\uff0c7"), strict=True):
        row[5] = units
    make_casme3(tmp_path / "in" / "three", rows)
    prepare("four_dme", tmp_path / "in" / "four", tmp_path / "out")
    prepare("casme3", tmp_path / "in" / "three", tmp_path / "out")
    printed, log, out = mace(
        *("--dataset", "four_dme/gray", "--also", "casme3/part_a"),
        *("--protocol.benchmark", "cd6me"),
    )
    table = pd.read_csv(out / "units.csv").set_index("unit")
    # A clip that lists none of the twelve units (26+25, 45) counts as one that shows none.
    assert set(table["of"].dropna()) == {13}
    assert table["clips"].to_dict() == {
        "AU1": 3, "AU2": 2, "AU4": 5, "AU6": 1, "AU7": 2, "AU12": 3, "AU14": 1, "mean of 7": 17,
    }  # fmt: skip
    assert "no clip or every clip shows them: AU5, AU9, AU10, AU15, AU17" in log
    databases = pd.read_csv(out / "databases.csv")
    assert databases["database"].tolist() == ["casme3", "four_dme", "mean of 2"]
    assert databases["clips"].tolist() == [6, 7, 13]
    config = json.loads((out / "AU4" / "config.json").read_text())
    assert config["folds"] == ["casme3", "four_dme"]
    assert "no sample of samm, the protocol has 159" in printed


def test_casme3_has_three_classes_or_seven(tmp_path, whole_frames, mace):
    rows = [list(row) for row in casme3_rows()[:8]]
    names = ("happy", "sad", "surprise", "Others", "anger", "fear", "disgust", "others")
    for row, emotion in zip(rows, names, strict=True):
        row[7] = emotion
    make_casme3(tmp_path / "in", rows)
    prepare("casme3", tmp_path / "in", tmp_path / "out")
    printed, log, out = mace("--dataset", "casme3/part_a", "--protocol.benchmark", "casme3-3")
    results = json.loads((out / "results.json").read_text())
    assert (results["n"], results["classes"]) == (6, ["negative", "positive", "surprise"])
    assert "left out 2: others 2" in log
    assert "4 negative of casme3, the protocol has 457 (453 fewer)" in printed
    seven = load_dataset("casme3/part_a", data_dir=tmp_path / "out", benchmark="casme3-7")
    assert sorted(seven.annotations["label"]) == [
        "anger", "disgust", "fear", "happiness", "others", "others", "sadness", "surprise",
    ]  # fmt: skip


def test_dfme_deals_its_people_to_ten_folds(tmp_path, whole_frames, mace):
    make_dfme(tmp_path / "in", {"DFME_train.xlsx": dfme_rows(24)})
    prepare("dfme", tmp_path / "in", tmp_path / "out")
    printed, _, out = mace("--dataset", "dfme/clips", "--protocol.benchmark", "dfme-7")
    config = json.loads((out / "config.json").read_text())
    # 20 people, four of whom show two clips.
    assert config["folds"] == [f"{fold} of 10" for fold in range(1, 11)]
    assert config["config"]["protocol"]["kind"] == "kfold"
    assert "24 samples, the protocol has 7526 (7502 fewer)" in printed
    results = json.loads((out / "results.json").read_text())
    assert len(results["classes"]) == 7


def test_dfme_trains_on_one_sheet_and_scores_another(tmp_path, whole_frames, mace, capsys):
    # 12 people learn; 7 clips of others are test A, with labels; test B is given out without.
    test_a, test_b = dfme_rows(7, first=100), dfme_rows(4, first=200)
    for index, row in enumerate([*test_a, *test_b]):
        row[0] = f"S{index + 500:04d}"
    test_b = [[*row[:5], "", "", *row[7:]] for row in test_b]
    sheets = {"DFME_train.xlsx": dfme_rows(12), "testA.xlsx": test_a, "testB.xlsx": test_b}
    make_dfme(tmp_path / "in", sheets)
    prepare("dfme", tmp_path / "in", tmp_path / "out")
    printed, _, out = mace("--dataset", "dfme/clips", "--protocol.benchmark", "dfme-test-a")
    assert "DFME, 7 classes, test A: n = 7 of 474" in printed
    config = json.loads((out / "config.json").read_text())
    assert (config["folds"], len(config["clips"])) == (["test A"], 19)
    predictions = pd.read_csv(out / "predictions.csv")
    assert predictions["subject"].nunique() == 7
    assert len((out / "predictions-seed0.log").read_text().split("\n")) > 7
    # An audit sees that drawn frames are alike, and not that training clips are tested by nobody.
    assert main(["audit", str(out)]) == 1
    audit = capsys.readouterr().out
    assert "picture-overlap" in audit
    for wrong in ("subject-overlap", "clip-overlap", "not-once", "no fold tests"):
        assert wrong not in audit
    words = ["evaluate", "--dataset", "dfme/clips", "--protocol.benchmark", "dfme-test-b"]
    where = ["--data-dir", str(tmp_path / "out"), "--out", str(tmp_path / "b")]
    assert main([*words, *where]) == 3
    said = capsys.readouterr().err
    assert "computing flow" not in said
    assert "no clip is of the partition 'test B'; clips by partition: test A 7, training 12" in said


def test_descriptors_stand_beside_a_network_and_are_rows_of_the_zoo(
    tmp_path, whole_frames, mace, capsys
):
    rows = [list(row) for row in casme3_rows()[:8]]
    for index, row in enumerate(rows):
        row[7] = ("disgust", "surprise")[index % 2]
    make_casme3(tmp_path / "in", rows)
    prepare("casme3", tmp_path / "in", tmp_path / "out")
    printed, _, out = mace("--dataset", "casme3/part_a", "--descriptors", "bi_woof", "lbp_top")
    assert "Bi-WOOF (linear SVM), flow" in printed
    assert "LBP-TOP (linear SVM), frames" in printed
    methods = json.loads((out / "config.json").read_text())["methods"]
    assert list(methods) == ["network", "bi_woof", "lbp_top", "majority"]
    zoo = ["zoo", "--dataset", "casme3/part_a", "--networks", "lbp_top", "bi_woof"]
    where = ["--data-dir", str(tmp_path / "out"), "--out", str(tmp_path / "zoo")]
    assert main([*zoo, *where, "--workers", "0", "--recipe.motion.size", "28", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["network"], row["weights"], row["seeds"]) for row in rows] == [
        ("lbp_top", 0, 1), ("bi_woof", 0, 1),
    ]  # fmt: skip
    assert all(row["clips"] == 8 for row in rows)
    # Where no row can be, there is no table.
    zoo = ["zoo", "--dataset", "casme3/part_a", "--networks", "bi_woof", "--json"]
    where = ["--data-dir", str(tmp_path / "out"), "--out", str(tmp_path / "none")]
    assert main([*zoo, *where, "--recipe.motion.representation", "appearance"]) not in (0, 1)
    said = capsys.readouterr()
    assert "nothing was evaluated" in said.err
    assert "leave out bi_woof" in said.err
    assert not said.out
