"""What a page is about: the facts of the session, and the source it watches."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from mace.live.results import Result


@dataclass(frozen=True)
class Facts:
    """What the page says about the session.

    Attributes:
        classes: that the model knows.
        notice: what the model was trained on, and what it is not.
        model: which it is.
        source: the server's own source, in words.
    """

    classes: tuple[str, ...]
    notice: str
    model: str = ""
    source: str = ""


class Watch(Protocol):
    """The server's own source with its engine, which the pages watch."""

    def run(self, publish: Callable[[Result], None], stop: threading.Event) -> None:
        """Hand over every result as it comes, until the source ends or `stop` is set."""
        ...

    def reset_reference(self) -> None:
        """Take the next frames for neutral; called from another thread."""
        ...
