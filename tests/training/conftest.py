"""Interrupting a run in the middle, as Ctrl-C or a cluster does."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from mace.training.program import TrainingProgram
from mace.training.signals import Interrupted


@pytest.fixture
def interrupted_at(monkeypatch) -> Callable[[int], AbstractContextManager[None]]:
    """Return a context in which SIGTERM comes after a step, and the run must say so.

    On an accelerator, whose programs take all steps of an epoch, it comes after that epoch.
    """
    advance = TrainingProgram.advance

    @contextmanager
    def context(step_of_signal: int) -> Iterator[None]:
        def interrupt(self, *arguments, step, end):
            result = advance(self, *arguments, step=step, end=end)
            if result[2] >= step_of_signal:
                os.kill(os.getpid(), signal.SIGTERM)
            return result

        with monkeypatch.context() as patch:
            patch.setattr(TrainingProgram, "advance", interrupt)
            with pytest.raises(Interrupted):
                yield

    return context
