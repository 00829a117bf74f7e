"""Sources: order, times, and one clear sentence for everything that is no video."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from videos import write_video

from mace.errors import DataError
from mace.live.sources import open_source


def ramp(path, **options):
    """A video of 12 frames, each brighter than the last."""
    images = [np.full((48, 64, 3), 20 * level, np.uint8) for level in range(12)]
    return write_video(path, images, **options)


def test_video_frames_come_in_order_with_their_times(tmp_path):
    source = open_source(ramp(tmp_path / "ramp.avi"))
    frames = list(source.frames())
    assert (source.fps, source.size, source.count) == (25.0, (64, 48), 12)
    assert [frame.index for frame in frames] == list(range(12))
    assert frames[5].time == pytest.approx(5 / 25)
    levels = [int(frame.image.mean()) for frame in frames]
    assert levels == sorted(levels)


def test_asked_rate_overrides_the_stated_one(tmp_path):
    source = open_source(ramp(tmp_path / "ramp.avi"), fps=200.0)
    assert [frame.time for frame in source.frames()][2] == pytest.approx(0.01)


def test_images_are_sorted_by_their_number_whatever_the_padding(tmp_path):
    for number in (2, 10, 1, 9):
        cv2.imwrite(str(tmp_path / f"img{number}.png"), np.full((8, 8, 3), number, np.uint8))
    (tmp_path / ".DS_Store").write_bytes(b"x")
    (tmp_path / "notes3.txt").write_text("stray")
    levels = [int(frame.image[0, 0, 0]) for frame in open_source(tmp_path).frames()]
    assert levels == [1, 2, 9, 10]


@pytest.mark.parametrize(
    ("pattern", "levels"),
    [
        ("img%05d.png", [1, 2, 10]),
        ("img%d.png", [1, 2, 7, 10]),
        ("*.jpg", [3]),
        ("img0*[12].png", [1, 2]),
    ],
)
def test_a_pattern_names_the_images(tmp_path, pattern, levels):
    for name, level in {
        "img00010.png": 10, "img00001.png": 1, "img00002.png": 2, "img7.png": 7,
        "img+00004.png": 4, "img00003.jpg": 3, "img00005.png.txt": 5,
    }.items():  # fmt: skip
        good, data = cv2.imencode(
            name[-4:].replace(".txt", ".png"), np.full((8, 8), level, np.uint8)
        )
        assert good
        (tmp_path / name).write_bytes(data.tobytes())
    source = open_source(str(tmp_path / pattern), fps=100)
    assert [frame.image[0, 0, 0] for frame in source.frames()] == levels
    assert source.fps == 100


def test_a_pattern_that_names_nothing_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"img%03d\.png holds no images"):
        open_source(tmp_path / "img%03d.png")
    with pytest.raises(DataError, match="there is no folder"):
        open_source(tmp_path / "gone" / "*.png")


def test_a_closed_file_ends(tmp_path):
    source = open_source(ramp(tmp_path / "ramp.avi"))
    frames = source.frames()
    next(frames)
    source.close()
    assert list(frames) == []


def test_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"no video at .*gone\.mp4"):
        open_source(tmp_path / "gone.mp4")


@pytest.mark.parametrize("content", [b"", b"These are words, not frames.\n" * 40])
def test_empty_and_foreign_files_are_refused(tmp_path, content):
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"clip\.mp4"):
        open_source(path)


def test_what_is_wrong_with_a_video_is_reported_at_its_end(tmp_path):
    path = ramp(tmp_path / "cut.avi")
    path.write_bytes(path.read_bytes()[: 4 * path.stat().st_size // 5])
    source = open_source(path)
    told = []
    source.report = lambda kind, sentence: told.append((kind, sentence))
    count = len(list(source.frames()))
    assert 1 < count < 12
    kind, sentence = told[-1]
    assert kind == "cut"
    assert f"it is cut off: {count} of " in sentence


def test_folder_without_frames_is_refused(tmp_path):
    (tmp_path / "readme.txt").write_text("no frames")
    with pytest.raises(DataError, match="holds no images"):
        open_source(tmp_path)


def test_frames_of_two_sizes_are_refused(tmp_path):
    cv2.imwrite(str(tmp_path / "img1.png"), np.zeros((8, 8, 3), np.uint8))
    cv2.imwrite(str(tmp_path / "img2.png"), np.zeros((9, 8, 3), np.uint8))
    with pytest.raises(DataError, match=r"img2\.png is 8x9 px"):
        list(open_source(tmp_path).frames())


def test_damaged_image_is_named(tmp_path):
    cv2.imwrite(str(tmp_path / "img1.png"), np.zeros((8, 8, 3), np.uint8))
    (tmp_path / "img2.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"img2\.png cannot be read"):
        list(open_source(tmp_path).frames())


def test_rate_of_nothing_is_refused(tmp_path):
    with pytest.raises(DataError, match="--fps"):
        open_source(ramp(tmp_path / "ramp.avi"), fps=0.0)


def test_settings_import_nothing_heavy():
    code = """
import sys
from mace.live import LiveConfig, SourceConfig
SourceConfig(fps=200)
print(*sorted({"cv2", "jax", "numpy"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


def test_a_dash_is_standard_input():
    code = """
from mace.live import SourceConfig, open_source
source = open_source("-", SourceConfig(stdin="gray", width=4, height=3), fps=10)
print([frame.image.sum().item() for frame in source.frames()])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], input=bytes(12) + b"\1" * 12, capture_output=True, check=True
    )
    assert (done.stdout, done.stderr) == (b"[0, 12]\n", b"")


@pytest.mark.parametrize("spec", ["0", "/dev/video0", "camera:0", "camera:Nobody's"])
def test_names_of_cameras_are_no_paths(spec):
    with pytest.raises(DataError, match="camera"):
        open_source(spec if spec.endswith("s") else spec.replace("0", "63"))


def test_a_path_is_never_a_camera(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="no video at 63"):
        open_source(Path("63"))
