"""`mace report`: one self-contained page of finished evaluations."""

from pathlib import Path
from typing import Annotated

import tyro

from mace.errors import ConfigError


def run(
    runs: Annotated[tuple[Path, ...], tyro.conf.Positional],
    out: Path | None = None,
) -> None:
    """Write the HTML report, and its pictures as PNG files, of one or more evaluations.

    Args:
        runs: folders that `mace evaluate` or `mace reproduce` left, the one to lead first.
        out: folder of the page; by default `report` in the first folder.
    """
    if not runs:
        raise ConfigError("name at least one folder of a finished evaluation")

    from mace.evaluation import load_evaluation, write_report

    out = runs[0] / "report" if out is None else out
    print(write_report([load_evaluation(folder) for folder in runs], folder=out))
