"""What the device computes beside what this machine's CPU computes, in float32.

Every quantity is computed three ways on the device: with full float32 products (`highest`), with
what JAX does by default (TF32 on recent GPUs), and, for the network, with bfloat16 activations. The
CPU's come from a second process, since a process has one default device. `error` is the largest
difference over the largest value; `ok` says whether it is within the stated tolerance.
"""

import functools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax

from mace.bundle import load_bundle
from mace.models.apply import apply_model, init_model
from mace.models.config import ModelConfig
from mace.models.make import make_model
from mace.models.presets import MODELS
from mace.models.runtime import Dtype
from mace.motion.tvl1 import tvl1_flow
from mace.prediction import predict
from mace.pretrained.bundle_files import bundle_path
from mace.training.fit import train_population
from mace.training.parallel import AXIS, data_parallel, split
from mace.training.plan import Plan
from mace.training.program import initial_state, member_arrays, training_program
from mace.training.sampling import draw
from mace.training.state import make_fold
from mace.training.step import make_train_step
from on_device.cases import SMALL, TOY_MACNN, members, random_set, training
from on_device.live import live_step
from on_device.results import Results
from on_device.sizes import TOY
from on_device.tvl1 import smooth_pairs

TOLERANCES = {
    "highest": {"forward": 1e-4, "gradient": 1e-3, "population": 1e-2, "live": 1e-4, "tvl1": 1e-3},
    "default": {"forward": 1e-2, "gradient": 5e-2, "population": 1e-1, "live": 1e-2, "tvl1": 1e-3},
    "bfloat16": {"forward": 5e-2, "gradient": 2e-1},
}
"""Largest `error` by way and kind. Training amplifies rounding, so a population's is wide; TV-L1
asks for full products itself and stops by a threshold, so its error is the mean over the picture,
in px."""


@dataclass(frozen=True)
class Quantity:
    """Something to be computed on either device.

    Attributes:
        kind: key of `TOLERANCES`.
        compute: of the type of the activations; an array.
    """

    kind: str
    compute: Callable[[Dtype], np.ndarray]


def quantities(*, tiny: bool) -> dict[str, Quantity]:
    """Return everything that is compared, by name."""
    small = TOY_MACNN if tiny else SMALL
    networks = {"macnn28": (small, 28)}
    if not tiny:
        networks |= {"ststnet": (MODELS["ststnet_plain"], 28), "macnn128": (MODELS["macnn"], 128)}
    faces = (1,) if tiny else (1, 8)
    return {
        "gradient/macnn28": Quantity("gradient", lambda dtype: _gradient(small, dtype)),
        "gradient/pmap": Quantity(
            "gradient", lambda dtype: _gradient(small, dtype, devices=_devices())
        ),
        **{
            f"forward/{name}": Quantity(
                "forward", lambda dtype, at=at: _logits(replace(at[0], dtype=dtype), at[1])
            )
            for name, at in networks.items()
        },
        "population/macnn28": Quantity("population", lambda _: _population(small)),
        **{
            f"live/{count}": Quantity("live", lambda _, count=count: _live(count))
            for count in faces
        },
        "tvl1": Quantity("tvl1", lambda _: _flow(32 if tiny else 128)),
    }


def measure(results: Results, *, tiny: bool) -> None:
    """Compare every quantity; the CPU works on its half meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        cpu = Reference(Path(folder), tiny=tiny)
        try:
            for way, tolerances in list(TOLERANCES.items())[: 1 if tiny else None]:
                training_program.cache_clear()  # its programs do not know of the precision
                for name, quantity in quantities(tiny=tiny).items():
                    if quantity.kind in tolerances:
                        limit = tolerances[quantity.kind]
                        results.measure(
                            f"{way}/{name}",
                            functools.partial(compare, name, quantity, cpu, way=way, limit=limit),
                        )
        finally:
            cpu.stop()


class Reference:
    """A process that computes every quantity on the CPU and leaves each in a file of its own."""

    def __init__(self, folder: Path, *, tiny: bool) -> None:
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-m", "on_device.correctness", str(folder), *["tiny"] * tiny],
            env={**os.environ, "JAX_PLATFORMS": "cpu", "PYTHONPATH": os.pathsep.join(sys.path)},
        )

    def value(self, name: str) -> np.ndarray:
        """Return a quantity, once it is there."""
        path = _file(self._folder, name)
        while not path.exists():
            if self._process.poll() is not None and not path.exists():
                raise RuntimeError("the CPU's half failed; its message is above")
            time.sleep(0.05)
        return np.load(path)

    def stop(self) -> None:
        """Let the process end, whatever it is at."""
        self._process.kill()
        self._process.wait()


def compare(
    name: str, quantity: Quantity, cpu: Reference, *, way: str, limit: float
) -> dict[str, Any]:
    """Compute a quantity on the device, and say how far it is from the CPU's."""
    with jax.default_matmul_precision("highest" if way == "highest" else "default"):
        value = quantity.compute("bfloat16" if way == "bfloat16" else "float32")
    expected = cpu.value(name)
    difference = np.abs(value - expected)
    error = (
        difference.mean() if quantity.kind == "tvl1" else difference.max() / np.abs(expected).max()
    )
    return {"difference": float(error), "tolerance": limit, "ok": bool(error <= limit)}


def _logits(model: ModelConfig, size: int) -> np.ndarray:
    network = make_model(model, 3)
    variables = init_model(network, jax.random.key(0), (size, size, 3))
    images = np.random.default_rng(0).normal(size=(4, size, size, 3)).astype(np.float32)
    apply = jax.jit(lambda variables, images: apply_model(network, variables, images)[0])
    return np.asarray(apply(variables, images))


def _gradient(model: ModelConfig, dtype: Dtype, *, devices: int = 1) -> np.ndarray:
    """Return the gradient of a run's first step, as Adam's running mean has it."""
    motion_set = random_set(TOY)
    # Each device draws its own dropout, so a mean over devices is comparable without it alone.
    model = replace(model, dtype=dtype, dropout=0.0)
    config = training(model, TOY)
    fold = make_fold(motion_set, np.arange(len(motion_set)), config=config, seed=0)
    network = make_model(model, 3)
    inputs, labels = jax.device_put((motion_set.inputs, motion_set.labels))
    begin = jax.jit(functools.partial(initial_state, model=network))
    state = begin(member_arrays(fold, config), inputs[:1, 0], None)
    settings = {"batch_size": config.batch_size, "temporal": False, "mixup": 0.0}
    batch = jax.jit(functools.partial(draw, **settings))(inputs, labels, fold, np.int32(0))
    axis = AXIS if devices > 1 else None
    step = make_train_step(model=network, config=config, motion=motion_set.motion, axis_name=axis)
    if devices > 1:
        learn = data_parallel(
            lambda state, batch: step(state, fold, None, batch)[0], devices=devices
        )
        state = learn(jax.device_get(state), split(batch, devices=devices))
    else:
        state, _ = jax.jit(step)(state, fold, None, batch)
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(optax.tree.get(state, "mu"))])


def _devices() -> int:
    """Return how many devices may share the batch of `TOY`."""
    return max(n for n in range(1, jax.local_device_count() + 1) if TOY.batch % n == 0)


def _population(model: ModelConfig) -> np.ndarray:
    motion_set = random_set(TOY)
    chosen = members(model, motion_set, TOY)[:2]
    plan = Plan(kind="vmap", chunk=2)
    trained = [result.fitted for result in train_population(motion_set, chosen, plan=plan)]
    return np.stack([predict(each, motion_set.inputs[:, 0]) for each in trained if each])


def _live(faces: int) -> np.ndarray:
    step = live_step(load_bundle(bundle_path("pretrained")), faces=faces)
    step()
    return step()


def _flow(size: int) -> np.ndarray:
    return np.asarray(tvl1_flow(*smooth_pairs(2, size)))


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name.replace('/', '-')}.npy"


def main() -> None:
    folder, *tiny = sys.argv[1:]
    for name, quantity in quantities(tiny=bool(tiny)).items():
        path = _file(Path(folder), name)
        unfinished = path.with_suffix(".part")
        with unfinished.open("wb") as file:
            np.save(file, quantity.compute("float32"))
        unfinished.replace(path)


if __name__ == "__main__":
    main()
