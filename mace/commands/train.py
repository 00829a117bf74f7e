"""`mace train`: one network from every clip of a prepared data set."""

from pathlib import Path

from mace.commands.places import DATA_DIR, RUNS_DIR, prepared_dataset
from mace.experiments.recipes import FLOW, Recipe


def run(
    dataset: str = "synthetic/demo",
    out: Path | None = None,
    seed: int = 0,
    data_dir: Path = DATA_DIR,
    recipe: Recipe = FLOW,
) -> None:
    """Train a network on all clips of a data set and keep it as a model for `mace live`.

    It has no score of its own, since it has seen every clip: `mace evaluate` scores the recipe.
    Ctrl-C saves and stops; the same command goes on from there.

    Args:
        dataset: name and configuration of a prepared data set; `mace doctor` lists them.
        out: folder of the model; by default runs/train/NAME/CONFIGURATION.
        seed: of everything random.
        data_dir: where prepared data sets lie.
        recipe: input, network and training.
    """
    folder = prepared_dataset(dataset, data_dir=data_dir)

    from mace.data import load_clips
    from mace.experiments.running import motion_set, train_final
    from mace.training import keep_compiled

    keep_compiled()
    out = RUNS_DIR / "train" / dataset if out is None else out
    inputs = motion_set(load_clips(folder), recipe, cache_dir=out.parent / "cache")
    train_final(inputs, recipe, seed=seed, out=out)
    print(f"the model is in {out} (mace live --source VIDEO --model {out})")
