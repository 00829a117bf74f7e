"""Which recordings `mace spot` and `mace review` find in folders."""

import os

import pytest

from mace.errors import DataError
from mace.recordings.finding import recordings_below, recordings_within
from mace.result_folders import recording_names


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_of_a_session_only_the_cameras_own_pictures_are_found(tmp_path):
    drawn = touch(tmp_path / "p1" / "replayed" / "annotated.mp4")
    touch(drawn.with_name("session.json"))
    own = touch(tmp_path / "p1" / "take" / "video.mov")
    touch(own.with_name("session.json"))
    touch(own.with_name("annotated.mp4"))
    other = touch(tmp_path / "p2" / "annotated.mp4")  # a name like any other, without a session
    assert list(recordings_below(tmp_path)) == [own, other]
    assert recordings_within([tmp_path, own, drawn]) == [own, other, drawn]
    with pytest.raises(DataError, match="without the camera's own pictures"):
        recordings_within([drawn.parent])


def test_links_to_other_disks_are_followed_and_circles_end(tmp_path):
    touch(tmp_path / "disk" / "p1" / "take.mp4")
    lab = tmp_path / "lab"
    own = touch(lab / "p2" / "take.mp4")
    os.symlink(tmp_path / "disk" / "p1", lab / "p1")
    for name in ("a", "b", "c"):
        os.symlink(lab, lab / "p2" / name)
        os.symlink(lab / "p2", lab / "p2" / f"{name}2")
    assert list(recordings_below(lab)) == [lab / "p1" / "take.mp4", own]


def test_depth_beside_colour_is_no_recording(tmp_path):
    for kind, suffix in (("color", "jpg"), ("depth", "png")):
        for number in range(3):
            touch(tmp_path / "spNO.1" / "a" / kind / f"{number}.{suffix}")
            touch(tmp_path / "other" / "depth" / f"{number}.jpg")
    colour = tmp_path / "spNO.1" / "a" / "color"
    assert list(recordings_below(tmp_path)) == [tmp_path / "other" / "depth", colour]
    assert recording_names(colour)[0] == "a"
