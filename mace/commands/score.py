"""`mace score`: the field's scores of a log of predictions, whoever made it."""

import json
from pathlib import Path
from typing import Annotated

import tyro

from mace.errors import ConfigError
from mace.protocols.benchmarks import BenchmarkName


def run(
    logs: Annotated[tuple[Path, ...], tyro.conf.Positional],
    benchmark: BenchmarkName | None = None,
    classes: tuple[str, ...] = (),
    truth: Path | None = None,
    as_json: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> None:
    """Score predictions: UF1, UAR, accuracy and more, from counts pooled over all folds.

    A log is in the form of the Micro-Expression Grand Challenge, a line `database subject` and then
    a line `clip truth prediction` for each sample; or a table (CSV, .xlsx) with the columns
    database, subject, clip, truth, prediction; or what code prints of each fold, `Subject: sub01`,
    `Predicted : [0, 1]`, `Ground Truth : [0, 0]`. Several logs are several seeds of one method:
    scores are their means.

    What was spotted in long videos is scored as well, in the challenge's forms: a log of MEGC 2020,
    a line `video true-onset true-offset onset offset TP` for each interval; or, with --truth, a
    table `vid,pred_onset,pred_offset,type` (2022, 2023) or `subject,video,onset,offset,emotion`
    (2024, 2025).

    Args:
        logs: the logs, one for each seed.
        benchmark: compare the number of samples with this protocol's; its classes, in its order,
            name integer labels, and its database is that of subjects without one. Without it, the
            protocol with these databases and classes.
        classes: names of the classes in the order of integer labels; of spotted intervals, those
            that are analysed (all, if there are none).
        truth: the true intervals of a table of spotted ones, in the same form.
        as_json: print one JSON object instead of the tables.
    """
    if not logs:
        raise ConfigError("name at least one log of predictions")
    if benchmark is not None and classes:
        raise ConfigError("--benchmark names the classes already; leave out --classes")

    from mace.spotting.megc_reading import is_spotting

    if truth is not None or any(map(is_spotting, logs)):
        if benchmark is not None:
            raise ConfigError("spotted intervals have no --benchmark")
        if classes and truth is None:
            raise ConfigError("a log of spotted intervals names no classes; leave out --classes")
        _score_spotting(logs, truth, classes, as_json=as_json)
        return

    from mace.evaluation.method_scores import figures_json
    from mace.evaluation.score_text import print_scores
    from mace.evaluation.scoring import score

    scores = score(logs, benchmark=benchmark, classes=classes)
    if as_json:
        counts = None if scores.benchmark is None else figures_json(scores.benchmark)
        more = {"logs": list(map(str, logs)), "remarks": list(scores.remarks)}
        figures = figures_json(scores.figures) | more | {"benchmark": counts}
        print(json.dumps(figures, indent=2, ensure_ascii=False))
    else:
        print_scores(scores.figures, scores.benchmark)
        for remark in scores.remarks:
            print(f"note: {remark}")


def _score_spotting(
    logs: tuple[Path, ...], truth: Path | None, classes: tuple[str, ...], *, as_json: bool
) -> None:
    from mace.spotting.megc_scores import score_log, score_table, text

    if len(logs) != 1:
        raise ConfigError("name one log of spotted intervals at a time")
    if truth is None:
        figures, remarks = score_log(logs[0])
    else:
        figures, remarks = score_table(logs[0], truth, classes=classes)
    if as_json:
        print(json.dumps({**figures, "log": str(logs[0]), "remarks": list(remarks)}, indent=2))
        return
    print(text(figures))
    for remark in remarks:
        print(f"note: {remark}")
