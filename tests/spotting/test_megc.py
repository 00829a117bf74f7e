"""The Grand Challenge's forms, written and read, and scored against published tables."""

import csv

import pytest

from mace.cli import main
from mace.errors import DataError
from mace.spotting.measures import Counts, Interval, Video, score
from mace.spotting.megc import write_emotions, write_log, write_types
from mace.spotting.megc_reading import is_spotting, read_log, read_videos

VIDEOS = [
    Video(
        "006_1", "006", 30.0,
        spotted=(
            Interval(99, 149, label="negative"), Interval(300, 340), Interval(400, 599, "macro"),
        ),
        true=(Interval(100, 150, label="positive"), Interval(500, 700, "macro")),
        database="samm", first=1,
    ),
    Video("15_0401", "s15", 30.0, (), (Interval(10, 20),), database="casme_squared", first=1),
    Video("a", "spNO.1", 30.0, (Interval(0, 9),), (), database="casme3", first=50),
]  # fmt: skip


def test_a_log_has_a_line_for_each_interval(tmp_path):
    write_log(tmp_path / "log.txt", VIDEOS)
    lines = [line.split() for line in (tmp_path / "log.txt").read_text().splitlines()]
    assert lines == [
        ["1"],
        ["006_1", "101", "151", "100", "150", "TP"],
        ["006_1", "-", "-", "301", "341", "FP"],
        ["006_1", "-", "-", "401", "600", "FP"],
        ["006_1", "501", "701", "-", "-", "FN"],
        ["2"],
        ["15_0401", "11", "21", "-", "-", "FN"],
        ["casme3"],
        ["spNO.1_a", "-", "-", "50", "59", "FP"],
    ]
    log = read_log(tmp_path / "log.txt")
    assert log.counts == {
        "samm": Counts(1, 2, 1), "casme_squared": Counts(0, 0, 1), "casme3": Counts(0, 1, 0),
    }  # fmt: skip
    assert log.remarks == ()


def test_a_log_has_no_line_of_what_nobody_has_looked_for(tmp_path):
    spotted = (Interval(9, 19), Interval(30, 60, "macro"))
    video = Video("a", "01", 3.0, spotted, (Interval(9, 19),), first=1, kinds=("micro",))
    write_log(tmp_path / "log.txt", [video])
    assert (tmp_path / "log.txt").read_text().split() == [
        "-", "01_a", "10", "20", "10", "20", "TP",
    ]  # fmt: skip


def test_tables_of_later_years(tmp_path):
    write_types(tmp_path / "types.csv", VIDEOS)
    with (tmp_path / "types.csv").open() as file:
        assert list(csv.reader(file)) == [
            ["vid", "pred_onset", "pred_offset", "type"],
            ["006_1", "100", "150", "me"],
            ["006_1", "301", "341", "me"],
            ["006_1", "401", "600", "mae"],
            ["spNO.1_a", "50", "59", "me"],
        ]
    write_emotions(tmp_path / "pred.csv", VIDEOS)
    write_emotions(tmp_path / "gt.csv", VIDEOS, true=True)
    assert (tmp_path / "gt.csv").read_text().splitlines() == [
        "subject,video,onset,offset,emotion",
        "6,006_1,101,151,positive",
        "15,15_0401,11,21,",
    ]
    videos, remarks = read_videos(tmp_path / "pred.csv", tmp_path / "gt.csv")
    assert remarks == ()
    scores = score(videos)
    # One right of three spotted and two true; it has the wrong name.
    assert scores.by_kind["micro"] == Counts(1, 2, 1)
    assert (scores.analysis.pairs, scores.analysis.f1, scores.strs) == (1, 0, 0)


# MEGC 2020's baseline on the two long data sets (Y. He et al., "Spotting macro- and
# micro-expression intervals in long video sequences", FG 2020): predicted, right and true
# intervals, F1 as printed.
BASELINE = {
    ("casme_squared", "micro"): (5035, 21, 57, 0.0082),
    ("casme_squared", "macro"): (1523, 109, 300, 0.1196),
    ("casme_squared", "all"): (6558, 130, 357, 0.0376),
    ("samm", "micro"): (1436, 29, 159, 0.0364),
    ("samm", "macro"): (356, 22, 343, 0.0629),
    ("samm", "all"): (1792, 51, 502, 0.0445),
}


def test_f1_of_the_published_baseline():
    for (database, kind), (spotted, right, true, f1) in BASELINE.items():
        counts = Counts(right, spotted - right, true - right)
        assert round(counts.f1, 4) == f1
        if kind == "all":
            parts = [BASELINE[database, part] for part in ("micro", "macro")]
            assert [sum(each) for each in zip(*(part[:3] for part in parts), strict=True)] == [
                spotted, right, true,
            ]  # fmt: skip


def video(hits, false_alarms, misses):
    """Right, wrong and missed micro-expressions; hits are pairs (true class, class given)."""
    true, spotted = [], []
    for k in range(len(hits) + misses):
        label = hits[k][0] if k < len(hits) else "surprise"
        true.append(Interval(100 * k, 100 * k + 9, label=label))
    for k in range(len(hits) + false_alarms):
        start = 100 * k if k < len(hits) else 100 * k + 50
        label = hits[k][1] if k < len(hits) else "negative"
        spotted.append(Interval(start, start + 9, label=label))
    return Video("v", "s", 60.0, tuple(spotted), tuple(true))


# MEAN as the baseline of MEGC 2025 (X. Fan et al., "MEGC2025", 2025, table of spot-then-recognise
# results on the unseen videos): TP, FP, FN of spotting; precision, recall, F1; of recognition one
# right and one wrong, whose precision, recall and F1 are means over three classes; STRS.
MEAN = [
    # Both are called negative, and one is positive: 1/2, 0, 0 and 1, 0, 0.
    ([("negative", "negative"), ("positive", "negative")], 6, 217, 202,
     (0.0269, 0.0288, 0.0278), (0.1667, 0.3333, 0.2222, 0.2222), 0.0062),
    # Both are negative, and one is called positive: 1, 0, 0 and 1/2, 0, 0.
    ([("negative", "negative"), ("negative", "positive")], 3, 115, 34,
     (0.0254, 0.0811, 0.0387), (0.3333, 0.1667, 0.2222, 0.2222), 0.0086),
]  # fmt: skip


@pytest.mark.parametrize(("named", "hits", "alarms", "misses", "spotting", "naming", "strs"), MEAN)
def test_strs_of_the_published_table_of_mean(named, hits, alarms, misses, spotting, naming, strs):
    # The rest of what was spotted rightly has no class in the table's means.
    unnamed = [(None, None)] * (hits - len(named))
    scores = score([video([*named, *unnamed], alarms, misses)])
    micro, analysis = scores.by_kind["micro"], scores.analysis
    assert micro == Counts(hits, alarms, misses)
    assert tuple(round(v, 4) for v in (micro.precision, micro.recall, micro.f1)) == spotting
    means = analysis.precision, analysis.recall, analysis.f1, analysis.uf1
    assert tuple(round(value, 4) for value in means) == naming
    assert round(scores.strs, 4) == strs


def test_strs_of_the_example_of_its_authors(tmp_path, capsys):
    # G.-B. Liong, STRS-Metric (github.com/genbing99/STRS-Metric), README: "STRS: 0.2".
    true = """subject,video,onset,offset,emotion
1,EP02_01f,45,85,happiness
1,EP03_02,130,160,others
1,EP04_02,20,75,others
2,EP01_11f,45,95,repression
2,EP02_04f,30,140,repression
"""
    ours = """subject,video,onset,offset,emotion
1,EP02_01f,10,70,happiness
1,EP03_02,100,170,others
1,EP04_02,0,70,others
2,EP01_11f,20,90,happiness
2,EP02_04f,70,140,happiness
"""
    counts, lines = scored(tmp_path, capsys, ours, true)
    # Overlaps of 26/76, 31/71, 51/76, 46/76 and 71/111; one of the three is named rightly, so that
    # precision and recall are 1, 0 and 0 over the classes.
    assert counts == {"micro": [3, 2, 2]}
    assert "F1 0.3333" in lines[-1]
    assert lines[-1].endswith("STRS 0.2000")


def test_a_log_is_scored_as_typed(tmp_path, capsys):
    path = tmp_path / "log.txt"
    path.write_text("1\n006_1 101 151 100 150 TP\n006_1 - - 300 340 FP\n2\n15_0401 5 9 - - FN\n")
    assert is_spotting(path)
    assert main(["score", str(path)]) == 0
    rows = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines()[1:]}
    # Pooled: TP 1, FP 1, FN 1: F1 2 / (2 + 1 + 1).
    assert rows["pooled"] == ["all", "1", "1", "1", "0.5000", "0.5000", "0.5000"]
    assert rows["samm"][-1] == "0.6667"
    path.write_text("1\n006_1 101 151 140 400 TP\n006_1 101 151 100 150 TP\n")
    assert main(["score", str(path), "--json"]) == 0
    said = capsys.readouterr().out
    assert "1 TP overlap by an IoU below 0.5, first in line 2" in said
    assert "1 true intervals are hit twice, first in line 3" in said


def test_a_submission_is_scored_against_the_truth(tmp_path, capsys):
    ours, true = tmp_path / "pred.csv", tmp_path / "gt.csv"
    true.write_text("vid,onset,offset,type\nv1,10,20,me\nv1,50,90,mae\nv2,5,15,me\n")
    ours.write_text("vid,pred_onset,pred_offset,type\nv1,11,20,ME\nv1,50,70,mae\nv3,1,5,me\n")
    assert main(["score", str(ours), "--truth", str(true)]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert rows == [
        ["all", "micro", "1", "1", "1", "0.5000", "0.5000", "0.5000"],
        # 50 to 70 of 50 to 90: 21 of 41 frames.
        ["all", "macro", "1", "0", "0", "1.0000", "1.0000", "1.0000"],
        ["all", "all", "2", "1", "1", "0.6667", "0.6667", "0.6667"],
    ]
    assert main(["score", str(ours)]) not in (0, 1)
    assert "--truth" in capsys.readouterr().err


def scored(tmp_path, capsys, ours, true, *more):
    """The lines of `mace score` on two tables: counts of each kind, and what else is said."""
    (tmp_path / "pred.csv").write_text(ours)
    (tmp_path / "gt.csv").write_text(true)
    paths = str(tmp_path / "pred.csv"), "--truth", str(tmp_path / "gt.csv")
    assert main(["score", *paths, *more]) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    rows = [line.split() for line in lines if line.startswith("all")]
    return {row[1]: [int(n) for n in row[2:5]] for row in rows}, lines


def test_a_video_is_the_same_in_every_form_and_case(tmp_path, capsys):
    head = "subject,video,onset,offset,emotion\n"
    true = f"{head}s15,15_0401,10,20,Others\nspNO.1,a,10,20,\n006,006_1,10,20,\nsub02,sub02,1,9,\n"
    ours = "vid;pred_onset;pred_offset;type\n15_0401;10;20;me\nSPNO.1_A;11;20;me\n"
    ours += "006_1;10;20;me\nsub02;1;9;me\n"
    counts, lines = scored(tmp_path, capsys, ours, true)
    assert counts == {"micro": [4, 0, 0]}
    # Nothing was named, so that there is nothing to analyse.
    assert not any("note" in line or "analysis" in line for line in lines)
    # As those who took part write it.
    ours = f"{head}15,15_0401,10,20,x\n1,a,11,20,x\n6,006_1,10,20,x\n2,sub02,1,9,x\n"
    assert scored(tmp_path, capsys, ours, true)[0] == {"micro": [4, 0, 0]}
    # Another person's video of the same name is another video.
    ours = f"{head}2,a,11,20,x\n7,006_1,10,20,x\n"
    assert scored(tmp_path, capsys, ours, true)[0] == {"micro": [0, 2, 4]}


def test_videos_that_nobody_has_annotated_are_said(tmp_path, capsys):
    true = "vid,onset,offset\n006_1,10,20\n"
    ours = "vid,onset,offset,type\n6-1,10,20,me\n6-1,30,90,mae\n"
    counts, lines = scored(tmp_path, capsys, ours, true)
    assert counts == {"micro": [0, 1, 1]}
    assert any("no video of" in line and "6-1" in line and "006_1?" in line for line in lines)
    assert any("1 of the spotted intervals are macro" in line for line in lines)


def test_classes_are_those_that_are_analysed(tmp_path, capsys):
    head = "subject,video,onset,offset,emotion\n"
    true = f"{head}1,a,0,9,negative\n1,a,20,29,others\n1,a,40,49,positive\n"
    ours = f"{head}1,a,0,9,negative\n1,a,20,29,negative\n1,a,40,49,positive\n"
    _, lines = scored(tmp_path, capsys, ours, true)
    # Precision 1/2, 0, 1 and recall 1, 0, 1: their means 1/2 and 2/3, harmonically 4/7.
    assert "F1 0.5714" in lines[-1]
    _, lines = scored(tmp_path, capsys, ours, true, "--classes", "negative", "positive")
    assert lines[-1].startswith("analysis of 2 ")
    assert "F1 1.0000, UF1 1.0000; STRS 1.0000" in lines[-1]
    _, lines = scored(tmp_path, capsys, ours, true, "--classes", "negatve", "positive")
    assert (
        lines[-1]
        == "note: no interval has the class negatve; there are: negative, others, positive"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1\n006_1 101 151 - - TP\n", "line 2"),
        ("1\n006_1 101 51 - - FN\n", "before the onset"),
        ("1\n006_1 101 x - - FN\n", "no interval"),
        ("1\n006_1 101 151 100 150 TP\nhello you\n", "line 3"),
        ("1\n", "holds no interval"),
        # Lines that were cut off after the video are no data sets.
        ("1\n006_1 101 151 100 150 TP\n006_1\n", "line 3"),
        ("1\n006_1 101 151 100 150 TP\n006_2\n006_3 - - 1 9 FP\n", "line 3"),
    ],
)
def test_damaged_logs_are_refused(tmp_path, text, said):
    (tmp_path / "log.txt").write_text(text)
    with pytest.raises(DataError, match=said):
        read_log(tmp_path / "log.txt")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "columns"),
        ("vid,onset,offset,type\nv,1,2\n", "line 2: 3 cells"),
        ("vid,onset,offset,type\nv,1,2,blink\n", "me or mae"),
        ("vid,onset,offset,type\nv,1,z,me\n", "line 2"),
        ("", "columns"),
        ("vid,onset,offset,type\n", "holds no interval"),
    ],
)
def test_damaged_tables_are_refused(tmp_path, text, said):
    (tmp_path / "pred.csv").write_text(text)
    with pytest.raises(DataError, match=said):
        read_videos(tmp_path / "pred.csv", tmp_path / "pred.csv")
