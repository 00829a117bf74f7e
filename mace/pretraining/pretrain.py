"""MACNN pre-trained on rendered faces alone: how the network that MACE ships was made.

Learns negative, positive and surprise from onset–apex pairs of synthetic people: most of every
batch from rendered pairs as DIS, TV-L1 and Farneback measured them, the rest from motion space,
both presented as our own clips and as public flow images are. No picture of a real person is in
it. The only one that versions of the recipe were compared on is the photograph of `photograph.py`;
real clips have shown once that three action units were rendered wrongly (the model card).

    mace pretrain --measure                         the shipped network and its card
    mace pretrain --config.train.devices 8          on an accelerator or several

Cost on two cores of an AMD EPYC: 20 minutes to render, 25 to train, 8 to measure.
Expected: the figures in `mace/pretrained/macnn/MODEL_CARD.md`.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from mace.bundle import Bundle
from mace.config import config_hash, to_dict
from mace.datasets.synthetic.movement.prototypes import class_names
from mace.datasets.synthetic.pairs.cast import make_cast
from mace.datasets.synthetic.pairs.draw import present_units
from mace.datasets.synthetic.pairs.stored import StoredPairs, make_pairs
from mace.face.config import FaceConfig
from mace.metrics import class_f1, confusion_matrix
from mace.motion.config import MotionConfig
from mace.motion.conventions import OWN_FRAMING
from mace.prediction import Trained, predict, typical_images
from mace.pretraining.config import PretrainingConfig
from mace.pretraining.pair_tests import VIEWS, labels_of, pair_tests, present_still, score
from mace.pretraining.stream import DrawPairs, PairData
from mace.spotting.temperature import fit_temperature
from mace.training.config import TrainConfig
from mace.training.fit import fit_stream
from mace.training.fitted import Fitted, Row, make_bundle
from mace.training.source import Stream
from mace.unit_prediction import predict_units

FIRST_PERSON = 100_000
"""Seed of the first person of training; tests take theirs from 900,000 on."""

_BATCHES = 64  # of which the typical images are the mean


def pretrain(
    config: PretrainingConfig,
    *,
    run_dir: Path | None,
    cache_dir: Path | None,
    workers: int | None = None,
    watch: bool = True,
) -> Bundle:
    """Return the pre-trained network; what `run_dir` and `cache_dir` hold is gone on with.

    Args:
        config: the recipe.
        run_dir: checkpoints and curves; None writes nothing.
        cache_dir: rendered pairs.
        workers: processes that render; as many as there are cores by default.
        watch: whether the validation pairs are rendered and scored between epochs. No weights are
            chosen on them here: the last epoch is kept, and only its temperature is fitted on them.

    Raises:
        MaceError: what `fit` raises.
    """
    stored = training_pairs(config, workers=workers, cache_dir=cache_dir)
    judge = Judge(config, workers=workers, cache_dir=cache_dir) if watch else None
    stream = make_stream(config, stored, score=judge)
    fitted = fit_stream(
        stream,
        config=config.train,
        seed=config.seed,
        run_dir=run_dir,
    )
    bundle = make_bundle(fitted, face=to_dict(FaceConfig()), trained_on=("synthetic",))
    temperature, thresholds = 1.0, ()
    if judge is not None:
        temperature, thresholds = judge.temperature(fitted), judge.unit_thresholds(fitted)
    typical = _typical(bundle, stream, config)
    return replace(bundle, typical=typical, unit_thresholds=thresholds, temperature=temperature)


def training_pairs(
    config: PretrainingConfig, *, workers: int | None, cache_dir: Path | None
) -> StoredPairs:
    """Render and measure the training pairs, or read what is stored."""
    return make_pairs(
        range(FIRST_PERSON, FIRST_PERSON + config.people),
        config.pairs_each,
        seed=1,
        config=config.pairs,
        picture=config.picture,
        estimators=config.stream.estimators,
        workers=workers,
        cache_dir=cache_dir,
    )


def make_stream(
    config: PretrainingConfig,
    stored: StoredPairs,
    *,
    score: Callable[[Fitted], Row] | None = None,
    workers: int | None = None,
) -> Stream:
    """Return the batches of a configuration; its data lie on the first device."""
    people = range(FIRST_PERSON, FIRST_PERSON + config.people)
    cast = make_cast(people, poses_each=config.poses_each, workers=workers or os.cpu_count() or 1)
    data = PairData(
        fields=stored.fields,
        emotion=stored.emotion,
        unit_px=stored.unit_px,
        side=stored.side,
        cast=cast,
    )
    size = config.stream.conventions.size
    return Stream(
        take=DrawPairs(batch_size=config.train.batch_size, config=config.stream),
        arrays=jax.device_put(data, jax.local_devices()[0]),
        example=jnp.zeros((1, size, size, 3)),
        motion=MotionConfig(representation="flow", flow="dis", size=size, framing=OWN_FRAMING),
        classes=class_names(config.stream.pairs.classes),
        fingerprint=config_hash(replace(config, train=TrainConfig(), seed=0)),
        steps_per_epoch=config.steps_per_epoch,
        score=score,
    )


class Judge:
    """Scores a network on the validation pairs, and says how sure it may be.

    Args:
        config: the recipe, such as whose the pairs are.
        workers: processes that render.
        cache_dir: rendered pairs.
    """

    def __init__(
        self, config: PretrainingConfig, *, workers: int | None, cache_dir: Path | None
    ) -> None:
        classes = config.stream.pairs.classes
        self.tests, self.units = [], []
        for test in pair_tests(config.pairs, config.picture, part="validation"):
            pairs = test.make(workers=workers, cache_dir=cache_dir)
            self.tests.append((test.name, pairs.of(test.estimator), labels_of(pairs, classes)))
            self.units.append(present_units(pairs.unit_px))

    def __call__(self, fitted: Fitted) -> Row:
        """Return the UF1 on other people, and on other people in other recordings."""
        row: Row = {}
        for name, fields, labels in self.tests:
            scores = score(fitted, fields, labels)
            row[f"{name}_uf1"] = float(np.mean([value["uf1"] for value in scores.values()]))
        return row | {"validation_uf1": row["same_uf1"]}

    def temperature(self, trained: Trained) -> float:
        """Return what makes its probabilities mean what they say where our own flow is measured.

        Live movements are told so. People are in other recordings as often as not.
        """
        size = trained.motion.size
        predicted = [
            predict(trained, present_still(fields, "own", size=size)) for _, fields, _ in self.tests
        ]
        labels = np.concatenate([labels for _, _, labels in self.tests])
        return fit_temperature(np.concatenate(predicted), labels)

    def unit_thresholds(self, trained: Trained) -> tuple[float, ...]:
        """Return from what probability on each unit is called, in both presentations.

        Units are rare: the best F1 is that of calling at half of itself, not at one half (Lipton,
        Elkan and Naryanaswamy, "Optimal Thresholding of Classifiers to Maximize F1 Measure", ECML
        2014).
        """
        if not trained.model.units:
            return ()
        size = trained.motion.size
        chances, there = [], []
        for (_, fields, _), shown in zip(self.tests, self.units, strict=True):
            for view in VIEWS:
                images = present_still(fields, view, size=size)
                chances.append(predict_units(trained, images).presence)
                there.append(shown)
        chance, truth = np.concatenate(chances), np.concatenate(there)
        return tuple(map(best_threshold, truth.T, chance.T))


def best_threshold(there: Bool[np.ndarray, " n"], chance: Float[np.ndarray, " n"]) -> float:
    """Return from what probability on something is best called there, by F1."""
    tried = np.arange(0.05, 0.61, 0.025)
    called = (chance > tried[:, None]).astype(np.int64)
    truth = there.astype(np.int64)
    scores = [class_f1(confusion_matrix(truth, row, 2))[1] for row in called]
    return float(tried[int(np.argmax(scores))])


def _typical(
    trained: Trained, stream: Stream, config: PretrainingConfig
) -> Float[np.ndarray, "k h w c"]:
    """Return the mean public presentation of each class, without moved windows."""
    conventions = replace(config.stream.conventions, public=1.0, jitter=0.0, loose=0.0)
    plain = replace(config.stream, conventions=conventions)
    fold = stream.seeded(config.seed + 1)
    take = jax.jit(DrawPairs(batch_size=config.train.batch_size, config=plain))
    batches = [
        jax.device_get(take(stream.arrays, fold, jnp.int32(step))) for step in range(_BATCHES)
    ]
    images = np.concatenate([batch.images for batch in batches])
    labels = np.concatenate([batch.targets for batch in batches]).argmax(axis=1)
    return typical_images(trained, images, labels)
