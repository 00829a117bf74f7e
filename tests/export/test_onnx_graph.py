"""The ONNX graph computes what the network does, whatever it is made of."""

import dataclasses
import json
import sys

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from mace.bundle import Normalisation
from mace.cli import main
from mace.errors import ConfigError
from mace.export.loading import load_export
from mace.export.onnx_graph import IR_VERSION, OPSET, onnx_model
from mace.export.onnx_nodes import Graph
from mace.export.onnx_trace import add_traced
from mace.export.saving import export_bundle
from mace.models.apply import init_model
from mace.models.config import ModelConfig
from mace.models.conv import conv2d
from mace.models.make import make_model
from mace.models.networks import NETWORKS
from mace.models.presets import MODELS
from mace.motion.config import MotionConfig
from mace.prediction import predict

# Every choice of ModelConfig, normalisation and representation at least once. 30 px: no grid, no
# block of pixels divides it evenly.
CASES = {
    "packaged": {"stem": "space_to_depth", "stem_stride": 4, "norm": "group", "kind": "image"},
    "batch": {"norm": "batch", "coordinates": True, "kind": "training"},
    "sum": {"norm": "batch", "separable": True, "fusion": "sum", "head": "attention"},
    "resnet": {"arch": "resnet", "norm": "batch", "head": "max", "representation": "difference"},
    "ststnet_plain": {"arch": "ststnet", "norm": "none"},
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


# Every network of the zoo; those of hundreds of megabytes, at their papers' size, are slow.
ZOO = [
    pytest.param(name, 28, id=name)
    for name in ("ststnet", "off_apexnet", "dual_inception", "sssnet", "rcn_a")
] + [
    pytest.param(name, NETWORKS[name].size, id=name, marks=pytest.mark.slow)
    for name in ("htnet", "macnn_ecnu", "micro_attention")
]


def test_no_network_is_left_out():
    assert {case.id for case in ZOO} | {"macnn", "resnet"} == set(NETWORKS)


@pytest.mark.parametrize(("name", "size"), ZOO)
def test_networks_of_papers_give_the_same_in_both_forms(bundle, name, size, tmp_path):
    model = make_model(MODELS[name], 3)
    shapes = jax.eval_shape(lambda: init_model(model, jax.random.key(0), (size, size, 3)))
    random = np.random.default_rng(1)

    # Small enough that no probability is 0: the comparison is of all logits.
    def drawn(path, leaf):
        scale = 0.3 if leaf.ndim == 1 else (leaf.size / leaf.shape[-1]) ** -0.5
        values = np.float32(scale) * random.standard_normal(leaf.shape, np.float32)
        return np.exp(values) if path[-1].key in ("scale", "var") else values

    trained = dataclasses.replace(
        bundle,
        model=MODELS[name],
        motion=MotionConfig(size=size, representation="flow"),
        variables=jax.tree_util.tree_map_with_path(drawn, shapes),
        normalisation=Normalisation(kind="training", mean=(0.1,) * 3, std=(0.7,) * 3),
        flip_average=True,
    )
    x = random.normal(0, 1, (2, size, size, 3)).astype(np.float32)
    export_bundle(trained, tmp_path / "net", platforms=("cpu",), onnx=True)
    # Logarithms of probabilities are the logits less a number, and tell where those are far apart.
    expected = np.log(predict(trained, x))
    graph = ReferenceEvaluator(str(tmp_path / "net" / "network.onnx"))
    (found,) = graph.run(None, {"motion": x})
    np.testing.assert_allclose(np.log(found), expected, rtol=1e-4, atol=1e-5)
    found = load_export(tmp_path / "net").program.call(x)
    np.testing.assert_allclose(np.log(found), expected, rtol=1e-4, atol=1e-5)
    assert np.ptp(expected, axis=0).max() > 1e-2


class Strange(nn.Module):
    """Everything a module of one's own may use; gives a row for each image."""

    @nn.compact
    def __call__(self, x):
        x = nn.avg_pool(nn.gelu(x, approximate=False), (2, 2), (2, 2))
        x = nn.max_pool(nn.Conv(4, (3, 3), strides=2, feature_group_count=1)(x), (2, 2), (1, 1))
        # On a map as small as this one, 2x2 px, a convolution is a product.
        x = conv2d(x, self.param("kernel", nn.initializers.he_normal(), (3, 3, 4, 4)))
        x = nn.MultiHeadDotProductAttention(2)(x.reshape(x.shape[0], -1, 4))
        x = jnp.where(x > 0, jnp.tanh(x), jax.nn.sigmoid(x)) ** 3 + jnp.arange(4.0)
        return nn.LayerNorm()(x).max(1)


def test_any_module_is_traced():
    x = np.random.default_rng(0).normal(size=(2, 12, 12, 3)).astype(np.float32)
    module = Strange()
    with jax.numpy_dtype_promotion("standard"):
        variables = jax.jit(module.init)(jax.random.key(0), x)
        expected = jax.jit(module.apply)(variables, x)
        graph = Graph()
        name = add_traced(graph, lambda x: module.apply(variables, x), "x", x.shape[1:])
    value, kind = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    model = onnx.helper.make_model(
        onnx.helper.make_graph(
            [onnx.helper.make_node(*node, **options) for node, options in graph.nodes],
            "test",
            [value("x", kind, ["b", 12, 12, 3])],
            [value(name, kind, ["b", 4])],
            [onnx.numpy_helper.from_array(array, key) for key, array in graph.constants.items()],
        ),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(model, full_check=True)
    (found,) = ReferenceEvaluator(model).run(None, {"x": x})
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_an_operation_without_a_form_is_named():
    with pytest.raises(ConfigError, match="the network uses sort"):
        add_traced(Graph(), lambda x: jnp.sort(x, axis=1), "x", (4,))


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
