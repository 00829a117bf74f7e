"""Interrupting a run in the middle, as Ctrl-C or a cluster does."""

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from training_cases import signalling

from mace.training.program import Program
from mace.training.signals import Interrupted


@pytest.fixture
def interrupted_at(monkeypatch) -> Callable[[int], AbstractContextManager[None]]:
    """Return a context in which SIGTERM comes after a step, and the run must say so.

    On an accelerator, whose programs take all steps of an epoch, it comes after that epoch.
    """
    advance = Program.advance

    @contextmanager
    def context(step_of_signal: int) -> Iterator[None]:
        with monkeypatch.context() as patch:
            patch.setattr(Program, "advance", signalling(advance, step_of_signal, signal.SIGTERM))
            with pytest.raises(Interrupted):
                yield

    return context
