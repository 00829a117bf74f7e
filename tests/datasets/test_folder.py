"""A lab's own clips, in folders and in videos."""

import csv
import json

import av
import cv2
import numpy as np
import pytest
from trees.drawn import write_frames
from videos import number_of, numbered, write_video

from mace.cli import main
from mace.data.loading import load_clips
from mace.datasets.folder.reading import read
from mace.datasets.reading.images import read_video
from mace.errors import DataError

HEADER = ["Subject", "Clip", "Onset", "Apex", "Offset", "Emotion", "FPS", "AUs", "Path"]


def table(path, *rows, header=HEADER):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=";").writerows([header, *rows])
    return path


def video(path, frames, fourcc="MJPG"):
    height, width = frames[0].shape[:2]
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*fourcc), 30, (width, height))
    assert writer.isOpened()
    for frame in frames:
        writer.write(frame if frame.ndim == 3 else cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR))
    writer.release()
    return path


def prepare(root, data, *more):
    options = ["--data-dir", str(data), "--workers", "1", *more]
    return main(["prepare", "folder", "--manual-dir", str(root), *options])


def test_frames_and_a_video_with_a_real_face(tmp_path, surprise, capsys):
    root, data = tmp_path / "m", tmp_path / "data"
    frames = [np.asarray(frame) for frame in surprise.frames]
    video(root / "anna" / "one.avi", frames)
    folder = root / "elsewhere" / "b1"
    folder.mkdir(parents=True)
    for number, frame in enumerate(frames, start=1):
        assert cv2.imwrite(str(folder / f"frame_{number:04d}.png"), frame)
    span = [surprise.onset + 1, "", surprise.offset + 1]
    sheet = table(
        tmp_path / "own.csv",
        ["anna", "one", *span, "Surprise", 200, "1+2", ""],
        ["bert", "b1", *span, "surprise", "200,0", "R2?", "elsewhere\\b1"],
    )
    assert prepare(root, data, "--annotations", str(sheet)) == 0
    assert "2 samples made, 0 drops" in capsys.readouterr().out
    one, two = sorted(load_clips(data), key=lambda clip: clip.name)
    assert (one.person, two.person) == ("folder/anna", "folder/bert")
    for clip in (one, two):
        assert (clip.onset, clip.offset) == (surprise.onset, surprise.offset)
        assert clip.apex_source == "estimated"
        assert abs(clip.apex - surprise.apex) <= 3
        assert clip.fps == 200
        assert clip.classes == {"3": "surprise", "7": "surprise"}
    # One face, once through a video codec: the same crops but for compression.
    assert np.abs(one.frames.astype(float) - two.frames).mean() < 4
    assert (one.aus, two.aus) == (("1", "2"), ("R2?",))


def test_videos_are_found_as_loosely_as_folders(tmp_path):
    for place in ("s01/IMG_0042.MOV", "deep/S1/img-43.avi", "02/x/take 7.AVI", "Bert/IMG_9.mp4"):
        put(tmp_path / place)
    put(tmp_path / "s01" / "._IMG_0042.MOV")
    put(tmp_path / "s01" / "double" / "IMG_0044.mp4")
    put(tmp_path / "s01" / "double" / "img_44.avi")
    write_frames(tmp_path / "s01" / "IMG_0045", [("1.png", 1), ("2.png", 2)])
    rows = [
        ["1", "IMG_0042", "s01/IMG_0042.MOV"],
        ["sub01", "img_42.mov", "s01/IMG_0042.MOV"],
        ["01", "IMG_0043", "deep/S1/img-43.avi"],
        ["s2", "Take_07", "02/x/take 7.AVI"],
        ["s01", "IMG_0044", "s01/double/IMG_0044.mp4"],
    ]
    sheet = [[subject, clip, 1, 2, 3, "fear", 100] for subject, clip, _ in rows]
    sheet += [["s01", "IMG_0045.MOV", 1, 2, 2, "fear", 100]]
    sheet += [["p", "path", 1, 2, 3, "fear", 100, "", "S01\\img_0042.mov"]]
    sheet += [["s01", "IMG_9", 1, 2, 3, "fear", 100]]
    # Another person's video is no candidate for the clip.
    sheet += [["s2", "IMG_0044", 1, 2, 3, "fear", 100]]
    reading = read(tmp_path, "whole", table(tmp_path / "t.csv", *sheet))
    *named, folder, path = reading.annotations
    assert [one.video for one in named] == [tmp_path / place for *_, place in rows]
    assert (folder.video, sorted(folder.frames)) == (None, [1, 2])
    assert path.video == tmp_path / "s01" / "IMG_0042.MOV"
    several, missing, others = reading.changes
    assert others.reason == "there is no folder of its frames and no video of its name"
    assert "took s01/double/IMG_0044.mp4, not s01/double/img_44.avi" in several.reason
    assert "no folder of its frames and no video of its name below a folder" in missing.reason
    assert "Bert/IMG_9.mp4 is called so" in missing.reason


def put(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"some video")


def test_only_the_window_of_a_video_is_kept(tmp_path):
    frames = [np.full((48, 64), 5 * k, np.uint8) for k in range(1, 41)]
    path = video(tmp_path / "v.avi", frames)
    kept, count = read_video(path, 11, 15)
    assert list(kept) == [11, 12, 13, 14, 15]
    assert count == 15
    assert abs(int(kept[13].mean()) - 65) <= 2
    assert read_video(path, 35, 99)[1] == 40
    (tmp_path / "no.avi").write_bytes(b"RIFF no video")
    with pytest.raises(DataError, match="no video that can be decoded"):
        read_video(tmp_path / "no.avi", 1, 5)


def test_frames_of_interlaced_video_are_its_own(tmp_path):
    """OpenCV's reader refuses them, says it has not, and leaves what its buffer held before."""
    options = {"codec": "mpeg2video", "pix_fmt": "yuv420p", "encoding": {"flags": "+ildct+ilme"}}
    path = write_video(tmp_path / "dvd.mpg", numbered(12, (96, 72)), **options)
    kept, count = read_video(path, 3, 8)
    assert count == 8
    assert {number: number_of(image) for number, image in kept.items()} == {
        number: number - 1 for number in range(3, 9)
    }


def test_behind_a_damaged_frame_no_number_is_sure(tmp_path):
    path = write_video(tmp_path / "v.mkv", numbered(20, (96, 72)))
    with av.open(str(path)) as container:
        sizes = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    content = bytearray(path.read_bytes())
    place, size = sizes[9]
    content[place + 8 : place + size] = bytes(size - 8)
    path.write_bytes(content)
    assert len(read_video(path, 1, 5)[0]) == 5
    with pytest.raises(DataError, match=r"v\.mkv cannot be decoded"):
        read_video(path, 6, 15)


def test_every_row_is_a_clip_or_a_drop_with_its_reason(tmp_path, capsys):
    root, data = tmp_path / "m", tmp_path / "data"
    write_frames(root / "s1" / "good", ((f"{n}.png", n) for n in range(1, 10)))
    write_frames(root / "deep" / "s1" / "nested", ((f"{n}.png", n) for n in range(1, 10)))
    (root / "s1" / "short.mp4").write_bytes(b"no video")
    (root / "s1" / "words.txt").write_text("no video")
    rows = [
        ["s1", "good", 1, 5, 9, "sad", 100, "4", ""],
        ["s1", "nested", 1, 5, 9, "Others", 100, "", ""],
        ["s1", "short", 1, 5, 9, "fear", 100, "", ""],
        ["s1", "words", 1, 5, 9, "fear", 100, "", "s1/words.txt"],
        ["s1", "gone", 1, 5, 9, "fear", 100, "", "s1/gone"],
        ["s1", "lost", 1, 5, 9, "fear", 100, "", ""],
        ["s1", "slow", 1, 5, 9, "fear", "fast", "", "s1/good"],
        ["", "good", 1, 5, 9, "fear", 100, "", ""],
        ["s1", "good", 1, 5, 9, "fear", 100, "", ""],
        ["", "", "", "", "", "", "", "checked by AB", ""],
    ]
    table(root / "annotations.csv", *rows)
    assert prepare(root, data, "--config", "cropped") == 0
    text = (data / "folder" / "cropped" / "1.0.0" / "preparation.txt").read_text()
    assert "7 OF 9 ROWS WERE DROPPED (4 incomplete, 1 unusable, 1 no-frames), 2 samples" in text
    for reason in (
        "short.mp4 is no video",
        "neither a folder nor a video",
        "there is no s1/gone",
        "there is no folder of its frames",
        "fps cell 'fast'",
        "subject cell is blank",
        "the same subject and clip as row 2",
    ):
        assert reason in text
    report = json.loads((data / "folder" / "cropped" / "1.0.0" / "preparation.json").read_text())
    assert report["emotions"] == {"others": 1, "sadness": 1}
    assert prepare(root, tmp_path / "strict", "--config", "cropped", "--strict") == 3
    assert "needs 6 drops, which --strict refuses" in capsys.readouterr().err


def test_one_person_and_one_recording_are_one_however_they_are_written(tmp_path):
    root, data = tmp_path / "m", tmp_path / "data"
    for name in ("01/a", "01/b", "02/c", "S2/d"):
        write_frames(root / name, ((f"{n}.png", n) for n in range(1, 10)))
    table(
        root / "annotations.csv",
        ["01", "a", 1, 5, 9, "sad", 100, "", ""],
        ["1", "b", 1, 5, 9, "sad", 100, "", ""],
        ["1", "A", 1, 5, 9, "fear", 100, "", "01/a"],
        ["2", "c", 1, 5, 9, "sad", 100, "", ""],
        ["S2", "d", 1, 5, 9, "sad", 100, "", ""],
    )
    assert prepare(root, data, "--config", "cropped") == 0
    clips = load_clips(data / "folder" / "cropped" / "1.0.0")
    assert sorted((clip.person, clip.name) for clip in clips) == [
        ("folder/01", "folder/01/a"), ("folder/01", "folder/01/b"),
        ("folder/2", "folder/2/c"), ("folder/S2", "folder/S2/d"),
    ]  # fmt: skip
    text = (data / "folder" / "cropped" / "1.0.0" / "preparation.txt").read_text()
    for reason in (
        "the subject 1 is written 01 elsewhere; taken as one person",
        "the same frames as row 2 (01/a, sadness), which was taken",
        "the subjects 2 and S2 may be one person",
    ):
        assert reason in text


def test_a_cell_that_cannot_be_a_path_is_a_drop(tmp_path):
    write_frames(tmp_path / "s1" / "a", [("1.png", 1), ("2.png", 2)])
    rows = [["s1", "a", 1, 2, 2, "fear", 100, "", "x" * 5000], ["s1", "y" * 5000, 1, 2, 2, "f", 9]]
    reading = read(tmp_path, "whole", table(tmp_path / "t.csv", *rows))
    assert len(reading.annotations) == 0
    assert [change.kind for change in reading.changes] == ["drop", "drop"]


def test_missing_columns_and_tables_are_named(tmp_path, capsys):
    (tmp_path / "m").mkdir()
    assert prepare(tmp_path / "m", tmp_path / "d") == 3
    assert "no annotation file annotations (" in capsys.readouterr().err
    sheet = table(tmp_path / "t.csv", ["1"], header=["subject", "clip", "emotion"])
    assert prepare(tmp_path / "m", tmp_path / "d", "--annotations", str(sheet)) == 3
    sentence = capsys.readouterr().err
    assert "fps" in sentence
    assert "it has: subject, clip, emotion" in sentence
    assert main(["prepare", "folder", "--annotations", str(sheet)]) == 2
    assert "--annotations needs --manual-dir" in capsys.readouterr().err


def test_rows_of_one_coder_and_of_micro_expressions_are_read(tmp_path):
    put(tmp_path / "s1" / "take.avi")
    header = ["coder", *HEADER, "kind"]
    rows = [
        (coder, "1", f"take_{onset}", onset, "", onset + 3, emotion, 200, "", "s1/take.avi", kind)
        for coder, onset, emotion, kind in (
            ("anna", 1, "happiness", "micro"),
            ("anna", 4, "", "macro"),
            ("ben", 2, "surprise", "Micro"),
        )
    ]
    sheet = table(tmp_path / "annotations.csv", *rows, header=header)
    (clip,) = read(tmp_path, coder="anna").annotations
    assert (clip.clip, clip.onset, clip.emotion) == ("take_1", 1, "happiness")
    reading = read(tmp_path, coder="anna")
    assert [(c.kind, c.code) for c in reading.changes] == [("remark", "another-kind")]
    assert reading.rows == 1
    assert [clip.emotion for clip in read(tmp_path, coder="ben").annotations] == ["surprise"]
    with pytest.raises(DataError, match=r"2 coders \(anna, ben\); name one with --coder"):
        read(tmp_path)
    with pytest.raises(DataError, match="no events of the coder carl, but of anna, ben"):
        read(tmp_path, coder="carl")
    table(sheet, *rows[:2], header=header)
    assert len(read(tmp_path).annotations) == 1
