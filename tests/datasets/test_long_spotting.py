"""Long videos as three laboratories hand them out, rendered: prepared, spotted and scored."""

import csv
import json

import cv2
import numpy as np
import pytest
from trees.long_trees import (
    make_casme3_long,
    make_casme_squared_long,
    make_samm_long,
    pictures,
    samm_row,
)

from mace.cli import main
from mace.datasets.synthetic.clips.clip import render_movements
from mace.datasets.synthetic.clips.config import ClipConfig
from mace.datasets.synthetic.clips.expression import Movement
from mace.datasets.synthetic.clips.subject import Subject

# What the rendered face does, s: its brows flash, later its mouth smiles for longer.
FLASH = Movement("surprise", {"1": 2.5, "2": 2.5}, start=0.7, rise=0.12, hold=0.0, fall=0.16)
SMILE = Movement("happiness", {"12": 5.0}, start=1.5, rise=0.3, hold=0.2, fall=0.4, kind="macro")
SECONDS = 2.8


def rendered():
    """The face as encoded frames, 50 a second."""
    size = {"width": 240, "height": 180, "eye_distance": 58.0}
    config = ClipConfig(**size, frames=round(SECONDS * 50), fps=50.0, blink=0)
    clip = render_movements(Subject(5), (FLASH, SMILE), seed=7, config=config, blinks=())
    return [cv2.imencode(".jpg", np.asarray(frame))[1].tobytes() for frame in clip.frames]


def frames(movement, fps, first=1):
    """Onset, apex and offset as an annotator of numbered frames has them."""
    times = movement.start, movement.start + movement.rise, movement.start + movement.rise
    ends = (*times[:2], times[2] + movement.hold + movement.fall)
    return [first + round(time * fps) for time in ends]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The three data sets, prepared by the commands that their holders type."""
    root = tmp_path_factory.mktemp("long")
    face = rendered()
    # 30 pictures a second: the nearest of those there are.
    slow = [face[round(k * 50 / 30)] for k in range(round(SECONDS * 30) - 1)]
    still, nobody = slow[:1] * 20, pictures(12)
    flash, smile = frames(FLASH, 30), frames(SMILE, 30)
    make_casme_squared_long(
        root / "casme_squared",
        [
            [1, "anger1_1", *flash, "1+2", "surprise", "micro-expression", "surprise"],
            [1, "anger1_2", *smile, "12", "positive", "macro-expression", "happiness"],
            # Nothing of it is to be seen.
            [2, "happy1_1", 5, 8, 12, "12", "positive", "micro-expression", "happiness"],
            [3, "anger1_1", 5, 8, 12, "4", "negative", "micro-expression", "anger"],
        ],
        {"15_0401": slow, "16_0502": still, "19_0401": nobody},
    )
    onset, apex, offset = frames(FLASH, 30, first=50)
    make_casme3_long(
        root / "casme3",
        [
            ["spNO.1", "a", onset, apex, offset, "1+2", "Micro-expression"],
            ["spNO.1", "A", *frames(SMILE, 30, first=50), "12", "Macro-expression"],
        ],
        {("spNO.1", "a"): (50, slow), ("spNO.1", "b"): (1, still)},
        emotions=[["spNO.1", "a", str(onset), str(apex), str(offset), "1+2", "II", "surprise"]],
    )
    # A frame that the camera dropped: the others keep their numbers.
    (root / "casme3" / "part_A" / "data" / "part_A" / "spNO.1" / "a" / "color" / "60.jpg").unlink()
    # 50 pictures a second, each held for four frames of 200 a second.
    fast = [picture for picture in face for _ in range(4)]
    make_samm_long(
        root / "samm",
        [
            samm_row("006_1_1", *frames(FLASH, 200)),
            samm_row("006_1_2", *frames(SMILE, 200), "Macro"),
        ],
        {"006_1": fast},
        emotions={"006_1_1": "Surprise"},
    )
    for name in ("casme_squared", "casme3", "samm"):
        asked = ["prepare", name, "--config", "long", "--manual-dir", str(root / name)]
        assert main([*asked, "--data-dir", str(root / "data"), "--workers", "1"]) == 0
    return root / "data"


DATA_SETS = ("casme_squared/long", "casme3/long", "samm/long")


def spot(data, out, *more, data_sets=DATA_SETS):
    return main(
        ["spot", "--dataset", *data_sets, "--data-dir", str(data), "--out", str(out), *more]
    )


@pytest.fixture(scope="module")
def done(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("results") / "out"
    assert spot(data, out) == 0
    return out


@pytest.fixture(scope="module")
def figures(done):
    return json.loads((done / "pooled" / "scores.json").read_text())


def counts(row, kind):
    return row[kind]["hits"], row[kind]["false_alarms"], row[kind]["misses"]


@pytest.mark.parametrize("name", DATA_SETS)
def test_the_flash_and_the_smile_are_spotted_in_every_layout(figures, name):
    spotted = figures["datasets"][name]["spotted"]
    # CAS(ME)^2 has an annotated micro-expression that nobody can see, and one where no face is.
    missed = 2 * int(name == "casme_squared/long")
    assert counts(spotted, "micro") == (1, 0, missed)
    assert counts(spotted, "macro") == (1, 0, 0)
    # By hand: 2 TP / (2 TP + FN).
    assert spotted["micro"]["f1"] == round(2 / (2 + missed), 4)
    assert spotted["all_f1"] == round(4 / (4 + missed), 4)
    # The brows' flash is called a surprise, rightly; of CAS(ME)^2 positive and negative are in the
    # means as well.
    assert spotted["analysed"] == 1
    assert spotted["analysis_f1"] == round(1 / 3 if missed else 1.0, 4)
    assert spotted["strs"] == round((1 / 3 if missed else 1.0) * 2 / (2 + missed), 4)


def test_pooled_counts_are_sums(figures):
    assert (figures["videos"], len(figures["subjects"])) == (6, 5)
    assert counts(figures["spotted"], "micro") == (3, 0, 2)
    assert figures["spotted"]["micro"]["f1"] == round(6 / 8, 4)
    assert figures["spotted"]["all_f1"] == round(12 / 14, 4)
    for method in ("flow", "of-fd"):
        rows = [figures["datasets"][name]["others"][method] for name in DATA_SETS]
        for kind in ("micro", "macro"):
            parts = [counts(row, kind) for row in rows]
            assert counts(figures["others"][method], kind) == tuple(
                map(sum, zip(*parts, strict=True))
            )
    # Both find the flash; a threshold on the flow takes a part of the smile for one, too.
    assert counts(figures["others"]["of-fd"], "micro")[0] == 3
    assert counts(figures["others"]["flow"], "micro")[0] == 3
    assert counts(figures["others"]["flow"], "micro")[1] > 0


@pytest.mark.parametrize(
    ("name", "number", "video", "first", "fps"),
    [
        ("casme_squared", "2", "15_0401", 1, 30),
        ("casme3", "casme3", "spNO.1_a", 50, 30),
        ("samm", "1", "006_1", 1, 200),
    ],
)
def test_logs_have_the_frames_of_the_sheet(done, capsys, name, number, video, first, fps):
    path = done / name / "long" / "megc" / "mace.txt"
    lines = [line.split() for line in path.read_text().splitlines()]
    assert lines[0] == [number]
    flash, smile = lines[1:3]
    assert (flash[0], flash[5], smile[5]) == (video, "TP", "TP")
    for line, movement in ((flash, FLASH), (smile, SMILE)):
        onset, _, offset = frames(movement, fps, first=first)
        assert [int(cell) for cell in line[1:3]] == [onset, offset]
        assert abs(int(line[3]) - onset) <= 0.1 * fps
        assert abs(int(line[4]) - offset) <= 0.15 * fps
    # What the command wrote, it scores as well.
    assert main(["score", str(path), "--json"]) == 0
    scores = next(iter(json.loads(capsys.readouterr().out).values()))["all"]
    assert (scores["hits"], scores["false_alarms"]) == (2, 0)
    logs = path.parent
    truth = ["--truth", str(logs / "gt.csv")]
    assert main(["score", str(logs / "mace-emotions.csv"), *truth]) == 0
    assert "STRS" in capsys.readouterr().out
    with (logs / "mace-types.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["vid"], row["type"]) for row in rows] == [(video, "me"), (video, "mae")]


def test_it_is_printed_and_not_done_again(data, done, capsys):
    before = (done / "samm" / "long" / "006_1" / "events.jsonl").stat().st_mtime_ns
    assert spot(data, done) == 0
    lines = capsys.readouterr().out.splitlines()
    assert (done / "samm" / "long" / "006_1" / "events.jsonl").stat().st_mtime_ns == before
    heads = [line for line in lines if line.partition(":")[0] in (*DATA_SETS, "pooled")]
    assert heads[0] == "casme_squared/long: 3 videos of 3 people, 3.8 s"
    pooled = lines[lines.index(heads[-1]) + 1].split()
    assert pooled[:5] == ["MACE", "3", "0", "2", "0.750"]


def test_clips_are_nothing_to_spot_in(data, tmp_path, capsys):
    assert spot(data, tmp_path, data_sets=["casme_squared/micro"]) not in (0, 1)
    assert "mace prepare casme_squared --config micro" in capsys.readouterr().err
