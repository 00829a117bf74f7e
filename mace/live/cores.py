"""Cores for the live loop: small pictures are fastest on one core each, stages side by side."""

import contextlib
import os
from collections.abc import Iterator

import cv2
import jax
import jax.numpy as jnp


def start_on_one_core() -> None:
    """Let XLA have one thread, if the process has not used JAX on a CPU before.

    The network of one face is slower on two cores than on one, and takes the second from the
    tracker. XLA counts the cores that the process may use when it is first asked for anything.
    Does nothing where the system has no affinities.
    """
    if not hasattr(os, "sched_setaffinity"):
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        jax.block_until_ready(jnp.zeros(1) + 1)
    finally:
        os.sched_setaffinity(0, cores)


@contextlib.contextmanager
def one_core_each() -> Iterator[None]:
    """Keep OpenCV from spreading one small picture over all cores; as before at the end."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
