"""What only many people can show: all faces are found, they differ, and stills say nothing."""

import importlib.util

import dlib
import numpy as np
import pytest

from mace.data.loading import load_clips
from mace.datasets.synthetic.clips.clip import render_clip
from mace.datasets.synthetic.clips.config import ClipConfig
from mace.datasets.synthetic.clips.subject import Subject
from mace.datasets.synthetic.prepare import prepare

PEOPLE = 24
# dlib's own threshold: two photographs nearer than this are taken for the same person.
SAME_PERSON = 0.6

pytestmark = pytest.mark.slow


def models() -> str:
    spec = importlib.util.find_spec("face_recognition_models")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return f"{next(iter(spec.submodule_search_locations))}/models"


def test_every_face_is_found_and_nearly_half_of_the_pairs_are_strangers():
    detect = dlib.get_frontal_face_detector()
    locate = dlib.shape_predictor(f"{models()}/shape_predictor_5_face_landmarks.dat")
    describe = dlib.face_recognition_model_v1(
        f"{models()}/dlib_face_recognition_resnet_model_v1.dat"
    )
    config = ClipConfig(frames=2, blink=0)
    descriptors = []
    for seed in range(PEOPLE):
        gray = render_clip(Subject(seed), aus={}, seed=1, config=config).frames[0]
        rgb = np.repeat(gray[..., None], 3, axis=-1)
        faces = detect(rgb, 0)
        assert len(faces) == 1, f"subject {seed}"
        descriptors.append(np.array(describe.compute_face_descriptor(rgb, locate(rgb, faces[0]))))
    stacked = np.stack(descriptors)
    distance = np.linalg.norm(stacked[:, None] - stacked[None], axis=-1)
    pairs = distance[np.triu_indices(PEOPLE, 1)]
    # The recogniser was made for colour, of which these pictures have none.
    assert (pairs > SAME_PERSON).mean() >= 0.45


def test_a_still_apex_frame_does_not_tell_the_emotion(tmp_path):
    from sklearn.linear_model import RidgeClassifier
    from sklearn.model_selection import LeaveOneGroupOut, cross_val_score

    clips = load_clips(prepare("demo", data_dir=tmp_path))
    stills = np.stack([clip.frames[clip.apex][::4, ::4].ravel() / 255.0 for clip in clips])
    emotions = np.array([clip.emotion for clip in clips])
    people = np.array([clip.subject for clip in clips])
    scores = cross_val_score(
        RidgeClassifier(alpha=100.0), stills, emotions, groups=people, cv=LeaveOneGroupOut()
    )
    # Five balanced classes; two and a half standard errors of 288 clips above chance.
    assert scores.mean() < 0.2 + 2.5 * (0.2 * 0.8 / len(clips)) ** 0.5
