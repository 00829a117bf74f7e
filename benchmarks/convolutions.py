"""The ways in which a 3x3 convolution and its weight gradient can be computed, on this CPU.

    uv run python benchmarks/convolutions.py [--batch 32] [--repeats 7]

For square maps with as many channels out as in: the forward pass as XLA's convolution and as one
product, and the weight gradient as XLA's and as one product of shifted copies, in turns, on one
core, in processor milliseconds (minimum), and what `mace.models.conv` takes. The process keeps its
heap, as every training does.
"""

import argparse
import functools
import time
from collections.abc import Callable
from typing import Any

import jax

from mace.models.conv import CACHED_BYTES, TINY_MAP, WIDE, conv2d, native_conv
from mace.models.runtime import keep_heap

CASES = tuple((side, channels) for side in (64, 32, 16, 8) for channels in (16, 32, 64, 128))
TINY = ((4, 256), (3, 256), (2, 256), (1, 256))


def fastest(functions: list[Callable[..., Any]], arguments: tuple[Any, ...], turns: int) -> list:
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
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    keep_heap()
    compiled = functools.partial(jax.jit, compiler_options={"xla_cpu_multi_thread_eigen": False})

    def weight_gradient(convolve: Callable[..., Any]) -> Callable[..., Any]:
        return compiled(lambda x, kernel, dy: jax.vjp(lambda k: convolve(x, k), kernel)[1](dy))

    products = functools.partial(conv2d, form="products")
    print("map, px  channels  copies, MB  forward: XLA  product  gradient: XLA  copies  taken")
    for side, channels in CASES + TINY:
        x, dy = jax.random.normal(jax.random.key(0), (2, arguments.batch, side, side, channels))
        kernel = jax.random.normal(jax.random.key(1), (3, 3, channels, channels))
        forward = fastest(
            [compiled(native_conv), compiled(products)], (x, kernel), arguments.repeats
        )
        backward = fastest(
            [weight_gradient(native_conv), weight_gradient(products)],
            (x, kernel, dy),
            arguments.repeats,
        )
        size = 9 * x.size * x.dtype.itemsize
        taken = "copies" if size <= CACHED_BYTES or channels >= WIDE else "XLA"
        taken = "product" if side * side <= TINY_MAP else taken
        figures = "  ".join(f"{figure:10.2f}" for figure in (*forward, *backward))
        print(f"{side:7d}  {channels:8d}  {size / 1e6:10.1f}  {figures}  {taken}", flush=True)


if __name__ == "__main__":
    main()
