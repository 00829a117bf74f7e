"""Frames by number, in any order: the same as those read in a row."""

import random
from fractions import Fraction

import numpy as np
import pytest
from videos import number_of, numbered, write_video

from mace.errors import DataError
from mace.video.reader import VideoReader
from mace.video.seeking import SeekableVideo

KINDS = {
    "a picture each": ("a.mov", {"codec": "mjpeg"}),
    "frames out of order": (
        "b.mp4",
        {"codec": "libx264", "pix_fmt": "yuv420p", "encoding": {"g": "12", "bf": "3"}},
    ),
    "open groups": (
        "c.mkv",
        {
            "codec": "libx264",
            "pix_fmt": "yuv420p",
            "encoding": {"g": "9", "x264-params": "open-gop=1"},
        },
    ),
    "no times": ("d.mjpeg", {"codec": "mjpeg"}),
    "no order": ("e.avi", {"codec": "mpeg4", "pix_fmt": "yuv420p", "encoding": {"bf": "2"}}),
    "turned": ("f.mov", {"codec": "mjpeg", "rotation": 180, "aspect": Fraction(4, 3)}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_any_order_gives_what_reading_in_a_row_gives(tmp_path, kind):
    name, options = KINDS[kind]
    path = write_video(tmp_path / name, numbered(50), **options)
    pictures = list(VideoReader(path).pictures())
    video = SeekableVideo(path)
    assert video.count == len(pictures) == 50
    assert video.seeks == (kind != "no order")
    np.testing.assert_allclose(video.times, [picture.time for picture in pictures], atol=1e-6)
    order = list(range(50))
    random.Random(3).shuffle(order)
    for number in (*order, *reversed(range(50))):
        image = video.image(number)
        assert image is not None
        np.testing.assert_array_equal(image, pictures[number].image)
    video.close()
    np.testing.assert_array_equal(video.image(17), pictures[17].image)


def test_frames_by_time_and_beyond_the_ends(tmp_path):
    times = [0.0, 0.04, 0.08, 0.5, 0.54]
    video = SeekableVideo(write_video(tmp_path / "a.mov", numbered(5), times=times))
    assert [video.nearest(time) for time in (-1, 0.05, 0.2, 0.4, 9)] == [0, 1, 2, 3, 4]
    for number in (-1, 5):
        with pytest.raises(IndexError, match="no frame"):
            video.image(number)
    assert SeekableVideo(tmp_path / "a.mov", fps=100).times.tolist() == pytest.approx(
        [0, 0.01, 0.02, 0.03, 0.04]
    )
    (tmp_path / "no.mp4").write_bytes(b"nothing")
    with pytest.raises(DataError, match="cannot be read as a video"):
        SeekableVideo(tmp_path / "no.mp4")


def test_a_frame_that_cannot_be_decoded_is_none_and_the_others_keep_their_numbers(tmp_path):
    path = write_video(tmp_path / "a.mov", numbered(12))
    data = path.read_bytes()
    marks = [k for k in range(len(data) - 3) if data[k : k + 3] == b"\xff\xd8\xff"]
    start, end = marks[5], marks[6]
    path.write_bytes(data[:start] + bytes(end - start) + data[end:])
    video = SeekableVideo(path)
    known = [number for number in range(12) if video.image(number) is not None]
    assert known == [picture.number for picture in VideoReader(path).pictures()]
    assert 5 not in known
    assert all(number_of(video.image(number)) == number for number in known)
