"""docs/experiments.md and its figures, from the committed results of the studies."""

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path

from mace.config import config_hash
from mace.experiments.study import Study
from mace.experiments.study_results import Pooled, difference, pool, read_rows
from mace.files import atomic_path, write_text

_HERE = Path(__file__).resolve().parent
RESULTS = _HERE / "results"
PAGE = _HERE.parent / "docs" / "experiments.md"

_INTRODUCTION = """# The paper's questions, as studies

Written by `python -m mace.experiments.studies page` from the results that are committed in
`experiments/results`, one line for each setting and seed, with the predictions, the fingerprint of
the data, the versions and the revision. `python -m mace.experiments.studies run` runs all that is
missing; each study has its own command, and so has each figure. Costs are extrapolated from the
time of one fold and one compilation.

**All faces are rendered.** The people of `synthetic/demo` share one renderer, one head model and
one idea of what an emotion looks like. What such faces can say: whether a part of the method does
what it is meant to do when everything else is equal, how large the effect is beside the difference
between people, and that the code works. What they cannot say: how well anything recognises the
micro-expressions of real people, or that a difference seen (or not seen) here is there on CASME II
or SAMM, whose annotation is uncertain, whose movements vary more, and whose classes overlap.
Nothing here reproduces a figure of the paper.

Unless a study says otherwise: {protocol}
The recipe behind it (`mace/recipes.py`) was chosen on other people, rendered by an earlier version
of the data set ([evaluation](evaluate.md#everything-at-once)); no setting was tuned for itself,
which may do injustice to those furthest from the recipe. Scores of different studies do not
compare. Intervals are 95 % by bootstrap over people (`mace/evaluation/bootstrap.py`), for the mean
over the seeds. A difference of two settings is taken on the same random draws of people; where its
interval holds 0, the page says **no difference seen**, which does not say that there is none. One
comparison in 20 would look like a difference by chance; nothing is corrected for their number. One
or two seeds say little about others: the score of each is given beside the mean."""

_NONE = "no difference seen"
_PROTOCOL = (
    "`synthetic/demo` (288 clips of 24 people, five classes), four folds by subject, "
    "DIS flow of 28 px, the small network and 20 epochs of `experiments/study.py`, as many seeds "
    "as the tables say, each on one core of a CPU."
)


def write_figure(study: Study) -> Path | None:
    """Draw a study's figure beside the page; None if nothing has been run."""
    settings = finished(study)
    if not settings:
        return None
    path = figure_path(study)
    with atomic_path(path) as temporary:
        temporary.write_bytes(study.draw(settings))
    return path


def write_page(studies: Sequence[Study], path: Path = PAGE) -> None:
    """Write the page; figures are those that were drawn."""
    write_text(path, page(studies))


def page(studies: Sequence[Study]) -> str:
    """Return docs/experiments.md."""
    parts = [_INTRODUCTION.format(protocol=_PROTOCOL)]
    parts += [section(study) for study in studies]
    return "\n\n".join(parts) + "\n"


def figure_path(study: Study) -> Path:
    """Where a study's figure lies."""
    return PAGE.parent / "experiments" / f"{study.name}.svg"


def finished(study: Study, results: Path = RESULTS) -> dict[str, Pooled]:
    """Return the settings that have results, by name, in the order of the sweep.

    Results of other settings, such as earlier versions of a recipe, are passed over.
    """
    rows = read_rows(results / f"{study.name}.jsonl")
    settings = {}
    for setting in study.sweep():
        key = config_hash(setting)
        own = sorted((row for row in rows if row["key"] == key), key=lambda row: row["seed"])
        if own:
            settings[setting.name] = pool(setting.name, own)
    return settings


def section(study: Study, results: Path = RESULTS) -> str:
    """Return what the page says about a study."""
    title, *about = inspect.cleandoc(study.about).split("\n\n")
    settings = finished(study, results)
    parts = [f"## {title}", *about]
    total = len(study.sweep())
    if not settings:
        parts.append("**Not run yet**: there is no result and no figure.")
        return "\n\n".join(parts)
    if len(settings) < total:
        parts.append(f"**Not finished**: {len(settings)} of {total} settings have results.")
    if figure_path(study).exists():
        parts.append(f"![{title}](experiments/{study.name}.svg)")
        parts.append(f"Figure and table: `python -m mace.experiments.{study.name} page`.")
    for part in study.parts or ("",):
        shown = {name: pooled.of(part) if part else pooled for name, pooled in settings.items()}
        if part:
            parts.append(f"Tested on {part}:")
        parts.append(_table(study, shown))
        lines = [_verdict(shown, *pair) for pair in study.pairs if set(pair) <= set(shown)]
        if lines:
            parts.append("\n".join(lines))
            parts.append(_tally(lines))
    if study.reading:
        parts.append(f"Reading: {study.reading}")
    return "\n\n".join(parts)


def _table(study: Study, settings: Mapping[str, Pooled]) -> str:
    head = ["setting", "seeds", "UF1 (95 % over people)", "of each seed", "UAR"]
    lines = [_row([*head, *study.extras.values()]), "|---" * (len(head) + len(study.extras)) + "|"]
    for name, pooled in settings.items():
        low, high = pooled.interval
        each = [f"{uf1:.3f}" for uf1 in pooled.uf1_of_each]
        extras = [_number(pooled.extra(extra)) for extra in study.extras]
        score = f"{pooled.uf1:.3f} ({low:.3f} to {high:.3f})"
        lines.append(
            _row([name, str(len(each)), score, ", ".join(each), f"{pooled.uar:.3f}", *extras])
        )
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _number(value: float | None) -> str:
    if value is None:
        return "not reached"
    return f"{value:.0f}" if value >= 1000 else f"{value:.4g}"


def _tally(verdicts: Sequence[str]) -> str:
    differing = sum(not line.endswith(f"**{_NONE}**.") for line in verdicts)
    chance = len(verdicts) / 20
    return (
        f"{differing} of {len(verdicts)} comparisons show a difference; by chance alone about "
        f"{chance:.1g} would."
    )


def _verdict(settings: Mapping[str, Pooled], earlier: str, later: str) -> str:
    gain, (low, high) = difference(settings[later], settings[earlier])
    verdict = _NONE if low <= 0 <= high else ("better" if gain > 0 else "worse")
    return f"- {later} against {earlier}: {gain:+.3f} ({low:+.3f} to {high:+.3f}), **{verdict}**."
