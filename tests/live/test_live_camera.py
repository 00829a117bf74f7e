"""Cameras without a camera: found by name, asked, lost, back; and quiet about what is missing."""

import subprocess
import sys
import time

import cv2
import numpy as np
import pytest

from mace.errors import ConfigError, DataError
from mace.live.config import SourceConfig
from mace.live.sources.camera import Camera, list_cameras
from mace.live.sources.frame import SourceLost


class FakeReader:
    """A camera that has one mode, whatever is asked, and is unplugged after some frames."""

    def __init__(
        self, *, there=True, frames=5, size=(64, 48), given=(), bad=(), driver_clock=False
    ):
        self.there, self.left, self.size, self.bad = there, frames, size, bad
        self.given = dict(given)
        self.asked, self.released, self.grabbed = {}, False, 0
        self.driver_clock = driver_clock

    def isOpened(self):
        return self.there

    def grab(self):
        self.grabbed += 1
        self.left -= 1
        return self.left >= 0

    def retrieve(self):
        if self.grabbed in self.bad:
            return False, None
        return True, np.full((self.size[1], self.size[0], 3), self.grabbed, np.uint8)

    def get(self, prop):
        if prop == cv2.CAP_PROP_POS_MSEC and self.driver_clock:
            return (time.monotonic() - 0.02) * 1000
        return self.given.get(prop, 0.0)

    def set(self, prop, value):
        self.asked[prop] = value
        return True

    def release(self):
        self.released = True


class Opener:
    """Gives one prepared reader after the other."""

    def __init__(self, *readers):
        self.readers, self.calls = list(readers), []

    def __call__(self, what, backend, parameters):
        self.calls.append(what)
        return self.readers[len(self.calls) - 1]


@pytest.fixture
def devices(tmp_path):
    names = {0: "Integrated Camera", 1: "Integrated Camera", 2: "Fast Camera 210", 10: "Grey"}
    for index, name in names.items():
        folder = tmp_path / f"video{index}"
        folder.mkdir()
        (folder / "name").write_text(f"{name}\n")
    return tmp_path


def test_cameras_are_listed_by_number(devices):
    assert list(list_cameras(devices)) == [0, 1, 2, 10]
    assert list_cameras(devices)[2] == "Fast Camera 210"


@pytest.mark.parametrize(
    ("name", "index"), [("Fast Camera 210", 2), ("fast", 2), ("integrated", 0)]
)
def test_a_camera_is_found_by_its_name(devices, name, index):
    opener = Opener(FakeReader())
    Camera(name, opener=opener, devices=devices).close()
    assert opener.calls == [index]


def test_an_unknown_name_lists_the_known_ones(devices):
    with pytest.raises(DataError, match=r"no camera is called 'Thermal'; .*2 \(Fast Camera 210\)"):
        Camera("Thermal", opener=Opener(), devices=devices)


def test_a_camera_that_cannot_be_opened_is_released_and_says_why(devices):
    reader = FakeReader(there=False)
    with pytest.raises(DataError, match=r"camera 2 \(Fast Camera 210\) cannot be opened"):
        Camera(2, opener=Opener(reader), devices=devices)
    assert reader.released


def test_a_machine_without_cameras_says_so_in_one_sentence_and_nothing_else():
    code = """
from mace.errors import DataError
from mace.live.sources.opening import open_source
try:
    open_source("17")
except DataError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("there is no camera 17; ")
    assert done.stderr == ""


def test_what_is_asked_reaches_the_camera_with_the_format_first():
    reader = FakeReader()
    config = SourceConfig(fps=120, width=640, height=480, exposure=50)
    Camera(0, config, opener=Opener(reader)).close()
    assert next(iter(reader.asked)) == cv2.CAP_PROP_FOURCC
    assert reader.asked == {
        cv2.CAP_PROP_FOURCC: cv2.VideoWriter.fourcc(*"MJPG"),
        cv2.CAP_PROP_FRAME_WIDTH: 640,
        cv2.CAP_PROP_FRAME_HEIGHT: 480,
        cv2.CAP_PROP_FPS: 120,
        cv2.CAP_PROP_BUFFERSIZE: 1,
        cv2.CAP_PROP_AUTO_EXPOSURE: 1,
        cv2.CAP_PROP_EXPOSURE: 50,
    }
    assert reader.released


def test_what_is_not_asked_is_left_alone():
    reader = FakeReader()
    Camera(0, SourceConfig(fourcc=None), opener=Opener(reader))
    assert reader.asked == {cv2.CAP_PROP_BUFFERSIZE: 1}


def test_what_was_really_given_is_told():
    given = {
        cv2.CAP_PROP_FPS: 30.0,
        cv2.CAP_PROP_FOURCC: float(cv2.VideoWriter.fourcc(*"YUYV")),
        cv2.CAP_PROP_EXPOSURE: 156.0,
    }
    config = SourceConfig(fps=120, width=640, height=480, exposure=50)
    camera, told = Camera(0, config, opener=Opener(FakeReader(given=given))), []
    camera.report = lambda kind, sentence: told.append(sentence)
    next(camera.frames())
    assert told == [
        "camera 0 gives 64x48 px instead of 640x480, 30 frames per second instead of 120, "
        "YUYV instead of MJPG, exposure 156 instead of 50"
    ]


def test_a_camera_that_gives_what_was_asked_differs_in_nothing():
    given = {cv2.CAP_PROP_FPS: 120.1, cv2.CAP_PROP_FOURCC: float(cv2.VideoWriter.fourcc(*"MJPG"))}
    config = SourceConfig(fps=120, width=64, height=48)
    camera = Camera(0, config, opener=Opener(FakeReader(given=given)))
    assert camera.differences == ""
    assert camera.fps == 120.1


def test_frames_have_the_time_at_which_they_were_taken():
    before = time.monotonic()
    frames = Camera(0, opener=Opener(FakeReader(frames=8))).frames()
    taken = [next(frames) for _ in range(4)]
    assert [frame.index for frame in taken] == [0, 1, 2, 3]
    assert all(before <= frame.captured <= time.monotonic() for frame in taken)
    assert taken[0].time == 0
    assert taken[3].time == taken[3].captured - taken[0].captured


def test_the_drivers_clock_is_believed_where_it_is_ours():
    frame = next(Camera(0, opener=Opener(FakeReader(driver_clock=True))).frames())
    assert 0.02 <= time.monotonic() - frame.captured < 1


def test_a_damaged_frame_is_reported_and_passed_over():
    camera, told = Camera(0, opener=Opener(FakeReader(frames=6, bad={4}))), []
    camera.report = lambda kind, sentence: told.append(kind)
    frames = camera.frames()
    # The first two were taken while opening.
    assert [int(next(frames).image[0, 0, 0]) for _ in range(3)] == [3, 5, 6]
    assert told == ["unreadable"]


def test_a_lost_camera_is_released_and_can_be_opened_again():
    lost, gone, back = FakeReader(frames=5), FakeReader(there=False), FakeReader(size=(32, 24))
    camera = Camera(0, opener=Opener(lost, gone, back))
    with pytest.raises(SourceLost, match="camera 0 gives no frames any more"):
        list(camera.frames())
    assert lost.released
    with pytest.raises(SourceLost, match="there is no camera 0"):
        next(camera.frames())
    assert next(camera.frames()).image.shape == (24, 32, 3)


def test_a_closed_camera_is_released_and_gives_nothing():
    reader = FakeReader()
    camera = Camera(0, opener=Opener(reader))
    camera.close()
    camera.close()
    assert reader.released
    assert list(camera.frames()) == []


@pytest.mark.parametrize("settings", [{"width": 0}, {"fourcc": "JPEGS"}, {"read_timeout_s": -1.0}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ConfigError, match=rf"source\.{next(iter(settings))}"):
        SourceConfig(**settings)
