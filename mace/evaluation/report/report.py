"""The report: one HTML page that needs nothing beside it, and its figures as PNG files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from mace import __version__
from mace.config import setting_rows
from mace.errors import ConfigError
from mace.evaluation.config import NETWORK, describe_folds
from mace.evaluation.report.examples import (
    Example,
    draw_examples,
    load_faces,
    save_faces,
    shown_clips,
)
from mace.evaluation.report.figures import (
    DARK,
    LIGHT,
    confusion_figure,
    example_image,
    learning_figure,
    subject_accuracies,
    subject_figure,
)
from mace.evaluation.report.page import inline_png, template, themed_picture, write_png
from mace.evaluation.results import Evaluation
from mace.evaluation.summary import Summary, summarise
from mace.evaluation.table import METHOD_NAMES, headline_rows
from mace.files import write_text

TEMPLATE = "report.html.j2"
MINUS = "\N{MINUS SIGN}"


def write_report(
    evaluations: Sequence[Evaluation],
    *,
    folder: Path,
    faces: Mapping[str, UInt8[np.ndarray, "s s"]] | None = None,
    examples: int = 4,
) -> Path:
    """Write `folder`/report.html and `folder`/figures/*.png, and return the page's path.

    Args:
        evaluations: the first is reported in full, the others in the headline table only.
        folder: where to write.
        faces: the corrected face at the apex, by clip. Those of the examples are kept in
            `folder`, so that the report can be made again without them. The page then holds
            people's faces: mind the licence of the data set before passing it on.
        examples: how many right and how many wrong predictions to show.

    Raises:
        ConfigError: if there is no evaluation.
        DataError: if the kept faces are damaged.
        OutputError: if `folder` cannot be written to.
    """
    if not evaluations:
        raise ConfigError("a report needs at least one evaluation; name a finished run")
    folder = Path(folder)
    main = evaluations[0]
    summaries = [summarise(evaluation) for evaluation in evaluations]
    right = draw_examples(main, right=True, count=examples)
    wrong = draw_examples(main, right=False, count=examples)
    if faces is not None:
        clips = shown_clips(right + wrong)
        save_faces(folder, {clip: faces[clip] for clip in clips if clip in faces})
    stored = load_faces(folder)
    network = main.methods[NETWORK]
    total = network.confusions(main.labels, len(main.classes)).sum(axis=0)

    write_png(folder, "confusion", confusion_figure(total, main.classes))
    page = template(
        TEMPLATE
    ).render(
        version=__version__,
        light=LIGHT,
        dark=DARK,
        main=main,
        train=main.config.get("train"),  # none where a caller's own classifier was evaluated
        summary=summaries[0],
        protocol=describe_folds(main.config["protocol"]),
        rows=headline_rows(evaluations, summaries),
        verdict=_verdict(summaries[0], "The network" if "train" in main.config else main.title),
        confusion=total.tolist(),
        shares=(total / np.maximum(total.sum(axis=1, keepdims=True), 1)).tolist(),
        subjects=subject_accuracies(main, network),
        subject_picture=themed_picture(
            folder,
            "subjects",
            lambda theme: subject_figure(main, network, theme),
            "Bars: accuracy of each subject, best first; the table below has the numbers.",
        ),
        learning_picture=themed_picture(
            folder,
            "learning",
            lambda theme: learning_figure(network, theme),
            "Curves over the epochs: one thin line for each fold and seed, their mean in colour.",
        ),
        right=[
            _shown(folder, "right", i, example, stored) for i, example in enumerate(right, start=1)
        ],
        wrong=[
            _shown(folder, "wrong", i, example, stored) for i, example in enumerate(wrong, start=1)
        ],
        has_faces=bool(stored),
        has_heat=any(example.heat is not None for example in right + wrong),
        settings=[*setting_rows(main.config), *setting_rows(main.motion, "motion.")],
        others=evaluations[1:],
    )
    path = folder / "report.html"
    write_text(path, page)
    return path


def _verdict(summary: Summary, who: str) -> str:
    """Say in one sentence whether `who` beats its best baseline."""
    rivals = {name: result for name, result in summary.baselines.items() if name != "majority"}
    rivals = rivals or summary.baselines
    if not rivals:
        return "There is no baseline to compare with."
    name, best = max(rivals.items(), key=lambda item: item[1].uf1)
    lead, (low, high) = best.ahead.uf1, best.ahead.interval
    rival = str(METHOD_NAMES.get(name, name))
    rival = rival if rival.startswith("SVM") else rival.lower()
    figures = f"difference in UF1 {lead:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}"
    figures = figures.replace("-", MINUS)
    if low > 0:
        return f"{who} is ahead of its best baseline on the same input, {rival} ({figures})."
    if high < 0:
        return f"{who} is behind its best baseline on the same input, {rival} ({figures})."
    return (
        f"{who} cannot be told apart from its best baseline on the same input, {rival} ({figures})."
    )


def _shown(
    folder: Path, kind: str, number: int, example: Example, faces: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    picture = example_image(faces.get(example.clip), example.heat)
    write_png(folder, f"{kind}-{number}", picture)
    return {"example": example, "source": inline_png(picture)}
