"""Fit `assets/estimators.npz`, the model of flow estimators, to rendered pairs, and show the fit.

    python -m mace.datasets.synthetic.pairs.fit_noise --people 300 --pairs-each 8

renders, measures with every estimator, fits on three quarters of the people, prints how sampled
errors compare with real ones on the others, and writes the asset (or the file after `--output`).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mace.datasets.synthetic.pairs.config import PairConfig
from mace.datasets.synthetic.pairs.noise import save_model
from mace.datasets.synthetic.pairs.noise_check import compare, sample
from mace.datasets.synthetic.pairs.residuals import fit_estimators
from mace.datasets.synthetic.pairs.stored import make_pairs

_NAMES = ("dis", "dis-medium", "farneback", "tvl1")


@dataclass(frozen=True)
class FitConfig:
    """What to fit on.

    Attributes:
        people: number of people; the last quarter is held out and compared.
        pairs_each: pairs a person.
        first: seed of the first person.
        workers: processes, as many as there are cores by default.
        cache_dir: where rendered pairs are kept.
        output: the file to write.
    """

    people: int = 300
    pairs_each: int = 8
    first: int = 5_000_000
    workers: int | None = None
    cache_dir: Path | None = None
    output: Path = Path(__file__).parent / "assets" / "estimators.npz"


def main(config: FitConfig) -> None:
    """Render, fit, compare, write."""
    pairs = make_pairs(
        range(config.first, config.first + config.people), config.pairs_each,
        config=PairConfig(classes="7"), estimators=("exact", *_NAMES),
        workers=config.workers, cache_dir=config.cache_dir,
    )  # fmt: skip
    held_out = pairs.person >= config.first + config.people * 3 // 4
    fields = {name: pairs.of(name).astype(np.float32) for name in ("exact", *_NAMES)}
    exact = fields.pop("exact")
    model = fit_estimators(exact[~held_out], {n: f[~held_out] for n, f in fields.items()})
    for name, real in fields.items():
        result = compare(exact[held_out], real[held_out], sample(model, exact[held_out], name))
        print(name, *(f"{key}={value}" for key, value in result._asdict().items()))
    save_model(model, config.output)
    print(f"{config.output}: {config.output.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    import tyro

    main(tyro.cli(FitConfig))
