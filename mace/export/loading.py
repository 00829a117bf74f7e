"""Reading an exported folder, for `mace live` and for scripts."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jax import export

from mace.bundle import Normalisation
from mace.config import from_dict
from mace.errors import CheckpointError, ConfigError
from mace.export.layout import DESCRIPTION, LAYOUT, PROGRAM
from mace.motion.config import MotionConfig


@dataclass(frozen=True, kw_only=True, eq=False)
class Export:
    """An exported network; what `mace live` asks of a `Bundle`, it has under the same names.

    Attributes:
        program: motion images to probabilities, weights inside.
        shape: (h, w, c) of its inputs.
        width: channels of its first stage, by which `mace.live` chooses how to compile it.
        motion: how its inputs are computed from crops.
        face: settings of `mace.face`, as nested JSON values.
        classes: names of the outputs.
        normalisation: of the inputs; done inside the program.
        flip_average: whether the mirror image is averaged in; done inside the program.
        trained_on: names of the databases.
        provenance: of the network.
        temperature: as the bundle has it.
    """

    program: export.Exported
    shape: tuple[int, int, int]
    width: int
    motion: MotionConfig
    face: Mapping[str, Any]
    classes: tuple[str, ...]
    normalisation: Normalisation
    flip_average: bool
    trained_on: tuple[str, ...]
    provenance: Mapping[str, Any]
    temperature: float = 1.0


def load_export(path: Path) -> Export:
    """Read what `export_bundle` wrote.

    Raises:
        CheckpointError: if it is missing, damaged, of a version that this one cannot read, or
            lowered for other hardware than JAX uses here.
    """
    path = Path(path)
    if not (path / DESCRIPTION).is_file():
        raise CheckpointError(f"{path} holds no export (no {DESCRIPTION}); `mace export` makes one")
    try:
        notes = json.loads((path / DESCRIPTION).read_text(encoding="utf-8"))
        if notes["layout"] != LAYOUT:
            raise CheckpointError(f"{path} was written by another version of MACE; export it again")
        content = (path / PROGRAM).read_bytes()
        if hashlib.sha256(content).hexdigest() != notes["sha256"][PROGRAM]:
            raise CheckpointError(
                f"{path} is damaged ({PROGRAM} does not match its checksum); copy or export it "
                "again"
            )
        program = _deserialise(content, notes["program"], path)
        height, width, depth = notes["input"]["shape"][1:]
        return Export(
            program=program,
            shape=(height, width, depth),
            width=notes["model"]["widths"][0],
            motion=from_dict(MotionConfig, notes["motion"], where="motion."),
            face=notes["face"],
            classes=tuple(notes["classes"]),
            normalisation=from_dict(Normalisation, notes["normalisation"], where="normalisation."),
            flip_average=notes["flip_average"],
            trained_on=tuple(notes["trained_on"]),
            provenance=notes["provenance"],
            temperature=float(notes["temperature"]),
        )
    except ConfigError as error:
        raise CheckpointError(f"{path} does not fit this version of MACE: {error}") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} is damaged ({error}); copy or export it again") from error


def _deserialise(content: bytes, notes: Mapping[str, Any], path: Path) -> export.Exported:
    version, here = notes["calling_convention"], export.default_export_platform()
    lowest = export.minimum_supported_calling_convention_version
    highest = export.maximum_supported_calling_convention_version
    if not lowest <= version <= highest:
        raise CheckpointError(
            f"{path} was exported with JAX {notes['jax']}, whose programs this version of JAX does "
            "not read; export it again"
        )
    if here not in notes["platforms"]:
        raise CheckpointError(
            f"{path} was exported for {', '.join(notes['platforms'])}, and JAX uses {here} here; "
            f"export it again with --platforms {here}"
        )
    try:
        return export.deserialize(bytearray(content))
    except Exception as error:  # whatever type this version raises, the program cannot be used
        reason = (str(error).splitlines() or [repr(error)])[0]
        raise CheckpointError(
            f"{path} was exported with JAX {notes['jax']} and cannot be read here ({reason}); "
            "export it again"
        ) from error
