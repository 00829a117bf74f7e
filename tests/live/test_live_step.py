"""The compiled step says what its parts say, keeps places apart, and may write over its state."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

from mace.bundle import Normalisation
from mace.config import to_dict
from mace.errors import ConfigError
from mace.export.loading import load_export
from mace.export.saving import export_bundle
from mace.face.config import CropConfig, FaceConfig
from mace.live.config import LiveConfig
from mace.live.step import StepInput, begin, live_motion, make_step, outside_flow
from mace.models.apply import init_model
from mace.models.config import ModelConfig
from mace.models.make import make_model
from mace.motion.config import MotionConfig, TvL1Config
from mace.motion.representation import channels, encode, measure_flow, represent
from mace.prediction import predict

pytestmark = pytest.mark.accelerator

CROP = 64
MOTIONS = {
    "dis": MotionConfig(size=28),
    "patches": MotionConfig(size=28, flow="patches"),
    "tvl1": MotionConfig(size=28, flow="tvl1", tvl1=TvL1Config(num_warp=1, num_iter=2)),
    "appearance": MotionConfig(size=28, representation="appearance"),
    "difference": MotionConfig(size=28, representation="difference"),
}


@pytest.fixture(scope="module", params=MOTIONS)
def motion(request):
    """Tests go through one motion after the other, so that a step is compiled once."""
    return request.param


@pytest.fixture(scope="module")
def rests(motion):
    """Whether there is flow, whose mean can be taken out."""
    return motion in {"dis", "patches", "tvl1"}


@pytest.fixture(scope="module")
def models(bundle):
    """A small network for every kind of motion, with crops of 64 px."""

    def made(motion):
        depth = channels(motion)
        config = ModelConfig(widths=(8, 8), depths=(1, 1), stem_stride=2)
        variables = init_model(make_model(config, 3), jax.random.key(0), (28, 28, depth))
        return dataclasses.replace(
            bundle,
            model=config,
            motion=motion,
            face=to_dict(FaceConfig(crop=CropConfig(size=CROP))),
            normalisation=Normalisation(kind="image", mean=(0.0,) * depth, std=(1.0,) * depth),
            variables=jax.device_get(variables),
        )

    return {name: made(motion) for name, motion in MOTIONS.items()}


@pytest.fixture(scope="module")
def crops(scene):
    """A neutral crop and four others that have moved a little, of two people."""
    pictures = [
        [scene([(who, 100 + 0.4 * i, 100)], index=i, size=(200, 260)) for i in range(5)]
        for who in (0, 1)
    ]
    return np.array([[one[60 : 60 + CROP, 68 : 68 + CROP] for one in row] for row in pictures])


def given(model, reference, target, *, keep=0.0, resting=False, renewed=False, where=None):
    count = len(reference)
    return StepInput(
        reference=reference,
        target=target,
        flow=outside_flow(
            reference, target, motion=model.motion, where=range(count) if where is None else where
        ),
        keep=np.broadcast_to(np.asarray(keep, np.float32), count).copy(),
        resting=np.broadcast_to(np.asarray(resting), count).copy(),
        renewed=np.broadcast_to(np.asarray(renewed), count).copy(),
    )


def test_the_step_says_what_its_parts_say(models, crops, motion, rests):
    model = models[motion]
    step = make_step(model, faces=1, crop=CROP, rests=rests)
    state = begin(model, faces=1, crop=CROP, rests=rests)
    reference, expected = crops[:1, 0], np.zeros(3)
    for index, keep in ((1, 0.0), (2, 0.75), (3, 0.5)):
        target = crops[:1, index]
        state, output = step(state, given(model, reference, target, keep=keep))
        inputs = np.asarray(represent(reference, target, config=model.motion))
        # TV-L1 iterates, and adds up its roundings, which differ by processor.
        within = 1e-4 if motion == "tvl1" else 2e-5
        np.testing.assert_allclose(output.images, inputs, atol=within)
        plain = predict(model, inputs)[0]
        np.testing.assert_allclose(output.probabilities[0], plain, atol=1e-4)
        expected = keep * expected + (1 - keep) * plain
        np.testing.assert_allclose(output.smoothed[0], expected, atol=1e-4)


def test_two_at_once_get_what_each_gets_alone(models, crops, motion, rests):
    model = models[motion]
    together = make_step(model, faces=2, crop=CROP, rests=rests)
    alone = make_step(model, faces=1, crop=CROP, rests=rests)
    both = begin(model, faces=2, crop=CROP, rests=rests)
    each = [begin(model, faces=1, crop=CROP, rests=rests) for _ in range(2)]
    for index, keep in ((1, [0.0, 0.0]), (2, [0.3, 0.9])):
        both, output = together(both, given(model, crops[:, 0], crops[:, index], keep=keep))
        for who in (0, 1):
            only = slice(who, who + 1)
            asked = given(model, crops[only, 0], crops[only, index], keep=keep[who])
            each[who], single = alone(each[who], asked)
            for name in ("images", "probabilities", "smoothed"):
                pair = getattr(output, name)[who], getattr(single, name)[0]
                # TV-L1 iterates, and adds up its roundings.
                within = 3e-4 if motion == "tvl1" else 1e-5
                np.testing.assert_allclose(*pair, atol=within, err_msg=name)


def test_a_place_nobody_is_in_keeps_its_state(models, crops, motion, rests):
    model = models[motion]
    step = make_step(model, faces=2, crop=CROP, rests=rests)
    state = begin(model, faces=2, crop=CROP, rests=rests)
    full = given(model, crops[:, 0], crops[:, 1], resting=rests, renewed=True)
    state, _ = step(state, full)
    before = jax.tree.map(np.array, state)
    blank = np.zeros((1, CROP, CROP), np.uint8)
    reference = np.concatenate([crops[:1, 0], blank])
    target = np.concatenate([crops[:1, 2], blank])
    state, output = step(state, given(model, reference, target, keep=[0.5, 1.0], where=[0]))
    np.testing.assert_array_equal(state.smoothed[1], before.smoothed[1])
    np.testing.assert_array_equal(state.rested, [float(rests)] * 2)
    if rests:
        np.testing.assert_array_equal(state.rest[1], before.rest[1])
    assert np.abs(state.smoothed[0] - before.smoothed[0]).max() > 0
    assert np.isfinite(output.images).all()
    assert np.isfinite(output.smoothed).all()


def test_what_is_no_number_leaves_with_the_person(models, crops, motion, rests):
    model = models[motion]
    step = make_step(model, faces=1, crop=CROP, rests=rests)
    broken = begin(model, faces=1, crop=CROP, rests=rests)
    broken = dataclasses.replace(broken, smoothed=jnp.full((1, 3), jnp.nan))
    _, output = step(broken, given(model, crops[:1, 0], crops[:1, 1], keep=0.0))
    assert np.isfinite(output.smoothed).all()


def test_the_neutral_time_is_taken_out_until_the_reference_changes(models, crops, motion, rests):
    model = models[motion]
    step = make_step(model, faces=1, crop=CROP, rests=rests)
    state = begin(model, faces=1, crop=CROP, rests=rests)
    reference = crops[:1, 0]

    def run(index, **how):
        nonlocal state
        state, output = step(state, given(model, reference, crops[:1, index], **how))
        return np.asarray(output.images)[0]

    plain = [run(i, renewed=True) for i in (1, 2, 3)]
    run(1, renewed=True, resting=True)
    resting = run(2, resting=True)
    np.testing.assert_allclose(resting, plain[1], atol=1e-6)  # what rests is shown as it is
    if not rests:  # a picture has no motion that could be taken out
        np.testing.assert_array_equal(run(3), plain[2])
        return
    assert float(state.rested[0]) == 2
    flows = [
        np.asarray(measure_flow(reference, crops[:1, i], config=model.motion)) for i in (1, 2, 3)
    ]
    moved = flows[2] - (flows[0] + flows[1]) / 2
    expected = np.asarray(encode(reference, crops[:1, 3], moved, config=model.motion))[0]
    np.testing.assert_allclose(run(3), expected, atol=1e-4)
    assert np.abs(expected - plain[2]).max() > 0.01
    np.testing.assert_allclose(run(3, renewed=True), plain[2], atol=1e-6)
    assert float(state.rested[0]) == 0


def test_state_that_was_given_up_does_not_spoil_earlier_predictions(models, crops, motion, rests):
    model = models[motion]
    step = make_step(model, faces=2, crop=CROP, rests=rests)
    state, kept = begin(model, faces=2, crop=CROP, rests=rests), []
    for number in range(12):
        asked = given(model, crops[:, 0], crops[:, 1 + number % 4], keep=0.5)
        old = state
        state, output = step(state, asked)
        views = [np.asarray(one) for one in jax.tree.leaves(output)]
        kept.append((views, [view.copy() for view in views]))
        assert old.smoothed.is_deleted()
    for views, copies in kept:
        for view, copy in zip(views, copies, strict=True):
            np.testing.assert_array_equal(view, copy)


def test_an_exported_network_runs_in_the_step(models, crops, motion, rests, tmp_path):
    model = models[motion]
    pytest.importorskip("flatbuffers")
    export_bundle(model, tmp_path / "net", platforms=(export.default_export_platform(),))
    exported = load_export(tmp_path / "net")
    found = []
    for one in (model, exported):
        step = make_step(one, faces=2, crop=CROP, rests=rests)
        state = begin(one, faces=2, crop=CROP, rests=rests)
        asked = given(one, crops[:, 0], crops[:, 3], keep=0.25)
        found.append(step(state, asked)[1])
    for name in ("images", "probabilities", "smoothed"):
        np.testing.assert_allclose(*(getattr(one, name) for one in found), atol=1e-5)


def test_flow_images_cannot_be_measured_live(models):
    model = dataclasses.replace(models["dis"], motion=MotionConfig(size=28, flow="images"))
    with pytest.raises(ConfigError, match=r"motion\.flow"):
        make_step(model, faces=1, crop=CROP, rests=False)


@pytest.mark.parametrize(
    ("asked", "live", "fast"),
    [
        ("auto", True, True),
        ("auto", False, False),
        ("fast", False, True),
        ("trained", True, False),
    ],
)
def test_live_sources_alone_get_the_fast_flow_unless_asked(models, asked, live, fast):
    model = models["dis"]
    motion = live_motion(model, LiveConfig(flow=asked), live=live)
    assert motion == (dataclasses.replace(model.motion, flow="patches") if fast else model.motion)
