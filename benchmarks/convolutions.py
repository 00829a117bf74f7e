"""The ways in which a 3x3 convolution and its gradients can be computed, on this CPU.

    uv run python benchmarks/convolutions.py [--batch 32] [--repeats 7]

For square maps: the forward pass as XLA's convolution and as one product, the gradient of the input
likewise, and that of the weights as XLA's and as one product of shifted copies, in turns, on one
core, in processor milliseconds (minimum), and what `mace.models.conv` takes. The process keeps its
heap, as every training does.
"""

import argparse
import functools
import time
from collections.abc import Callable
from typing import Any

import jax

from mace.models.conv import TINY_MAP, conv2d, native_conv, shifted_gradient, takes_copies
from mace.models.runtime import keep_heap

CASES = tuple((side, n, n) for side in (64, 32, 16, 8) for n in (16, 32, 64, 128))
TINY = ((4, 256, 512), (3, 256, 512), (2, 256, 512), (2, 512, 1024), (1, 256, 512))


def in_turns(
    functions: list[Callable[..., Any]], arguments: tuple[Any, ...], turns: int
) -> list[float]:
    """Return the least processor time of each function, ms, measured in turns."""
    times: list[list[float]] = [[] for _ in functions]
    for turn in range(turns + 1):
        for function, own in zip(functions, times, strict=True):
            start = time.process_time()
            jax.block_until_ready(function(*arguments))
            if turn:  # the first one compiles
                own.append(1e3 * (time.process_time() - start))
    return [min(own) for own in times]


def main() -> None:
    parser = argparse.ArgumentParser(description="convolutions on a CPU")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=7, choices=range(1, 100), metavar="N")
    arguments = parser.parse_args()
    keep_heap()
    compiled = functools.partial(jax.jit, compiler_options={"xla_cpu_multi_thread_eigen": False})
    products = functools.partial(conv2d, form="products")

    def input_gradient(convolve: Callable[..., Any]) -> Callable[..., Any]:
        return compiled(lambda x, kernel, dy: jax.vjp(lambda x: convolve(x, kernel), x)[1](dy))

    def native_gradient(x: jax.Array, kernel: jax.Array, dy: jax.Array) -> Any:
        return jax.vjp(lambda kernel: native_conv(x, kernel), kernel)[1](dy)

    def copies(x: jax.Array, kernel: jax.Array, dy: jax.Array) -> jax.Array:
        return shifted_gradient(x, dy, kernel.shape[:2], stride=1, dilation=1)

    print("map, channels, copies in MB; XLA and product: forward, input; XLA and copies: weights")
    for side, inputs, outputs in CASES + TINY:
        keys = jax.random.split(jax.random.key(0), 3)
        x = jax.random.normal(keys[0], (arguments.batch, side, side, inputs))
        dy = jax.random.normal(keys[1], (arguments.batch, side, side, outputs))
        kernel = jax.random.normal(keys[2], (3, 3, inputs, outputs))
        turns = arguments.repeats
        forward = in_turns([compiled(native_conv), compiled(products)], (x, kernel), turns)
        ways = [input_gradient(native_conv), input_gradient(products)]
        ways += [compiled(native_gradient), compiled(copies)]
        gradients = in_turns(ways, (x, kernel, dy), turns)
        taken = "copies" if takes_copies(dy.shape, kernel.shape) else "XLA"
        taken = "product" if side * side <= TINY_MAP else taken
        figures = " | ".join(f"{figure:.2f}" for figure in (*forward, *gradients))
        size = 9 * dy.size * dy.dtype.itemsize / 1e6
        print(f"| {side}x{side}, {inputs} to {outputs} | {size:.1f} | {figures} | {taken} |")


if __name__ == "__main__":
    main()
