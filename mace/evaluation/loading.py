"""Reading a finished evaluation back: `mace report` works from its folder alone."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from mace.errors import DataError
from mace.evaluation.results import Evaluation, MethodResult
from mace.evaluation.store import RecordKey, RunFolder


def load_evaluation(run_dir: Path) -> Evaluation:
    """Read a finished evaluation from its folder.

    Raises:
        DataError: if the folder holds none, or some folds are missing.
    """
    folder = RunFolder(run_dir)
    config = folder.read_config()
    records = folder.records()
    try:
        methods = {
            name: _method(name, plan, records, folder, config)
            for name, plan in config["methods"].items()
        }
        folds = _folds(records, config)
        scored = np.arange(len(folds))
        if config["config"]["protocol"]["kind"] == "partition":
            # Clips that are there to learn from alone are rightly predicted by nobody.
            scored = np.flatnonzero([bool(fold) for fold in folds])
        return Evaluation(
            title=config["title"],
            classes=tuple(config["classes"]),
            subjects=tuple(config["subjects"]),
            clips=tuple(config["clips"][i] for i in scored),
            labels=np.array(config["labels"], np.int32)[scored],
            groups=np.array(config["groups"], np.int32)[scored],
            folds=tuple(folds[i] for i in scored),
            methods={name: _of_clips(method, scored) for name, method in methods.items()},
            config=config["config"],
            config_hash=config["config_hash"],
            motion=config["motion"],
            fingerprint=config["fingerprint"],
            description=config["description"],
            provenance=config["provenance"] | _revision(records, config),
            command=config["command"],
            leaks=folder.read_leaks(),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"the evaluation in {folder.path} is damaged ({error!r}); run it again in a new folder"
        ) from error


def _revision(
    records: Mapping[RecordKey, Mapping[str, Any]], config: Mapping[str, Any]
) -> dict[str, str]:
    """Return the revisions of code that made the folds, whichever the last call had.

    Nothing where a fold says none.
    """
    made = {
        records[plan["key"], seed, fold].get("revision")
        for plan in config["methods"].values()
        for seed in plan["seeds"]
        for fold in config["folds"]
    }
    return {"git_revision": ", ".join(sorted(map(str, made)))} if all(made) else {}


def _of_clips(method: MethodResult, index: Int[np.ndarray, " m"]) -> MethodResult:
    """Return what a method predicted for some clips; probabilities where it has all of theirs."""
    probabilities = method.probabilities
    if probabilities is not None:
        probabilities = probabilities[:, index]
        probabilities = None if np.isnan(probabilities).any() else probabilities
    return replace(method, predicted=method.predicted[:, index], probabilities=probabilities)


def _folds(
    records: Mapping[RecordKey, Mapping[str, Any]], config: Mapping[str, Any]
) -> tuple[str, ...]:
    """Return the fold that tested each clip, the same for all methods and seeds; "" for none."""
    plan = next(iter(config["methods"].values()))
    of_clip = {
        clip: fold
        for fold in config["folds"]
        for clip in records[plan["key"], plan["seeds"][0], fold]["clips"]
    }
    return tuple(of_clip.get(clip, "") for clip in config["clips"])


def _method(
    name: str,
    plan: Mapping[str, Any],
    records: Mapping[RecordKey, Mapping[str, Any]],
    folder: RunFolder,
    config: Mapping[str, Any],
) -> MethodResult:
    position = {clip: i for i, clip in enumerate(config["clips"])}
    shape = len(plan["seeds"]), len(position)
    predicted = np.full(shape, -1, np.int64)
    probabilities = np.full((*shape, len(config["classes"])), np.nan)
    histories: dict[int, dict[str, Any]] = {seed: {} for seed in plan["seeds"]}
    heat: dict[str, np.ndarray] = {}
    seconds = 0.0
    for row, seed in enumerate(plan["seeds"]):
        for fold in config["folds"]:
            key = plan["key"], seed, fold
            if key not in records:
                raise DataError(
                    f"the evaluation in {folder.path} is unfinished: {name}, seed {seed}, fold "
                    f"{fold} is missing; run its command again to go on"
                )
            record = records[key]
            index = [position[clip] for clip in record["clips"]]
            predicted[row, index] = record["prediction"]
            if record["probabilities"] is not None:
                probabilities[row, index] = record["probabilities"]
            histories[seed][fold] = record["history"]
            heat |= folder.read_heat(key)
            seconds += record["seconds"]
    return MethodResult(
        name=name,
        seeds=tuple(plan["seeds"]),
        predicted=predicted,
        probabilities=probabilities,
        histories=histories,
        heat=heat,
        seconds=seconds,
    )
