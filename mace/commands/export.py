"""`mace export`: a trained model as one program that needs JAX and NumPy, and nothing of MACE."""

import json
from pathlib import Path
from typing import Annotated

import tyro

from mace.pretrained.bundle_files import bundle_path


def run(
    model: Annotated[Path, tyro.conf.Positional],
    out: Annotated[Path, tyro.conf.Positional],
    platforms: tuple[str, ...] = ("cpu", "cuda", "tpu"),
    onnx: bool = False,
    as_json: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> None:
    """Write a model as a self-contained folder: the network as StableHLO, and what it expects.

    `mace live --model OUT` runs it, and so do ten lines of Python without MACE (docs/export.md).

    Args:
        model: folder of a trained model, or `pretrained` for the one that comes with MACE.
        out: folder to write; an earlier export there is replaced.
        platforms: hardware to lower the network for: cpu, cuda, rocm, tpu; none of it is needed.
        onnx: write network.onnx as well (needs the extra: `uv sync --extra onnx`).
        as_json: print what was written as one JSON object.
    """
    folder = bundle_path(model)

    from mace.bundle import load_bundle
    from mace.export.saving import export_bundle

    export_bundle(load_bundle(folder), out, platforms=platforms, onnx=onnx)
    sizes = {path.name: path.stat().st_size for path in sorted(out.iterdir())}
    if as_json:
        print(json.dumps({"out": str(out), "platforms": list(platforms), "bytes": sizes}))
    else:
        listed = ", ".join(f"{name} ({size / 1e3:.0f} kB)" for name, size in sizes.items())
        print(f"{listed} are in {out}; `mace live --model {out}` runs it")
