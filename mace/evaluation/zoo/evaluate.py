"""The field's networks side by side: what is published, and what each is worth if trained alike.

Every network has the folds, the seeds and the training of one recipe; what differs is the network,
and the size of its images where its paper has one. Kernel ridge stands beside each, on the same
images. The field's descriptors with a linear SVM (`mace.shallow`) are rows as well, trained in the
same folds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax

from mace.config import config_hash
from mace.data.motion_set import MotionSet
from mace.errors import ConfigError, DataError, MaceError, TrainingError, WorkerError
from mace.evaluation.config import (
    NETWORK,
    EvaluationConfig,
    ProtocolConfig,
    describe_folds,
)
from mace.evaluation.cross_validation import evaluate_methods
from mace.evaluation.methods.baselines import KernelRidge, Majority
from mace.evaluation.methods.descriptors import BiWoofMachine, LbpTopMachine, check_bi_woof
from mace.evaluation.methods.method import Method
from mace.evaluation.summary import Summary, summarise
from mace.evaluation.zoo.results import Result
from mace.evaluation.zoo.rows import RIDGE, title_of
from mace.models.apply import count_parameters, init_model
from mace.models.config import ModelConfig
from mace.models.make import make_model
from mace.models.networks import network_of
from mace.models.presets import CONTROLS, MODELS
from mace.recipes import Recipe
from mace.shallow import SHALLOW


def zoo_recipe(recipe: Recipe, name: str, *, fixed_size: bool) -> Recipe:
    """Return a recipe with another network, and the size of images that its paper has.

    Args:
        recipe: of a MACNN. `macnn` has its settings, and so have MACNN's controls but for what they
            lack; the others have those of their papers.
        name: a row of the table, or `module:attribute`.
        fixed_size: the images are ready-made, and of the size they are.

    Raises:
        ConfigError: for a name that no network has, or a recipe of another network.
    """
    if recipe.train.model.arch != "macnn":
        raise ConfigError("networks are named by --networks; leave out --recipe.train.model.arch")
    if name in SHALLOW or name == "macnn":
        return recipe
    if name in CONTROLS:
        model = CONTROLS[name].change(recipe.train.model)
    else:
        model = MODELS[name] if name in MODELS else ModelConfig(arch=name)
    size = network_of(model.arch).size
    motion = recipe.motion
    if size is not None and not fixed_size:
        motion = replace(motion, size=size)
    return replace(recipe, motion=motion, train=replace(recipe.train, model=model))


def evaluate_zoo(
    networks: Sequence[str],
    recipe: Recipe,
    *,
    read: Callable[[Recipe, str], MotionSet],
    dataset: str,
    fixed_size: bool,
    seeds: int,
    protocol: ProtocolConfig,
    out: Path,
    workers: int,
    log: Callable[[str], None],
    check: Callable[[str, int, MotionSet], object] = lambda name, size, motion_set: None,
    done: Callable[[Result], object] = lambda result: None,
) -> tuple[list[Result], list[str]]:
    """Evaluate networks one after the other, each in a folder of its own that it goes on from.

    Args:
        networks: names, as for `zoo_recipe`.
        recipe: what they have in common.
        read: returns the images of a recipe, for a row of this name.
        dataset: what the results are called after.
        fixed_size: the images are ready-made, and of the size they are.
        seeds: how many trainings of each fold.
        protocol: the folds.
        out: folder of the results.
        workers: processes that share the folds of kernel ridge.
        log: is told which network is under way, which the images do not fit, and what failed.
        check: is given each row's name, the size of its images and these before it is trained.
        done: is given each result as it is there.

    Returns:
        The results, and the names of rows that failed; what the images do not fit is neither.

    Raises:
        MaceError: for a name that no network has, or a place that cannot be written to; what
            `check` raises.
    """
    recipes = {name: zoo_recipe(recipe, name, fixed_size=fixed_size) for name in networks}
    results, failed = [], []
    for number, (name, own) in enumerate(recipes.items(), start=1):
        log(f"{name} ({number} of {len(recipes)}), images of {own.motion.size} px")
        config = EvaluationConfig(
            train=own.train,
            protocol=protocol,
            # What is no network draws nothing at random.
            seeds=(0,) if name in SHALLOW else tuple(range(seeds)),
            explain=False,
            logistic_regression=None,
            svm=None,
        )
        try:
            motion_set = read(own, name)
            weights = 0 if name in SHALLOW else _weights(own.train.model, motion_set)
            methods = _methods(name, config, motion_set)
        except (ConfigError, DataError) as error:
            # The field's networks are as they are; one of your own is not yet what it should be.
            left_out = isinstance(error, ConfigError) and ":" not in name
            log(f"{name} {'is left out' if left_out else 'failed'}: {error}")
            failed += [] if left_out else [name]
            continue
        size = 0 if name == "lbp_top" else own.motion.size
        check(name, size, motion_set)
        try:
            evaluation = evaluate_methods(
                motion_set,
                config=config,
                run_dir=out / name.replace(":", "."),
                title=title_of(name),
                description={"data set": dataset},
                workers=workers,
                methods=methods,
                log=log,
            )
        except (ConfigError, DataError, TrainingError, WorkerError) as error:
            # Hours of the other rows are not lost by it.
            log(f"{name} failed: {error}")
            failed.append(name)
            continue
        result = Result(
            dataset=dataset,
            folds=describe_folds(evaluation.config["protocol"]),
            network=name,
            size=size,
            weights=weights,
            epochs=own.train.epochs if weights else 0,
            batch_size=own.train.batch_size if weights else 0,
            recipe=config_hash(recipe),
            data=motion_set.fingerprint,
            classes=len(motion_set.classes),
            **_scores(summarise(evaluation)),
        )
        results.append(result)
        done(result)
    return results, failed


def _methods(
    name: str, config: EvaluationConfig, motion_set: MotionSet
) -> Mapping[str, Method] | None:
    """Return what is evaluated of a row that is no network; None leaves it to the configuration."""
    if name not in SHALLOW:
        return None
    if name == "bi_woof":
        check_bi_woof(motion_set.motion)
    of_row: Mapping[str, Method] = {
        "bi_woof": BiWoofMachine(), "lbp_top": LbpTopMachine(), RIDGE: KernelRidge(),
    }  # fmt: skip
    return {NETWORK: of_row[name], RIDGE: KernelRidge(), "majority": Majority()}


def _weights(model: ModelConfig, motion_set: MotionSet) -> int:
    """Count weights for these images without drawing one, and see whether the images fit."""
    shape = motion_set.inputs.shape[2:]

    def drawn() -> Any:
        network = make_model(model, len(motion_set.classes))
        return init_model(network, jax.random.key(0), shape)

    try:
        return count_parameters(jax.eval_shape(drawn))
    except MaceError:
        raise
    except (ValueError, TypeError, ZeroDivisionError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ConfigError(f"images of {shape} do not fit it: {reason}") from error


def _scores(summary: Summary) -> dict[str, Any]:
    ridge = summary.baselines[RIDGE]
    values = {
        "uf1": summary.uf1, "uar": summary.uar, "ridge_uf1": ridge.uf1, "ahead": ridge.ahead.uf1,
    }  # fmt: skip
    for key, interval in (
        ("uf1", summary.intervals["uf1"]),
        ("uar", summary.intervals["uar"]),
        ("ahead", ridge.ahead.interval),
    ):
        values |= {f"{key}_low": interval[0], f"{key}_high": interval[1]}
    return {
        "seeds": len(summary.seeds),
        "clips": summary.n,
        "people": summary.subjects,
        "seconds": summary.seconds,
        "revision": str(summary.provenance.get("git_revision") or "unknown"),
        **{key: round(float(value), 4) for key, value in values.items()},
    }
