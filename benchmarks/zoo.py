"""The zoo's networks beside PyTorch models of the same layers: weights and logits.

    uv run python benchmarks/zoo.py --torch-python /path/to/an/interpreter/with/torch

PyTorch draws weights, statistics and two images, saves its weights as a `.pth` file, and computes
logits; MACE reads the file and must give the same. STSTNet's file is named as its authors name
theirs, and is read by their converter. HTNet and the MACNN of ECNU need 2 GB.
"""

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
import tyro

from mace.models.apply import apply_model, count_parameters
from mace.models.make import make_model
from mace.models.presets import MODELS
from mace.models.ststnet_weights import read_ststnet
from mace.models.torch_file import read_tensors

NETWORKS = (
    "ststnet", "off_apexnet", "dual_inception", "sssnet", "rcn_a", "macnn_ecnu", "htnet",
    "micro_attention",
)  # fmt: skip


@dataclass(frozen=True)
class Config:
    """What to compare."""

    torch_python: Path
    """Interpreter that has PyTorch; it needs nothing else but NumPy."""
    networks: tuple[str, ...] = NETWORKS


def main(config: Config) -> None:
    print("network             weights   PyTorch's   largest difference of logits")
    for name in config.networks:
        with tempfile.TemporaryDirectory() as place:
            theirs = subprocess.run(
                [config.torch_python, Path(__file__).parent / "zoo_torch.py", name, place],
                check=True,
                capture_output=True,
                text=True,
            )
            folder = Path(place)
            with np.load(folder / "pair.npz") as pair:
                images, expected = pair["images"], pair["logits"]
            if name == "ststnet":
                variables: Any = read_ststnet(folder / "weights.pth")
                images = images[..., ::-1]  # its pictures are BGR
            else:
                variables = by_name(read_tensors(folder / "weights.pth"))
        network = make_model(MODELS[name], 3)
        logits, _ = jax.jit(lambda v, x, n=network: apply_model(n, v, x))(variables, images)
        count = json.loads(theirs.stdout)["weights"]
        difference = np.abs(np.asarray(logits) - expected).max()
        ours = count_parameters(variables)
        print(
            f"{name:15} {ours:12,} {count:11,}   {difference:.1e} of {np.abs(expected).max():.2g}"
        )


def by_name(tensors: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return PyTorch's weights as a tree of ours: kernels turned, batch statistics apart."""
    tree: dict[str, Any] = {"params": {}, "batch_stats": {}}
    for path, value in tensors.items():
        *parents, name = path.split(".")
        if name == "num_batches_tracked":
            continue
        if name == "weight":
            name = "scale" if value.ndim == 1 else "kernel"
            value = value.T if value.ndim == 2 else value
            value = value.transpose(2, 3, 1, 0) if value.ndim == 4 else value
        kept = {"running_mean": "mean", "running_var": "var"}.get(name)
        branch = tree["batch_stats" if kept else "params"]
        for parent in parents:
            branch = branch.setdefault(parent, {})
        branch[kept or name] = value
    return tree


if __name__ == "__main__":
    main(tyro.cli(Config))
