"""What pre-training needs: how many people and pairs, and what each randomisation is worth.

    python -m mace.experiments.pretraining_study curve          a quarter of an hour
    python -m mace.experiments.pretraining_study ablation       half an hour for two seeds
    python -m mace.experiments.pretraining_study page           writes docs/pretraining.md

Runs are short (`STEPS` steps) and all alike but for what they are about, so the scores compare
with each other and not with the shipped network's. Every run is a line of `results/*.jsonl`; what
is there is not run again. Scores are of the test half of `mace/pretraining/pair_tests.py`.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mace.compilation import keep_compiled
from mace.config import config_hash
from mace.datasets.synthetic.pairs.config import (
    HeadConfig,
    PairConfig,
)
from mace.datasets.synthetic.pairs.stored import StoredPairs
from mace.datasets.synthetic.picture.picture_config import PictureConfig
from mace.files import append_line, write_text
from mace.models.runtime import keep_heap
from mace.motion.conventions import ConventionConfig
from mace.places import DATA_DIR
from mace.pretraining.config import PretrainingConfig
from mace.pretraining.pair_tests import labels_of, pair_tests, score
from mace.pretraining.pretrain import make_stream, training_pairs
from mace.training.fit import fit_stream

type Study = Literal["curve", "ablation"]

_HERE = Path(__file__).resolve().parent
RESULTS = _HERE / "results"
PAGE = _HERE.parent / "docs" / "pretraining.md"
STEPS = 500
_PICTURE_PEOPLE = 160


@dataclass(frozen=True)
class Setting:
    """One line of a study.

    Attributes:
        name: what tables call it.
        config: what is trained.
    """

    name: str
    config: PretrainingConfig


def base() -> PretrainingConfig:
    """Return the shipped recipe, made short."""
    full = PretrainingConfig()
    train = replace(full.train, epochs=1, ema=0.99)
    return replace(full, train=train, steps_per_epoch=STEPS)


def curve() -> Iterator[Setting]:
    """Rendered pairs alone: more people, and more pairs of each."""
    rendered = replace(base(), stream=replace(base().stream, rendered=1.0))
    for people in (10, 40, 160, 640):
        yield Setting(f"{people} people x 16 pairs", replace(rendered, people=people))
    for pairs in (1, 4):
        yield Setting(f"640 people x {pairs} pairs", replace(rendered, pairs_each=pairs))


def ablation() -> Iterator[Setting]:
    """Motion space alone with one randomisation off; then rendering alone, likewise."""
    motion = replace(base(), stream=replace(base().stream, rendered=0.0), pairs_each=1)
    plain = PairConfig.quiet()
    yield Setting("motion space, everything on", motion)
    for name, changes in {
        "no left-over head motion": {"head": HeadConfig(turn_deg=0, shift=0, scale=0)},
        "no errors of the crop": {"crop": plain.crop},
        "no blinks, gaze or speech": {"distractors": plain.distractors},
        "no other action units, equal strengths and sides": {
            "movement": replace(
                motion.stream.pairs.movement,
                intensity_sd=0, asymmetry_sd=0, unilateral=0, extra=0, drift_px=0,
            )
        },
        "no errors of onset and apex": {
            "movement": replace(
                motion.stream.pairs.movement, onset_error=0, apex_error=0, phase_sd=0
            )
        },
    }.items():  # fmt: skip
        pairs = replace(motion.stream.pairs, **changes)
        yield Setting(name, replace(motion, stream=replace(motion.stream, pairs=pairs)))
    for name, changes in {
        "windows not moved": {"conventions": ConventionConfig(jitter=0.0, loose=0.0)},
        "our own presentation alone": {"conventions": ConventionConfig(public=0.0)},
        "the public presentation alone": {"conventions": ConventionConfig(public=1.0)},
    }.items():
        yield Setting(name, replace(motion, stream=replace(motion.stream, **changes)))
    stream = replace(base().stream, rendered=1.0, estimators=("dis",))
    rendered = replace(base(), people=_PICTURE_PEOPLE, stream=stream)
    quiet = PictureConfig.quiet()
    yield Setting(f"rendering ({_PICTURE_PEOPLE} people, DIS), everything on", rendered)
    for name, silent in {
        "one perfect camera": (
            "resampled", "blur", "noise", "noise_spread", "gamma", "contrast", "exposure",
            "compressed",
        ),
        "one light": ("light", "hard", "flicker"),
        "no glasses, spots or backdrops": ("mottling", "glasses", "backdrop"),
    }.items():  # fmt: skip
        picture = replace(PictureConfig(), **{entry: getattr(quiet, entry) for entry in silent})
        yield Setting(f"rendering, {name}", replace(rendered, picture=picture))


STUDIES = {"curve": curve, "ablation": ablation}


def run_study(study: Study, *, seeds: int, data_dir: Path, workers: int) -> None:
    """Run what `results` lacks, a line a run."""
    keep_compiled()
    keep_heap()
    path = RESULTS / f"pretraining_{study}.jsonl"
    done = {(row["key"], row["seed"]) for row in read_results(path)}
    for seed in range(seeds):
        for setting in STUDIES[study]():
            key = config_hash(setting.config)
            if (key, seed) in done:
                continue
            row = _run(setting, seed=seed, cache_dir=data_dir / "pairs", workers=workers)
            line = {"name": setting.name, "key": key, "seed": seed} | row
            append_line(path, json.dumps(line))


def read_results(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a study so far."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _run(setting: Setting, *, seed: int, cache_dir: Path, workers: int) -> dict[str, float]:
    config = setting.config
    stored = _stored(config, workers=workers, cache_dir=cache_dir)
    fitted = fit_stream(
        make_stream(config, stored, workers=workers),
        config=config.train,
        seed=seed,
        label=f"{setting.name}, seed {seed}",
    )
    row = {}
    # Always the same tests, whatever was turned off in training.
    for test in pair_tests(PairConfig(), PictureConfig(), part="test"):
        pairs = test.make(workers=workers, cache_dir=cache_dir)
        for view, scores in score(fitted, pairs.of(test.estimator), labels_of(pairs, "3")).items():
            row[f"{test.name}_{view}"] = scores["uf1"]
    return row


def _stored(config: PretrainingConfig, *, workers: int, cache_dir: Path) -> StoredPairs:
    """Return the rendered pairs of a run; those of the shipped recipe are cut, not made again."""
    full = base()
    if config.picture != full.picture:
        return training_pairs(config, workers=workers, cache_dir=cache_dir)
    stored = training_pairs(full, workers=workers, cache_dir=cache_dir)
    # Motion space alone looks at none of them.
    people = config.people if config.stream.rendered else 1
    number = np.arange(len(stored))
    chosen = (number // full.pairs_each < people) & (number % full.pairs_each < config.pairs_each)
    rows = {
        entry.name: getattr(stored, entry.name)[chosen]
        for entry in fields(stored)
        if entry.name not in ("fields", "estimators")
    }
    names = config.stream.estimators
    measured = np.stack([stored.of(name)[chosen] for name in names])
    return StoredPairs(fields=measured, estimators=names, **rows)


def page() -> str:
    """Return docs/pretraining.md."""
    parts = [
        "# What pre-training needs",
        "Written by `python -m mace.experiments.pretraining_study page` from the runs of "
        "`python -m mace.experiments.pretraining_study curve` and `... ablation`, which are "
        f"committed in `experiments/results`. Each run is {STEPS} steps of 64 pairs. UF1, mean "
        "over seeds (lowest to highest), on the test half of `mace/pretraining/pair_tests.py`: "
        "`same` are other people, DIS flow; `shifted` other people in other recordings, "
        "measured by an estimator that no training has seen. `own` and `public` are the two "
        "presentations of `mace/motion/conventions.py`. **All faces are rendered.**",
        "## People and pairs",
        "Rendered pairs alone (route 1).",
        _table(read_results(RESULTS / "pretraining_curve.jsonl"), list(curve())),
        "## What each randomisation is worth",
        "Motion space alone (route 2) with one of its randomisations off, then rendered pairs "
        "alone with one group of the picture's off. A randomisation earns its place where the "
        "`shifted` columns fall without it. Seeds of one setting lie up to 0.02 apart (above), so "
        "with one seed a smaller difference says nothing.",
        _table(read_results(RESULTS / "pretraining_ablation.jsonl"), list(ablation())),
    ]
    return "\n\n".join(parts) + "\n"


def _table(rows: list[dict[str, Any]], settings: list[Setting]) -> str:
    columns = ("same_own", "same_public", "shifted_own", "shifted_public")
    if not rows:
        return "Not run yet."
    lines = ["| setting | seeds | " + " | ".join(c.replace("_", ", ") for c in columns) + " |"]
    lines.append("|---" * (2 + len(columns)) + "|")
    for setting in settings:
        key = config_hash(setting.config)
        own, mark = [row for row in rows if row["key"] == key], ""
        if not own:
            earlier = [row for row in rows if row["name"] == setting.name]
            own = [row for row in earlier if row["key"] == earlier[-1]["key"]]
            mark = " †"
        if not own:
            continue
        cells = [_cell([row[column] for row in own]) for column in columns]
        lines.append(f"| {setting.name}{mark} | {len(own)} | " + " | ".join(cells) + " |")
    if any("†" in line for line in lines):
        lines.append("\n† With an earlier version of the recipe.")
    return "\n".join(lines)


def _cell(values: list[float]) -> str:
    mean = f"{np.mean(values):.3f}"
    return mean if len(values) == 1 else f"{mean} ({min(values):.3f} to {max(values):.3f})"


def main(
    what: Literal["curve", "ablation", "page"],
    seeds: int = 3,
    data_dir: Path = DATA_DIR,
    workers: int = 2,
) -> None:
    """Run a study of pre-training, or write its page.

    Args:
        what: the study, or `page`.
        seeds: runs of each setting.
        data_dir: rendered pairs go to its folder `pairs`.
        workers: processes that render.
    """
    if what == "page":
        write_text(PAGE, page())
    else:
        run_study(what, seeds=seeds, data_dir=data_dir, workers=workers)


if __name__ == "__main__":
    import tyro

    tyro.cli(main, config=(tyro.conf.PositionalRequiredArgs,))
