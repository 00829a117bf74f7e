"""What the Grand Challenge wants of test videos that have no truth, by the command as typed."""

import csv

import cv2
import numpy as np
import pytest

from mace.bundle import save_bundle
from mace.cli import main
from mace.recordings import batch
from mace.recordings.spot import Spotted
from mace.spotting.events import Event


@pytest.fixture(scope="module")
def model(bundle, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "model"
    save_bundle(path, bundle)
    return path


def pictures(folder, numbers):
    """A recording of grey pictures of these numbers."""
    folder.mkdir(parents=True)
    for number in numbers:
        path = folder / f"{number:04d}.jpg"
        assert cv2.imwrite(str(path), np.full((48, 64), 90, np.uint8))
    return folder


def event(kind, onset, offset, label=None):
    apex = (onset + offset) // 2
    times = onset / 9, apex / 9, offset / 9
    shares = dict.fromkeys(("negative", "positive", "surprise"), 1 / 3) if label else {}
    return Event(0, kind, *times, onset, apex, offset, 1.0, label=label, probabilities=shares)


# In frames from the recording's first, 0.
EVENTS = (
    event("micro", 1, 3, "surprise"),
    event("blink", 3, 4),
    event("macro", 2, 4),
    event("micro", 4, 5),
)


@pytest.fixture
def spot(model, monkeypatch):
    """Spots in recordings as typed, in each of which the same happens."""
    spotted = Spotted(EVENTS, 6, 6, 6, 0.7)
    monkeypatch.setattr(batch, "spot_source", lambda *_, **__: spotted)

    def run(out, *videos, code=0):
        names = map(str, videos)
        asked = ["--model", str(model), "--out", str(out), "--fps", "9"]
        assert main(["spot", *names, *asked]) == code
        tables = (out / "megc" / f"mace-{name}.csv" for name in ("types", "emotions"))
        return [list(csv.reader(table.read_text().splitlines())) for table in tables]

    return run


def test_frames_have_the_numbers_of_the_pictures(spot, tmp_path):
    # SAMM's pictures count from 1; CAS(ME)^3's from anything, and some are missing.
    pictures(tmp_path / "samm" / "006_1", range(1, 7))
    pictures(tmp_path / "samm" / "007_3", (50, 51, 53, 54, 55, 60))
    types, emotions = spot(tmp_path / "out", tmp_path / "samm")
    assert types == [
        ["vid", "pred_onset", "pred_offset", "type"],
        ["006_1", "2", "4", "me"],
        ["006_1", "3", "5", "mae"],
        ["006_1", "5", "6", "me"],
        ["007_3", "51", "54", "me"],
        ["007_3", "53", "55", "mae"],
        ["007_3", "55", "60", "me"],
    ]
    assert emotions == [
        ["subject", "video", "onset", "offset", "emotion"],
        ["6", "006_1", "2", "4", "surprise"],
        ["6", "006_1", "5", "6", "others"],
        ["7", "007_3", "51", "54", "surprise"],
        ["7", "007_3", "55", "60", "others"],
    ]


def test_frames_of_a_file_count_from_1(spot, tmp_path):
    path = tmp_path / "sub02.avi"
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 9, (64, 48))
    for _ in range(6):
        video.write(np.full((48, 64, 3), 90, np.uint8))
    video.release()
    types, emotions = spot(tmp_path / "out", path)
    assert types[1] == ["sub02", "2", "4", "me"]
    assert emotions[1] == ["2", "sub02", "2", "4", "surprise"]


def test_a_video_is_called_by_its_person_and_itself(spot, tmp_path):
    for place in ("spNO.1/a/color", "spNO.2/a/color", "sub05", "s1/anger", "x/EP01", "y/EP01"):
        pictures(tmp_path / "lab" / place, range(1, 7))
    types, emotions = spot(tmp_path / "out", tmp_path / "lab")
    assert {row[0] for row in types[1:]} == {
        "spNO.1_a", "spNO.2_a", "sub05", "s1_anger", "EP01", "y-EP01",
    }  # fmt: skip
    assert {tuple(row[:2]) for row in emotions[1:]} == {
        ("1", "a"), ("2", "a"), ("5", "sub05"), ("1", "anger"), ("", "EP01"), ("", "y-EP01"),
    }  # fmt: skip
    # The same again, from what is done already, and a recording that is called as the folder.
    again, _ = spot(tmp_path / "out", tmp_path / "lab")
    assert again == types
    pictures(tmp_path / "other" / "megc", range(1, 7))
    types, _ = spot(tmp_path / "out", tmp_path / "other" / "megc")
    assert (tmp_path / "out" / "other-megc" / "events.csv").is_file()
    assert types[1][0] == "megc"


def test_what_is_handed_in_is_scored_when_there_is_a_truth(spot, tmp_path, capsys):
    pictures(tmp_path / "samm" / "006_1", range(1, 7))
    spot(tmp_path / "out", tmp_path / "samm")
    truth = tmp_path / "gt.csv"
    # Frames 2 to 4 of 1 to 4 are 3 of 4, and 5 to 6 are nothing.
    truth.write_text("subject,video,onset,offset,emotion\n006,006_1,1,4,surprise\n")
    capsys.readouterr()
    for name in ("types", "emotions"):
        table = tmp_path / "out" / "megc" / f"mace-{name}.csv"
        assert main(["score", str(table), "--truth", str(truth)]) == 0
        line = capsys.readouterr().out.splitlines()[1].split()
        assert line == ["all", "micro", "1", "1", "0", "0.5000", "1.0000", "0.6667"]
