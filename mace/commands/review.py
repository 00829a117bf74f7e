"""`mace review`: one self-contained page of a session that `mace live` recorded."""

from pathlib import Path
from typing import Annotated

import tyro

from mace.errors import ConfigError


def run(
    session: Annotated[Path, tyro.conf.Positional],
    out: Path | None = None,
    max_mb: float = 24.0,
) -> None:
    """Write one HTML page of a recorded session: facts, events, probabilities, pictures.

    The page shows the people who were recorded: mind what they agreed to before passing it on.

    Args:
        session: folder that `mace live` left, also the hidden one of a session that was killed.
        out: the page; by default review.html in that folder.
        max_mb: bound of all pictures together, in MB.
    """
    if not max_mb > 0:
        raise ConfigError(f"--max-mb is {max_mb:g}, expected more than 0")

    from mace.live.review import write_review
    from mace.live.session import load_session

    loaded = load_session(session)
    out = loaded.folder / "review.html" if out is None else out
    print(write_review(loaded, out=out, max_bytes=round(max_mb * 1e6)))
