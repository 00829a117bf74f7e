"""JAX's half of step_vs_torch.py: reads commands from standard input, answers with seconds."""

import dataclasses
import json
import os
import sys
import time
from pathlib import Path
from typing import Any, Literal

SETTINGS = json.loads(sys.argv[1])
# XLA sizes its thread pool when it starts, so the cores are chosen before it is imported.
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: SETTINGS["cores"]])

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
import optax  # noqa: E402

from mace.models.apply import apply_model, init_model  # noqa: E402
from mace.models.config import ModelConfig  # noqa: E402
from mace.models.make import make_model  # noqa: E402
from mace.models.presets import MODELS  # noqa: E402
from mace.models.runtime import compiler_options, keep_heap  # noqa: E402

CLASSES = 5


class Runner:
    """The network, its optimiser and the compiled functions."""

    def __init__(self, config: ModelConfig) -> None:
        self.model = make_model(config, CLASSES)
        shape = (SETTINGS["size"], SETTINGS["size"], SETTINGS["channels"])
        self.shape = shape
        self.params = init_model(self.model, jax.random.key(0), shape)["params"]
        self.tx = optax.adam(1e-3)
        self.state = self.tx.init(self.params)
        self.zeros = jax.tree.map(jnp.zeros_like, self.params)

        def logits(params: Any, x: jax.Array) -> jax.Array:
            return apply_model(self.model, {"params": params}, x)[0]

        def loss(params: Any, x: jax.Array, y: jax.Array, scale: jax.Array) -> jax.Array:
            each = optax.softmax_cross_entropy_with_integer_labels(logits(params, x), y)
            return each.sum() * scale

        def accumulate(total: Any, params: Any, x: jax.Array, y: jax.Array, scale: jax.Array):
            gradient = jax.grad(loss)(params, x, y, scale)
            return jax.tree.map(jnp.add, total, gradient)

        def update(params: Any, state: Any, gradient: Any) -> tuple[Any, Any]:
            updates, state = self.tx.update(gradient, state, params)
            return optax.apply_updates(params, updates), state

        options = compiler_options()
        self.forward = jax.jit(logits, compiler_options=options)
        self.gradient = jax.jit(jax.grad(loss), compiler_options=options)
        self.accumulate = jax.jit(accumulate, compiler_options=options, donate_argnums=0)
        self.update = jax.jit(update)

    def step(self, x: jax.Array, y: jax.Array, micro: int) -> Any:
        """Return the parameters after one step; gradients are summed over micro-batches."""
        scale = jnp.float32(1 / len(x))
        total = self.gradient(self.params, x[:micro], y[:micro], scale)
        for i in range(micro, len(x), micro):
            part = slice(i, i + micro)
            total = self.accumulate(total, self.params, x[part], y[part], scale)
        return self.update(self.params, self.state, total)


def batch_of(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    shape = (count, SETTINGS["size"], SETTINGS["size"], SETTINGS["channels"])
    return random.standard_normal(shape, np.float32), np.arange(count, dtype=np.int32) % CLASSES


def flat(tree: Any) -> dict[str, np.ndarray]:
    leaves = jax.tree.leaves_with_path(tree)
    return {"/".join(key.key for key in path): np.asarray(leaf) for path, leaf in leaves}


def check(runner: Runner) -> None:
    """Write weights, and logits and gradients for some batches, for PyTorch to compare with."""
    folder = Path(SETTINGS["folder"])
    np.savez(folder / "weights.npz", **flat(runner.params))  # pyright: ignore[reportArgumentType]
    for seed in range(SETTINGS["checks"]):
        x, y = map(jnp.asarray, batch_of(4, seed))
        gradient = runner.gradient(runner.params, x, y, jnp.float32(1 / 4))
        results = {"logits": np.asarray(runner.forward(runner.params, x)), **flat(gradient)}
        np.savez(folder / f"jax{seed}.npz", **results)  # pyright: ignore[reportArgumentType]


def main() -> None:
    if SETTINGS["keep_heap"]:
        keep_heap()
    base = dataclasses.replace(MODELS["macnn"], norm=SETTINGS["norm"], dropout=0.0)

    def make(dtype: Literal["float32", "bfloat16"]) -> Runner:
        return Runner(dataclasses.replace(base, dtype=dtype))

    runner = make(SETTINGS["dtype"])
    for line in sys.stdin:
        command = json.loads(line)
        if command["what"] == "check":
            check(runner if SETTINGS["dtype"] == "float32" else make("float32"))
            print("{}", flush=True)
            continue
        x, y = map(jnp.asarray, batch_of(command["batch"]))
        jax.block_until_ready((x, y))
        wall, cpu = time.perf_counter(), time.process_time()
        if command["what"] == "forward":
            result = runner.forward(runner.params, x)
        else:
            result = runner.step(x, y, command["layout"])
        jax.block_until_ready(result)
        answer = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
