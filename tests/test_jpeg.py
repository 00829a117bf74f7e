"""JPEG images: cut out of streams of bytes, and their size without decoding them."""

import cv2
import numpy as np
import pytest

from mace.pictures.jpeg import JpegSplitter, decode_jpeg, jpeg_size


def jpeg(level, size=(32, 24)):
    good, data = cv2.imencode(".jpg", np.full((size[1], size[0], 3), level, np.uint8))
    assert good
    return data.tobytes()


def with_thumbnail(outer, inner):
    """Return the image `outer` that carries the image `inner` in a segment of its own."""
    return outer[:2] + b"\xff\xe1" + (len(inner) + 2).to_bytes(2) + inner + outer[2:]


@pytest.mark.parametrize("step", [1, 7, 100, 10_000])
def test_images_come_out_as_they_went_in_however_the_bytes_are_cut(step):
    images = [jpeg(level) for level in (10, 90, 200)]
    images.insert(1, with_thumbnail(jpeg(50), jpeg(60, (8, 8))))
    stream, splitter = b"".join(images), JpegSplitter()
    images_out = [
        out for at in range(0, len(stream), step) for out in splitter.feed(stream[at : at + step])
    ]
    assert images_out == images
    assert (splitter.skipped, splitter.pending) == (0, 0)


@pytest.mark.parametrize("step", [1, 13, 10_000])
def test_a_cut_image_and_garbage_are_passed_over(step):
    a, b = jpeg(10), jpeg(200)
    stream = b"--boundary\r\n\xff\xd8" + a[:-40] + b + b"\xff\xd9 text \xff" + a
    splitter = JpegSplitter()
    images_out = [
        out for at in range(0, len(stream), step) for out in splitter.feed(stream[at : at + step])
    ]
    assert images_out == [b, a]
    assert splitter.skipped == len(stream) - len(a) - len(b)


def test_random_bytes_between_images_lose_no_image():
    rng = np.random.default_rng(3)
    images = [jpeg(level) for level in range(0, 250, 5)]
    stream = b"".join(
        rng.bytes(int(rng.integers(0, 300))).replace(b"\xff", b"\0") + im for im in images
    )
    assert JpegSplitter().feed(stream) == images


def test_the_buffer_is_bounded():
    splitter = JpegSplitter(limit=10_000)
    endless = jpeg(10)[:-2]
    for _ in range(100):
        assert splitter.feed(b"\x11" * 1000 if splitter.pending else endless) == []
        assert splitter.pending <= 10_000
    assert splitter.feed(b"\xff\xd9" + jpeg(200))[-1] == jpeg(200)


def test_a_size_is_read_from_the_header_alone():
    image = with_thumbnail(jpeg(50, (64, 48)), jpeg(60, (8, 8)))
    assert jpeg_size(memoryview(image)) == (64, 48)
    assert jpeg_size(memoryview(image[:2] + b"\xff\xff" + image[2:])) == (64, 48)
    for wrong in (b"", b"GIF89a" + bytes(100), b"\xff\xd8" + bytes(100), image[:12]):
        assert jpeg_size(memoryview(wrong)) is None
        assert decode_jpeg(wrong, cv2.IMREAD_COLOR) is None
