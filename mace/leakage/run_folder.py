"""A run folder of `mace evaluate`, as an audit sees it; needs no JAX."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from mace.errors import DataError
from mace.evaluation.config import NETWORK
from mace.evaluation.logs.forms import read_log
from mace.evaluation.store import RunFolder, decode_index
from mace.leakage.case import Case, Item, Part
from mace.protocols.labels import canonical_class
from mace.protocols.names import clip_key


def case_of_run(folder: Path) -> Case:
    """Read the network's folds and predictions from a run folder, finished or not.

    The claims are those of `results.json`; logs `predictions-seedN.log` must hold the same
    predictions.

    Raises:
        DataError: if the folder holds no evaluation, or a damaged one.
    """
    store = RunFolder(folder)
    config = store.read_config()
    try:
        return _case(store, config)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise DataError(
            f"the evaluation in {folder} is damaged ({error!r}); run it again in a new folder"
        ) from error


def _case(store: RunFolder, config: Mapping[str, Any]) -> Case:
    classes = config["classes"]
    prints = config.get("fingerprints", {})
    digests = prints.get("digest", [""] * len(config["clips"]))
    hashes = prints.get("hash", [""] * len(config["clips"]))
    # Positions and lists must go together, or the folder is damaged.
    rows = zip(config["clips"], config["labels"], config["groups"], digests, hashes, strict=True)
    items = []
    for name, label, group, digest, perceptual in rows:
        database, subject = config["subjects"][group].split("/", 1)
        clip, _, frame = name.removeprefix(f"{database}/{subject}/").partition("#")
        items.append(
            Item(
                database=database,
                subject=subject,
                clip=clip,
                frame=frame,
                truth=classes[label],
                digest=digest,
                hash=perceptual,
            )
        )
    position = {name: i for i, name in enumerate(config["clips"])}
    plan, records = config["methods"][NETWORK], store.records()
    parts = [
        _part(config, fold, str(seed), records.get((plan["key"], seed, fold)), position, len(items))
        for seed in plan["seeds"]
        for fold in config["folds"]
    ]
    protocol = config["config"]["protocol"]
    return Case(
        what=str(store.path),
        items=tuple(items),
        parts=tuple(parts),
        claims=_claims(store.path),
        benchmark=protocol.get("benchmark"),
        other_databases=protocol["kind"] == "database",
        contradictions=tuple(_contradictions(store.path, parts, config["clips"])),
    )


def _part(
    config: Mapping[str, Any],
    fold: str,
    seed: str,
    record: Mapping[str, Any] | None,
    position: Mapping[str, int],
    total: int,
) -> Part:
    split = config.get("splits", {}).get(fold)
    predictions: tuple[tuple[int, str], ...] = ()
    data_use, history = None, {}
    if record is not None:
        names = [config["classes"][k] for k in record["prediction"]]
        predictions = tuple(
            (position[clip], name) for clip, name in zip(record["clips"], names, strict=True)
        )
        data_use, history = record.get("data_use"), dict(record["history"])
    if split is not None:
        train, test = _index(split["train"], total), _index(split["test"], total)
    else:
        # Runs of before splits were recorded: what a fold tested is what it predicted.
        test = np.array(sorted(i for i, _ in predictions), np.int64)
        train = np.setdiff1d(np.arange(total), test)
    chosen_on = normalised = None
    if data_use is not None:
        train = np.union1d(train, _index(data_use["fitted"], total))
        # Nothing but `validation` is looked at in choosing; inner folds stay within `fitted`.
        looked = data_use["validation"]
        chosen_on = np.zeros(0, np.int64) if looked is None else _index(looked, total)
        used = data_use["normalised"]
        normalised = np.zeros(0, np.int64) if used is None else _index(used, total)
    epoch = history.pop("chosen_epoch", [None])[-1]
    return Part(
        fold=fold,
        seed=seed,
        train=train,
        test=test,
        chosen_on=chosen_on,
        normalised=normalised,
        epoch=None if epoch is None else int(epoch),
        curves=history,
        predictions=predictions,
    )


def _index(ranges: Sequence[Sequence[int]], total: int) -> Int[np.ndarray, " m"]:
    index = decode_index(ranges)
    if index.size and not 0 <= index.min() <= index.max() < total:
        raise ValueError(f"position {index.max()} of {total} clips")
    return index


def _claims(folder: Path) -> dict[str, float]:
    path = folder / "results.json"
    if not path.exists():
        return {}
    results = json.loads(path.read_text(encoding="utf-8"))
    return {name: float(results[name]) for name in ("uf1", "uar", "accuracy") if name in results}


def _contradictions(folder: Path, parts: Sequence[Part], clips: Sequence[str]) -> list[str]:
    """Return the logs whose predictions are not those of the run."""
    texts = []
    for seed in sorted({part.seed for part in parts}):
        path = folder / f"predictions-seed{seed}.log"
        if not path.exists():
            continue
        own = {
            _logged_key(clips[i]): canonical_class(label.replace(" ", "%20"))
            for part in parts
            if part.seed == seed
            for i, label in part.predictions or ()
        }
        classes = json.loads((folder / "config.json").read_text(encoding="utf-8"))["classes"]
        names = {str(i): canonical_class(name) for i, name in enumerate(classes)}
        logged = {
            sample.key: names.get(sample.prediction, canonical_class(sample.prediction))
            for sample in read_log(path).samples
        }
        differ = [name for name in own.keys() | logged.keys() if own.get(name) != logged.get(name)]
        if differ:
            texts.append(f"{path.name} has other predictions for {len(differ)} samples")
    return texts


def _logged_key(clip: str) -> str:
    """Return the key that a clip has in a log, where blanks are written as `%20`."""
    return clip_key(*clip.replace(" ", "%20").split("/", 2))
