"""`mace report`: one self-contained page of finished evaluations, or of a search."""

from pathlib import Path
from typing import Annotated

import tyro

from mace.errors import ConfigError


def run(
    runs: Annotated[tuple[Path, ...], tyro.conf.Positional],
    out: Path | None = None,
    storage: str = "",
) -> None:
    """Write the HTML report, and its pictures as PNG files, of evaluations or of a search.

    Args:
        runs: folders that `mace evaluate` or `mace reproduce` left, the one to lead first; or one
            that `mace search` writes, while it is at work or afterwards.
        out: folder of the page; by default `report` in the first folder.
        storage: database of a search, if it needs a password that nothing else says.
    """
    if not runs:
        raise ConfigError("name at least one folder of a finished evaluation")

    from mace.search.folder import read_pointer

    studies = [folder for folder in runs if read_pointer(folder)]
    if studies:
        if len(runs) > 1:
            raise ConfigError(
                f"{studies[0]} is a search, which has a page of its own; name it alone, or name "
                f"{studies[0] / 'outer'}, its outer score, beside the others"
            )
        from mace.search.report import write_study_report

        print(write_study_report(studies[0], out=out, storage=storage))
        return

    from mace.evaluation.loading import load_evaluation
    from mace.evaluation.report.report import write_report

    out = runs[0] / "report" if out is None else out
    print(write_report([load_evaluation(folder) for folder in runs], folder=out))
