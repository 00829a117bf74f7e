"""The network as an ONNX graph, channels first, with float32 weights; needs the extra `onnx`.

MACNN and its like are written from the configuration, not traced: runtimes fuse a convolution, its
bias and its ReLU only where they find them as such. The zoo's other networks, and anybody's own,
are traced (`mace.export.onnx_trace`). tests/export holds all to the Flax modules' numbers.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Array, Float

from mace.bundle import Bundle
from mace.errors import ConfigError
from mace.export.onnx_nodes import Graph
from mace.export.onnx_trace import add_traced
from mace.models.apply import apply_model
from mace.models.config import ModelConfig
from mace.models.fold import fold_norm
from mace.models.head import pool_matrix
from mace.models.make import make_model
from mace.models.networks import network_of
from mace.models.norm import EPSILON, GROUP_CHANNELS
from mace.motion.representation import channels

OPSET, IR_VERSION = 18, 9
"""Of 2022 and 2023: old enough for the runtimes in use."""


def onnx_model(bundle: Bundle) -> bytes:
    """Return `motion` (b, h, w, c) to `probabilities` (b, k) as a serialised ONNX model.

    Raises:
        ConfigError: if the package `onnx` is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise ConfigError(
            "ONNX files need the package onnx; install it with `uv sync --extra onnx`"
        ) from error
    config, variables = fold_norm(bundle.model, bundle.variables)
    graph = Graph()
    size, depth = bundle.motion.size, channels(bundle.motion)
    x = graph.op("Transpose", "motion", perm=[0, 3, 1, 2])
    if bundle.flip_average:
        x = graph.op("Concat", x, _mirror(graph, x, depth, bundle.motion.representation), axis=0)
    x = _normalise(graph, x, bundle)
    if network_of(config.arch).settings is None:
        logits = _network(graph, config, variables["params"], x, size, depth)
    elif config.arch == "ststnet" and config.norm == "none":
        logits = _streams(graph, config, variables["params"], x, size)
    else:
        logits = _traced(graph, bundle, x)
    probabilities = graph.op("Softmax", logits, axis=-1)
    if bundle.flip_average:
        straight, mirrored = graph.split(probabilities)
        probabilities = graph.op("Mul", graph.op("Add", straight, mirrored), graph.constant([0.5]))
    graph.op("Identity", probabilities, output="probabilities")
    value, kind = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    model = onnx.helper.make_model(
        onnx.helper.make_graph(
            [onnx.helper.make_node(*node, **options) for node, options in graph.nodes],
            "mace",
            [value("motion", kind, ["b", size, size, depth])],
            [value("probabilities", kind, ["b", len(bundle.classes)])],
            [onnx.numpy_helper.from_array(array, name) for name, array in graph.constants.items()],
        ),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="mace",
    )
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def _mirror(graph: Graph, x: str, depth: int, representation: str) -> str:
    ends = ([-1], [-(2**31)], [3], [-1])  # start, end, axis, step: backwards through the columns
    mirrored = graph.op("Slice", x, *(graph.constant(end, np.int64) for end in ends))
    if representation != "flow":
        return mirrored
    signs = np.array([-1.0] + [1.0] * (depth - 1))
    return graph.op("Mul", mirrored, graph.constant(signs[:, None, None]))


def _normalise(graph: Graph, x: str, bundle: Bundle) -> str:
    normalisation = bundle.normalisation
    if normalisation.kind == "none":
        return x
    if normalisation.kind == "training":
        mean, std = (np.array(v)[:, None, None] for v in (normalisation.mean, normalisation.std))
        return graph.op("Div", graph.op("Sub", x, graph.constant(mean)), graph.constant(std))
    centred = graph.op("Sub", x, graph.mean(x))
    std = graph.op("Sqrt", graph.mean(graph.op("Mul", centred, centred)))
    moves = graph.op("Greater", std, graph.constant(1e-6))
    return graph.op("Div", centred, graph.op("Where", moves, std, graph.constant(1.0)))


def _traced(graph: Graph, bundle: Bundle, x: str) -> str:
    network = make_model(bundle.model, len(bundle.classes))
    size, depth = bundle.motion.size, channels(bundle.motion)

    def logits(images: Float[Array, "b h w c"]) -> Float[Array, "b k"]:
        return apply_model(network, bundle.variables, images)[0]

    last = graph.op("Transpose", x, perm=[0, 2, 3, 1])
    return add_traced(graph, logits, last, (size, size, depth))


def _network(
    graph: Graph, config: ModelConfig, params: Mapping[str, Any], x: str, size: int, depth: int
) -> str:
    stride = config.stem_stride
    if config.coordinates:
        line = np.linspace(-1, 1, size)
        places = np.stack(np.broadcast_arrays(line, line[:, None]))[None]
        batch = graph.op("Shape", x, end=1)
        shape = graph.op("Concat", batch, graph.constant(places.shape[1:], np.int64), axis=0)
        x = graph.op("Concat", x, graph.op("Expand", graph.constant(places), shape), axis=1)
    if config.stem == "space_to_depth":
        if size % stride:
            right = -size % stride
            x = graph.op("Pad", x, graph.constant([0] * 6 + [right] * 2, np.int64))
        x, size, stride = graph.op("SpaceToDepth", x, blocksize=stride), -(-size // stride), 1
    size = -(-size // stride)
    x = _conv_norm(graph, params["stem"]["conv3x3"], x, size, stride=stride)
    for stage, blocks in enumerate(config.depths, start=1):
        if stage > 1:
            size = -(-size // 2)
            x = _conv_norm(graph, params[f"down{stage}"], x, size, stride=2)
        for i in range(1, blocks + 1):
            x = _block(graph, config, params[f"stage{stage}_block{i}"], x, size)
    return _head(graph, config, params["head"], x, size)


def _streams(
    graph: Graph, config: ModelConfig, params: Mapping[str, Any], x: str, size: int
) -> str:
    names = [f"stream{i}" for i in range(1, len(config.widths) + 1)]
    kernel, bias = (
        np.concatenate([params["stem"][f"{name}_{part}"] for name in names], -1)
        for part in ("kernel", "bias")
    )
    x = _raw_conv(graph, kernel, bias, x)
    x = graph.op("MaxPool", x, kernel_shape=[3, 3], strides=[3, 3], pads=[1] * 4)
    x = graph.op("Relu", x)
    return _head(graph, replace(config, head="grid"), params["head"], x, (size - 1) // 3 + 1)


def _block(graph: Graph, config: ModelConfig, params: Mapping[str, Any], x: str, size: int) -> str:
    if config.arch == "resnet":
        y = _conv_norm(graph, params["conv1"], x, size)
        y = _conv_norm(graph, params["conv2"], y, size, linear=True)
    else:
        branches = [
            _conv(graph, params[f"branch{i}"], x, dilation=dilation)
            for i, dilation in enumerate(config.dilations)
        ]
        if config.fusion == "concat" and len(branches) > 1:
            y = graph.op("Concat", *branches, axis=1)
        else:
            y = branches[0]
            for branch in branches[1:]:
                y = graph.op("Add", y, branch)
        y = graph.op("Relu", _norm(graph, params, y, size))
        y = _conv_norm(graph, params["fuse"], y, size, linear=True)
    return graph.op("Relu", graph.op("Add", x, y) if config.residual else y)


def _conv_norm(
    graph: Graph,
    params: Mapping[str, Any],
    x: str,
    size: int,
    *,
    stride: int = 1,
    linear: bool = False,
) -> str:
    x = _norm(graph, params, _conv(graph, params["conv"], x, stride=stride), size)
    return x if linear else graph.op("Relu", x)


def _conv(
    graph: Graph, params: Mapping[str, Any], x: str, *, stride: int = 1, dilation: int = 1
) -> str:
    if "depthwise" in params:
        x = _raw_conv(graph, params["depthwise"], None, x, dilation=dilation, depthwise=True)
        return _conv(graph, params["pointwise"], x)
    return _raw_conv(
        graph, params["kernel"], params.get("bias"), x, stride=stride, dilation=dilation
    )


def _raw_conv(
    graph: Graph,
    kernel: np.ndarray,
    bias: np.ndarray | None,
    x: str,
    *,
    stride: int = 1,
    dilation: int = 1,
    depthwise: bool = False,
) -> str:
    kernel = np.asarray(kernel)
    pad = dilation * (kernel.shape[0] - 1) // 2
    constants: Sequence[str] = [graph.constant(kernel.transpose(3, 2, 0, 1))]
    if bias is not None:
        constants = [*constants, graph.constant(bias)]
    return graph.op(
        "Conv", x, *constants,
        pads=[pad] * 4, strides=[stride] * 2, dilations=[dilation] * 2,
        group=kernel.shape[3] if depthwise else 1,
    )  # fmt: skip


def _norm(graph: Graph, params: Mapping[str, Any], x: str, size: int) -> str:
    if "norm" not in params:
        return x
    scale, bias = (np.asarray(params["norm"][name]) for name in ("scale", "bias"))
    groups = len(scale) // math.gcd(GROUP_CHANNELS, len(scale))
    x = graph.reshape(x, -1, groups, len(scale) // groups * size * size)
    one, zero = graph.constant(np.ones(groups)), graph.constant(np.zeros(groups))
    x = graph.op("InstanceNormalization", x, one, zero, epsilon=EPSILON)
    x = graph.reshape(x, -1, len(scale), size, size)
    x = graph.op("Mul", x, graph.constant(scale[:, None, None]))
    return graph.op("Add", x, graph.constant(bias[:, None, None]))


def _head(graph: Graph, config: ModelConfig, params: Mapping[str, Any], x: str, size: int) -> str:
    kernel, bias = np.asarray(params["classes"]["kernel"]), params["classes"]["bias"]
    if config.head == "grid":
        grid = config.head_grid
        if size != grid:
            pool = pool_matrix(size, grid)
            x = graph.op("MatMul", graph.constant(pool), x)
            x = graph.op("MatMul", x, graph.constant(pool.T))
        # The weights are told in the order of the channels first, rather than the map turned.
        kernel = kernel.reshape(grid, grid, -1, kernel.shape[1]).transpose(2, 0, 1, 3)
        kernel = kernel.reshape(-1, kernel.shape[3])
    elif config.head == "average":
        x = graph.mean(x)
    elif config.head == "max":
        x = graph.op("ReduceMax", x, graph.constant([2, 3], np.int64))
    else:
        dense = params["attention"]
        kernel1 = np.asarray(dense["kernel"])[None, None]
        score = graph.reshape(_raw_conv(graph, kernel1, dense["bias"], x), -1, size * size)
        weight = graph.reshape(graph.op("Softmax", score, axis=-1), -1, 1, size, size)
        x = graph.op("ReduceSum", graph.op("Mul", x, weight), graph.constant([2, 3], np.int64))
    return graph.op(
        "Gemm", graph.reshape(x, -1, len(kernel)), graph.constant(kernel), graph.constant(bias)
    )
