from dataclasses import replace

import cv2
import numpy as np
import pytest

from mace.face.config import DetectorConfig, FaceConfig
from mace.face.similarity import apply, invert
from mace.face.tracked import Status, TrackedFace
from mace.face.tracker import FaceTracker

QUICK = FaceConfig(keyframe_frames=2, boxes=1)
SCENERY = np.random.default_rng(9).integers(0, 256, (480, 640)).astype(np.uint8)


def track(frames: list, config: FaceConfig = QUICK) -> tuple[list[TrackedFace], FaceTracker]:
    tracker = FaceTracker(config)
    answers = [answer for frame in frames for answer in tracker.push(frame)]
    answers += tracker.finish()
    assert [answer.index for answer in answers] == list(range(len(frames)))
    return answers, tracker


def statuses(answers: list[TrackedFace]) -> list[str]:
    return [answer.status.value for answer in answers]


def test_first_answers_wait_for_the_keyframe_then_one_per_push(filmed):
    tracker = FaceTracker(FaceConfig(keyframe_frames=4))
    counts = [len(tracker.push(filmed(index))) for index in range(7)]
    assert counts == [0, 0, 0, 4, 1, 1, 1]
    assert tracker.finish() == []


def test_finish_answers_for_a_stream_shorter_than_the_keyframe(filmed):
    tracker = FaceTracker(FaceConfig(keyframe_frames=10))
    assert [tracker.push(filmed(index)) for index in range(3)] == [[], [], []]
    assert statuses(tracker.finish()) == ["tracked"] * 3


def test_answer_holds_everything_about_a_tracked_face(filmed):
    frames = [filmed(index) for index in range(6)]
    answers, tracker = track(frames)
    first, last = answers[0], answers[-1]
    assert first.crop is not None
    np.testing.assert_array_equal(first.crop, first.reference)
    assert last.keyframe is tracker.keyframe is first.keyframe
    assert last.landmarks is not None
    assert last.landmarks.shape == (5, 2)
    assert last.reference_id == 0
    assert last.faces == 1
    assert last.visible == 1.0
    assert last.error_px < 0.2
    assert last.inliers > 20


def test_landmarks_and_inverse_draw_on_the_original_frame(filmed, head_path):
    answers, _ = track([filmed(index) for index in range(0, 60, 4)])
    eyes_of_photo = np.array([[203.3, 102.0], [247.7, 104.3]])
    for number, answer in enumerate(answers):
        truth = apply(head_path(4 * number), eyes_of_photo)
        assert answer.transform is not None
        drawn = apply(invert(answer.transform), QUICK.crop.eyes)
        assert np.abs(drawn - truth).max() < 3
        assert answer.landmarks is not None
        assert np.abs(answer.landmarks[[0, 1]].mean(axis=0) - truth[1]).max() < 3


def test_callers_may_reuse_their_buffer(filmed):
    frames = [filmed(index) for index in range(6)]
    expected, _ = track(frames)
    tracker, buffer, answers = FaceTracker(QUICK), np.empty_like(frames[0]), []
    for frame in frames:
        buffer[:] = frame
        answers += tracker.push(buffer)
    answers += tracker.finish()
    for answer, same in zip(answers, expected, strict=True):
        np.testing.assert_array_equal(answer.crop, same.crop)


def test_colour_and_grey_give_the_same_face(filmed):
    frames = [filmed(index) for index in range(4)]
    grey, _ = track(frames)
    colour, _ = track([cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR) for frame in frames])
    for one, other in zip(grey, colour, strict=True):
        np.testing.assert_array_equal(one.crop, other.crop)


def test_no_face_is_reported_at_once_and_without_a_crop():
    answers, tracker = track([SCENERY] * 5)
    assert statuses(answers) == ["no_face"] * 5
    assert all(a.crop is None and a.transform is None and a.landmarks is None for a in answers)
    assert answers[0].reference is None
    assert answers[0].reference_id == -1
    assert tracker.keyframe is None


def test_tiny_image_has_no_face():
    answers, _ = track([np.zeros((1, 1), np.uint8), np.zeros((1, 1), np.uint8)])
    assert statuses(answers) == ["no_face"] * 2


def test_unreadable_frames_leave_the_track_as_it_is(filmed):
    frames = [filmed(index) for index in range(6)]
    broken = [*frames[:4], None, np.zeros((0, 3), np.uint8), frames[4] / 255.0, *frames[4:]]
    answers, _ = track(broken)
    assert statuses(answers) == ["tracked"] * 4 + ["unreadable"] * 3 + ["tracked"] * 2
    expected, _ = track(frames)
    np.testing.assert_array_equal(answers[-1].crop, expected[-1].crop)


def test_unreadable_frame_among_the_waiting_keeps_its_place(filmed):
    frames = [filmed(0), None, filmed(1), filmed(2)]
    answers, _ = track(frames, replace(QUICK, keyframe_frames=3))
    assert statuses(answers) == ["tracked", "unreadable", "tracked", "tracked"]


def test_cut_to_a_scene_without_a_face_is_noticed_at_once_and_the_face_resumed(filmed):
    frames = [filmed(i) for i in range(5)] + [SCENERY] * 4 + [filmed(i) for i in range(5, 12)]
    answers, _ = track(frames, replace(QUICK, search_interval=2))
    assert statuses(answers)[:9] == ["tracked"] * 5 + ["lost"] + ["no_face"] * 3
    assert statuses(answers)[10:] == ["tracked"] * 6
    # The same face in the same pose: its old reference still holds.
    assert {answer.reference_id for answer in answers} == {0}


def test_cut_within_the_waiting_frames_answers_for_all(filmed):
    answers, _ = track([filmed(0), filmed(1), SCENERY, SCENERY], FaceConfig(keyframe_frames=10))
    assert statuses(answers) == ["tracked", "tracked", "lost", "no_face"]


def test_short_blur_costs_only_the_blurred_frames(filmed):
    frames = [filmed(index, motion=0) for index in range(8)]
    for frame in frames[4:6]:
        frame[:] = cv2.GaussianBlur(frame, (0, 0), 20)
    answers, _ = track(frames)
    assert statuses(answers) == ["tracked"] * 4 + ["lost", "no_face"] + ["tracked"] * 2
    assert {answer.reference_id for answer in answers} == {0}


def test_new_pose_renews_the_reference_after_some_doubt(filmed, photo):
    turned = cv2.warpAffine(photo, np.array([[0.6, 0, 90.0], [0, 1, 0]]), photo.shape[::-1])
    frames = [filmed(i, motion=0) for i in range(4)]
    frames += [filmed(i, motion=0, picture=turned) for i in range(4, 12)]
    answers, _ = track(frames, replace(QUICK, patience=3))
    assert statuses(answers) == ["tracked"] * 4 + ["doubtful"] * 2 + ["tracked"] * 6
    assert [answer.reference_id for answer in answers] == [0] * 6 + [1] * 6
    assert answers[5].crop is not None
    assert answers[-1].reference is not answers[0].reference


@pytest.mark.parametrize(("patience", "weight"), [(4, 1.0), (8, 2.5)])
def test_face_in_doubt_is_held_where_it_was_while_nobody_knows(filmed, photo, patience, weight):
    turned = cv2.warpAffine(photo, np.array([[0.6, 0, 90.0], [0, 1, 0]]), photo.shape[::-1])
    frames = [filmed(i, motion=0) for i in range(4)]
    frames += [filmed(i, motion=0, picture=turned) for i in range(4, 12)]
    tracker = FaceTracker(replace(QUICK, patience=patience), later=lambda check: _unknown)
    answers = [answer for frame in frames for answer in tracker.push(frame, weight=weight)]
    assert statuses(answers) == ["tracked"] * 4 + ["doubtful"] * 3 + ["tracked"] * 5
    assert [answer.reference_id for answer in answers] == [0] * 7 + [1] * 5
    for answer in answers[4:7]:
        np.testing.assert_array_equal(answer.transform, answers[3].transform)


def test_face_in_doubt_is_lost_once_the_check_says_so(filmed):
    frames = [filmed(i, motion=0) for i in range(4)] + [SCENERY] * 4
    said = iter([None, None, False])
    patient = replace(QUICK, patience=50)
    tracker = FaceTracker(patient, later=lambda check: lambda gray, transform: next(said))
    answers = [answer for frame in frames for answer in tracker.push(frame)]
    assert statuses(answers) == ["tracked"] * 4 + ["doubtful"] * 2 + ["lost", "no_face"]


@pytest.fixture(scope="module")
def squinting(photo) -> np.ndarray:
    """The face with nothing about the eyes to hold on to; the lower nose is as it was."""
    picture = photo.copy()
    eyes = slice(88, 119), slice(170, 280)
    picture[eyes] = cv2.GaussianBlur(photo, (0, 0), 12)[eyes]
    return picture


@pytest.fixture(scope="module")
def squints(filmed, squinting) -> list[np.ndarray]:
    """Four frames of the face as it is, and those after them with the eyes screwed up."""
    return [filmed(i) for i in range(4)] + [filmed(i, picture=squinting) for i in range(4, 30)]


def follow(frames: list, config: FaceConfig) -> list[TrackedFace]:
    """Track without a detector that says whether the face is still there."""
    tracker = FaceTracker(config, later=lambda check: _unknown)
    return [answer for frame in frames for answer in tracker.push(frame)]


def test_face_in_doubt_is_followed_by_the_few_points_that_agree(squints, head_path):
    settings = replace(QUICK, patience=40)
    assert set(statuses(follow(squints, settings)[4:])) == {"doubtful"}
    answers = follow(squints, replace(settings, partial=True))
    assert set(statuses(answers)) == {"tracked"}
    assert {answer.reference_id for answer in answers} == {0}
    assert max(answer.inliers for answer in answers[4:]) < 15
    eye = np.array([[203.3, 102.0]])
    places = []
    for index, answer in enumerate(answers):
        assert answer.transform is not None
        places.append(apply(answer.transform, apply(head_path(index), eye)))
    assert np.ptp(places, axis=0).max() < 2.0  # px of the crop; the eye moves by 13 in the frame


def test_few_points_do_not_keep_a_track_for_ever(squints):
    answers = follow(squints[:12], replace(QUICK, patience=3, partial=True))
    # The detector, asked at last, sees no face without eyes.
    assert statuses(answers)[:7] == ["tracked"] * 6 + ["lost"]


def test_few_points_somewhere_else_are_not_believed(filmed, squinting):
    aside = np.array([[1.0, 0.0, 9.0], [0.0, 1.0, 0.0]])
    frames = [filmed(i, motion=0) for i in range(4)]
    frames += [filmed(i, motion=0, picture=squinting, extra=aside) for i in range(4, 6)]
    answers = follow(frames, replace(QUICK, patience=40, partial=True))
    assert statuses(answers) == ["tracked"] * 4 + ["doubtful"] * 2


def _unknown(gray: np.ndarray, transform: np.ndarray) -> None:
    del gray, transform


def test_renew_makes_the_next_frame_the_reference(filmed):
    tracker = FaceTracker(replace(QUICK, keyframe_frames=1))
    (before,) = tracker.push(filmed(0))
    tracker.renew()
    (after,) = tracker.push(filmed(10))
    assert (before.reference_id, after.reference_id) == (0, 1)
    assert after.crop is not None
    np.testing.assert_array_equal(after.crop, after.reference)


def test_change_of_size_starts_a_new_track(filmed):
    frames = [filmed(i, motion=0) for i in range(3)]
    frames += [filmed(i, motion=0, size=0.75) for i in range(3)]
    answers, _ = track(frames)
    assert statuses(answers) == ["tracked"] * 6
    assert [answer.reference_id for answer in answers] == [0, 0, 0, 1, 1, 1]


def test_largest_of_several_faces_is_followed(photo):
    face = photo[10:270, 110:340]
    scene = np.full((480, 640), 128, np.uint8)
    scene[100:296, 20:193] = cv2.resize(face, (173, 196), interpolation=cv2.INTER_AREA)
    scene[50:430, 250:590] = cv2.resize(face, (340, 380), interpolation=cv2.INTER_AREA)
    answers, _ = track([scene] * 3)
    assert answers[-1].faces == 2
    assert answers[-1].landmarks is not None
    assert (answers[-1].landmarks[:, 0] > 250).all()


def test_face_at_the_border_is_tracked_and_flagged(filmed):
    answers, _ = track([np.ascontiguousarray(filmed(i, motion=0)[:, 225:]) for i in range(4)])
    assert statuses(answers) == ["tracked"] * 4
    assert 0.5 < answers[-1].visible < 1


def test_track_the_detector_never_confirms_is_given_up(filmed):
    config = replace(QUICK, check_interval=5, detector=DetectorConfig(keep_score=99.0))
    answers, _ = track([filmed(index, motion=0) for index in range(11)], config)
    # Missed at the fifth frame after the keyframe and at the two after it; found anew.
    assert [answer.reference_id for answer in answers] == [0] * 7 + [1] * 4


def test_two_trackers_agree_bit_for_bit(filmed):
    frames = [filmed(index) for index in range(10)]
    one, other = track(frames)[0], track(frames)[0]
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.crop, b.crop)
        np.testing.assert_array_equal(a.transform, b.transform)


@pytest.mark.parametrize("angle", [-30, -15, 15, 30])
def test_roll_is_removed(filmed, probes_in_crop, angle):
    turn = cv2.getRotationMatrix2D((336, 180), angle, 1.0)
    upright, _ = track([filmed(i, motion=0) for i in range(2)])
    rolled, _ = track([filmed(i, motion=0, extra=turn) for i in range(2)])
    assert rolled[0].status is Status.TRACKED
    assert upright[0].transform is not None
    assert rolled[0].transform is not None
    straight = rolled[0].transform[:, :2] @ turn[:, :2]
    left = np.degrees(np.arctan2(straight[1, 0], straight[0, 0]))
    before = upright[0].transform
    assert left == pytest.approx(np.degrees(np.arctan2(before[1, 0], before[0, 0])), abs=4)
