"""`mace top`: a search at work, in the terminal."""

from pathlib import Path

import tyro

from mace.errors import ConfigError


def run(
    study: tyro.conf.Positional[Path],
    once: bool = False,
    every: float = 1.0,
    storage: str = "",
) -> None:
    """Show what a search has done, what it is doing, and how long it will take.

    Ctrl-C ends the view, not the search. Without a terminal it prints once, as plain text.

    Args:
        study: the folder of the search.
        once: print once and end.
        every: seconds between two looks.
        storage: database of the search, if it needs a password that nothing else says.
    """
    if not every > 0:
        raise ConfigError(f"--every is {every} s, expected more than 0")

    from mace.search.top import show_top

    show_top(study, every=None if once else every, storage=storage)
