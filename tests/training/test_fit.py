import json
import signal
from dataclasses import replace
from importlib.util import find_spec

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import TypeCheckError, jaxtyped
from training_cases import CONFIG, make_set, signalling
from typechecking import typechecker

from mace.augment.config import NO_AUGMENT
from mace.config import from_dict
from mace.data.motion_set import MotionSet
from mace.errors import ConfigError, DataError, OutputError, TrainingError
from mace.prediction import normalise, predict, predict_clips
from mace.training.compiling import COMPILATIONS
from mace.training.config import OptimiserConfig, TrainConfig
from mace.training.fit import fit, train_population
from mace.training.member import Member
from mace.training.plan import Plan
from mace.training.program import Program
from mace.training.sampling import draw
from mace.training.signals import Interrupted
from mace.training.state import make_fold

pytestmark = pytest.mark.accelerator

SET = make_set()
TRAIN = range(20)
FAST = replace(CONFIG, epochs=20, augment=NO_AUGMENT, optimiser=OptimiserConfig(learning_rate=0.03))


def test_a_network_learns_what_is_easy():
    fitted = fit(SET, TRAIN, config=FAST)
    assert fitted.history[-1]["loss"] < 0.5 * fitted.history[0]["loss"]
    probabilities = predict(fitted, SET.inputs[20:, 0])
    np.testing.assert_allclose(probabilities.sum(-1), 1.0, rtol=1e-5)
    assert probabilities.argmax(-1).tolist() == SET.labels[20:].tolist()
    assert fitted.chosen_epoch == 20
    assert fitted.history[-1]["step"] == 60


def test_folds_of_any_size_share_one_compiled_program():
    config = replace(CONFIG, batch_size=7)  # of its own: no other test shares, and counts, these
    before = COMPILATIONS.count
    fits = [
        fit(SET, np.flatnonzero(SET.groups != fold), config=replace(config, epochs=2), seed=fold)
        for fold in range(3)
    ]
    fits.append(fit(SET, range(9), config=replace(config, ema=0.5)))
    assert COMPILATIONS.count - before <= 6  # start, order and step, with and without a mean
    assert len({fitted.history[0]["loss"] for fitted in fits}) == 4


def test_the_same_arguments_give_the_same_parameters_and_another_seed_others():
    one, again = (fit(SET, TRAIN, config=CONFIG, seed=7) for _ in range(2))
    jax.tree.map(np.testing.assert_array_equal, one.variables, again.variables)
    shuffled = fit(SET, list(reversed(TRAIN)), config=CONFIG, seed=7)
    jax.tree.map(np.testing.assert_array_equal, one.variables, shuffled.variables)
    other = fit(SET, TRAIN, config=CONFIG, seed=8)
    assert one.history[-1]["loss"] != other.history[-1]["loss"]


def test_nothing_is_learnt_from_clips_outside_the_training_index():
    inputs = SET.inputs.copy()
    inputs[20:] = np.nan
    spoilt = replace(SET, inputs=inputs, labels=np.r_[SET.labels[:20], [0] * 4].astype(np.int32))
    config = replace(CONFIG, epochs=2)
    clean, other = fit(SET, TRAIN, config=config), fit(spoilt, TRAIN, config=config)
    assert clean.normalisation == other.normalisation
    jax.tree.map(np.testing.assert_array_equal, clean.variables, other.variables)


def test_the_best_epoch_on_validation_clips_is_kept_and_patience_ends_the_run(monkeypatch):
    scores = iter([0.2, 0.6, 0.5, 0.6, 0.1, 0.9])
    monkeypatch.setattr("mace.training.run.uf1", lambda counts: next(scores))
    config = replace(CONFIG, epochs=6, selection="best", patience=2)
    fitted = fit(SET, TRAIN, config=config, validation_index=[20, 21, 22])
    assert [row["validation_uf1"] for row in fitted.history] == [0.2, 0.6, 0.5, 0.6]
    assert fitted.chosen_epoch == 2


@pytest.mark.parametrize(
    "change",
    [
        {"model": replace(CONFIG.model, dtype="bfloat16")},
        {"ema": 0.9, "mixup": 0.3, "normalise": "image"},
    ],
)
def test_options_train_to_finite_float32_parameters(change):
    fitted = fit(SET, TRAIN, config=replace(FAST, epochs=8, **change))
    leaves = jax.tree.leaves(fitted.variables)
    assert {str(leaf.dtype) for leaf in leaves} == {"float32"}
    assert all(np.isfinite(leaf).all() for leaf in leaves)
    assert fitted.history[-1]["loss"] < fitted.history[0]["loss"]


def test_pair_average_is_the_mean_over_the_pairs_of_a_clip():
    fitted = fit(SET, TRAIN, config=replace(FAST, epochs=1))
    inputs = SET.inputs[20:]
    pairs = [predict(fitted, inputs[:, v]) for v in range(inputs.shape[1])]
    assert len(pairs) > 1
    averaged = predict_clips(fitted, inputs, pair_average=True)
    np.testing.assert_allclose(averaged, np.mean(pairs, axis=0), rtol=1e-5)
    assert np.abs(averaged - pairs[0]).max() > 1e-4
    np.testing.assert_array_equal(predict_clips(fitted, inputs, pair_average=False), pairs[0])


def test_flip_average_makes_the_prediction_of_a_clip_and_its_mirror_equal():
    fitted = fit(SET, TRAIN, config=replace(FAST, epochs=1, flip_average=True))
    inputs = SET.inputs[:5, 0]
    mirrored = inputs[:, :, ::-1] * np.array([-1, 1, 1], np.float32)
    np.testing.assert_allclose(predict(fitted, inputs), predict(fitted, mirrored), atol=1e-6)
    single = replace(fitted, config=replace(fitted.config, flip_average=False))
    assert np.abs(predict(single, inputs) - predict(single, mirrored)).max() > 1e-4


def test_prediction_does_not_depend_on_the_number_of_inputs():
    fitted = fit(SET, TRAIN, config=replace(FAST, epochs=1))
    inputs = np.tile(SET.inputs[:, 0], (2, 1, 1, 1))
    together = predict(fitted, inputs)
    assert together.shape == (48, 3)
    np.testing.assert_allclose(together[40:], predict(fitted, inputs[40:]), rtol=1e-5)
    assert predict(fitted, inputs[:0]).shape == (0, 3)


def test_a_loss_that_is_not_a_number_names_the_step(tmp_path):
    inputs = SET.inputs.copy()
    inputs[3] = np.nan
    spoilt = replace(SET, inputs=inputs, fingerprint="")
    with pytest.raises(TrainingError, match=r"not a number in step 1 \(epoch 1\); try a lower"):
        fit(spoilt, TRAIN, config=CONFIG, run_dir=tmp_path)
    assert list((tmp_path / "checkpoints/latest").iterdir()) == []
    assert (tmp_path / "metrics.jsonl").read_text() == ""


def test_a_run_folder_holds_its_configuration_and_a_row_an_epoch(tmp_path):
    config = replace(CONFIG, epochs=2)
    fitted = fit(SET, TRAIN, config=config, run_dir=tmp_path, validation_index=[21])
    assert from_dict(TrainConfig, json.loads((tmp_path / "config.json").read_text())) == config
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert rows == list(fitted.history)
    assert [set(row) for row in rows] == [
        {"epoch", "step", "loss", "accuracy", "gradient_norm", "validation_uf1"}
    ] * 2
    events = list((tmp_path / "tensorboard").glob("events.out.tfevents.*"))
    assert len(events) == (find_spec("tensorboardX") is not None)


def test_ctrl_c_without_a_folder_says_that_nothing_was_saved(monkeypatch):
    interrupted = signalling(Program.advance, 1, signal.SIGINT)
    monkeypatch.setattr(Program, "advance", interrupted)
    before = signal.getsignal(signal.SIGINT)  # a shell's background jobs ignore it
    # An accelerator takes all steps of an epoch in one program.
    loops = jax.default_backend() != "cpu"
    place = r"step 3 \(epoch 2 of 4\)" if loops else r"step 1 \(epoch 1 of 4\)"
    with pytest.raises(Interrupted, match=rf"SIGINT .* {place}; nothing was saved"):
        fit(SET, TRAIN, config=CONFIG)
    assert signal.getsignal(signal.SIGINT) == before


def test_a_folder_that_cannot_be_written_to_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot write the checkpoint .*Not a directory"):
        fit(SET, TRAIN, config=CONFIG, run_dir=tmp_path / "file" / "run")


def _narrow() -> MotionSet:
    return replace(SET, inputs=SET.inputs[..., :1], fingerprint="")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"train_index": []}, DataError, "train_index is empty"),
        ({"train_index": [0, 24]}, DataError, "train_index has the position 24, expected 0 to 23"),
        ({"train_index": [-1]}, DataError, "position -1"),
        ({"validation_index": [3]}, DataError, "among the training clips"),
        ({"motion_set": _narrow()}, DataError, "have 1 channels, but flow has 3"),
        ({"config": replace(CONFIG, selection="best")}, ConfigError, "needs validation clips"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(arguments, error, message):
    arguments = {"motion_set": SET, "train_index": TRAIN, "config": CONFIG} | arguments
    with pytest.raises(error, match=message):
        fit(arguments.pop("motion_set"), arguments.pop("train_index"), **arguments)


def test_a_loop_on_the_device_takes_the_same_steps():
    config = replace(CONFIG, epochs=2)
    stepped = fit(SET, TRAIN, config=config)
    plan = Plan(kind="step", loop="scan", convolutions="native")
    (looped,) = train_population(SET, [Member(config=config, train_index=TRAIN)], plan=plan)
    for one, other in zip(looped.history, stepped.history, strict=True):
        assert one == pytest.approx(other, rel=1e-4)


@pytest.mark.skipif(typechecker is None, reason="beartype is not installed")
def test_annotations_hold():
    inputs, labels = jnp.asarray(SET.inputs), jnp.asarray(SET.labels)
    fold = jax.tree.map(jnp.asarray, make_fold(SET, np.arange(20), config=CONFIG, seed=0))
    options = {"batch_size": 8, "temporal": True, "mixup": 0.2}
    checked = jaxtyped(draw, typechecker=typechecker)
    assert checked(inputs, labels, fold, jnp.int32(0), **options).images.shape == (8, 28, 28, 3)
    with pytest.raises(TypeCheckError, match="labels"):
        checked(inputs, labels[:5], fold, jnp.int32(0), **options)
    checked = jaxtyped(normalise, typechecker=typechecker)
    assert checked(inputs[:, 0], fold.mean, fold.std, kind="training").shape == (24, 28, 28, 3)
    with pytest.raises(TypeCheckError, match="std"):
        checked(inputs[:, 0], fold.mean, fold.std[:2], kind="training")
