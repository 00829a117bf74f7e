"""Video files: true times, true ends, true pictures, and one sentence for what is not."""

import itertools
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from fuzzing import mutations
from hypothesis import given
from hypothesis import strategies as st
from videos import number_of, numbered, write_video

from mace.errors import DataError
from mace.video.clock import Clock
from mace.video.reader import VideoReader

# A camera that lowers its rate in the dark, and a pause that hides nothing.
UNEVEN = [0.0, 0.016, 0.034, 0.05, 0.083, 0.125, 0.166, 0.21, 0.251, 0.36, 0.377, 0.394]
H264 = {"codec": "libx264", "pix_fmt": "yuv420p", "encoding": {"g": "4"}}
MPEG4 = {"codec": "mpeg4", "pix_fmt": "yuv420p"}


def read(path, **options):
    """The reader when it has ended, and what it read."""
    reader = VideoReader(path, **options)
    return reader, list(reader.pictures())


def kinds(reader):
    return [remark.kind for remark in reader.remarks]


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", H264),
        ("a.mov", {}),
        ("a.mkv", H264),
        ("a.webm", {"codec": "libvpx", "pix_fmt": "yuv420p"}),
        ("a.ts", H264),
        ("a.flv", H264),
    ],
)
@pytest.mark.parametrize("start", [0.0, 0.7])
def test_frames_have_the_times_that_the_file_gives_them(tmp_path, name, codec, start):
    times = [start + time for time in UNEVEN]
    path = write_video(tmp_path / name, numbered(len(times)), times=times, **codec)
    reader, pictures = read(path)
    assert [picture.time for picture in pictures] == pytest.approx(UNEVEN, abs=0.001)
    assert [number_of(picture.image) for picture in pictures] == list(range(len(times)))
    assert [picture.number for picture in pictures] == list(range(len(times)))
    assert reader.remarks == []


@pytest.mark.parametrize("name", ["a.avi", "a.mp4", "a.mkv", "a.mpg"])
@pytest.mark.parametrize("fps", [25, 60])
def test_a_constant_rate_is_that_of_the_file(tmp_path, name, fps):
    codec = {"codec": "mpeg2video", "pix_fmt": "yuv420p"} if name == "a.mpg" else MPEG4
    path = write_video(tmp_path / name, numbered(20), fps=fps, **codec)
    reader, pictures = read(path)
    assert reader.fps == fps
    assert [picture.time for picture in pictures] == pytest.approx(
        [number / fps for number in range(20)], abs=0.001
    )
    assert reader.remarks == []


def test_avi_that_keeps_times_of_decoding_alone(tmp_path):
    # Frames are decoded before those that they are shown after.
    options = H264 | {"encoding": {"bf": "3", "g": "12", "preset": "medium"}}
    reader, pictures = read(write_video(tmp_path / "a.avi", numbered(20), **options))
    assert [number_of(picture.image) for picture in pictures] == list(range(20))
    assert [picture.time for picture in pictures] == pytest.approx(np.arange(20) / 25, abs=1e-3)
    assert "assumed" not in kinds(reader)


def test_another_size_from_some_frame_on_is_said(tmp_path):
    small, large = (numbered(3, size) for size in ((64, 48), (96, 72)))
    jpegs = [cv2.imencode(".jpg", image)[1].tobytes() for image in [*large, *small]]
    (tmp_path / "a.mjpeg").write_bytes(b"".join(jpegs))
    reader, pictures = read(tmp_path / "a.mjpeg", fps=10.0)
    assert [picture.image.shape[1] for picture in pictures] == [96, 96, 96, 64, 64, 64]
    (remark,) = [remark for remark in reader.remarks if remark.kind == "resized"]
    assert "from 0.30 s on its pictures are 64x48 px, before 96x72" in remark.sentence


def test_stamps_in_disorder_are_counted():
    clock = Clock(25.0, fixed=False, leaps=False)
    times = [clock(number, stamp) for number, stamp in enumerate([0.0, 0.04, 0.08, 0.07, 0.16])]
    assert (np.diff(times) > 0).all()
    assert clock.disordered == 1
    assert not clock.leapt


def test_an_asked_rate_is_believed(tmp_path):
    path = write_video(tmp_path / "a.mp4", numbered(5), times=UNEVEN[:5], **H264)
    reader, pictures = read(path, fps=200)
    assert reader.fps == 200
    assert [picture.time for picture in pictures] == pytest.approx([0, 0.005, 0.01, 0.015, 0.02])


def test_a_rate_that_nobody_states_is_said_to_be_assumed(tmp_path):
    path = write_video(tmp_path / "dump.mjpeg", numbered(5))
    reader, pictures = read(path)
    (remark,) = reader.remarks
    assert remark.kind == "assumed"
    assert "25 were assumed" in remark.sentence
    assert "--fps" in remark.sentence
    assert pictures[-1].time == pytest.approx(4 / 25)
    assert read(path, fps=60)[0].remarks == []


def test_a_stream_without_a_container_may_state_its_rate_itself(tmp_path):
    path = write_video(
        tmp_path / "a.m2v", numbered(5), fps=50, codec="mpeg2video", pix_fmt="yuv420p"
    )
    reader, pictures = read(path)
    assert (reader.fps, reader.remarks) == (50, [])
    assert [picture.time for picture in pictures] == pytest.approx([0, 0.02, 0.04, 0.06, 0.08])


def test_a_recording_of_a_browser_has_its_own_times(tmp_path):
    # It states no duration of a frame, and FFmpeg takes its unit of time for its rate.
    path = write_video(
        tmp_path / "a.webm",
        numbered(12),
        times=UNEVEN,
        codec="libvpx",
        pix_fmt="yuv420p",
        muxing={"live": "1"},
    )
    content = path.read_bytes()
    at = content.index(b"\x23\xe3\x83")  # DefaultDuration becomes an element that says nothing
    void = b"\xec" + bytes([0x80 | (content[at + 3] & 0x7F) + 2]) + bytes(2)
    path.write_bytes(content[:at] + void + content[at + 4 :])
    reader, pictures = read(path)
    assert 20 < reader.fps < 70
    assert [picture.time for picture in pictures] == pytest.approx(UNEVEN, abs=0.001)
    assert reader.count < 1000


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ([k / 50 for k in range(20) if k not in (7, 8)], "no frame for 0.06 s after 0.12 s"),
        ([*UNEVEN, 1.2, 1.3], "no frame for 0.81 s after 0.39 s"),
    ],
)
def test_a_stretch_without_frames_is_said(tmp_path, times, words):
    path = write_video(tmp_path / "a.mkv", numbered(len(times)), times=times, **MPEG4)
    reader, _ = read(path)
    assert kinds(reader) == ["gap"]
    assert words in reader.remarks[0].sentence


def test_a_clock_that_is_set_back_goes_on(tmp_path):
    parts = [
        write_video(tmp_path / f"{k}.ts", numbered(20)[10 * k : 10 * k + 10], **H264)
        for k in (0, 1)
    ]
    both = tmp_path / "both.ts"
    both.write_bytes(b"".join(part.read_bytes() for part in parts))
    reader, pictures = read(both)
    assert [number_of(picture.image) for picture in pictures] == list(range(20))
    assert "its clock is set anew after 0.36 s" in reader.remarks[0].sentence
    assert [picture.time for picture in pictures] == pytest.approx(
        [k / 25 for k in range(20)], abs=0.001
    )


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.mov", "a.ts"])
def test_sound_longer_than_the_picture_is_no_damage(tmp_path, name):
    reader, pictures = read(write_video(tmp_path / name, numbered(12), sound_s=2.0, **H264))
    assert len(pictures) == 12
    assert reader.remarks == []


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.avi", {}),
        ("a.mkv", H264),
        ("a.ts", H264),
        ("a.wmv", {"codec": "wmv2", "pix_fmt": "yuv420p"}),
        ("a.mpg", {"codec": "mpeg2video", "pix_fmt": "yuv420p"}),
        ("b.mpg", {"codec": "mpeg1video", "pix_fmt": "yuv420p"}),
        ("a.mp4", {**H264, "muxing": {"movflags": "+faststart"}}),
        ("b.mp4", {**H264, "muxing": {"movflags": "+frag_keyframe+empty_moov"}}),
    ],
)
def test_a_file_that_is_cut_off_is_read_and_said_to_be(tmp_path, name, options):
    path = write_video(tmp_path / name, numbered(40), **options)
    content = path.read_bytes()
    path.write_bytes(content[: 3 * len(content) // 4 + 50])
    reader, pictures = read(path)
    assert 8 < len(pictures) < 40
    for picture in pictures[:-1]:  # half of the last one may be missing
        assert picture.time == pytest.approx(number_of(picture.image) / 25, abs=0.001)
    assert "cut" in kinds(reader)
    assert any(f"{len(pictures)} " in remark.sentence for remark in reader.remarks)


def test_a_second_video_is_told(tmp_path):
    path = write_video(tmp_path / "a.mkv", numbered(12))
    with av.open(str(path)) as source, av.open(str(tmp_path / "two.mkv"), "w") as both:
        streams = [both.add_stream_from_template(source.streams.video[0]) for _ in range(2)]
        for packet in source.demux(video=0):
            for stream in streams if packet.size else []:
                packet.stream = stream
                both.mux(packet)
    reader, pictures = read(tmp_path / "two.mkv")
    assert len(pictures) == 12
    (said,) = reader.remarks
    assert said.kind == "streams"
    assert "it holds 2 videos; that of 64x48 px (stream 0) is read, not the other" in said.sentence


def test_a_file_without_its_index_is_refused(tmp_path):
    path = write_video(tmp_path / "a.mp4", numbered(20), **H264)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match="cut off before its index"):
        VideoReader(path)


def test_a_frame_that_cannot_be_decoded_is_left_out_and_the_others_keep_their_times(tmp_path):
    path = write_video(tmp_path / "a.mkv", numbered(20))
    content = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    at = content.index(bytes(packets[12]))
    content[at : at + packets[12].size] = bytes(packets[12].size)
    path.write_bytes(content)
    reader, pictures = read(path)
    for picture in pictures:
        assert picture.time == pytest.approx(number_of(picture.image) / 25, abs=0.001)
    assert (len(pictures), reader.unreadable) == (19, 1)
    assert kinds(reader) == ["unreadable", "gap"]
    assert "1 of 20 frames cannot be decoded" in reader.remarks[0].sentence


def test_interlaced_frames_become_whole_ones(tmp_path):
    # A bar that moves on from field to field: its edges are combs until they are whole.
    def bar(place):
        image = np.full((48, 64, 3), 60, np.uint8)
        image[:, place : place + 12] = 200
        return image

    fields = [bar(2 * k) for k in range(24)]
    woven = []
    for even, odd in zip(fields[::2], fields[1::2], strict=True):
        frame = even.copy()
        frame[1::2] = odd[1::2]
        woven.append(frame)
    path = write_video(
        tmp_path / "dvd.mpg",
        woven,
        codec="mpeg2video",
        pix_fmt="yuv420p",
        encoding={"flags": "+ildct+ilme", "qscale": "2"},
    )
    _, pictures = read(path)
    assert len(pictures) == len(woven)
    places = [int(np.argmax(picture.image[24].mean(axis=1) > 130)) for picture in pictures]
    assert places[2:-1] == pytest.approx([4 * k for k in range(2, len(woven) - 1)], abs=2)
    for picture, comb in zip(pictures[2:-1], woven[2:-1], strict=True):
        roughness, before = (
            np.abs(np.diff(image.astype(float), axis=0)).mean() for image in (picture.image, comb)
        )
        assert roughness < before / 3


@pytest.mark.parametrize(
    ("aspect", "size"),
    [(Fraction(4, 3), (128, 72)), (Fraction(8, 9), (96, 81)), (Fraction(1), (96, 72)),
     (Fraction(1000, 1), (96, 72)), (Fraction(100, 101), (96, 72))],
)  # fmt: skip
def test_pixels_become_square(tmp_path, aspect, size):
    path = write_video(tmp_path / "a.mp4", numbered(4, (96, 72)), aspect=aspect, **MPEG4)
    reader, pictures = read(path)
    assert reader.size == size
    assert {picture.image.shape[1::-1] for picture in pictures} == {size}
    assert number_of(pictures[3].image) == 3


def ramp(depth):
    """A ramp of grey over the whole of 8 bits, in samples of so many bits."""
    levels = np.repeat(np.linspace(0, 255, 64)[None], 48, axis=0)
    return (levels * ((1 << depth) - 1) / 255).astype(np.uint16 if depth > 8 else np.uint8)


@pytest.mark.parametrize(
    ("pix_fmt", "bits"),
    [("gray10le", 10), ("gray12le", 12), ("gray16le", 16), ("gray16le", 12), ("gray16le", 10)],
)
def test_deep_samples_are_shown_as_eight_bits(tmp_path, pix_fmt, bits):
    # The first frame is dark: the scale is that of the whole recording.
    images = [ramp(bits) // 8, ramp(bits), ramp(bits) // 2]
    path = write_video(tmp_path / "a.mkv", images, codec="ffv1", pix_fmt=pix_fmt, source=pix_fmt)
    _, pictures = read(path)
    for picture, part in zip(pictures, (8, 1, 2), strict=True):
        assert np.abs(picture.image[..., 0] - ramp(8) / part).max() < 3


def test_ten_bits_of_colour(tmp_path):
    images = numbered(3)
    path = write_video(tmp_path / "a.mkv", images, codec="ffv1", pix_fmt="yuv444p10le")
    _, pictures = read(path)
    for picture, image in zip(pictures, images, strict=True):
        assert np.abs(picture.image.astype(int) - image).max() < 4


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_rotated_video_is_upright(tmp_path, rotation):
    image = np.zeros((48, 64, 3), np.uint8)
    image[:12, :16] = 255  # top left
    path = write_video(tmp_path / "a.mp4", [image] * 3, rotation=rotation, **MPEG4)
    reader, pictures = read(path)
    shown = pictures[1].image
    assert shown.shape[1::-1] == reader.size == ((64, 48) if rotation == 180 else (48, 64))
    # As OpenCV's own reader turns it.
    capture = cv2.VideoCapture(str(path))
    good, expected = capture.read()
    capture.release()
    assert good
    assert np.abs(shown.astype(int) - expected).mean() < 2


def test_a_colon_in_a_name_is_no_protocol(tmp_path):
    path = write_video(tmp_path / "a.avi", numbered(3)).rename(tmp_path / "http:1.avi")
    assert len(read(path)[1]) == 3


@pytest.mark.parametrize("suffix", [".mp4", ".txt", ".srt", ".avi"])
def test_words_are_no_video(tmp_path, suffix):
    path = tmp_path / f"words{suffix}"
    path.write_text("1\n00:00:01,000 --> 00:00:02,000\nThese are words, not frames.\n\n" * 40)
    with pytest.raises(DataError, match="cannot be read as a video"):
        VideoReader(path)


def test_a_rate_out_of_range_is_refused(tmp_path):
    path = write_video(tmp_path / "a.avi", numbered(3))
    for rate in (0.0, -1.0, 1e6):
        with pytest.raises(DataError, match="--fps"):
            VideoReader(path, fps=rate)


@pytest.fixture(scope="module")
def containers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("containers")
    options = {"a.mp4": H264, "a.mov": {}, "a.mkv": H264, "a.avi": {}, "a.ts": H264}
    return [write_video(folder / name, numbered(20), **more) for name, more in options.items()]


@given(data=st.data())
@mutations(30)
def test_whatever_is_done_to_a_file_it_is_read_or_refused(data, containers, tmp_path):
    """Ten times as many were tried by hand; see `fuzzing`."""
    path = data.draw(st.sampled_from(containers))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(0, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(len(content) // 2, len(content)))
    whole = content == path.read_bytes() and end == len(content)
    broken = tmp_path / f"broken{path.suffix}"
    broken.write_bytes(content[:end])
    try:
        reader, pictures = read(broken)
    except DataError:
        assert not whole
        return
    assert all(a.time < b.time for a, b in itertools.pairwise(pictures))
    assert whole <= (len(pictures) == 20 and not reader.remarks)
    if end < len(content) - 200 and path.suffix in (".mkv", ".mov", ".mp4"):
        assert reader.remarks
