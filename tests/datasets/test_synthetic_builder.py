"""The data set: built without TensorFlow, resumed after an interruption, the same every time."""

import itertools
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds

from mace.datasets.synthetic import rendering
from mace.datasets.synthetic.clips.clip import render_movements
from mace.datasets.synthetic.clips.config import ClipConfig
from mace.datasets.synthetic.clips.hands import Hand, paint_hands
from mace.datasets.synthetic.clips.subject import Subject
from mace.datasets.synthetic.clips.video import VideoPlan, plan_misleading_video, plan_video
from mace.datasets.synthetic.movement.action_units import AU_NAMES
from mace.datasets.synthetic.movement.prototypes import CLASSES, EMOTION_NAMES
from mace.datasets.synthetic.prepare import prepare
from mace.datasets.synthetic.presets import PRESETS, preset_named
from mace.datasets.synthetic.synthetic_dataset_builder import Builder
from mace.errors import ConfigError, DataError
from mace.face.similarity import apply

MINI = replace(
    PRESETS["tiny"],
    name="mini",
    subjects=2,
    clips=2,
    clip=replace(PRESETS["tiny"].clip, frames=8, width=240, height=200, eye_distance=60.0),
)


@pytest.fixture(scope="module")
def mini(tmp_path_factory) -> Path:
    return prepare(MINI, data_dir=tmp_path_factory.mktemp("mini"), workers=1)


def samples_of(folder: Path) -> dict[str, dict]:
    source = tfds.builder_from_directory(folder).as_data_source("train")
    return {sample["clip"].decode(): sample for sample in source}


def test_the_preset_comes_back_whole(mini):
    samples = samples_of(mini)
    assert sorted(samples) == ["EP01_01", "EP01_02", "EP02_01", "EP02_02"]
    assert "tensorflow" not in sys.modules
    for name, sample in samples.items():
        frames = np.stack(sample["frames"])
        assert frames.shape == (8, 128, 128, 1)
        assert frames.dtype == np.uint8
        assert sample["subject"].decode() == f"sub{name[2:4]}"
        assert sample["database"] == b"synthetic"
        assert sample["emotion"].decode() in CLASSES
        assert set(sample["aus"].decode().split()) <= set(AU_NAMES)
        assert 0 <= sample["onset"] < sample["apex"] < sample["offset"] < 8
        assert sample["apex_source"] == b"annotated"
        assert sample["quality"] == b"good"
        assert sample["fps"] == 200
        assert sample["transforms"].shape == (8, 2, 3)
        assert sample["landmarks"].shape == (5, 2)


def test_the_truth_fits_the_frames(mini):
    for sample in samples_of(mini).values():
        truth, size = sample["truth"], 128
        onset, apex = sample["onset"], sample["apex"]
        assert truth["au_weights"].shape == (8, len(AU_NAMES))
        shown = [AU_NAMES.index(au) for au in sample["aus"].decode().split()]
        assert (truth["au_weights"][apex, shown] > truth["au_weights"][onset, shown]).all()
        begin, end = (
            apply(sample["transforms"][k].astype(np.float64), truth["points"][k].astype(np.float64))
            for k in (onset, apex)
        )
        assert truth["motion"].shape == (size, size, 2)
        # Brows and nose; motion jumps at the lids and between the lips.
        columns, rows = begin[17:36].round().astype(int).T
        error = truth["motion"][rows, columns] - (end - begin)[17:36]
        assert np.abs(error).max() < 0.15
        assert np.median(np.abs(error)) < 0.02
        # The eyes lie where the face correction puts them.
        eyes = apply(
            sample["transforms"][onset].astype(np.float64),
            truth["eye_centres"][onset].astype(np.float64),
        )
        assert eyes == pytest.approx(np.array([[38.0, 46.0], [89.0, 46.0]]), abs=5)


def test_a_second_call_does_nothing_and_says_so(mini, capsys, monkeypatch):
    monkeypatch.setattr(rendering, "render_subject", None)
    assert prepare(MINI, data_dir=mini.parents[2], workers=1) == mini
    assert "already prepared" in capsys.readouterr().err


def test_nothing_is_said_of_settings_of_ones_own(mini):
    code = f"""
from pathlib import Path
from test_synthetic_builder import MINI
from mace.datasets.synthetic.prepare import prepare
prepare(MINI, data_dir=Path({str(mini.parents[2])!r}), workers=1)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parent,
    )  # fmt: skip
    assert done.stderr.splitlines() == [f"synthetic/mini is already prepared in {mini}"]


def test_an_interrupted_preparation_goes_on_where_it_was(tmp_path, monkeypatch):
    render, rendered = rendering.render_subject, []

    def fail_at_the_second(preset, seed, index):
        if index == 1 and len(rendered) == 1:
            raise KeyboardInterrupt
        rendered.append(index)
        return render(preset, seed, index)

    monkeypatch.setattr(rendering, "render_subject", fail_at_the_second)
    small = replace(MINI, clips=1)
    with pytest.raises(KeyboardInterrupt):
        prepare(small, data_dir=tmp_path, workers=1)
    waiting = [path.name for path in tmp_path.glob(".*.work/*.pickle")]
    assert waiting == ["sub01.pickle"]
    rendered.append(-1)
    path = prepare(small, data_dir=tmp_path, workers=1)
    assert rendered == [0, -1, 1]
    assert len(samples_of(path)) == 2
    assert not list(tmp_path.glob(".*.work"))


def test_work_of_other_settings_is_not_reused(tmp_path, monkeypatch):
    small = replace(MINI, subjects=1, clips=1)
    monkeypatch.setattr(rendering, "render_subject", lambda preset, seed, index: [])
    monkeypatch.setattr(Builder, "download_and_prepare", interrupt)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            prepare(small, data_dir=tmp_path, workers=1)
    (work,) = tmp_path.glob(".*.work")
    (work / "sub09.pickle").touch()
    with pytest.raises(KeyboardInterrupt):
        prepare(replace(small, clips=2), data_dir=tmp_path, workers=1)
    assert [path.name for path in work.glob("*.pickle")] == ["sub01.pickle"]


def interrupt(*arguments, **settings):
    raise KeyboardInterrupt


def test_the_number_of_workers_changes_nothing(mini, tmp_path):
    rendering.store_subjects(MINI, 0, tmp_path, workers=2)
    samples = samples_of(mini)
    stored = [sample for k in range(2) for sample in rendering.load_subject(tmp_path, k)]
    assert len(stored) == len(samples)
    for sample in stored:
        twin = samples[sample["clip"]]
        assert np.array_equal(sample["transforms"], twin["transforms"])
        assert np.array_equal(sample["truth"]["points"], twin["truth"]["points"])
        decoded = [rendering_decode(data) for data in sample["frames"]]
        assert np.array_equal(np.stack(decoded), np.stack(twin["frames"])[..., 0])


def rendering_decode(data: bytes) -> np.ndarray:
    import cv2

    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


def test_a_face_that_is_missed_is_rendered_again_with_another_seed(monkeypatch):
    asked = []

    def missed(preset, subject, index, clip, seed):
        asked.append(seed)
        if clip == 1 and len(asked) < 8:
            raise DataError("no face found")
        return {"clip": clip, "seed": seed}

    monkeypatch.setattr(rendering, "_clip", missed)
    samples = rendering.render_subject(MINI, 0, 0)
    assert [sample["clip"] for sample in samples] == [0, 1]
    assert samples[1]["seed"] == asked[-1]
    assert len(set(asked)) == len(asked) == 8


def test_a_face_that_is_never_found_ends_the_rendering(monkeypatch):
    def missed(preset, subject, index, clip, seed):
        raise DataError("no face found")

    monkeypatch.setattr(rendering, "_clip", missed)
    with pytest.raises(DataError, match="no face of person 1 of seed 0 in 16 poses; take another"):
        rendering.render_subject(MINI, 0, 0)


def test_of_a_dark_face_no_video_is_rendered_in_a_pose_in_which_the_detector_misses_it(monkeypatch):
    # This person is seen in few poses.
    rendered = []

    def render(*arguments, config, **settings):
        rendered.append(config.frames)
        return render_movements(*arguments, config=config, **settings)

    monkeypatch.setattr(rendering, "render_movements", render)
    long = PRESETS["long"]
    short = replace(long, clips=2, misleading=0, clip=replace(long.clip, frames=40))
    first, second = rendering.render_subject(short, 2, 2)
    assert first["quality"] == second["quality"] == "good"
    assert rendered.count(40) == 2
    assert rendered.count(2) > 20


def test_classes_are_balanced_over_each_preset():
    for preset in PRESETS.values():
        if preset.kind == "clips":
            count = preset.subjects * preset.clips
            assert count // len(CLASSES) >= 4
    tiny = PRESETS["tiny"]
    assert tiny.clips == len(CLASSES)


def test_a_planned_video_has_apart_and_valid_intervals():
    subject, config = Subject(3), PRESETS["long"].clip
    kinds = set()
    for seed in range(6):
        plan = plan_video(np.random.default_rng(seed), subject, config)
        events = plan.events(config.fps, config.frames)
        kinds |= {event.kind for event in events}
        faces = [event for event in events if event.kind != "blink"]
        assert len(faces) >= 2
        for event in events:
            assert 0 <= event.onset < event.apex < event.offset < config.frames
            seconds = (event.offset - event.onset) / config.fps
            assert seconds <= 0.51 if event.kind == "micro" else seconds < 2
        for before, after in itertools.pairwise(faces):
            assert after.onset - before.offset > 0.3 * config.fps
    assert kinds == {"micro", "macro", "blink"}


def test_a_misleading_video_begins_in_an_expression_and_has_hands_and_slow_blinks():
    subject, config = Subject(3), PRESETS["long"].clip
    kinds, begun = set(), 0
    for seed in range(8):
        plan = plan_misleading_video(np.random.default_rng(seed), subject, config)
        first, *others = plan.movements
        assert -1 < first.start < 0.31
        begun += first.start < 0
        assert len(others) >= 2
        events = plan.events(config.fps, config.frames)
        kinds |= {event.kind for event in events}
        # One that had begun before the video is no event; everything else is, and stands alone.
        assert len(events) == len(others) + (first.start >= 0) + len(plan.closures + plan.hands)
        for before, after in itertools.pairwise(events):
            assert after.onset - before.offset > 0.3 * config.fps
        assert all(event.offset < config.frames - 1 for event in events)
        slow = [event for event in events if event.kind == "blink"]
        assert all(0.4 < (event.offset - event.onset) / config.fps < 0.85 for event in slow)
    assert 0 < begun < 8
    assert kinds == {"micro", "macro", "blink", "hand"}


def test_lids_stay_shut_in_a_slow_blink():
    plan = VideoPlan((), (0.3,), closures=((1.0, 1.4),))
    config = ClipConfig.quiet(width=32, height=32, frames=100, fps=50.0, eye_distance=10.0)
    clip = render_movements(Subject(3), (), seed=1, config=config, blinks=plan.lids)
    shut = np.flatnonzero(clip.blink > 0.5 * clip.blink.max()) / 50
    once, slow = shut[shut < 0.6], shut[shut > 0.6]
    assert 0 < np.ptp(once) < 0.1
    np.testing.assert_allclose(slow, np.arange(slow[0], slow[-1] + 0.01, 0.02))
    np.testing.assert_allclose(slow[[0, -1]], [0.98, 1.42], atol=0.041)


def test_a_hand_comes_and_goes():
    hand = Hand(0.2, 0.1, 0.2, (0.0, 0.95, 0.6, 0.32), angle=np.pi / 2, shade=1.0)
    frames = np.random.default_rng(0).integers(90, 160, (30, 120, 160), dtype=np.uint8)
    eyes = np.broadcast_to(np.float32([[60, 40], [100, 40]]), (30, 2, 2))
    painted = paint_hands(frames, eyes, [hand], fps=30.0, seed=1)
    touched = (painted != frames).reshape(30, -1).any(axis=1)
    assert not touched[:6].any()
    assert touched[7:18].all()
    assert not touched[19:].any()
    there = painted[12] != frames[12]
    assert there[78, 80]
    assert not there[40].any()
    assert not there[78, 30]


def test_a_video_is_built_with_its_events(tmp_path):
    clip = replace(MINI.clip, frames=130, fps=50.0)
    video = replace(MINI, name="video", subjects=1, clips=1, kind="videos", clip=clip)
    (sample,) = samples_of(prepare(video, data_dir=tmp_path, workers=1)).values()
    events = sample["events"]
    assert len(np.stack(sample["frames"])) == 130
    assert len(events["onset"]) >= 1
    assert (np.array(events["onset"]) < np.array(events["apex"])).all()
    assert (np.array(events["apex"]) < np.array(events["offset"])).all()
    # Between the events of the face only the faint drift moves the muscles.
    rest = np.ones(130, bool)
    for onset, offset in zip(events["onset"], events["offset"], strict=True):
        rest[onset : offset + 1] = False
    face = np.delete(sample["truth"]["au_weights"], AU_NAMES.index("45"), axis=1)
    assert face[rest].max() < face[~rest].max()


@pytest.mark.slow
def test_pairs_are_built_as_clips_of_two_frames(tmp_path):
    pairs = replace(PRESETS["pairs"], name="couples", subjects=2, clips=2)
    samples = samples_of(prepare(pairs, data_dir=tmp_path, workers=1))
    assert sorted(samples) == ["pair01_01", "pair01_02", "pair02_01", "pair02_02"]
    for sample in samples.values():
        assert np.stack(sample["frames"]).shape == (2, 128, 128, 1)
        assert (sample["onset"], sample["apex"]) == (0, 1)
        assert sample["emotion"].decode() in EMOTION_NAMES
        assert sample["class_3"].decode() in ("negative", "positive", "surprise")
        assert np.abs(sample["truth"]["motion"]).max() > 0.1
        assert sample["truth"]["au_weights"].shape == (2, len(AU_NAMES))
        # The eye centres of the crop, up to the error of the framing and the turn of the head.
        corners = sample["landmarks"][[2, 3, 1, 0]] - [16, 12]
        eyes = corners.reshape(2, 2, 2).mean(1)
        assert np.abs(eyes - [[37.9, 46.08], [89.1, 46.08]]).max() < 8


def test_a_seed_below_0_is_refused_and_leaves_nothing(tmp_path):
    with pytest.raises(ConfigError, match="the seed is -1, expected 0 or more"):
        prepare("tiny", data_dir=tmp_path, seed=-1)
    assert not list(tmp_path.iterdir())


def test_presets_have_names():
    assert preset_named("demo").subjects == 24
    with pytest.raises(
        ConfigError, match="unknown preset 'huge'; known: tiny, demo, full, long, p"
    ):
        preset_named("huge")


def test_installed_as_part_of_mace_only(tmp_path):
    code = (
        "from importlib.util import find_spec\n"
        "import mace.datasets.synthetic.clips.clip\n"
        "import sys\n"
        "print(find_spec('datasets'), 'jax' in sys.modules, 'tensorflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["None", "False", "False"]
