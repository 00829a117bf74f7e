"""A keyframe from the landmarks of several frames."""

import numpy as np
import pytest

from mace.face.config import FaceConfig
from mace.face.detector import FaceDetector
from mace.face.draft import Draft
from mace.face.landmarks import Landmarker
from mace.face.similarity import apply

CONFIG = FaceConfig(keyframe_frames=3, boxes=1)


@pytest.fixture(scope="module")
def landmarker() -> Landmarker:
    return Landmarker(CONFIG.landmarks)


@pytest.fixture
def draft(filmed, landmarker) -> Draft:
    first = filmed(0)
    face = FaceDetector().detect(first)[0]
    return Draft(7, first, face, landmarker.locate(first, face), CONFIG)


def test_it_wants_as_many_frames_as_configured(draft, filmed, landmarker):
    assert [draft.add(index, filmed(index), landmarker) for index in (8, 9)] == [False, True]
    assert [index for index, _ in draft.waiting] == [7, 8, 9]


def test_landmarks_are_the_median_as_they_lie_in_the_first_frame(draft, filmed, landmarker):
    alone = draft.keyframe()
    for index in (20, 40):  # the head has moved by several px meanwhile
        draft.add(index, filmed(index), landmarker)
    together = draft.keyframe()
    assert 0 < np.abs(together.landmarks - alone.landmarks).max() < 1.5
    eyes = apply(together.transform, together.landmarks[:4].reshape(2, 2, 2).mean(axis=1))
    np.testing.assert_allclose(eyes[::-1], CONFIG.crop.eyes, atol=1e-9)


def test_a_frame_that_cannot_be_read_only_waits(draft, landmarker):
    before = draft.keyframe().landmarks
    assert not draft.add(8, None, landmarker)
    np.testing.assert_array_equal(draft.keyframe().landmarks, before)
    assert draft.waiting[1] == (8, None)


def test_it_ends_where_the_face_does_not_register(draft, landmarker):
    nobody = np.random.default_rng(0).integers(0, 255, (480, 640)).astype(np.uint8)
    assert draft.add(8, nobody, landmarker)
    assert len(draft.waiting) == 2


def test_frames_may_be_written_over(draft, filmed, landmarker):
    frame = filmed(1)
    draft.add(8, frame, landmarker)
    kept = frame.copy()
    frame[:] = 0
    np.testing.assert_array_equal(draft.waiting[1][1], kept)
