"""Many trainings in one program: the numbers of `fit`, whoever else is there."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import optax
import pytest
from training_cases import CONFIG, make_set

from mace.augment.config import AugmentConfig
from mace.bundle import Bundle
from mace.errors import ConfigError
from mace.losses.config import LossConfig
from mace.models.config import ModelConfig
from mace.training.compiling import COMPILATIONS
from mace.training.config import FineTuneConfig, OptimiserConfig
from mace.training.fit import each_trained, fit, train_population
from mace.training.hyper import same_shape, stacked
from mace.training.member import Member
from mace.training.optimiser import learning_rate
from mace.training.plan import Plan, device_memory, fitted_to_memory, make_plan
from mace.training.population import Population

pytestmark = pytest.mark.accelerator

SET = make_set(24)
STEP = Plan(kind="step")
TWO = Plan(kind="vmap", chunk=2)
HERE = Path(__file__).parent


def varied(**changes):
    """A configuration with every kind of scalar on, so that all of them share one program."""
    settings = {"rate": 0.01, "dropout": 0.1, "gamma": 2.0, "noise": 0.1} | changes
    return replace(
        CONFIG,
        epochs=3,
        model=replace(CONFIG.model, dropout=settings["dropout"]),
        optimiser=OptimiserConfig(learning_rate=settings["rate"]),
        loss=LossConfig(kind="focal", gamma=settings["gamma"]),
        augment=AugmentConfig(noise=settings["noise"]),
    )


def members(**changes):
    """Three members that differ in fold (20, 20 and 12 clips), seed and scalars."""
    return [
        Member(config=varied(**changes), train_index=np.arange(20), seed=1, name="first"),
        Member(
            config=varied(rate=0.003, dropout=0.3, gamma=0.5, noise=0.0),
            train_index=np.arange(4, 24),
            seed=2,
        ),
        Member(config=varied(dropout=0.0), train_index=np.arange(12), seed=3),
    ]


def distance(one, other):
    gaps = jax.tree.map(lambda a, b: np.abs(np.asarray(a) - np.asarray(b)).max(), one, other)
    return float(max(jax.tree.leaves(gaps)))


@pytest.fixture(scope="module")
def trained():
    return train_population(SET, members(), plan=TWO)


def test_same_as_fit(trained):
    for member, result in list(zip(members(), trained, strict=True))[1:]:
        alone = fit(SET, member.train_index, config=member.config, seed=member.seed)
        assert result.status == "finished"
        assert distance(result.fitted.variables, alone.variables) < 2e-4
        assert [row["step"] for row in result.history] == [row["step"] for row in alone.history]
        for row, expected in zip(result.history, alone.history, strict=True):
            assert row == pytest.approx(expected, rel=2e-3)
        assert result.fitted.normalisation == alone.normalisation


def test_alone_and_among_others_bit_for_bit(trained):
    (alone,) = train_population(SET, members()[:1], plan=TWO)
    assert distance(alone.fitted.variables, trained[0].fitted.variables) == 0
    assert alone.history == trained[0].history


@pytest.mark.slow
def test_one_after_the_other(trained):
    for plan in (STEP, replace(STEP, loop="python", convolutions="native")):
        for result, expected in zip(
            train_population(SET, members(), plan=plan), trained, strict=True
        ):
            assert distance(result.fitted.variables, expected.fitted.variables) < 2e-4


@pytest.mark.slow
def test_side_by_side(trained):
    lanes = replace(STEP, lanes=2)
    together = train_population(SET, members(), plan=lanes)
    (alone,) = train_population(SET, members()[2:], plan=lanes)
    assert distance(together[2].fitted.variables, alone.fitted.variables) == 0
    for result, expected in zip(together, trained, strict=True):
        assert distance(result.fitted.variables, expected.fitted.variables) < 2e-4


def test_what_an_interruption_left_is_computed_as_all_of_them():
    four = [*members(), *members()[:1]]
    whole = Population(SET, four)
    left = Population(SET, four[2:3], planned_for=len(four))
    assert str(left.plan) == str(whole.plan) != str(Population(SET, four[2:3]).plan)


def test_a_failure_ends_all_lanes(monkeypatch):
    population = Population(SET, members(), plan=replace(STEP, lanes=2))
    first = population._chunks[0]

    def fail(*_):
        raise MemoryError("no more")

    monkeypatch.setattr(first, "train_epoch", fail)
    with pytest.raises(MemoryError, match="no more"):
        population.advance()
    assert population.histories[0] == []


def test_a_diverged_member_takes_nobody_along(trained):
    lines = []
    wild = members()
    # Every step multiplies the kernels by up to -99, until they are no numbers.
    optimiser = OptimiserConfig(learning_rate=10.0, weight_decay=10.0)
    wild[0] = replace(wild[0], config=replace(wild[0].config, epochs=40, optimiser=optimiser))
    each = list(each_trained(SET, wild, plan=TWO, log=lines.append))
    # Whoever gives up at one that diverged has the others of its chunk already.
    assert [i for i, _ in each] == [1, 0, 2]
    results = dict(each)
    assert results[0].status == "diverged"
    assert results[0].fitted is None
    assert "the loss is not a number in step" in results[0].reason
    assert 0 < len(results[0].history) < 40
    assert any("first diverged" in line for line in lines)
    for i in (1, 2):  # member 2 waits beside an empty place
        assert distance(results[i].fitted.variables, trained[i].fitted.variables) == 0


def test_best_epoch_and_patience_are_those_of_fit():
    config = replace(varied(), epochs=6, selection="best", patience=2)
    asked = [
        Member(config=config, train_index=np.arange(8, 24), validation_index=np.arange(8), seed=0),
        Member(
            config=replace(config, patience=6),
            train_index=np.arange(12),
            validation_index=np.arange(12, 24),
            seed=1,
        ),
    ]
    for member, result in zip(asked, train_population(SET, asked, plan=TWO), strict=True):
        alone = fit(
            SET,
            member.train_index,
            config=member.config,
            seed=member.seed,
            validation_index=member.validation_index,
        )
        scores = [row["validation_uf1"] for row in alone.history]
        assert [row["validation_uf1"] for row in result.history] == pytest.approx(scores, abs=1e-6)
        assert result.fitted.chosen_epoch == alone.chosen_epoch
        assert distance(result.fitted.variables, alone.variables) < 2e-4


def test_members_that_are_left_out_make_room():
    four = [*members(), Member(config=varied(), train_index=np.arange(16), seed=4)]
    four = [replace(member, validation_index=np.arange(20, 24)) for member in four[:1]] + four[1:]
    population = Population(SET, four, plan=TWO)
    scores = population.advance(1)
    assert 0 <= scores[0] <= 1
    assert np.isnan(scores[1:]).all()
    population.keep([1, 3])
    assert population.learning == [1, 3]
    population.advance()
    results = population.results()
    assert [result.status for result in results] == ["stopped", "finished"] * 2
    assert results[0].reason == "left out after epoch 1"
    assert len(results[0].history) == 1
    whole = train_population(SET, members(), plan=TWO)
    assert distance(results[1].fitted.variables, whole[1].fitted.variables) == 0
    with pytest.raises(ConfigError, match="no member 4 among 4"):
        population.keep([4])


def test_folds_times_settings_compile_a_handful():
    folds = [np.flatnonzero(SET.groups != group) for group in range(6)]
    many = [
        Member(config=replace(varied(rate=rate), epochs=1, batch_size=6), train_index=fold)
        for rate in (0.01, 0.003, 0.001, 0.0003)
        for fold in folds
    ]
    lines = []
    before = COMPILATIONS.count
    results = train_population(SET, many, plan=STEP, log=lines.append)
    assert len(results) == 24
    assert COMPILATIONS.count - before == 2  # the start and the epoch
    assert "24 members, 2 programs compiled in" in lines[-1]


def test_shapes_are_told_apart():
    wide = replace(varied(), model=replace(CONFIG.model, widths=(6,)))
    two = [*members()[:1], Member(config=wide, train_index=np.arange(20))]
    with pytest.raises(ConfigError, match="differs from the first in more than numbers"):
        Population(SET, two, plan=TWO)
    with pytest.raises(ConfigError, match="without members"):
        Population(SET, [])


def test_plan_says_why(monkeypatch):
    monkeypatch.setattr("mace.training.plan._cores", lambda: 4)
    small = make_plan(ModelConfig(stem_stride=1), 28, members=68, backend="cpu")
    assert (small.kind, small.loop, small.convolutions) == ("step", "scan", "products")
    assert small.lanes == 4
    assert make_plan(ModelConfig(), 28, members=3, backend="cpu").lanes == 3
    large = make_plan(ModelConfig(), 128, members=68, backend="cpu")
    assert (large.kind, large.loop, large.convolutions) == ("step", "python", "native")
    gpu = make_plan(ModelConfig(stem_stride=1), 28, members=50, devices=1, backend="gpu")
    assert (gpu.kind, gpu.chunk, gpu.devices) == ("vmap", 50, 1)
    assert "one loop" in gpu.why
    assert gpu.why in str(gpu)
    count = jax.local_device_count()
    with pytest.raises(ConfigError, match=f"has {count} of kind {jax.default_backend()}"):
        make_plan(ModelConfig(), 28, members=count + 1, devices=count + 1)
    with pytest.raises(ConfigError, match="expected 1"):
        Plan(kind="step", chunk=2)
    with pytest.raises(ConfigError, match="lanes 0"):
        Plan(lanes=0)


@pytest.mark.slow
def test_eight_devices_share_members_and_never_meet():
    child = subprocess.run(
        [sys.executable, HERE / "child_population.py"],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert child.returncode == 0, child.stderr[-3000:]
    found = json.loads(child.stdout.splitlines()[-1])
    assert found["devices"] == 8
    assert found["partitions"] == 8
    assert found["collectives"] == []
    assert found["distance"] < 1e-5  # XLA adds up in another order for eight
    assert found["learnt"] > 1e-3


@pytest.mark.parametrize(("warmup", "final"), [(0.1, 0.01), (0.0, 0.0), (0.5, 1.0), (1.0, 0.1)])
def test_schedule_is_optax_own(warmup, final):
    config = OptimiserConfig(learning_rate=0.02, warmup=warmup, final=final)
    ticks = 10_000
    expected = optax.warmup_cosine_decay_schedule(
        0.0, 0.02, round(warmup * ticks), ticks + (warmup == 1), 0.02 * final
    )
    for step in range(40):
        rate = learning_rate(np.int32(step), np.int32(40), config=config)
        progress = (step + 1) / 40 * ticks
        assert float(rate) == pytest.approx(float(expected(progress)), rel=1e-3, abs=1e-6)


def test_the_numbers_of_a_configuration_are_the_leaves_of_a_tree():
    both = stacked([CONFIG, replace(CONFIG, optimiser=OptimiserConfig(clip_norm=0.0))])
    assert both.augment.noise.tolist() == pytest.approx([0.1, 0.1])  # on
    assert both.model.dropout == 0.0  # off: CONFIG has none
    assert both.optimiser.clip_norm.tolist() == [1.0, np.inf]  # off for one of them
    assert both.batch_size == CONFIG.batch_size
    # A program sees the numbers as leaves, and one that is off not at all.
    # Of 17 numbers dropout, magnitude, anchor and running mean are off.
    assert len(jax.tree.leaves(both)) == 13
    first = jax.tree.map(lambda leaf: leaf[0], both)
    assert jax.tree.structure(first) == jax.tree.structure(both)
    assert float(first.optimiser.learning_rate) == pytest.approx(1e-3)
    assert same_shape(CONFIG, replace(CONFIG, epochs=7, ema=0.9))
    assert not same_shape(CONFIG, replace(CONFIG, batch_size=4))
    with pytest.raises(ConfigError, match="learning_rate"):
        OptimiserConfig(learning_rate=-1.0)  # the checks are where they were


def test_goes_on_from_a_start(trained):
    first = trained[0].fitted
    bundle = Bundle(
        model=first.model,
        motion=SET.motion,
        face={},
        classes=SET.classes,
        normalisation=first.normalisation,
        variables=first.variables,
        provenance={},
    )
    held = FineTuneConfig(freeze="stem", anchor=10.0)
    config = replace(varied(rate=0.003), fine_tune=held, epochs=1)
    member = Member(config=config, train_index=np.arange(4, 24), seed=5)
    (found,) = train_population(SET, [member], plan=STEP, start=bundle)
    alone = fit(SET, member.train_index, config=config, seed=5, start=bundle)
    assert distance(found.fitted.variables, alone.variables) < 2e-4
    stem = [tree["params"]["stem"] for tree in (found.fitted.variables, first.variables)]
    assert distance(*stem) == 0
    with pytest.raises(ConfigError, match="this run begins with a new one"):
        train_population(SET, [member], plan=STEP)


def test_chunk_follows_from_the_memory():
    needed = Population(SET, members()[:2], plan=TWO).prepare()
    assert needed > 2 * 28 * 28 * 3 * 4 * CONFIG.batch_size  # both members' batches at least
    plan = replace(TWO, chunk=64)
    assert fitted_to_memory(plan, 64_000_000, memory=10_000_000).chunk == 6
    assert fitted_to_memory(plan, 64_000_000, memory=10**9).chunk == 64
    with pytest.raises(ConfigError, match="choose a smaller batch_size"):
        fitted_to_memory(plan, 64_000_000, memory=10**6)
    assert device_memory() > 0


@pytest.mark.parametrize(("count", "chunk"), [(3, 3), (64, 64), (65, 33), (544, 61)])
def test_chunks_of_an_accelerator_are_equally_large(count, chunk):
    assert make_plan(CONFIG.model, 28, members=count, devices=1, backend="gpu").chunk == chunk
