"""What an exported folder is called inside; no JAX here."""

from pathlib import Path

LAYOUT = 1
DESCRIPTION, PROGRAM, ONNX = "export.json", "network.stablehlo", "network.onnx"


def is_export(path: Path | str) -> bool:
    """Say whether `path` is a folder that `mace export` left."""
    return (Path(path) / DESCRIPTION).is_file()
