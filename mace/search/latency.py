"""How long a network takes for one picture on the processor, as `mace live` would run it."""

import functools
import time

import jax
import numpy as np

from mace.bundle import Bundle, Normalisation
from mace.inference import make_network
from mace.models.apply import init_model
from mace.models.config import ModelConfig
from mace.models.make import make_model
from mace.motion.config import MotionConfig

# The middle of so many runs; single ones are disturbed by whatever else the machine does.
RUNS = 60


@functools.lru_cache(maxsize=256)
def latency_ms(
    model: ModelConfig, motion: MotionConfig, shape: tuple[int, int, int], classes: tuple[str, ...]
) -> float:
    """Return the median milliseconds of a network for one input (h, w, c).

    Its weights are drawn, not trained: they do not change the time.
    """
    with jax.default_device(jax.local_devices(backend="cpu")[0]):
        variables = init_model(make_model(model, len(classes)), jax.random.key(0), shape)
        network = make_network(
            Bundle(
                model=model,
                motion=motion,
                face={},
                classes=classes,
                normalisation=Normalisation(
                    kind="none", mean=(0.0,) * shape[2], std=(1.0,) * shape[2]
                ),
                variables=jax.device_get(variables),
                provenance={},
            )
        )
        picture = np.zeros((1, *shape), np.float32)
        taken = []
        for _ in range(RUNS):
            start = time.perf_counter()
            network(picture)
            taken.append(time.perf_counter() - start)
    return round(1e3 * float(np.median(taken)), 4)
