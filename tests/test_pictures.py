"""Pictures of a recording: the order of their names, their times, their pixels."""

import os

import cv2
import numpy as np
import pytest
from fuzzing import mutations
from hypothesis import given
from hypothesis import strategies as st

from mace.errors import DataError
from mace.pictures.naming import PICTURE_SUFFIXES, arrange, is_picture
from mace.pictures.numbers import place_numbers
from mace.pictures.reading import read_picture, significant_bits, to_8_bits


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        (["img2.png", "img10.PNG", "IMG011.jpg"], (2, 10, 11)),
        (["frame8_cam2.jpg", "frame9_cam2.jpg", "frame10_cam2.jpg"], (8, 9, 10)),
        (["cam2_8.jpg", "cam2_9.jpg", "cam2_10.jpg"], (8, 9, 10)),
        (["f1_0ms.png", "f2_17ms.png", "f4_50ms.png"], (1, 2, 4)),
        (["cafe\u03011.png", "caf\u00e92.png"], (1, 2)),
        (["RGB-11-26-58-983.jpg", "RGB-11-26-59-0.jpg", "RGB-11-27-0-17.jpg"], None),
        (["only7.bmp"], (7,)),
    ],
)
def test_names_in_natural_order_with_the_number_that_counts(names, numbers):
    arranged = arrange(reversed(names))
    assert arranged.names == tuple(names)
    assert arranged.numbers == numbers
    assert (arranged.doubles, arranged.strays, arranged.unnumbered) == ((), (), ())


@pytest.mark.parametrize(
    "double",
    [
        "img010.jpg", "img10.png", "IMG010.png", "img010 (1).png", "img010 - Copy.png",
        "Copy of img010.png", "img010_2.png", "img010 - 副本.png",
    ],
)  # fmt: skip
def test_two_names_of_one_frame_are_a_pair(double):
    names = [f"img{number:03d}.png" for number in range(8, 13)]
    (pair,) = arrange([*names, double]).doubles
    assert set(pair) == {"img010.png", double}


def test_what_does_not_belong_is_named():
    arranged = arrange(["a1.png", "a2.png", "cover.png", "b7.png"])
    assert (arranged.names, arranged.strays) == (("a1.png", "a2.png"), ("b7.png",))
    assert arranged.unnumbered == ("cover.png",)
    assert arrange(["cover.png"]).names == ()


def test_times_by_number():
    even = place_numbers([7, 8, 9])
    assert (even.places, even.step, even.assumed, even.gaps) == ((0, 1, 2), 1, (), ())
    gaps = place_numbers([7, 8, 11, 12, 14])
    assert gaps.places == (0, 1, 4, 5, 7)
    assert gaps.gaps[0].startswith("3 pictures are missing")
    assert "(9 to 10, 13)" in gaps.gaps[0]
    second = place_numbers([0, 2, 4, 8])
    assert (second.places, second.step) == ((0, 2, 4, 8), 2)
    assert "rise by 2" in second.assumed[0]
    assert "1 picture is missing" in second.gaps[0]
    stamps = place_numbers([1000, 1016, 1033, 1050, 1100])  # ms at 60 a second
    assert stamps.places == pytest.approx((0, 1, 2, 3, 6), abs=0.06)
    assert "2 pictures are missing" in stamps.gaps[0]
    assert place_numbers([5]).places == (0,)


WORD = st.text(st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), max_size=6)
NAME = st.builds(
    "{}{}{}".format, WORD, st.integers(0, 10**9), st.sampled_from([".png", ".JPG", ""])
)


@given(names=st.lists(NAME | WORD, max_size=10, unique=True))
@mutations(150)
def test_any_names_are_accounted_for_once(names):
    arranged = arrange(names)
    others = [other for _, other in arranged.doubles]
    told = [*arranged.names, *others, *arranged.strays, *arranged.unnumbered]
    assert sorted(told) == sorted(names)
    if arranged.numbers is not None:
        places = place_numbers(arranged.numbers).places
        assert list(places) == sorted(set(places))
        assert len(places) == len(arranged.names)


@pytest.mark.parametrize("suffix", sorted(PICTURE_SUFFIXES - {".jfif", ".jpe"}))
def test_half_a_picture_is_refused_in_every_format(tmp_path, suffix):
    rng = np.random.default_rng(0)
    image = cv2.resize(rng.integers(0, 255, (6, 8, 3), np.uint8), (64, 48))
    good, data = cv2.imencode(suffix, image[..., 0] if suffix in (".pgm", ".pbm") else image)
    assert good
    file = tmp_path / f"1{suffix}"
    assert is_picture(file.name)
    file.write_bytes(data.tobytes())
    assert read_picture(file).shape == (48, 64, 3)
    assert read_picture(file, grey=True).shape == (48, 64)
    file.write_bytes(data.tobytes()[: len(data) // 2])
    with pytest.raises(DataError, match=r"cut off or damaged|cannot be read as a picture"):
        read_picture(file)


@pytest.mark.parametrize("suffix", [".webp", ".png", ".gif", ".tif"])
def test_several_pictures_in_a_file_are_refused(tmp_path, suffix):
    frames = [np.full((8, 8, 3), 60 * i, np.uint8) for i in range(3)]
    for count in (1, 3):
        file = tmp_path / f"{count}{suffix}"
        if suffix == ".tif":
            assert cv2.imwritemulti(str(file), frames[:count])
        else:
            animation = cv2.Animation()
            animation.frames, animation.durations = frames[:count], [100] * count
            assert cv2.imwriteanimation(str(file), animation)
    assert read_picture(tmp_path / f"1{suffix}").shape == (8, 8, 3)
    with pytest.raises(DataError, match="holds 3 pictures, as an animation or pages; store one"):
        read_picture(tmp_path / f"3{suffix}")


def test_what_is_no_picture_is_refused(tmp_path):
    for content, words in ((b"", "empty"), (b"words", "cannot be read as a picture")):
        (tmp_path / "1.png").write_bytes(content)
        with pytest.raises(DataError, match=words):
            read_picture(tmp_path / "1.png")
    cv2.imwrite(str(tmp_path / "2.tif"), np.zeros((8, 8, 3), np.int16))
    with pytest.raises(DataError, match="int16"):
        read_picture(tmp_path / "2.tif")
    os.mkfifo(tmp_path / "3.png")
    with pytest.raises(DataError, match="no file"):
        read_picture(tmp_path / "3.png")


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".pgm"])
def test_significant_bits_are_brought_to_eight(tmp_path, suffix, bits):
    levels = np.arange(48 * 4, dtype=np.uint16).reshape(48, 4)
    assert cv2.imwrite(str(tmp_path / f"1{suffix}"), levels << (bits - 8))
    image = read_picture(tmp_path / f"1{suffix}", grey=True)
    assert image.dtype == np.uint16
    assert significant_bits([image]) == bits
    assert np.array_equal(to_8_bits(image, bits), levels)
    assert to_8_bits(image, 8).max() <= 255
