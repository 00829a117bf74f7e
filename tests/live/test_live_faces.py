"""Who is followed, who is whom, and what happens when they leave, cross or are not to be seen."""

import math
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from mace.face.clip import correct_clip
from mace.face.config import FaceConfig
from mace.face.detector import FaceDetector
from mace.face.similarity import apply, invert
from mace.face.tracked import Status
from mace.face.tracker import FaceTracker
from mace.live.config import LiveConfig
from mace.live.detection import BackgroundDetector
from mace.live.faces import FaceStage
from mace.live.sources.frame import Frame

FPS = 50
FACE = FaceConfig(keyframe_frames=2, boxes=1)
TWO = LiveConfig(faces=2, look_s=0.1, forget_s=1.0)
# Everybody's resting place, px between the eyes.
LEFT, RIGHT, MIDDLE = (160, 200), (480, 220), (320, 200)


def stage(config=TWO, face=FACE, *, patient=True):
    detector = FaceDetector(face.detector)
    return FaceStage(face, config, detector=detector, patient=patient)


def push(people, image, index, fps=FPS):
    """Return who is in every frame that is ready."""
    return [row for _, row in people.push(Frame(index, index / fps, image))]


def follow(images, config=TWO, *, fps=FPS, face=FACE):
    """Return who is seen in every frame: identity to tracked face."""
    people = stage(config, face)
    rows = [one for i, image in enumerate(images) for one in people.push(Frame(i, i / fps, image))]
    rows += people.finish()
    assert [frame.index for frame, _ in rows] == list(range(len(images)))
    answers = [row for _, row in rows]
    assert len(answers) == len(images)
    for row in answers:
        assert [one.identity for one in row] == sorted(one.identity for one in row)
        assert len({one.slot for one in row}) == len(row) <= config.faces
    return [{one.identity: one.face for one in row} for row in answers]


def where(face):
    """Return the point between the eyes in the frame, or None."""
    if face is None or face.transform is None:
        return None
    return apply(invert(face.transform), FACE.crop.eyes).mean(axis=0)


def assert_at(face, place, within=8.0):
    found = where(face)
    assert found is not None
    assert math.dist(found, place) < within


def never_swapped(answers, paths, within=20.0):
    """See that whoever is answered for is where that person is: `paths` by identity."""
    for index, row in enumerate(answers):
        for identity, face in row.items():
            if face.status is Status.TRACKED:
                assert_at(face, paths[identity](index), within)


def sway(place, index):
    return (
        place[0] + 25 * math.sin(2 * math.pi * index / 60),
        place[1] + 10 * math.sin(2 * math.pi * index / 45),
    )


def test_two_people_keep_their_numbers(scene):
    paths = {0: lambda i: sway(LEFT, i), 1: lambda i: sway(RIGHT, i + 20)}
    images = [scene([(0, *paths[0](i)), (1, *paths[1](i))], index=i) for i in range(110)]
    answers = follow(images)
    start = where(answers[0][0])
    if math.dist(start, paths[0](0)) > 100:  # the largest and surest is number 0
        paths = {0: paths[1], 1: paths[0]}
    never_swapped(answers, paths, within=6.0)
    assert all(set(row) == {0, 1} for row in answers)
    assert all(face.status is Status.TRACKED for row in answers for face in row.values())
    assert {row[1].reference_id for row in answers} == {0}


def visit(scene, *, away, who=1, at=RIGHT):
    """Somebody stays; somebody else is there for 15 frames, and after `away` frames `who` is."""
    first, gone = [(0, *LEFT), (1, *RIGHT)], [(0, *LEFT)]
    plan = [first] * 15 + [gone] * away + [[(0, *LEFT), (who, *at)]] * 20
    return [scene(one, index=i) for i, one in enumerate(plan)]


def people_at(row, place):
    return [one for one, face in row.items() if face.transform is not None
            and math.dist(where(face), place) < 20]  # fmt: skip


@pytest.mark.parametrize("at", [RIGHT, MIDDLE, (470, 350)])
def test_whoever_comes_back_soon_is_the_same(scene, at):
    answers = follow(visit(scene, away=30, at=at))
    (number,), (stays,) = people_at(answers[10], RIGHT), people_at(answers[10], LEFT)
    assert {number, stays} == {0, 1}
    assert people_at(answers[-1], at) == [number]
    assert people_at(answers[-1], LEFT) == [stays]
    assert answers[20][number].status in {Status.NO_FACE, Status.LOST}
    assert answers[-1][number].reference_id == 0


def test_somebody_else_after_a_long_time_has_a_new_number(scene):
    answers = follow(visit(scene, away=70, who=2, at=(450, 330)))
    (stays,) = people_at(answers[10], LEFT)
    assert people_at(answers[-1], (450, 330)) == [2]
    assert people_at(answers[-1], LEFT) == [stays]
    assert set(answers[-1]) == {stays, 2}


def test_a_newcomer_does_not_take_the_number_of_somebody_just_lost(scene):
    three = LiveConfig(faces=3, look_s=0.1, forget_s=2.0)
    # One leaves, another comes elsewhere, then the first is back: all three are followed.
    places = {0: (120, 160), 1: (520, 160), 2: (320, 330)}
    both = [(who, *places[who]) for who in (0, 1)]
    plan = [both] * 12 + [both[:1]] * 12 + [[both[0], (2, *places[2])]] * 20
    plan += [[*both, (2, *places[2])]] * 20
    answers = follow([scene(one, index=i) for i, one in enumerate(plan)], three)
    (left,) = people_at(answers[10], places[1])
    assert people_at(answers[40], places[2]) == [2]
    assert people_at(answers[-1], places[1]) == [left]
    assert set(answers[-1]) == {0, 1, 2}


def crossing(scene, *, front, frames=90, height=20.0):
    """Person 0 walks right and person 1 left, at different heights; `front` covers the other."""

    def path(start, end, y):
        # Still at first, so that both have a good keyframe.
        return lambda i: (start + (end - start) * min(max(i - 15, 0) / (frames - 30), 1.0), y)

    paths = {0: path(150, 490, 200), 1: path(490, 150, 200 + height)}
    order = [1 - front, front]
    images = [scene([(who, *paths[who](i)) for who in order], index=i) for i in range(frames)]
    return images, paths


@pytest.mark.parametrize("front", [0, 1])
@pytest.mark.parametrize("height", [0.0, 35.0])
def test_people_who_cross_are_never_taken_for_each_other(scene, front, height):
    images, paths = crossing(scene, front=front, height=height)
    answers = follow(images, LiveConfig(faces=2, look_s=0.1, forget_s=5.0))
    if people_at(answers[5], paths[0](5)) == [1]:
        paths = {0: paths[1], 1: paths[0]}
    never_swapped(answers, paths)
    assert set(answers[-1]) == {0, 1}
    for number, face in answers[-1].items():
        assert_at(face, paths[number](len(images) - 1))


def test_a_third_face_is_not_followed(scene):
    placed = [(0, 110, 130), (1, 530, 130), (2, 320, 330)]
    answers = follow([scene(placed, index=i) for i in range(40)])
    assert all(set(row) == {0, 1} for row in answers)
    assert answers[0][0].faces >= 2
    spots = [
        next(p for _, *p in placed if math.dist(where(f), p) < 10) for f in answers[0].values()
    ]
    for row in answers:
        for face, spot in zip(row.values(), spots, strict=True):
            assert_at(face, spot)


@pytest.fixture(scope="module")
def interrupted(scene, surprise):
    """A face, nobody for six frames, and the face again."""
    frames = [np.asarray(one) for one in surprise.frames[surprise.onset :]]
    empty = np.random.default_rng(3).integers(0, 256, frames[0].shape).astype(np.uint8)
    return frames + [empty] * 6 + frames


@pytest.mark.parametrize("face", [FACE, FaceConfig()])
def test_one_person_is_followed_just_as_in_a_stored_clip(interrupted, face):
    clip = correct_clip(interrupted, onset=0, config=face)
    tracker = FaceTracker(face)
    plain = [one for image in interrupted for one in tracker.push(image)] + tracker.finish()
    answers = follow(interrupted, LiveConfig(), face=face)
    statuses = [one.status for one in plain]
    assert statuses.count(Status.LOST) == 1
    assert statuses[-1] is Status.TRACKED
    for index, (one, row) in enumerate(zip(plain, answers, strict=True)):
        (other,) = row.values()
        assert (one.status, one.reference_id, one.faces) == (
            other.status,
            other.reference_id,
            other.faces,
        )
        np.testing.assert_array_equal(one.crop, other.crop)
        np.testing.assert_array_equal(one.transform, other.transform)
        if other.status is Status.TRACKED:
            np.testing.assert_array_equal(clip.frames[index], other.crop)
            np.testing.assert_array_equal(clip.transforms[index], other.transform)


@pytest.mark.parametrize("faces", [1, 2])
def test_an_impatient_stage_answers_every_frame_at_once(scene, faces):
    people = stage(LiveConfig(faces=faces, look_s=0.1), FaceConfig(boxes=1), patient=False)
    counts = []
    for i in range(20):
        rows = push(people, scene([(0, *LEFT), (1, *RIGHT)], index=i), i)
        assert len(rows) == 1
        counts.append(len(rows[0]))
    assert counts[:4] == [0] * 4  # their pose is being averaged
    assert counts[4] >= 1
    assert counts[-1] == faces
    assert people.finish() == []


def dark(image):
    return (image * 0.03).astype(np.uint8)


FAULTS = {
    "black": lambda image: np.zeros_like(image),
    "white": lambda image: np.full_like(image, 255),
    "dark": dark,
    "none": lambda _: None,
    "float": lambda image: image / 255.0,
    "empty": lambda _: np.zeros((0, 0), np.uint8),
    "speck": lambda _: np.zeros((1, 1), np.uint8),
    "two channels": lambda image: np.stack([image, image], axis=-1),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("faces", [1, 2])
def test_frames_that_show_nothing_are_survived(scene, fault, faces):
    clear = [scene([(0, *LEFT), (1, *RIGHT)], index=i) for i in range(12)]
    images = clear + [FAULTS[fault](one) for one in clear[:8]] + clear
    answers = follow(images, LiveConfig(faces=faces, look_s=0.1, forget_s=5.0))
    spots = {number: where(face) for number, face in answers[8].items()}
    assert len(spots) == faces
    unreadable = fault in {"none", "float", "empty", "two channels"}
    for row in answers[12:20]:
        assert set(row) == set(spots)
        for face in row.values():
            if unreadable:
                assert face.status is Status.UNREADABLE
            elif fault != "dark":
                assert face.status in {Status.LOST, Status.NO_FACE}
    for number, face in answers[-1].items():
        assert face.status is Status.TRACKED
        assert_at(face, spots[number])
    if unreadable:
        assert all(face.status is Status.TRACKED for face in answers[20].values())


def test_nobody_from_the_start_and_then_somebody(scene):
    images = [np.zeros((480, 640), np.uint8)] * 5 + [None]
    images += [scene([(0, *MIDDLE)], index=i) for i in range(10)]
    answers = follow(images)
    assert [list(row) for row in answers[:5]] == [[-1]] * 5
    assert list(answers[-1]) == [0]
    assert_at(answers[-1][0], MIDDLE)


def test_a_change_of_size_keeps_everybodys_number(scene):
    placed = [(0, *LEFT), (1, *RIGHT)]
    images = [scene(placed, index=i) for i in range(12)]
    small = [np.ascontiguousarray(one[::2, ::2]) for one in images]
    bigger = [np.kron(one, np.ones((2, 2), np.uint8)) for one in images[:6]]
    answers = follow(images + small + bigger)
    spots = {number: where(face) for number, face in answers[8].items()}
    assert set(spots) == {0, 1}
    for row, factor in ((answers[23], 0.5), (answers[-1], 2.0)):
        for number, spot in spots.items():
            assert row[number].status is Status.TRACKED
            assert_at(row[number], factor * spot, within=12)
            assert row[number].reference_id > 0


def test_a_face_that_walks_out_over_the_edge_and_back(scene):
    xs = [320 + 12 * i for i in range(32)] + [320 + 12 * i for i in range(31, -1, -1)]
    answers = follow([scene([(0, x, 200)], index=i) for i, x in enumerate(xs)])
    assert 0.5 < answers[23][0].visible < 1
    assert not answers[31][0].crop is not None
    assert_at(answers[-1][0], (320, 200))
    assert {number for row in answers for number in row} == {0}


def test_a_new_reference_for_everybody(scene):
    people, seen = stage(), []
    for i in range(24):
        if i == 12:
            people.renew()
        seen += push(people, scene([(0, *LEFT), (1, *RIGHT)], index=i), i)
    before = {one.identity: where(one.face) for one in seen[8]}
    after = {one.identity: one.face for one in seen[-1]}
    assert set(before) == set(after) == {0, 1}
    for number, spot in before.items():
        assert after[number].reference_id == 1
        assert_at(after[number], spot)


def test_looking_in_the_background_finds_everybody_without_waiting(scene):
    detector = BackgroundDetector(FaceDetector())
    with closing(FaceStage(FACE, TWO, detector=detector, patient=False)) as people:
        seen = []
        for i in range(400):
            seen += push(people, scene([(0, *LEFT), (1, *RIGHT)], index=i % 7), i)
            if len([one for one in seen[-1] if one.face.status is Status.TRACKED]) == 2:
                break
        assert len(seen) == i + 1
        assert {one.identity for one in seen[-1]} == {0, 1}


def test_intervals_are_those_of_the_clock_where_the_rate_changes():
    looked, now = [], [0.0]

    class Nobody:
        later = None

        def detect(self, gray):
            looked.append(now[0])
            return []

        def close(self):
            pass

    settings = replace(FACE, search_interval=10)  # a tenth of a second
    people = FaceStage(settings, LiveConfig(), detector=Nobody(), patient=True, rate=100.0)
    for index, time in enumerate((*np.arange(50) / 100, *(0.5 + np.arange(20) / 20))):
        now[0] = round(float(time), 3)
        people.push(Frame(index, now[0], np.full((48, 64), 90, np.uint8)))
    assert looked == pytest.approx(np.arange(15) / 10, abs=1e-9)
