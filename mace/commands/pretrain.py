"""`mace pretrain`: a network from rendered faces alone, such as the one that MACE ships."""

import os
import shlex
import sys
from pathlib import Path

from mace.places import DATA_DIR, RUNS_DIR
from mace.pretraining.config import PretrainingConfig


def run(
    out: Path = RUNS_DIR / "pretrain" / "model",
    config: PretrainingConfig = PretrainingConfig(),  # noqa: B008
    data_dir: Path = DATA_DIR,
    workers: int = os.cpu_count() or 1,
    measure: bool = False,
) -> None:
    """Pre-train MACNN on onset-apex pairs of synthetic people and keep it as a model.

    Renders the pairs first (half an hour on two cores) and keeps them beside the prepared
    data sets. Ctrl-C saves and stops; the same command goes on from there.

    Args:
        out: folder of the model.
        config: the recipe.
        data_dir: where prepared data sets lie; the pairs go to its folder `pairs`.
        workers: processes that render.
        measure: afterwards measure the network on other people, and write the model card.
    """
    from mace.bundle import save_bundle
    from mace.compilation import keep_compiled
    from mace.models.runtime import keep_heap
    from mace.pretraining.pretrain import pretrain

    keep_compiled()
    keep_heap()
    bundle = pretrain(
        config,
        run_dir=out.with_name(f"{out.name}-run"),
        cache_dir=data_dir / "pairs",
        workers=workers,
    )
    save_bundle(out, bundle)
    if measure:
        from mace.pretraining.measure import measure_network
        from mace.pretraining.model_card import write_card

        measured = measure_network(
            bundle, config, part="test", workers=workers, cache_dir=data_dir / "pairs"
        )
        write_card(
            out, bundle, measured, config=config, command=shlex.join(["mace", *sys.argv[1:]])
        )
    print(f"the model is in {out} (mace evaluate --zero-shot {out})")
