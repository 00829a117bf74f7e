"""A trained network as one portable folder: what `mace evaluate` and `mace live` load.

`bundle.json` holds everything but the numbers, `weights.npz` the numbers by their paths, so that a
bundle can be read without JAX and long after Orbax has changed its layout.
"""

import hashlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, PyTree

from mace.config import from_dict, to_dict
from mace.errors import CheckpointError, ConfigError
from mace.files import atomic_folder
from mace.models.config import ModelConfig
from mace.motion.config import MotionConfig

LAYOUT = 1
DESCRIPTION, WEIGHTS = "bundle.json", "weights.npz"
TYPICAL = "typical"

NormaliseKind = Literal["training", "image", "none"]


@dataclass(frozen=True, kw_only=True)
class Normalisation:
    """Statistics of the training clips' channels, and whether they are used (`TrainConfig`).

    Attributes:
        kind: by the statistics of the training clips, of each image itself, or not at all.
        mean: of each channel.
        std: of each channel.
    """

    kind: NormaliseKind
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Bundle:
    """A network with all it takes to go from frames to class probabilities.

    Attributes:
        model: the network.
        motion: how its inputs are computed from crops.
        face: settings of `mace.face`, as nested JSON values.
        classes: names of the outputs.
        normalisation: of the inputs.
        variables: nested mappings of float32 arrays, `params` and perhaps `batch_stats`.
        flip_average: whether predictions are averaged with those of the mirror image.
        trained_on: names of the databases, so that a network can say what it has never seen.
        provenance: code revision, versions, time.
        typical: mean of the normalised images of each class it was trained on, to hold those of
            other data beside; None where nobody has taken it.
        unit_thresholds: from what probability on each of `model.units` is called; 0.5 where nobody
            has fitted them.
        temperature: what makes the probabilities of spotted movements mean what they say
            (`mace.spotting.temperature`); 1 changes nothing.
    """

    model: ModelConfig
    motion: MotionConfig
    face: Mapping[str, Any]
    classes: tuple[str, ...]
    normalisation: Normalisation
    variables: PyTree[Any]
    flip_average: bool = False
    trained_on: tuple[str, ...] = ()
    provenance: Mapping[str, Any]
    typical: Float[np.ndarray, "k h w c"] | None = None
    unit_thresholds: tuple[float, ...] = ()
    temperature: float = 1.0


def save_bundle(path: Path, bundle: Bundle) -> None:
    """Write a bundle as the folder `path`, whole or not at all; one that is there is replaced.

    Raises:
        OutputError: if the place cannot be written to, the disk is full, or `path` is something
            else than a bundle.
    """
    with atomic_folder(path, marker=DESCRIPTION, what="bundle") as folder:
        arrays = _flatten(bundle.variables)
        if bundle.typical is not None:
            arrays[TYPICAL] = bundle.typical
        _write_weights(folder / WEIGHTS, arrays)
        text = json.dumps(_describe(bundle, folder / WEIGHTS), indent=2, ensure_ascii=False)
        (folder / DESCRIPTION).write_text(text + "\n", encoding="utf-8")


def load_bundle(path: Path) -> Bundle:
    """Read a bundle.

    Raises:
        CheckpointError: if it is missing, damaged, or of a version with other settings.
    """
    path = Path(path)
    if not (path / DESCRIPTION).is_file():
        raise CheckpointError(f"{path} holds no bundle (no {DESCRIPTION}); train a network first")
    try:
        notes = json.loads((path / DESCRIPTION).read_text(encoding="utf-8"))
        if notes["layout"] != LAYOUT:
            raise CheckpointError(f"{path} was written by another version of MACE; train it again")
        if notes["sha256"] != _sha256(path / WEIGHTS):
            raise CheckpointError(
                f"{path} is damaged ({WEIGHTS} does not match its checksum); copy or train it again"
            )
        with np.load(path / WEIGHTS) as stored:
            arrays = {name: stored[name] for name in stored.files}
        typical = arrays.pop(TYPICAL, None)
        return Bundle(
            model=from_dict(ModelConfig, notes["model"], where="model."),
            motion=from_dict(MotionConfig, notes["motion"], where="motion."),
            face=notes["face"],
            classes=tuple(notes["classes"]),
            normalisation=from_dict(Normalisation, notes["normalisation"], where="normalisation."),
            variables=_nest(arrays),
            typical=typical,
            unit_thresholds=tuple(map(float, notes["unit_thresholds"])),
            flip_average=notes["flip_average"],
            trained_on=tuple(notes["trained_on"]),
            provenance=notes["provenance"],
            temperature=float(notes["temperature"]),
        )
    except ConfigError as error:
        raise CheckpointError(f"{path} does not fit this version of MACE: {error}") from error
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path} is damaged ({error}); copy or train it again") from error


def _describe(bundle: Bundle, weights: Path) -> dict[str, Any]:
    return {
        "layout": LAYOUT,
        "model": to_dict(bundle.model),
        "motion": to_dict(bundle.motion),
        "face": dict(bundle.face),
        "classes": list(bundle.classes),
        "normalisation": to_dict(bundle.normalisation),
        "flip_average": bundle.flip_average,
        "trained_on": list(bundle.trained_on),
        "temperature": bundle.temperature,
        "unit_thresholds": list(bundle.unit_thresholds),
        "provenance": dict(bundle.provenance),
        "sha256": _sha256(weights),
    }


def _write_weights(path: Path, leaves: Mapping[str, np.ndarray]) -> None:
    arrays: dict[str, Any] = dict(leaves)
    np.savez(path, **arrays)


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, np.ndarray]:
    leaves = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            leaves |= _flatten(value, f"{prefix}{name}/")
        else:
            leaves[f"{prefix}{name}"] = np.asarray(value)
    return leaves


def _nest(leaves: Mapping[str, np.ndarray]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, leaf in leaves.items():
        *parents, name = path.split("/")
        branch = tree
        for parent in parents:
            branch = branch.setdefault(parent, {})
        branch[name] = leaf
    return tree


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def training_notice(trained_on: Sequence[str]) -> str:
    """Return the line every output carries: what the model was trained on, and what it is not."""
    real = [name for name in trained_on if name.partition("/")[0] != "synthetic"]
    seen = ", ".join(real) or ("synthetic faces alone" if trained_on else "unknown data")
    if real and len(real) < len(trained_on):
        seen += " and synthetic faces"
    return f"Trained on {seen}. Movements, not feelings: no proof of emotion or lying."
