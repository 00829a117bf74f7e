"""Long videos of three laboratories, read with all that is annotated in them."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow_datasets as tfds
from fuzzing import mutations
from hypothesis import given
from hypothesis import strategies as st
from trees.long_trees import (
    make_casme3_long,
    make_casme3_part_c,
    make_casme_squared_long,
    make_samm_long,
    pictures,
    samm_row,
)

from mace.cli import main
from mace.data.long_videos import load_videos
from mace.datasets.casme3 import videos as casme3
from mace.datasets.casme_squared import reading as casme_squared
from mace.datasets.reading import correcting, long_correcting, storing
from mace.datasets.reading.storing import plan_reading
from mace.datasets.samm import videos as samm
from mace.datasets.samm.samm_dataset_builder import Builder as Samm
from mace.errors import DataError
from mace.face.config import FaceConfig
from mace.face.tracked import Status


def told(reading):
    """Video, and what is annotated in it: kind, onset, apex, offset, emotion."""
    return {
        video.name: [(e.kind, e.onset, e.apex, e.offset, e.emotion) for e in video.events]
        for video in reading.videos
    }


def codes(reading):
    """Changes by clip."""
    return {(change.clip, change.kind, change.code) for change in reading.changes if change.clip}


def accounted(reading):
    """Every row is an event or a drop, and every video with frames a task."""
    tasks, changes = plan_reading(reading, face=FaceConfig())
    events = sum(len(video.events) for video in reading.videos)
    assert reading.rows == events + sum(change.kind == "drop" for change in changes)
    assert len({task.key for task in tasks}) == len(reading.videos)


@pytest.fixture
def samm_tree(tmp_path):
    rows = [
        samm_row("006_1_2", 20, 24.5, 29.4),  # fractions, as version 1 has them
        samm_row("006_1_1", 5, -1, 15, "Macro"),  # -1: nobody has annotated the apex
        samm_row("006_1_3", 0, 8, 12, "Macro"),  # it began before the video did
        samm_row("020_6_5", 30, 45, 5476, "Macro"),  # beyond the last frame
        samm_row("028_4_1", 11, 43, 34),  # the apex is after the offset
        samm_row("028_4_2", 11, 12, 34),
        samm_row("036_7_4", 900, 910, 950, "Macro"),  # no frame of it is there
        samm_row("037_3_1", 5, 6, 7),  # no folder
    ]
    videos = {name: pictures(40) for name in ("006_1", "006_2", "020_6", "028_4", "036_7")}
    make_samm_long(tmp_path, rows, videos, emotions={"006_1_2": "Anger", "028_4_1": "Other"})
    return tmp_path


def test_samm_long_videos(samm_tree):
    reading = samm.read(samm_tree)
    assert told(reading) == {
        "006/006_1": [
            ("macro", 1, 8, 12, ""),
            ("macro", 5, None, 15, ""),
            ("micro", 20, 25, 29, "anger"),
        ],
        "006/006_2": [],
        "020/020_6": [("macro", 30, 45, 5476, "")],
        "028/028_4": [("micro", 11, None, 34, "others")],
        "036/036_7": [],
    }
    assert codes(reading) == {
        ("006/006_1_3", "correction", "onset-zero"),
        ("020/020_6_5", "remark", "offset-beyond"),
        ("028/028_4_1", "remark", "apex-outside"),
        ("028/028_4_2", "drop", "duplicate"),
        ("036/036_7_4", "drop", "unusable"),
        ("037/037_3_1", "drop", "no-frames"),
    }
    assert {video.fps for video in reading.videos} == {200}
    # Numbers have four or five digits, by video.
    assert [list(video.frames) for video in reading.videos] == [list(range(1, 41))] * 5
    assert reading.published is not None
    assert reading.published.counts == {"micro": 159, "macro": 343}
    accounted(reading)


def test_who_forgets_the_configuration_is_told(samm_tree, tmp_path, capsys):
    places = ["--manual-dir", str(samm_tree), "--data-dir", str(tmp_path / "data")]
    assert main(["prepare", "samm", *places]) not in (0, 1)
    assert "its long videos are read with --config long" in capsys.readouterr().err


def test_samm_without_its_own_sheet_has_no_emotions(samm_tree):
    (samm_tree / "SAMM_Micro_FACS_Codes_v2.xlsx").unlink()
    reading = samm.read(samm_tree)
    assert {event.emotion for video in reading.videos for event in video.events} == {""}
    assert any(change.code == "emotions-unknown" for change in reading.changes)
    (samm_tree / "SAMM_LongVideos_V2_Release.xlsx").unlink()
    with pytest.raises(DataError, match="samm"):
        samm.read(samm_tree)


def test_casme_squared_by_the_naming_rules(tmp_path):
    rows = [
        [1, "anger1_2", 101, 105, 0, "4", "negative", "macro-expression", "anger"],
        [1, "anger1_1", 20, 24, 29, "4", "others", "micro-expression", "anger"],
        [1, "anger1_3", 121, 130, 124, "74", "negative", "macro-expression", "anger"],
        [2, "happy1_1", 11, 0, 19, "6+12", "positive", "micro-expression", "happiness"],
        [2, "happy1_2", 0, 14, 19, "6+12", "positive", "micro-expression", "happiness"],
        [9, "anger1_1", 31, 35, 39, "14", "others", "micro-expression", "bored"],
    ]
    videos = {"15_0401": pictures(130), "16_0502": pictures(60), "19_0102": pictures(30)}
    make_casme_squared_long(tmp_path, rows, videos)
    reading = casme_squared.read(tmp_path, "long")
    assert told(reading) == {
        "s15/15_0401": [
            ("micro", 20, 24, 29, "others"),
            ("macro", 101, 105, 105, "negative"),  # 0 is no offset: it ends at the apex
            ("macro", 121, None, 124, "negative"),
        ],
        "s16/16_0502": [("micro", 11, None, 19, "positive")],
        "s19/19_0102": [],
    }
    assert {code for _, kind, code in codes(reading) if kind == "drop"} == {
        "interval-missing",
        "no-folder-name",
    }
    accounted(reading)
    # The clips of the same folder are read as before.
    assert len(casme_squared.read(tmp_path, "micro").annotations) == 2


def test_casme3_part_a_from_two_tables(tmp_path):
    rows = [
        ["spNO.1", "a", 52, 55, 60, "4", "Micro-expression"],
        ["spNO.1", "A", 70, 75, 99, "12", "Macro-expression"],
        ["spNO.1", "b", 60, 65, 0, "12", "Macro-expression"],
        ["spNO.2", "a", 0, 3, 8, "1+2", "Micro-expression"],
    ]
    emotions = [
        ["spNO.1", "a", "52", "55", "60", "4", "IV", "disgust"],
        ["spNO.2", "a", "0", "3", "8", "1+2", "II", "surprise"],
        ["spNO.9", "a", "0", "3", "8", "1+2", "II", "surprise"],
    ]
    videos = {
        ("spNO.1", "a"): (50, pictures(60)),  # frames count from 50
        ("spNO.1", "b"): (1, pictures(70)),
        ("spNO.2", "a"): (1, pictures(20)),
        ("spNO.2", "c"): (1, pictures(20)),
    }
    make_casme3_long(tmp_path, rows, videos, emotions=emotions)
    # Part C has other people under the same numbers.
    make_casme3_part_c(tmp_path, [[1, 1, "4", 5, 9, "negative", "P1"]], {"01": pictures(20)})
    reading = casme3.read_part_a(tmp_path)
    assert told(reading) == {
        "spNO.1/a": [("micro", 52, 55, 60, "disgust"), ("macro", 70, 75, 99, "")],
        "spNO.1/b": [("macro", 60, 65, 65, "")],
        "spNO.2/a": [("micro", 1, 3, 8, "surprise")],
        "spNO.2/c": [],
    }
    accounted(reading)
    assert not any(change.code == "emotions-unknown" for change in reading.changes)
    rows[0][2] = 53
    make_casme3_long(tmp_path / "again", rows, videos, emotions=emotions)
    reasons = [change.reason for change in casme3.read_part_a(tmp_path / "again").changes]
    assert "the emotion is known of 1 of 2 micro-expressions" in reasons
    part_c = casme3.read_part_c(tmp_path)
    assert told(part_c) == {"01/a": [("micro", 5, None, 9, "negative")]}
    accounted(part_c)


def test_a_row_of_no_known_kind_is_dropped(tmp_path):
    """Counted as a micro-expression, it would be missed by whoever spots."""
    make_samm_long(
        tmp_path / "samm",
        [
            samm_row("006_1_1", 2, 4, 6),
            samm_row("006_1_2", 8, 9, 10, "Marco"),
            samm_row("006_1_3", 12, 9, 8),  # the other way round
        ],
        {"006_1": pictures(20)},
    )
    reading = samm.read(tmp_path / "samm")
    assert told(reading) == {"006/006_1": [("micro", 2, 4, 6, "")]}
    assert {("006/006_1_2", "drop", "incomplete"), ("006/006_1_3", "drop", "unusable")} <= codes(
        reading
    )
    accounted(reading)
    rows = [
        ["spNO.1", "a", 2, 4, 6, "4", "Micro-expression"],
        ["spNO.1", "a", 8, 9, 10, "4", "-"],
        ["spNO.1", "a", 12, 13, 14, "4", "macro"],
    ]
    make_casme3_long(tmp_path / "casme3", rows, {("spNO.1", "a"): (1, pictures(20))})
    reading = casme3.read_part_a(tmp_path / "casme3")
    assert told(reading) == {"spNO.1/a": [("micro", 2, 4, 6, ""), ("macro", 12, 13, 14, "")]}
    assert ("spNO.1/a", "drop", "incomplete") in codes(reading)
    accounted(reading)


def test_casme3_without_the_table_of_kinds_says_so(tmp_path):
    emotions = [["spNO.1", "a", "52", "55", "60", "4", "IV", "disgust"]]
    make_casme3_long(tmp_path, [], {("spNO.1", "a"): (1, pictures(90))}, emotions=emotions)
    (tmp_path / "annotation" / "CAS(ME)3_part_A_v2.xls").unlink()
    reading = casme3.read_part_a(tmp_path)
    assert told(reading) == {"spNO.1/a": [("micro", 52, 55, 60, "disgust")]}
    assert [change.code for change in reading.changes] == ["macro-unknown"]


@pytest.fixture
def whole_frames(monkeypatch):
    """Take drawn frames as they are, the third of a video for one without a face."""

    def as_they_are(frames, *, fps, config):
        aligned = correcting.as_they_are(list(frames), config)
        status = list(aligned.status)
        status[2] = Status.NO_FACE
        return replace(aligned, status=tuple(status))

    monkeypatch.setattr(long_correcting, "correct_video", as_they_are)
    monkeypatch.setattr(storing, "workers_for", lambda count, workers: 0)


def test_a_video_is_stored_whole(samm_tree, tmp_path, whole_frames):
    (samm_tree / "SAMM_longvideos" / "006_1" / "006_1_0010.jpg").unlink()
    builder = Samm(data_dir=str(tmp_path / "data"), config="long", file_format="array_record")
    builder.download_and_prepare(
        download_dir=str(tmp_path / "downloads"),
        download_config=tfds.download.DownloadConfig(manual_dir=str(samm_tree)),
    )
    count, videos = load_videos(builder.data_path)
    by_name = {video.clip: video for video in videos}
    assert count == len(by_name) == 5
    video = by_name["006_1"]
    assert video.numbers.tolist() == [*range(1, 10), *range(11, 41)]
    assert (len(video.frames), video.positions[-1], video.seconds) == (39, 39, 40 / 200)
    # Counted from the first frame, as stored; the third shows no face.
    assert [(e.kind, e.onset, e.apex, e.offset) for e in video.events] == [
        ("macro", 0, 7, 11), ("macro", 4, -1, 14), ("micro", 19, 24, 28),
    ]  # fmt: skip
    assert np.flatnonzero(video.registered < 0).tolist() == [2]
    (beyond,) = by_name["020_6"].events
    assert beyond.offset == 5475
    assert by_name["006_2"].events == ()
    # Drawn frames grow brighter with their number.
    assert np.diff(video.frames.mean(axis=(1, 2))[:9]).min() > 0


def rows_of(draw, rows, cells):
    changed = [list(row) for row in rows]
    for _ in range(draw(st.integers(1, 6))):
        row = changed[draw(st.integers(0, len(changed) - 1))]
        row[draw(st.integers(0, len(row) - 1))] = draw(cells)
    return changed


CELLS = st.one_of(
    st.none(), st.integers(-5, 10**7), st.floats(), st.text(max_size=8),
    st.sampled_from(["/", "?", "0", "-1", "35.5", "Macro", "006_1_2", "006_1", "a", "spNO.1", "x"]),
)  # fmt: skip


def read_or_refused(read):
    refusal = ""
    try:
        reading = read()
    except DataError as error:
        refusal, reading = str(error), None
    if reading is None:
        assert refusal
        assert "\n" not in refusal
        return
    accounted(reading)


@mutations(25)
@given(data=st.data())
def test_mutated_sheets_of_samm_are_read_or_refused(tmp_path_factory, data):
    root = tmp_path_factory.mktemp("samm")
    rows = [samm_row("006_1_2", 20, 24.5, 29.4), samm_row("006_1_1", 5, -1, 15, "Macro")]
    make_samm_long(root, rows_of(data.draw, rows, CELLS), {"006_1": pictures(3)})
    read_or_refused(lambda: samm.read(root))


@mutations(25)
@given(data=st.data())
def test_mutated_sheets_of_casme3_are_read_or_refused(tmp_path_factory, data):
    root = tmp_path_factory.mktemp("casme3")
    rows = [
        ["spNO.1", "a", 52, 55, 60, "4", "Micro-expression"],
        ["spNO.1", "A", 70, 75, 99, "12", "Macro-expression"],
    ]
    part_c = [[1, 1, "4", 5, 9, "negative", "P1"], [1, 2, "4", 15, 19, "positive", "P1"]]
    videos = {("spNO.1", "a"): (50, pictures(3))}
    make_casme3_long(root, rows_of(data.draw, rows, CELLS), videos)
    make_casme3_part_c(root, rows_of(data.draw, part_c, CELLS), {"01": pictures(3)})
    read_or_refused(lambda: casme3.read_part_a(root))
    read_or_refused(lambda: casme3.read_part_c(root))


@mutations(25)
@given(data=st.data())
def test_mutated_sheets_of_casme_squared_are_read_or_refused(tmp_path_factory, data):
    root = tmp_path_factory.mktemp("squared")
    rows = [
        [1, "anger1_2", 101, 105, 0, "4", "negative", "macro-expression", "anger"],
        [1, "anger1_1", 20, 24, 29, "4", "others", "micro-expression", "anger"],
    ]
    make_casme_squared_long(root, rows_of(data.draw, rows, CELLS), {"15_0401": pictures(3)})
    read_or_refused(lambda: casme_squared.read(root, "long"))
