"""Writing a trained network as a folder that needs JAX and NumPy to run, and nothing of MACE."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jax import export

from mace.bundle import Bundle
from mace.config import to_dict
from mace.errors import ConfigError
from mace.export.layout import DESCRIPTION, LAYOUT, ONNX, PROGRAM
from mace.export.program import inference_program
from mace.files import atomic_folder
from mace.motion.config import MotionConfig
from mace.motion.representation import DIFFERENCE_SCALE, STRAIN_SCALE, channels
from mace.provenance import provenance

PLATFORMS = ("cpu", "cuda", "tpu")
"""What a program is lowered for unless told otherwise; none of the hardware is needed for it."""

_CHANNELS = {
    "flow": ["u, to the right", "v, downwards", "optical strain"],
    "difference": ["target minus reference"],
    "appearance": ["target"],
}


def export_bundle(
    bundle: Bundle, path: Path, *, platforms: Sequence[str] = PLATFORMS, onnx: bool = False
) -> None:
    """Write `bundle` as the folder `path`, whole or not at all, in place of an older export.

    `network.stablehlo` is a `jax.export` program of float32 (b, h, w, c) motion images, as
    `mace.motion.representation.represent` returns them, to float32 (b, k) probabilities, for any b
    of 1 or more:
    normalisation, weights and the averaging with the mirror image are inside. `export.json` has
    what comes before it (face, motion) and after it (classes), and whence it all is.

    Args:
        bundle: the network.
        path: the folder.
        platforms: what to lower for, in JAX's words: cpu, cuda, rocm, tpu.
        onnx: write the same program as `network.onnx` as well.

    Raises:
        ConfigError: for an unknown platform, a network without an ONNX form, or where the package
            `onnx` is not installed.
        OutputError: if the place cannot be written to, or `path` is something else.
    """
    unknown = set(platforms) - {"cpu", "cuda", "rocm", "tpu"}
    if unknown or not platforms:
        named = ", ".join(map(repr, sorted(unknown))) or "none"
        raise ConfigError(f"{named} asked for as platforms, expected cpu, cuda, rocm or tpu")
    size = bundle.motion.size
    shape = (size, size, channels(bundle.motion))
    (batch,) = export.symbolic_shape("b")
    inputs = jax.ShapeDtypeStruct((batch, *shape), jnp.float32)
    program = jax.jit(inference_program(bundle))
    exported = export.export(program, platforms=platforms)(inputs)
    files = {PROGRAM: bytes(exported.serialize())}
    if onnx:
        from mace.export.onnx_graph import onnx_model

        files[ONNX] = onnx_model(bundle)
    notes = _describe(bundle, shape, exported, files)
    with atomic_folder(path, marker=DESCRIPTION, what="export") as folder:
        for name, content in files.items():
            (folder / name).write_bytes(content)
        text = json.dumps(notes, indent=2, ensure_ascii=False)
        (folder / DESCRIPTION).write_text(text + "\n", encoding="utf-8")


def _describe(
    bundle: Bundle,
    shape: tuple[int, int, int],
    exported: export.Exported,
    files: dict[str, bytes],
) -> dict[str, Any]:
    return {
        "layout": LAYOUT,
        "program": {
            "file": PROGRAM,
            "platforms": list(exported.platforms),
            "jax": jax.__version__,
            "calling_convention": exported.calling_convention_version,
        },
        "input": {
            "shape": ["b", *shape],
            "dtype": "float32",
            "channels": _CHANNELS[bundle.motion.representation],
            "units": _units(bundle.motion),
        },
        "output": {"shape": ["b", len(bundle.classes)], "dtype": "float32"},
        "classes": list(bundle.classes),
        "motion": to_dict(bundle.motion),
        "face": dict(bundle.face),
        "normalisation": to_dict(bundle.normalisation),
        "flip_average": bundle.flip_average,
        "inside": ["normalisation", "flip_average"],
        "trained_on": list(bundle.trained_on),
        "temperature": bundle.temperature,
        "model": to_dict(bundle.model),
        "provenance": dict(bundle.provenance),
        "exported": provenance(),
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }


def _units(motion: MotionConfig) -> list[str]:
    if motion.representation == "flow":
        return [*2 * ["px of a face crop of 128 px"], f"strain / {STRAIN_SCALE}"]
    if motion.representation == "difference":
        return [f"gray levels of 255 / {DIFFERENCE_SCALE:.0f}"]
    return ["deviations of the crop's gray levels from their mean"]
