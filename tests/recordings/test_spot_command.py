"""`mace spot` as a user types it: what it leaves, what it scores, and what it refuses."""

import csv
import json
import os
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from mace.bundle import save_bundle
from mace.cli import main
from mace.datasets.synthetic.clips.config import ClipConfig
from mace.datasets.synthetic.prepare import prepare
from mace.datasets.synthetic.presets import Preset
from mace.errors import DataError
from mace.recordings import batch
from mace.recordings.event_card import event_card, write_cards
from mace.recordings.formulas import FORMULA
from mace.recordings.spot import Spotted
from mace.spotting.events import Event
from mace.spotting.records import read_events


@pytest.fixture(scope="module")
def model(bundle, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "model"
    save_bundle(path, bundle)
    return path


@pytest.fixture(scope="module")
def flash(brow_flash, tmp_path_factory):
    """The flash of the brows as losslessly stored frames."""
    folder = tmp_path_factory.mktemp("videos") / "flash"
    folder.mkdir()
    for number, frame in enumerate(brow_flash.frames):
        assert cv2.imwrite(str(folder / f"img{number}.png"), np.asarray(frame))
    return folder


def spot(videos, model, out, *more):
    names = [str(one) for one in videos]
    return main(["spot", *names, "--model", str(model), "--out", str(out), "--fps", "60", *more])


@pytest.fixture(scope="module")
def done(flash, model, tmp_path_factory):
    out = tmp_path_factory.mktemp("results") / "out"
    assert spot([flash], model, out) == 0
    return out


def test_the_packaged_network_names_the_units_of_a_flash(flash, tmp_path):
    assert spot([flash], "pretrained", tmp_path, "--cards") == 0
    (event,) = (e for e in read_events(tmp_path / "flash" / "events.jsonl") if e.kind == "micro")
    with (tmp_path / "flash" / "events.csv").open() as file:
        (row,) = (r for r in csv.DictReader(file) if r["kind"] == "micro")
    # The brows rise, both alike.
    assert {"1", "2"} & set(event.shown)
    assert row["units"] == " ".join(event.shown)
    assert float(row["AU02_p"]) == pytest.approx(event.units["2"].presence, abs=1e-4)
    assert float(row["AU02_px"]) == pytest.approx(event.units["2"].px, abs=1e-4)
    assert 0.3 < event.units["2"].px / event.strength_px < 3
    assert abs(event.units["2"].side) < 0.5
    # Its card shows the face at onset, apex and offset, and below that the same exaggerated.
    number = read_events(tmp_path / "flash" / "events.jsonl").index(event) + 1
    (path,) = (tmp_path / "flash" / "cards").iterdir()
    assert path.name == f"{number:04d}-micro-{event.label}.jpg"
    card = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    onset, apex, _ = (card[260:452, 6 + k * 198 : 198 + k * 198].astype(int) for k in range(3))
    moved = np.abs(apex - onset)
    assert moved[10:70, 30:160].mean() > 3 * moved[110:180, 30:160].mean()
    assert path.stat().st_size < 80_000


def test_faces_are_written_only_where_they_are_asked_for(done, tmp_path, capsys):
    assert not (done / "flash" / "cards").exists()
    assert main(["spot", "--dataset", "synthetic/long", "--cards"]) != 0
    assert "--cards" in capsys.readouterr().err
    assert main(["spot", "--dataset", "synthetic/long", "--fps", "25"]) != 0
    assert "leave out --fps" in capsys.readouterr().err
    event = Event(0, "micro", 1.0, 1.1, 1.2, 0, 0, 0, 0.3)
    with pytest.raises(DataError, match=r"1\.10 s"):
        event_card(event)
    assert write_cards(tmp_path, [event]) == 0
    assert not list(tmp_path.iterdir())


def test_a_flash_is_in_both_tables(done):
    (event,) = (one for one in read_events(done / "flash" / "events.jsonl") if one.kind == "micro")
    with (done / "flash" / "events.csv").open() as file:
        (row,) = (one for one in csv.DictReader(file) if one["kind"] == "micro")
    # It rises from 0.4 s to 0.52 s and is over at 0.68 s.
    assert event.apex == pytest.approx(0.52, abs=0.05)
    assert abs(int(row["onset_frame"]) - 24) <= 4
    assert abs(int(row["offset_frame"]) - 41) <= 5
    assert float(row["duration"]) == pytest.approx(event.offset - event.onset, abs=1e-5)
    assert {"brow_left", "brow_right"} & set(row["regions"].split())
    assert row["label"] == event.label
    shares = [float(row[f"p_{name}"]) for name in ("negative", "positive", "surprise")]
    assert sum(shares) == pytest.approx(1, abs=1e-4)
    assert float(row["confidence"]) == pytest.approx(max(shares), abs=1e-5)


def test_it_is_said_how_it_was_made(done):
    notes = json.loads((done / "flash" / "spotting.json").read_text())
    assert (notes["frames"], notes["tracked"], notes["seconds"]) == (75, 75, 1.25)
    # 50 of the 60 frames of a second are enough.
    assert 58 <= notes["looked_at"] <= 68
    assert "synthetic" in notes["notice"]
    assert notes["made_from"]["live"]["spotting"]["fps"] == 50


def test_a_second_run_does_nothing_again(done, flash, model, capsys):
    before = (done / "flash" / "events.jsonl").stat().st_mtime_ns
    assert spot([flash], model, done, "--json") == 0
    summary = json.loads(capsys.readouterr().out)[str(flash)]
    assert summary["done_before"]
    assert summary["events"]["micro"] == 1
    assert (done / "flash" / "events.jsonl").stat().st_mtime_ns == before


def test_other_settings_make_another_result(done, flash, model, tmp_path, capsys):
    shutil.copytree(done, tmp_path / "out")
    settings = ["--live.spotting.least-px", "9", "--json"]
    assert spot([flash], model, tmp_path / "out", *settings) == 0
    summary = json.loads(capsys.readouterr().out)[str(flash)]
    assert not summary["done_before"]
    assert "micro" not in summary["events"]


def grey(folder, count=3):
    """A recording of nothing, which is quickly done."""
    folder.mkdir(parents=True)
    for number in range(1, count + 1):
        assert cv2.imwrite(str(folder / f"img{number}.png"), np.full((48, 64), 90, np.uint8))
    return folder


def rows(videos, model, out, capsys):
    assert spot(videos, model, out, "--json") == 0
    return list(json.loads(capsys.readouterr().out).values())


def test_pictures_that_were_extracted_anew_are_done_anew(model, tmp_path, capsys):
    video, out = grey(tmp_path / "p01"), tmp_path / "out"
    assert not rows([video], model, out, capsys)[0]["done_before"]
    folder, file = video.stat(), video / "img2.png"
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 1))
    os.utime(video, ns=(folder.st_atime_ns, folder.st_mtime_ns))
    assert not rows([video], model, out, capsys)[0]["done_before"]
    file.rename(video / "img4.png")
    (row,) = rows([video], model, out, capsys)
    assert not row["done_before"]
    assert [remark.partition(": ")[2] for remark in row["remarks"]] == [
        "1 picture is missing by the numbers in the names (2); the others keep their times"
    ]


def test_recordings_of_one_name_have_a_folder_each(model, tmp_path, capsys):
    one, two, out = grey(tmp_path / "s01" / "EP01"), grey(tmp_path / "s02" / "EP01"), tmp_path / "o"
    (first,) = rows([one], model, out, capsys)
    others = [grey(tmp_path / "EP01.left"), grey(tmp_path / "s03") / "img%d.png"]
    twice = two.parent / ".." / "s02" / "EP01"
    second, again, *more = rows([two, one, *others, twice], model, out, capsys)
    assert first["out"] == again["out"] == str(out / "EP01")
    assert again["done_before"]
    assert first["remarks"] == again["remarks"] == []
    assert second["out"] == str(out / "s02-EP01")
    assert not second["done_before"]
    assert second["remarks"] == []
    assert [Path(row["out"]).name for row in more] == ["EP01.left", "s03"]
    (third,) = rows([grey(tmp_path / "s04" / "EP01")], model, out, capsys)
    assert third["out"] == str(out / "s04-EP01")
    assert str(one) in third["remarks"][0]


def test_recordings_of_one_name_are_told_apart_by_their_folders(model, tmp_path, capsys):
    takes = [grey(tmp_path / person / "take1" / "video") for person in ("p01", "p02")]
    found = rows([*takes, grey(tmp_path / "p03" / "other")], model, tmp_path / "o", capsys)
    places = [Path(row["out"]).name for row in found]
    assert places == ["p01-take1-video", "p02-take1-video", "other"]
    assert not any(row["remarks"] for row in found)


def refused(code, capsys, *words):
    error = capsys.readouterr().err
    assert code not in (0, 1)
    assert "Traceback" not in error
    assert error.startswith("mace spot: ")
    for word in words:
        assert word in error


def test_no_recording_takes_the_place_of_what_is_written_of_all(model, tmp_path, capsys):
    names = ("summary.csv", "events.csv", "Index.HTML")
    videos = [grey(tmp_path / "lab" / name) for name in names]
    out = tmp_path / "out"
    for row, name in zip(rows(videos, model, out, capsys), names, strict=True):
        assert Path(row["out"]) == out / f"lab-{name}"
    assert all((out / name).is_file() for name in ("summary.csv", "events.csv", "index.html"))
    assert all(row["done_before"] for row in rows(videos, model, out, capsys))


def test_tables_hold_no_name_that_a_spreadsheet_would_run(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    grey(Path("=1+1"))
    Path("@cmd.mp4").write_bytes(b"no video")
    event = Event(0, "blink", 0.1, 0.2, 0.3, 10, 20, 30, strength_px=1.0)
    spotted = Spotted((event,), 3, 0, 0, 0.06, remarks=("=1+1 is short",))
    monkeypatch.setattr(batch, "spot_source", lambda *_, **__: spotted)
    assert spot([Path("=1+1"), Path("@cmd.mp4")], model, Path("=out")) != 0
    for name in ("summary.csv", "events.csv"):
        with (tmp_path / "=out" / name).open(newline="") as file:
            read = list(csv.DictReader(file))
        assert read[0]["recording"] == "./=1+1"
        assert not any(cell.startswith(FORMULA) for row in read for cell in row.values())
        assert name == "events.csv" or "@cmd.mp4" in read[1]["error"]


def test_refusals(flash, model, tmp_path, capsys):
    refused(spot([tmp_path / "gone.mp4"], model, tmp_path / "out"), capsys, "gone.mp4")
    refused(spot([], model, tmp_path / "out"), capsys, "--dataset")
    (tmp_path / "videos" / "s1").mkdir(parents=True)
    (tmp_path / "videos" / "s1" / "1.MOV").write_bytes(b"no video")
    refused(spot([tmp_path / "videos"], model, tmp_path / "out"), capsys, "videos/s1/1.MOV")
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    refused(spot([tmp_path / "broken.mp4"], model, tmp_path / "out"), capsys, "broken.mp4")
    (tmp_path / "out" / "flash").mkdir(parents=True)
    (tmp_path / "out" / "flash" / "notes.txt").write_text("mine")
    refused(spot([flash], model, tmp_path / "out"), capsys, "flash")
    assert (tmp_path / "out" / "flash" / "notes.txt").read_text() == "mine"


def test_one_broken_file_does_not_keep_the_others_from_it(model, tmp_path, capsys):
    broken, whole, out = tmp_path / "broken.mp4", grey(tmp_path / "p02"), tmp_path / "out"
    broken.write_bytes(b"no video")
    assert spot([broken, whole], model, out) == 3
    said = capsys.readouterr()
    assert "broken.mp4" in said.out
    assert "p02: nothing in" in said.out
    assert "1 of 2 videos could not be read" in said.err
    assert {folder.name for folder in out.iterdir() if folder.is_dir()} == {"p02", "megc"}
    assert spot([broken, whole], model, out, "--json") == 3
    first, second = json.loads(capsys.readouterr().out).values()
    assert "broken.mp4" in first["error"]
    assert second["done_before"]


def test_folders_of_recordings_are_done_in_order_with_tables_of_all(flash, model, tmp_path, capsys):
    shutil.copytree(flash, tmp_path / "lab" / "s02" / "flash")
    grey(tmp_path / "lab" / "s01" / "still")
    (tmp_path / "lab" / "s03").mkdir()
    (tmp_path / "lab" / "s03" / "broken.mp4").write_bytes(b"no video")
    (tmp_path / "lab" / "notes.txt").write_text("no recording")
    (tmp_path / "lab" / "s03" / "cards").mkdir()
    for cover in ("s03/cover.jpg", "s03/cards/event.jpg", "plan1.png"):
        cv2.imwrite(str(tmp_path / "lab" / cover), np.zeros((64, 64), np.uint8))
    out = tmp_path / "out"
    assert spot([tmp_path / "lab"], model, out) == 3
    printed = capsys.readouterr().out
    with (out / "summary.csv").open(newline="") as file:
        still, moving, broken = csv.DictReader(file)
    assert [Path(row["recording"]).name for row in (still, moving, broken)] == [
        "still", "flash", "broken.mp4",
    ]  # fmt: skip
    assert (still["micro"], moving["micro"], broken["micro"]) == ("0", "1", "")
    assert float(moving["micro_per_minute"]) == pytest.approx(48, abs=0.1)
    assert "broken.mp4" in broken["error"]
    with (out / "events.csv").open(newline="") as file:
        movements = list(csv.DictReader(file))
    with (out / "flash" / "events.csv").open(newline="") as file:
        assert [{**row, "recording": moving["recording"]} for row in csv.DictReader(file)] == (
            movements
        )
    *_, last = (line for line in printed.splitlines() if line.startswith("all "))
    assert last.split()[3] == "1"
    page = (out / "index.html").read_text(encoding="utf-8")
    names = [page.index(f">{row['recording']}<") for row in (still, moving, broken)]
    assert names == sorted(names)
    assert {"still/", "flash/", "flash/events.csv"} <= set(re.findall(r'href="([^"]+)"', page))
    assert page.count("<rect ") == len(movements)
    assert "cards/" not in page


def test_cards_are_made_once_and_stay(flash, model, tmp_path, capsys):
    out = tmp_path / "out"
    done = []
    for more in ([], ["--cards"], [], ["--cards"]):
        assert spot([flash], model, out, "--json", *more) == 0
        done.append(json.loads(capsys.readouterr().out)[str(flash)]["done_before"])
    assert done == [False, False, True, True]
    (card,) = (out / "flash" / "cards").iterdir()
    page = (out / "index.html").read_text(encoding="utf-8")
    assert page.count(f'<a href="flash/cards/{card.name}">') == 2  # in the lane, and below it


def test_a_stopped_call_is_gone_on_with(model, tmp_path, capsys, monkeypatch):
    videos = [grey(tmp_path / name) for name in ("a", "b", "c")]
    real = batch.spot_source

    def stops(source, *rest, **options):
        if source.name.endswith("b"):
            raise KeyboardInterrupt
        return real(source, *rest, **options)

    monkeypatch.setattr(batch, "spot_source", stops)
    assert spot(videos, model, tmp_path / "out") == 130
    assert "1 of 3 recordings are done" in capsys.readouterr().err
    assert (tmp_path / "out" / "summary.csv").is_file()
    monkeypatch.undo()
    done = [row["done_before"] for row in rows(videos, model, tmp_path / "out", capsys)]
    assert done == [True, False, False]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """One long video, of 2 s at 50 frames/s."""
    root = tmp_path_factory.mktemp("data")
    clip = ClipConfig(
        width=240,
        height=180,
        eye_distance=55.0,
        frames=100,
        fps=50.0,
        peak_px=(0.8, 1.6),
    )
    prepare(Preset("short", "", 1, 1, clip, kind="videos"), data_dir=root, seed=3, workers=1)
    return root


def test_a_data_set_is_scored(prepared, model, tmp_path, capsys):
    asked = ["spot", "--dataset", "synthetic/short-seed3", "--data-dir", str(prepared)]
    asked += ["--model", str(model), "--out", str(tmp_path / "out")]
    assert main(asked) == 0
    printed = capsys.readouterr().out
    assert "synthetic/short-seed3: 1 video of 1 person, 2.0 s" in printed.splitlines()
    assert [line.split()[0] for line in printed.splitlines()[3:6]] == ["MACE", "flow,", "OF-FD"]
    assert main([*asked, "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert scores["videos"] == 1
    assert scores["minutes"] == pytest.approx(2 / 60, abs=1e-4)
    micro = scores["spotted"]["micro"]
    assert micro["true"] + scores["spotted"]["macro"]["true"] >= 1
    assert scores["subjects"]["sub01"]["spotted"] == scores["spotted"]
    assert micro["hits"] + micro["false_alarms"] == sum(
        one.kind == "micro" for one in read_events(tmp_path / "out" / "video01_01" / "events.jsonl")
    )
    assert set(scores["others"]) == {"flow", "of-fd"}
    assert "f1" in scores["others"]["flow"]["micro"]
    assert (tmp_path / "out" / "scores.json").is_file()


def test_a_data_set_of_short_clips_has_nothing_to_spot(prepared, model, tmp_path, capsys):
    asked = ["spot", "--dataset", "synthetic/other", "--data-dir", str(prepared)]
    refused(main([*asked, "--model", str(model)]), capsys, "synthetic/other")
