"""`mace audit`: what makes a score too good, in a run or in the split of any code base."""

import json
import textwrap
from pathlib import Path
from typing import Annotated

import tyro

from mace.errors import MaceError
from mace.protocols.benchmarks import BenchmarkName

WIDTH = 96


class LeakFound(MaceError):
    """An audit found something."""

    exit_code = 1


def run(
    path: Annotated[Path, tyro.conf.Positional],
    benchmark: BenchmarkName | None = None,
    uf1: float | None = None,
    uar: float | None = None,
    accuracy: float | None = None,
    as_json: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> None:
    """Look for leaks: exit code 0 if none was found, 1 if one was, above 1 if nothing was audited.

    Checks whether subjects, clips, pictures or copies of them are on both sides of a fold, whether
    normalisation, epochs or settings saw test subjects, whether every sample is predicted once, and
    whether the reported scores are those of the predictions.

    Args:
        path: a folder that `mace evaluate` left, or a split as CSV or JSON (docs/scores.md).
        benchmark: the protocol that a split's result is called after.
        uf1: the UF1 that is reported of a split's predictions.
        uar: the UAR that is reported of a split's predictions.
        accuracy: the accuracy that is reported of a split's predictions.
        as_json: print one JSON object instead of the text.
    """
    from mace.leakage.audit import audit

    report = audit(path, benchmark=benchmark, uf1=uf1, uar=uar, accuracy=accuracy)
    if as_json:
        print(json.dumps(report.as_json(), indent=2, ensure_ascii=False))
    else:
        print(f"{report.what}: {report.samples} samples, {report.folds} different folds")
        for finding in report.findings:
            more = f" and {finding.count - len(finding.where)} more"
            print(f"\nFOUND {finding.code}: {finding.what}")
            for place in finding.where:
                print(f"    {place}")
            print(f"   {more}" if finding.count > len(finding.where) else "", end="\n")
            worth = f"worth: {finding.worth}"
            print(textwrap.fill(worth, WIDTH, initial_indent="    ", subsequent_indent="    "))
        print(f"\nchecked      {', '.join(report.checked)}")
        for name, why in report.unchecked.items():
            print(f"not checked  {name} ({why})")
    if not report.clean:
        codes = ", ".join(dict.fromkeys(finding.code for finding in report.findings))
        raise LeakFound(f"{path} is not clean: {codes}")
    if not as_json:
        print("nothing found")
