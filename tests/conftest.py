"""Strict by default: two simulated devices, no silent promotion, warnings are errors (pyproject)."""

import os

# Before anything imports NumPy: two BLAS threads on two busy cores more than double the time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import jax

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_num_cpu_devices", 2)
