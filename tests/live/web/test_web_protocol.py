"""Messages of the live page: what is taken apart, and what is refused before it is decoded."""

import json
import struct

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from livefakes import CLASSES, FakeEngine, event, grey_images, labelled

from mace.face.tracked import Status
from mace.live.results import Result
from mace.live.sources.frame import Frame
from mace.live.web.protocol import (
    HEADER_BYTES,
    Garbage,
    Kind,
    decode_picture,
    parse_command,
    parse_picture,
    picture_message,
    result_record,
    results_message,
)

BOUND = 640 * 480


def header(*, version=1, kind=1, sequence=7, time_ms=12.5, width=0, height=0):
    return struct.pack("<BBHIdHHI", version, kind, 0, sequence, time_ms, width, height, 0)


def jpeg(size=(240, 320)):
    return cv2.imencode(".jpg", grey_images(1, size)[0])[1].tobytes()


def test_a_jpeg_comes_through():
    picture = parse_picture(header() + jpeg(), max_pixels=BOUND)
    assert (picture.kind, picture.sequence, picture.time_ms) == (Kind.JPEG, 7, 12.5)
    assert (picture.width, picture.height) == (320, 240)
    assert decode_picture(picture).shape == (240, 320)


def test_a_progressive_jpeg_comes_through():
    image = grey_images(1)[0]
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    assert decode_picture(parse_picture(header() + data, max_pixels=BOUND)).shape == image.shape[:2]


def test_of_a_colour_jpeg_its_luminance_is_taken():
    image = np.zeros((64, 96, 3), np.uint8)
    image[:, :48], image[:, 48:] = (200, 40, 90), (10, 180, 60)  # blue, green, red
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 100])[1].tobytes()
    found = decode_picture(parse_picture(header() + data, max_pixels=BOUND))
    # 0.114 blue + 0.587 green + 0.299 red.
    np.testing.assert_allclose(found[:, :40], 73.2, atol=2)
    np.testing.assert_allclose(found[:, 56:], 124.7, atol=2)


def test_raw_grey_comes_through_bit_for_bit():
    image = np.arange(64 * 40, dtype=np.uint8).reshape(40, 64)
    message = header(kind=2, width=64, height=40) + image.tobytes()
    found = decode_picture(parse_picture(message, max_pixels=BOUND))
    np.testing.assert_array_equal(found, image)


def test_the_server_s_own_pictures_have_the_same_form():
    message = picture_message(jpeg(), sequence=5, time_ms=1.0, size=(320, 240))
    assert parse_picture(message, max_pixels=BOUND).sequence == 5


@pytest.mark.parametrize(
    ("message", "word"),
    [
        (b"", "shorter"),
        (header(), "shorter"),
        (header(version=9) + jpeg(), "version"),
        (header(kind=3) + jpeg(), "kind"),
        (header(time_ms=float("nan")) + jpeg(), "time stamp"),
        (header(time_ms=float("inf")) + jpeg(), "time stamp"),
        (header() + b"GIF89a" + bytes(100), "no JPEG"),
        (header() + b"\xff\xd8" + bytes(100), "no JPEG"),
        (header() + b"\xff\xd8\xff\xc0\x00\x11\x08\x01", "no JPEG"),
        (header() + b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff" + bytes(50), "65535x65535"),
        (header(kind=2, width=64, height=64) + bytes(64), "64 bytes"),
        (header(kind=2, width=9000, height=9000) + bytes(64), "9000x9000"),
        (header(kind=2, width=1, height=64) + bytes(64), "1x64"),
    ],
)
def test_garbage_is_named(message, word):
    with pytest.raises(Garbage, match=word):
        parse_picture(message, max_pixels=BOUND)


def outcome(message, max_pixels):
    """The decoded shape, or what is wrong with the message."""
    try:
        return decode_picture(parse_picture(message, max_pixels=max_pixels)).shape
    except Garbage as garbage:
        return str(garbage)


def test_a_cut_off_jpeg_is_garbage_or_a_picture_of_its_size():
    found = outcome(header() + jpeg()[:700], BOUND)
    assert found in ((240, 320, 3), "a frame cannot be decoded")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_garbage_or_a_picture(data, headed):
    found = outcome(header() + data if headed else data, 4096)
    assert found if isinstance(found, str) else found[0] * found[1] <= 4096


@pytest.mark.parametrize(
    "text", ["", "no json", "[1]", '"a"', "{}", '{"type": 1}', "[" * 1000, "x" * 5000]
)
def test_garbled_commands(text):
    with pytest.raises(Garbage):
        parse_command(text)


def test_results_are_plain_json():
    frame = Frame(3, 0.5, grey_images(1)[0])
    (result,) = FakeEngine().push(frame)
    message = json.loads(results_message([result_record(result)], [event(0.4, fps=5.0)], ack=9))
    (record,), (told,) = message["results"], message["events"]
    (face,) = record["faces"]
    assert message["ack"] == 9
    assert record["size"] == [320, 240]
    assert np.shape(face["outline"]) == (4, 2)
    assert np.shape(face["landmarks"]) == (5, 2)
    assert len(face["smoothed"]) == len(CLASSES)
    assert face["label"] == "surprise"
    assert (told["kind"], told["apex_frame"]) == ("micro", 2)
    assert HEADER_BYTES == 24


def test_what_is_not_known_is_null():
    frame = Frame(0, 0.0, grey_images(1)[0])
    face = labelled(frame, status=Status.NO_FACE)
    bad = Result(frame, (face,))
    bad.faces[0].smoothed[:] = np.nan
    (record,) = json.loads(results_message([result_record(bad)], []))["results"]
    assert record["faces"][0]["smoothed"] is None
    assert len(results_message([result_record(bad)], [])) > HEADER_BYTES
