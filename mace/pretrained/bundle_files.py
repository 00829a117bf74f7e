"""The pre-trained network that comes with MACE, and bundles named on a command line; no JAX here.

`macnn/` holds `bundle.json`, `weights.npz` and `MODEL_CARD.md`, which says what the network was
trained on, what it is for and what it must not be used for.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mace.config import UNHASHED
from mace.errors import CheckpointError

if TYPE_CHECKING:  # settings name bundles, and settings are read without JAX
    from mace.bundle import Bundle

PRETRAINED = "pretrained"
"""The word that names the packaged bundle; a folder of this name is `./pretrained`."""

PACKAGED = Path(__file__).resolve().parent / "macnn"
DESCRIPTION = "bundle.json"


@dataclass(frozen=True, kw_only=True)
class BundleFile:
    """A bundle by what it is, its checksum, and by where it lies, which no hash depends on.

    Attributes:
        path: its folder.
        checksum: SHA-256 of its weights.
        trained_on: names of the databases it has seen.
    """

    path: Path = field(metadata=UNHASHED)
    checksum: str
    trained_on: tuple[str, ...] = ()

    def load(self) -> "Bundle":
        """Read the bundle.

        Raises:
            CheckpointError: if it is missing or damaged, or no longer the one that was named.
        """
        from mace.bundle import load_bundle

        if bundle_file(self.path).checksum != self.checksum:
            raise CheckpointError(
                f"{self.path} was replaced since the run began; start the run again"
            )
        return load_bundle(self.path)


def bundle_path(name: str | Path) -> Path:
    """Return the folder of a bundle: the packaged one for `pretrained`, or the folder of that name.

    The folder of a run that keeps its network in `model`, as `mace reproduce` does, will do.

    Raises:
        CheckpointError: if there is none.
    """
    if str(name) == PRETRAINED:
        if not (PACKAGED / DESCRIPTION).is_file():
            raise CheckpointError(
                "this installation of MACE has no pre-trained network; name a folder that "
                "`mace train` or `mace reproduce` made"
            )
        return PACKAGED
    path = Path(name)
    for folder in (path, path / "model"):
        if (folder / DESCRIPTION).is_file():
            return folder
    raise CheckpointError(
        f"there is no model at {path} (no {DESCRIPTION}); `mace train` or `mace reproduce` make "
        f"one, or write {PRETRAINED} for the one that comes with MACE"
    )


def has_pretrained() -> bool:
    """Say whether this installation comes with a pre-trained network."""
    return (PACKAGED / DESCRIPTION).is_file()


def describe_bundle(name: str | Path) -> Mapping[str, Any]:
    """Return what a bundle says about itself, as nested JSON values; its weights are not read.

    Raises:
        CheckpointError: if there is none, or its description is damaged.
    """
    path = bundle_path(name)
    try:
        notes = json.loads((path / DESCRIPTION).read_text(encoding="utf-8"))
        if isinstance(notes, dict) and isinstance(notes["sha256"], str):
            return notes
        raise ValueError("no description")
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointError(f"{path} is damaged ({error}); copy or train it again") from error


def bundle_file(name: str | Path) -> BundleFile:
    """Return a bundle by its place and checksum.

    Raises:
        CheckpointError: if there is none, or its description is damaged.
    """
    notes = describe_bundle(name)
    return BundleFile(
        path=bundle_path(name),
        checksum=notes["sha256"],
        trained_on=tuple(notes["trained_on"]),
    )
