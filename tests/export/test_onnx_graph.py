"""The ONNX graph computes what the network does, whatever it is made of."""

import dataclasses
import json
import sys

import jax
import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from mace.bundle import Normalisation
from mace.cli import main
from mace.errors import ConfigError
from mace.export.onnx_graph import onnx_model
from mace.export.saving import export_bundle
from mace.models.apply import init_model
from mace.models.config import ModelConfig
from mace.models.make import make_model
from mace.motion.config import MotionConfig
from mace.prediction import predict

# Every choice of ModelConfig, normalisation and representation at least once. 30 px: no grid, no
# block of pixels divides it evenly.
CASES = {
    "packaged": {"stem": "space_to_depth", "stem_stride": 4, "norm": "group", "kind": "image"},
    "batch": {"norm": "batch", "coordinates": True, "kind": "training"},
    "sum": {"norm": "batch", "separable": True, "fusion": "sum", "head": "attention"},
    "resnet": {"arch": "resnet", "norm": "batch", "head": "max", "representation": "difference"},
    "ststnet": {"arch": "ststnet", "norm": "none"},
    "plain": {"norm": "none", "residual": False, "head": "average", "flip": False},
}


@pytest.mark.parametrize("name", CASES)
def test_same_probabilities(bundle, name):
    case = {"kind": "none", "representation": "flow", "flip": True} | CASES[name]
    kind, representation, flip = (case.pop(key) for key in ("kind", "representation", "flip"))
    depth = 3 if representation == "flow" else 1
    model = ModelConfig(**{"widths": (4, 8), "depths": (1, 1)} | case)
    variables = init_model(make_model(model, 3), jax.random.key(0), (30, 30, depth))
    random = np.random.default_rng(1)
    # Statistics, scales and biases that are not those of a fresh network.
    shaken = jax.tree.map(
        lambda leaf: np.asarray(leaf) + (leaf.ndim == 1) * random.uniform(0, 0.5, leaf.shape),
        variables,
    )
    one = dataclasses.replace(
        bundle,
        model=model,
        motion=MotionConfig(size=30, representation=representation),
        variables=jax.tree.map(lambda leaf: leaf.astype(np.float32), shaken),
        normalisation=Normalisation(kind=kind, mean=(0.1,) * depth, std=(0.7,) * depth),
        flip_average=flip,
    )
    x = random.normal(0, 1, (3, 30, 30, depth)).astype(np.float32)
    (found,) = ReferenceEvaluator(onnx_model(one)).run(None, {"motion": x})
    np.testing.assert_allclose(found, predict(one, x), atol=1e-5)
    assert np.ptp(found, axis=0).max() > 1e-4


def test_command_writes_a_model_that_says_what_it_takes(bundle, tmp_path):
    export_bundle(bundle, tmp_path / "net", platforms=("cpu",), onnx=True)
    model = onnx.load(tmp_path / "net" / "network.onnx")
    (given,) = model.graph.input
    assert given.name == "motion"
    shape = [dim.dim_param or dim.dim_value for dim in given.type.tensor_type.shape.dim]
    assert shape == ["b", 28, 28, 3]
    notes = json.loads((tmp_path / "net" / "export.json").read_text())
    assert set(notes["sha256"]) == {"network.stablehlo", "network.onnx"}


def test_without_the_package_one_sentence_says_how_to_get_it(bundle, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ConfigError, match="uv sync --extra onnx"):
        onnx_model(bundle)
    assert main(["export", "pretrained", "unused", "--onnx"]) == 2
