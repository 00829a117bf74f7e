"""What makes a step fast on a CPU besides the arithmetic: memory kept, oneDNN used.

Neither changes what is computed beyond the order of sums. benchmarks/README.md has the figures.
"""

import ctypes
import functools
import platform

import jax
import jax.numpy as jnp

MICRO_BATCH = 4
"""Images a CPU steps fastest with: their activations stay in the cache. Larger batches are summed
from such pieces, which is the same gradient unless the network has batch norm."""

_ONEDNN = "xla_cpu_experimental_onednn_custom_call"
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


@functools.cache
def compiler_options() -> dict[str, bool]:
    """Return what to pass to `jax.jit(..., compiler_options=...)` for networks on this backend.

    On a CPU it asks XLA to run small convolutions through oneDNN; the option is experimental, so
    it is tried on a tiny product first and left out if the compiler does not know it. It is a
    setting of one function, unlike `XLA_FLAGS`, with which an unknown name ends the process.
    """
    if jax.default_backend() != "cpu":
        return {}
    options = {_ONEDNN: True}
    try:
        jax.jit(lambda x: x @ x, compiler_options=options).lower(jnp.ones((2, 2))).compile()
    except Exception:  # whatever type this version raises, the answer is to do without
        return {}
    return options
