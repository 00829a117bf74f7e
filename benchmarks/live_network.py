"""One image through the network: JAX as the live loop runs it, ONNX Runtime and OpenVINO.

    uv run --group bench-live python benchmarks/live_network.py

Every runtime gets the same weights and does the same work: raw motion image of one face in,
probabilities out, normalisation and (packaged network) averaging with the mirror image included,
NumPy arrays on both ends. JAX reads the bundle, the others the ONNX file of `mace export --onnx`,
its batch fixed to 1, told the number of threads and to aim at latency. Each has a process of its
own, pinned to the same cores; they work in turns, some calls each, so that a disturbance of the
machine meets all of them. Before that their probabilities are compared, to 1e-5 for float32 and
0.02 for bfloat16. A turn gives the median of its calls; the table has the median and the least of
the turns, and the ratio of the least to ONNX Runtime's and OpenVINO's.
"""

import dataclasses
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from step_vs_torch import Worker

TOLERANCE = {"float32": 1e-5, "bfloat16": 0.02}
RUNTIMES = {
    "JAX, evaluation's program": ("jax_plain", "float32"),
    "JAX, default options": ("jax_default", "float32"),
    "JAX, live": ("jax", "float32"),
    "JAX, live, exported": ("jax_export", "float32"),
    "JAX, live, bfloat16": ("jax", "bfloat16"),
    "ONNX Runtime": ("onnxruntime", "float32"),
    "OpenVINO": ("openvino", "float32"),
    "OpenVINO, bfloat16": ("openvino", "bfloat16"),
}
PEERS = ("ONNX Runtime", "OpenVINO")


@dataclass(frozen=True)
class Config:
    """What to measure."""

    cores: tuple[int, ...] = (1, 2)
    """Numbers of cores to pin the processes to, one after the other."""
    cases: tuple[str, ...] = ("pretrained", "default")
    """The packaged network at 28 px; `ModelConfig()` at its default 64 px with random weights."""
    turns: int = 15
    calls: int = 40
    """Calls a turn."""
    output: Path | None = None
    """Write the measurements here as JSON lines."""


def main(config: Config) -> None:
    print("| network | cores | runtime | ms, median (least) | to ONNX Runtime | to OpenVINO |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for case in config.cases:
            prepare(case, Path(folder) / case)
            for cores in config.cores:
                compare(config, case=case, cores=cores, folder=Path(folder) / case)


def prepare(case: str, folder: Path) -> None:
    """Write the bundle, its exports, images and the probabilities that an evaluation gives them."""
    from mace.bundle import load_bundle, save_bundle
    from mace.export.saving import export_bundle
    from mace.prediction import predict
    from mace.pretrained.bundle_files import PACKAGED

    bundle = load_bundle(PACKAGED)
    if case == "default":
        bundle = untrained(bundle)
    folder.mkdir()
    save_bundle(folder / "bundle", bundle)
    export_bundle(bundle, folder / "export", onnx=True)
    size = bundle.motion.size
    images = np.random.default_rng(0).standard_normal((8, 1, size, size, 3), np.float32)
    expected = np.stack([predict(bundle, image) for image in images])
    np.savez(folder / "images.npz", images=images, expected=expected)


def untrained(bundle):
    import jax

    from mace.bundle import Normalisation
    from mace.models.apply import init_model
    from mace.models.config import ModelConfig
    from mace.models.make import make_model
    from mace.motion.config import MotionConfig

    model, motion = ModelConfig(), MotionConfig()
    shape = (motion.size, motion.size, 3)
    variables = init_model(make_model(model, len(bundle.classes)), jax.random.key(0), shape)
    random = np.random.default_rng(0)
    # Not the statistics of a fresh network, whose folding would be no work; small last weights,
    # so that the probabilities are not all 0 or 1, where every runtime would agree.
    shaken = jax.tree.map(
        lambda leaf: leaf + (leaf.ndim == 1) * random.uniform(0, 0.5, leaf.shape),
        jax.device_get(variables),
    )
    shaken["params"]["head"]["classes"]["kernel"] *= 0.02
    return dataclasses.replace(
        bundle,
        model=model,
        motion=motion,
        variables=jax.tree.map(lambda leaf: np.asarray(leaf, np.float32), shaken),
        normalisation=Normalisation(kind="training", mean=(0.0,) * 3, std=(1.0,) * 3),
        flip_average=False,
    )


def compare(config: Config, *, case: str, cores: int, folder: Path) -> None:
    workers = {}
    for name, (runtime, dtype) in RUNTIMES.items():
        settings = {"runtime": runtime, "dtype": dtype, "cores": cores, "folder": str(folder)}
        python = Path(sys.executable)
        workers[name] = Worker.start(python, "live_network_worker.py", settings)
        difference = workers[name].ask(what="check")["difference"]
        if not difference <= TOLERANCE[dtype]:
            raise SystemExit(f"{name} is another network: it differs by {difference:.1e}")
    times: dict[str, list[float]] = {name: [] for name in workers}
    for turn in range(config.turns + 1):
        for name, worker in workers.items():
            seconds = worker.ask(what="time", calls=config.calls)["seconds"]
            if turn:  # the first warms up
                times[name].append(1e3 * seconds)
    for worker in workers.values():
        worker.stop()
    for name, each in times.items():
        ratios = [f"{min(each) / min(times[peer]):.2f}" for peer in PEERS]
        cells = [case, str(cores), name, f"{np.median(each):.3f} ({min(each):.3f})", *ratios]
        print("| " + " | ".join(cells) + " |", flush=True)
        if config.output is not None:
            with config.output.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"case": case, "cores": cores, "runtime": name, "ms": each}))
                file.write("\n")


if __name__ == "__main__":
    main(tyro.cli(Config))
