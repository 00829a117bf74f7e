"""MACNN's forward pass and training step by themselves: images a second, share of the peak.

The step is forward, backward and Adam on a batch that lies on the device. Programs are compiled
side by side first; arithmetic is counted by XLA, and the peak is the maker's for dense products in
the type (`cases.PEAKS`), float32 as TF32, so a share says how much of the card is left.
"""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array

from mace.compilation import keep_compiled
from mace.models.apply import apply_model, apply_train, init_model
from mace.models.make import make_model
from mace.models.presets import MODELS
from mace.models.runtime import Dtype, compiler_options, keep_heap
from on_device.cases import SMALL, TOY_MACNN, on_cpu, peak
from on_device.results import Results, timed

CLASSES = 3


@dataclass(frozen=True, kw_only=True)
class Case:
    """One program: a network of images of `size` px, forward or step, a batch, a type."""

    size: int
    what: str
    batch: int
    dtype: Dtype

    def __str__(self) -> str:
        return f"macnn{self.size}/{self.what}/{self.dtype}/{self.batch}"


def cases(*, tiny: bool) -> list[Case]:
    """Return what is measured, the most telling first."""
    if tiny:
        return [Case(size=28, what=what, batch=2, dtype="float32") for what in ("forward", "step")]
    return [
        Case(size=size, what=what, batch=batch, dtype=dtype)
        for batch in ((8, 1) if on_cpu() else (64, 1, 1024, 4096))
        for what in ("step", "forward")
        for size in (128, 28)
        for dtype in (("float32",) if on_cpu() else ("float32", "bfloat16"))
    ]


def measure(results: Results, *, tiny: bool) -> None:
    """Compile what is left, then time it."""
    keep_heap()
    keep_compiled(results.path.parent)
    left = [case for case in cases(tiny=tiny) if str(case) not in results]
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as compilers:
        waiting = {case: compilers.submit(compiled, case, tiny=tiny) for case in left}
        # Nothing else runs while a program is timed, unless compiling would take half of the box.
        wait(waiting.values(), timeout=(results.deadline - time.monotonic()) / 2)
        try:
            for case, program in waiting.items():
                results.measure(str(case), lambda case=case, p=program: speed(case, p.result()))
        finally:
            compilers.shutdown(wait=False, cancel_futures=True)


def compiled(case: Case, *, tiny: bool) -> tuple[Callable[[], Any], float]:
    """Return a call that runs the program once, and its operations by XLA's count."""
    small = TOY_MACNN if tiny else SMALL
    config = replace(small if case.size == 28 else MODELS["macnn"], dtype=case.dtype)
    network, tx = make_model(config, CLASSES), optax.adam(1e-3)
    shape = (case.size, case.size, 3)
    variables = init_model(network, jax.random.key(0), shape)
    images = jnp.zeros((case.batch, *shape))
    labels = jnp.asarray(np.arange(case.batch) % CLASSES, jnp.int32)

    def forward(variables: Any, images: Array) -> Array:
        return apply_model(network, variables, images)[0]

    def step(variables: Any, state: Any, images: Array, labels: Array) -> tuple[Any, Any]:
        def loss(params: Any) -> Array:
            known = {**variables, "params": params}
            logits, _, _ = apply_train(network, known, images, jax.random.key(0))
            return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

        gradient = jax.grad(loss)(variables["params"])
        updates, state = tx.update(gradient, state, variables["params"])
        return {**variables, "params": optax.apply_updates(variables["params"], updates)}, state

    arguments: tuple[Any, ...] = (variables, images)
    if case.what == "step":
        arguments = (variables, tx.init(variables["params"]), images, labels)
    function = forward if case.what == "forward" else step
    program = jax.jit(function, compiler_options=compiler_options()).lower(*arguments).compile()
    costs = program.cost_analysis() or {}
    return lambda: jax.block_until_ready(program(*arguments)), float(costs.get("flops", 0.0))


def speed(case: Case, program: tuple[Callable[[], Any], float]) -> dict[str, Any]:
    """Time the program."""
    run, operations = program
    seconds = timed(run, repeats=5)
    most = peak(case.dtype)
    share = operations / seconds["median_s"] / most if most else None
    return {
        "images_a_second": case.batch / seconds["median_s"],
        "gflop": operations / 1e9,
        "share_of_peak": share,
    } | seconds
