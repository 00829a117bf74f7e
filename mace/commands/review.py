"""`mace review`: events corrected by hand, on a page; or one page of a session to pass on."""

import getpass
import json
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import tyro

from mace.errors import ConfigError
from mace.places import RUNS_DIR
from mace.serving.config import ServingConfig


def run(
    place: Annotated[Path, tyro.conf.Positional],
    coder: str | None = None,
    table: Path | None = None,
    spotted: Path = RUNS_DIR / "spot",
    blank: bool = False,
    fps: float | None = None,
    agreement: tuple[str, str] | None = None,
    as_json: Annotated[bool, tyro.conf.arg(name="json")] = False,
    out: Path | None = None,
    max_mb: float = 24.0,
    web: ServingConfig = ServingConfig(),  # noqa: B008
) -> None:
    """Code videos on a page: step by frame, correct what was spotted, add and delete events.

    The page's address is printed; it is served until Ctrl-C, and every edit is saved at once in
    annotations.csv beside the videos, which `mace prepare folder` reads. With --agreement two
    coders of that table are compared. With --out one HTML page of a session that `mace live`
    recorded is written instead, with its events, probabilities and pictures: mind what those who
    are seen agreed to before passing it on.

    Args:
        place: a video or folder of pictures, a folder with a folder of these for each person, a
            session of `mace live` or a result of `mace spot`.
        coder: whose events are shown and edited; by default your login name.
        table: where all coders' events are kept, in place of annotations.csv.
        spotted: folder of the results of `mace spot`, which are shown where they are of these
            videos.
        blank: show nothing that was spotted.
        fps: frames per second, where the videos do not say or say it wrongly.
        agreement: compare these two coders and end.
        as_json: print the comparison as one JSON object.
        out: write one page of a recorded session there and end.
        max_mb: bound of all pictures of that page together, in MB.
        web: where the page is served.
    """
    if out is not None:
        _write_page(place, out, max_mb)
        return
    from mace.review.recordings import coding_root, find_recordings
    from mace.review.table import ANNOTATIONS

    if agreement is not None:
        root = coding_root(place)
        table = root / ANNOTATIONS if table is None else table
        _compare(table, agreement, root=root, as_json=as_json)
        return
    from mace.review.server import serve
    from mace.review.session import CodingSession

    where = find_recordings(place, spotted=spotted)
    table = where.root / ANNOTATIONS if table is None else table
    name = _login() if coder is None else coder
    session = CodingSession(where, table=table, coder=name, fps=fps, propose=not blank)
    count = len(where.recordings)
    videos = "1 recording" if count == 1 else f"{count} recordings"
    _say(f"{videos}; {name}'s events are kept in {table}; afterwards")
    options = ("--manual-dir", where.root, "--annotations", table, "--coder", name)
    _say(f"  mace prepare folder {shlex.join(map(str, options))}")
    try:
        serve(session, config=web, say=_say)
    finally:
        session.close()


def _compare(table: Path, coders: tuple[str, str], *, root: Path, as_json: bool) -> None:
    from mace.review.agreement import agreement, agreement_text
    from mace.review.rows import read_codings

    result = agreement(read_codings(table, root=root), coders)
    print(json.dumps(asdict(result), indent=2) if as_json else agreement_text(result))


def _write_page(place: Path, out: Path, max_mb: float) -> None:
    if not max_mb > 0:
        raise ConfigError(f"--max-mb is {max_mb:g}, expected more than 0")

    from mace.recordings.session import load_session
    from mace.review.page import write_review

    print(write_review(load_session(place), out=out, max_bytes=round(max_mb * 1e6)))


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # nobody's account, as in some containers
        return "coder"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
