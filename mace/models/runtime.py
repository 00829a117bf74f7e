"""What makes a step fast on a CPU besides the arithmetic: memory kept, oneDNN used.

Neither changes what is computed beyond the order of sums. benchmarks/README.md has the figures.
"""

import ctypes
import functools
import platform
from typing import Literal

import jax
import jax.numpy as jnp

from mace.models.conv import Form

MICRO_BATCH = 4
"""Images a CPU steps fastest with: their activations stay in the cache. Larger batches are summed
from such pieces, which is the same gradient unless the network has batch norm."""

ONEDNN_BELOW = 32
"""Channels of the first stage from which XLA's own convolutions of one image are as fast as
oneDNN's: with 16 oneDNN takes 8 % off, with 32 it adds a quarter."""

type Options = dict[str, bool | str]
type Dtype = Literal["float32", "bfloat16"]

_ONEDNN = "xla_cpu_experimental_onednn_custom_call"
_YNN = "xla_cpu_experimental_ynn_fusion_type"
_YNN_PRODUCTS = "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT"
# From glibc's malloc.h.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX, _ARENA_MAX = -1, -2, -4, -8
_TWO_GIB = 2**31 - 1


def keep_heap() -> bool:
    """Let the process keep the memory a step frees; return whether the C library could be told.

    XLA allocates a step's buffers anew every time (35 MB for 4 images of 128 px), and glibc hands
    buffers that large back to the kernel at once, so every step pays for a page fault per 4 kB: a
    quarter of its time. After this call memory once used stays with the process. Call it at the
    start of a program that trains, before the first JAX computation starts XLA's threads. Does
    nothing without glibc.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    # One arena: the heaps of further arenas are at most 64 MB, and are unmapped when empty.
    settings = ((_ARENA_MAX, 1), (_MMAP_MAX, 0), (_TRIM_THRESHOLD, _TWO_GIB), (_TOP_PAD, 2**26))
    return all([mallopt(name, value) == 1 for name, value in settings])


def compiler_options() -> Options:
    """Return what to pass to `jax.jit(..., compiler_options=...)` for training on this backend.

    On a CPU it asks XLA to run small convolutions through oneDNN. Options are settings of one
    function, unlike `XLA_FLAGS`, with which an unknown name ends the process.
    """
    return _understood(_ONEDNN, True)


def inference_options(width: int, *, dtype: Dtype = "float32") -> Options:
    """Return the same for a program that answers for one image or a few at a time.

    On a CPU XLA hands sums and products to a library of its own (YNN), whose start costs more than
    the work of one image: without it the default MACNN at 64 px takes four fifths of the time, the
    packaged network of 28 px three quarters (benchmarks/README.md). Gradients are faster with it,
    and so are products of bfloat16, for which it knows the processor's own instructions.

    Args:
        width: channels of the network's first stage.
        dtype: of the activations.
    """
    ynn = _understood(_YNN, _YNN_PRODUCTS if dtype == "bfloat16" else "")
    return ynn | (_understood(_ONEDNN, True) if width < ONEDNN_BELOW else {})


def inference_form(width: int, *, dtype: Dtype = "float32") -> Form:
    """Return how such a program's convolutions are best written, for `mace.models.conv`.

    As products where bfloat16 products have instructions of their own, which XLA's convolutions of
    a CPU do not use and oneDNN's do.

    Args:
        width: channels of the network's first stage.
        dtype: of the activations.
    """
    on_cpu = jax.default_backend() == "cpu"
    return "products" if on_cpu and dtype == "bfloat16" and width >= ONEDNN_BELOW else "native"


@functools.cache
def _understood(name: str, value: bool | str) -> Options:
    """Return an experimental option if this compiler takes it, tried on a tiny product."""
    if jax.default_backend() != "cpu":
        return {}
    options: Options = {name: value}
    try:
        jax.jit(lambda x: x @ x, compiler_options=options).lower(jnp.ones((2, 2))).compile()
    except Exception:  # whatever type this version raises, the answer is to do without
        return {}
    return options
