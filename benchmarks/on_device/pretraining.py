"""Pre-training from motion space: pairs a second, and seconds to the packaged network's score.

The score is the UF1 on pairs of people that neither network has seen, drawn in motion space and
presented as MACE's own clips are. The packaged network learnt from rendered pairs as well; this run
makes do without, so that nothing is rendered, with the packaged recipe's network, optimiser and
stream, in batches of several sizes.
"""

import os
import time
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mace.bundle import load_bundle
from mace.compilation import keep_compiled
from mace.datasets.synthetic.movement.action_units import AU_NAMES
from mace.datasets.synthetic.movement.prototypes import class_names
from mace.datasets.synthetic.pairs.cast import Cast, make_cast
from mace.metrics import confusion_matrix, uf1
from mace.motion.config import MotionConfig
from mace.motion.conventions import OWN_FRAMING
from mace.prediction import Trained, predict
from mace.pretrained.bundle_files import bundle_path
from mace.pretraining.config import PretrainingConfig
from mace.pretraining.stream import DrawPairs, PairData
from mace.training.config import TrainConfig
from mace.training.fit import fit_stream
from mace.training.fitted import Fitted, Row
from mace.training.signals import Interrupted
from mace.training.source import Stream
from on_device.cases import on_cpu
from on_device.results import OutOfTime, Results, timed

TRAINED_FROM, TESTED_FROM = 100_000, 990_000
"""Seeds of the first person of either side; the packaged network's people are of the first."""


def measure(results: Results, *, tiny: bool) -> None:
    """Make the people, train until the score is reached, and time the stream by itself."""
    keep_compiled(results.path.parent)
    people, batches = (192, (512, 64, 4096)) if not on_cpu() else (48, (64,))
    if tiny:
        people, batches = 2, (8,)
    start = time.perf_counter()
    data = pair_data(range(TRAINED_FROM, TRAINED_FROM + people))
    tested = pair_data(range(TESTED_FROM, TESTED_FROM + max(people // 2, 2)))
    took = time.perf_counter() - start
    results.measure("people", lambda: {"people": people + max(people // 2, 2), "seconds": took})
    test = draw_test(tested, 8 if tiny else 4096)
    packaged = load_bundle(bundle_path("pretrained"))
    goal = results.measure("packaged", lambda: {"uf1": score(packaged, test)})
    for batch in batches:
        results.measure(
            f"train/{batch}",
            lambda batch=batch: train(
                data, test, batch, goal=goal["uf1"] if goal else 1.0, results=results, tiny=tiny
            ),
        )
    for batch in () if tiny else batches:
        results.measure(f"stream/{batch}", lambda batch=batch: stream_rate(data, batch))


def pair_data(seeds: range) -> PairData:
    """Return people of motion space on the device, and no rendered pairs."""
    cast: Cast = make_cast(seeds, workers=min(os.cpu_count() or 1, 16))
    fields = np.zeros((1, 1, *cast.entries.triangle.shape[1:], 2), np.float16)
    nothing = np.zeros((1, len(AU_NAMES)), np.float32)
    data = PairData(
        fields=fields,
        emotion=np.zeros(1, np.int32),
        unit_px=nothing,
        side=nothing,
        cast=cast,
    )
    return jax.device_put(data, jax.local_devices()[0])


def recipe(batch: int) -> PretrainingConfig:
    """Return the packaged recipe without rendered pairs, for batches of this size.

    The learning rate grows with the root of the batch, as is usual with Adam.
    """
    config = PretrainingConfig()
    rate = config.train.optimiser.learning_rate * min((batch / 64) ** 0.5, 4.0)
    train = replace(
        config.train,
        batch_size=batch,
        optimiser=replace(config.train.optimiser, learning_rate=rate),
    )
    return replace(config, stream=replace(config.stream, rendered=0.0), train=train)


def make_stream(data: PairData, config: PretrainingConfig) -> Stream:
    """Return batches without end from motion space."""
    size = config.stream.conventions.size
    return Stream(
        take=DrawPairs(batch_size=config.train.batch_size, config=config.stream),
        arrays=data,
        example=jnp.zeros((1, size, size, 3)),
        motion=MotionConfig(representation="flow", flow="dis", size=size, framing=OWN_FRAMING),
        classes=class_names(config.stream.pairs.classes),
        fingerprint="motion space",
        steps_per_epoch=1,
    )


def stream_rate(data: PairData, batch: int) -> dict[str, Any]:
    """Return pairs that are drawn and presented in a second, without learning from them."""
    config = recipe(batch)
    take = jax.jit(DrawPairs(batch_size=batch, config=config.stream))
    fold = make_stream(data, config).seeded(0)
    seconds = timed(lambda: jax.block_until_ready(take(data, fold, jnp.int32(0))), repeats=3)
    return {"pairs_a_second": batch / seconds["median_s"]} | seconds


def draw_test(data: PairData, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images (n, h, w, 3) of unmixed pairs in our own presentation, and their labels."""
    config = recipe(count)
    still = replace(config.stream, conventions=replace(config.stream.conventions, public=0.0))
    fold = make_stream(data, config).seeded(1)
    batch = jax.jit(DrawPairs(batch_size=count, config=still))(data, fold, jnp.int32(0))
    return np.asarray(batch.images), np.asarray(batch.targets).argmax(axis=-1)


def score(trained: Trained, test: tuple[np.ndarray, np.ndarray]) -> float:
    """Return the UF1."""
    images, labels = test
    answers = predict(trained, images).argmax(axis=-1)
    return float(uf1(confusion_matrix(labels, answers, len(trained.classes))))


def train(
    data: PairData,
    test: tuple[np.ndarray, np.ndarray],
    batch: int,
    *,
    goal: float,
    results: Results,
    tiny: bool,
) -> dict[str, Any]:
    """Train with looks at the test people between epochs; say when the goal was reached.

    Nothing is chosen by the looks. A run sees as many pairs as the packaged network's, 640,000; on
    a CPU 16,000, which reach no score but tell the rate.
    """
    config = recipe(batch)
    epochs, pairs = (4, 4_000) if on_cpu() else (40, 16_000)
    steps = max(pairs // batch, 4)
    if tiny:
        epochs, steps = 2, 2
    settings: TrainConfig = replace(config.train, epochs=epochs)
    curve: list[tuple[float, float]] = []
    start = time.perf_counter()

    def look(fitted: Fitted) -> Row:
        curve.append((time.perf_counter() - start, score(fitted, test)))
        if time.monotonic() > results.deadline:
            raise OutOfTime
        return {"validation_uf1": curve[-1][1]}

    stream = replace(make_stream(data, config), steps_per_epoch=steps, score=look)
    try:
        fit_stream(stream, config=settings, seed=0)
    except Interrupted as signal:
        raise OutOfTime from signal
    reached = next((seconds for seconds, value in curve if value >= goal), None)
    warm = (curve[-1][0] - curve[0][0]) / max(epochs - 1, 1)
    return {
        "pairs_a_second": batch * steps / warm,
        "pairs": batch * steps * epochs,
        "first_epoch_s": curve[0][0],
        "all_s": curve[-1][0],
        "goal_uf1": goal,
        "last_uf1": curve[-1][1],
        "reached_s": reached,
    }
