"""Undo and redo: a coding is never changed, so that all its states can be kept."""

from mace.review.events import Coding

_MOST = 2000


class History:
    """The states of a coding.

    Attributes:
        now: the present one.
    """

    def __init__(self, start: Coding) -> None:
        self.now = start
        self._before: list[Coding] = []
        self._after: list[Coding] = []

    @property
    def can_undo(self) -> bool:
        """Whether there is a state to go back to."""
        return bool(self._before)

    @property
    def can_redo(self) -> bool:
        """Whether an undo can be undone."""
        return bool(self._after)

    def push(self, coding: Coding) -> None:
        """Make `coding` the present state; what was undone before cannot be redone."""
        if coding == self.now:
            return
        self._before = [*self._before[1 - _MOST :], self.now]
        self.now, self._after = coding, []

    def undo(self) -> None:
        """Go back by one state, if there is one."""
        if self._before:
            self._after.append(self.now)
            self.now = self._before.pop()

    def redo(self) -> None:
        """Go forward again, if there was an undo."""
        if self._after:
            self._before.append(self.now)
            self.now = self._after.pop()
