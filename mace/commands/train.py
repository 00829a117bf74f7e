"""`mace train`: one network from every clip of a prepared data set."""

import functools
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mace.annotation.class_sets import ClassSet
from mace.commands.defaults import DATASET, with_default_recipe
from mace.commands.mixing import make_mix, read_mix
from mace.commands.starting import starting_from
from mace.errors import ConfigError
from mace.hosts.meeting import HostsConfig, hosts_config
from mace.places import DATA_DIR, RUNS_DIR, prepared_dataset
from mace.recipes import FLOW, Recipe

if TYPE_CHECKING:
    from mace.data.motion_set import MotionSet


def run(
    dataset: str = DATASET,
    classes: ClassSet | None = None,
    out: Path | None = None,
    seed: int = 0,
    data_dir: Path = DATA_DIR,
    recipe: Recipe = FLOW,
    init: str | None = None,
    mix: str | None = None,
    units_from: Path | None = None,
    calibrate: Path | None = None,
    coordinator: str | None = None,
    processes: int | None = None,
    process_id: int | None = None,
    meet_within: int = 120,
) -> None:
    """Train a network on all clips of a data set and keep it as a model for `mace live`.

    It has no score of its own, since it has seen every clip: `mace evaluate` scores the recipe.
    Ctrl-C saves and stops; the same command goes on from there.

    Args:
        dataset: name and configuration of a prepared data set; `mace doctor` lists them.
        classes: set of classes to learn in place of the emotions; clips without one are left out.
        out: folder of the model; by default runs/train/NAME/CONFIGURATION[-CLASSES].
        seed: of everything random.
        data_dir: where prepared data sets lie.
        recipe: input, network and training.
        init: go on from this network in place of a new one: the folder of a model, or `pretrained`
            for the one that comes with MACE.
        mix: rendered faces that share every batch and how much of it they get: `synthetic:0.5` for
            pairs made for this input (minutes, once), or a prepared data set such as
            `synthetic/demo:0.5`.
        units_from: for `recipe.train.unit-weight`, a table of the clips' action units, as for
            `mace evaluate`.
        calibrate: folder that `mace evaluate` left for these clips: how right the network was about
            people it had not seen says how sure `mace live` and `mace spot` are.
        coordinator: train in several processes, on as many hosts, with all their devices: HOST:PORT
            of process 0, or `auto` under SLURM, Open MPI and on TPU pods (docs/cluster.md).
        processes: how many; each is started with the same command but for --process-id.
        process_id: which of them this is, from 0, which alone writes files.
        meet_within: seconds that the processes wait for each other at the start.
    """
    if units_from is not None and not recipe.train.unit_weight:
        raise ConfigError(
            "--units-from goes with --recipe.train.unit-weight; add it or leave out --units-from"
        )
    if not 0 <= seed < 2**32:
        raise ConfigError(f"--seed is {seed}, expected 0 to {2**32 - 1}")
    hosts = hosts_config(coordinator, processes, process_id, meet_within)
    start = starting_from(init=init)
    mixed = read_mix(mix, data_dir=data_dir)
    folder = prepared_dataset(dataset, data_dir=data_dir)

    from mace.compilation import keep_compiled
    from mace.hosts.agreement import is_writer, writer_first
    from mace.inputs import read_motion, with_units
    from mace.training.final import train_final

    if hosts is not None:
        recipe = _shared_by_hosts(recipe, hosts)
    keep_compiled()
    if out is None:
        suffixes = [classes or "", start.use if start else "", "mix" if mixed else ""]
        out = RUNS_DIR / "train" / "-".join([dataset, *filter(None, suffixes)])
    bundle = None if start is None else start.bundle
    with writer_first():
        inputs = read_motion(folder, recipe, cache_dir=out.parent / "cache", classes=classes)
        if units_from is not None:
            inputs = with_units(inputs, units_from)
        mixing = make_mix(mixed, inputs, recipe, cache_dir=out.parent / "cache")
    temperature = 1.0 if calibrate is None else _temperature(calibrate, inputs)
    train_final(
        inputs, recipe.train, seed=seed, out=out, start=bundle, mix=mixing, temperature=temperature
    )
    if not is_writer():
        return
    if inputs.motion.flow == "images":
        print(f"the model is in {out} (for flow images; `mace live` cannot use it)")
    else:
        print(f"the model is in {out} (mace live VIDEO --model {out})")


def _temperature(folder: Path, inputs: "MotionSet") -> float:
    """Return the temperature that an evaluation of the same clips calls for."""
    from mace.evaluation.loading import load_evaluation
    from mace.evaluation.temperature import held_out_temperature

    evaluation = load_evaluation(folder)
    if evaluation.fingerprint != inputs.fingerprint or evaluation.classes != inputs.classes:
        raise ConfigError(
            f"--calibrate {folder} is an evaluation of other clips, or of other classes or inputs "
            "of them; evaluate this data set with the same recipe first"
        )
    return held_out_temperature(evaluation)


def _shared_by_hosts(recipe: Recipe, hosts: HostsConfig) -> Recipe:
    """Meet the other processes, and return the recipe for the devices of all of them."""
    import jax

    from mace.hosts.agreement import join_hosts

    join_hosts(hosts)
    devices, there = recipe.train.devices, jax.device_count()
    if devices not in (1, there):
        raise ConfigError(
            f"recipe.train.devices is {devices}, but the processes have {there} devices, which all "
            "take part; leave it out"
        )
    return replace(recipe, train=replace(recipe.train, devices=there))


# The recipe's defaults are those for the data set that the arguments name.
adapted_run = functools.partial(with_default_recipe, run)
