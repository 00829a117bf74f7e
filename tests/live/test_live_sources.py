"""Sources: order, times, and one clear sentence for everything that is no video."""

import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from fuzzing import mutations
from hypothesis import given
from hypothesis import strategies as st
from videos import write_video

from mace.errors import ConfigError, DataError
from mace.live.sources.opening import open_source


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


def read(source):
    """The frames' levels and times, and what was reported."""
    reports = []
    source.report = lambda kind, sentence: reports.append((kind, sentence))
    frames = list(source.frames())
    assert [frame.index for frame in frames] == list(range(source.count))
    return [int(frame.image.mean()) for frame in frames], [frame.time for frame in frames], reports


def write_levels(folder, levels, *, name="img{}.png", bits=8, depth: type = np.uint8):
    folder.mkdir(exist_ok=True)
    for level in levels:
        image = np.full((8, 8), level << (bits - 8), depth)
        assert cv2.imwrite(str(folder / name.format(level)), image)


def test_gaps_in_the_numbers_stay_gaps(tmp_path):
    write_levels(tmp_path, [4, 5, 6, 16, 17])
    levels, times, reports = read(open_source(tmp_path, fps=10))
    assert levels == [4, 5, 6, 16, 17]
    assert times == pytest.approx([0, 0.1, 0.2, 1.2, 1.3])
    ((kind, sentence),) = reports
    assert kind == "gap"
    assert "9 pictures are missing by the numbers in the names (7 to 15)" in sentence


def test_every_second_number_is_half_the_rate(tmp_path):
    write_levels(tmp_path, [4, 6, 8])
    source = open_source(tmp_path, fps=10)
    assert source.fps == 5
    _, times, ((kind, sentence),) = read(source)
    assert times == pytest.approx([0, 0.2, 0.4])
    assert kind == "assumed"
    assert "rise by 2" in sentence


def test_a_rate_that_nobody_states_is_said(tmp_path):
    write_levels(tmp_path, [1, 2])
    _, times, ((kind, sentence),) = read(open_source(tmp_path))
    assert times == [0, 1 / 200]
    assert kind == "assumed"
    assert "200 pictures a second were assumed" in sentence
    assert read(open_source(tmp_path, fps=200))[2] == []


def test_what_is_left_out_of_a_folder_is_said(tmp_path):
    write_levels(tmp_path, [1, 2])
    (tmp_path / "cover.png").touch()
    (tmp_path / "img3.png").mkdir()
    levels, _, ((_, sentence),) = read(open_source(tmp_path, fps=10))
    assert levels == [1, 2]
    assert "cover.png, img3.png" in sentence


@pytest.mark.parametrize("other", ["img02.png", "img2.jpg", "img2 (1).png", "left2.png"])
def test_two_pictures_of_one_frame_are_refused_by_name(tmp_path, other):
    write_levels(tmp_path, [1, 2, 3])
    (tmp_path / other).write_bytes((tmp_path / "img3.png").read_bytes())
    with pytest.raises(DataError) as refusal:
        open_source(tmp_path, fps=10)
    assert other in str(refusal.value)
    assert ("img1.png" if other == "left2.png" else "img2.png") in str(refusal.value)


@pytest.mark.parametrize(("bits", "suffix"), [(10, "tiff"), (12, "png"), (12, "pgm"), (16, "png")])
def test_all_pictures_have_one_scale(tmp_path, bits, suffix):
    write_levels(tmp_path, [1, 90, 200], name=f"{{}}.{suffix}", bits=bits, depth=np.uint16)
    assert read(open_source(tmp_path, fps=10))[0] == [1, 90, 200]
    write_levels(tmp_path, [91], name=f"{{}}.{suffix}")
    with pytest.raises(DataError, match=r"91\.\w+ is 8x8 px, 8 bits a sample"):
        list(open_source(tmp_path, fps=10).frames())


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
    # It is what was asked for, and nothing that the file says.
    with pytest.raises(ConfigError, match=r"^--fps is 0, expected more than 0"):
        open_source(ramp(tmp_path / "ramp.avi"), fps=0.0)


def test_settings_import_nothing_heavy():
    code = """
import sys
from mace.live.config import LiveConfig
from mace.live.config import SourceConfig
SourceConfig(fps=200)
print(*sorted({"cv2", "jax", "numpy"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


def test_a_dash_is_standard_input():
    code = """
from mace.live.config import SourceConfig
from mace.live.sources.opening import open_source
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


FILE = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["img", "img", "img", "é_", "cam1_", "left"]),
    st.sampled_from(["1", "2", "3", "5", "9", "10", "011", "12"]),
    st.sampled_from(["", "", "", "", " (1)", "_a"]),
    st.sampled_from([".png", ".png", ".PNG", ".bmp", ".pgm", ".txt"]),
)
FILES = st.dictionaries(FILE, st.sampled_from([*["whole"] * 9, "empty", "half", "folder", "wide"]))


@given(files=FILES)
@mutations(60)
def test_any_folder_gives_its_frames_at_their_times_or_is_refused(tmp_path_factory, files):
    folder = tmp_path_factory.mktemp("f")
    for name, state in files.items():
        if state == "folder":
            (folder / name).mkdir()
            continue
        number = int(re.findall(r"\d+", name.replace("cam1", ""))[0])
        image = np.full((8, 9 if state == "wide" else 8), number, np.uint8)
        suffix = Path(name).suffix.lower().replace("txt", "png")
        data = cv2.imencode(suffix, image)[1].tobytes()
        size = {"empty": 0, "half": len(data) // 2}.get(state, len(data))
        (folder / name).write_bytes(data[:size])
    try:
        levels, times, reports = read(open_source(folder, fps=1))
    except DataError:
        return
    states = {state for name, state in files.items() if not name.endswith(".txt")} - {"folder"}
    assert states <= {"whole", "wide"}
    assert levels == sorted(set(levels))
    counted = [not name.endswith(".txt") and kind != "folder" for name, kind in files.items()]
    assert len(levels) == sum(counted)
    steps = np.diff(levels)
    if len(steps) and not (steps % steps.min()).any():
        assert times == [level - levels[0] for level in levels]
        assert any(kind == "gap" for kind, _ in reports) == (steps.max() > steps.min())
