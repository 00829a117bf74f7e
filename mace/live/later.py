"""Confirming tracks in the background: a check costs as much as ten frames, and can wait."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial

import numpy as np
from jaxtyping import UInt8

from mace.face.confirming import Check
from mace.face.similarity import Transform

type Later = Callable[[Check], Check]


def in_background(executor: Executor) -> Later:
    """Return what turns a check into one that answers some frames later, of the frame it got."""
    return partial(_Pending, executor)


class _Pending:
    def __init__(self, executor: Executor, check: Check) -> None:
        self._executor, self._check = executor, check
        self._asked: Future[bool | None] | None = None

    def __call__(self, gray: UInt8[np.ndarray, "h w"], transform: Transform) -> bool | None:
        if self._asked is None:
            self._asked = self._executor.submit(self._check, gray, transform)
        if not self._asked.done():
            return None
        asked, self._asked = self._asked, None
        return asked.result()
