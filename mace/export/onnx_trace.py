"""Any network's function as ONNX nodes, one for each operation that JAX traces.

For networks that are not written out by hand (`mace.export.onnx_graph`): the batch has no size, all
else has. What these and usual Flax modules are made of is here; another operation is an error that
names it.
"""

import math
import string
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jax import export
from jax.extend.core import Jaxpr, Literal
from jaxtyping import Array

from mace.errors import ConfigError
from mace.export.onnx_nodes import Graph

_ALIKE = (
    "Abs", "Add", "And", "Ceil", "Cos", "Div", "Erf", "Exp", "Floor", "Log", "Max", "Min", "Mul",
    "Neg", "Not", "Or", "Pow", "Sign", "Sin", "Sqrt", "Sub", "Tanh",
)  # fmt: skip
ELEMENTWISE: Mapping[str, str] = {name.lower(): name for name in _ALIKE} | {
    "add_any": "Add",
    "eq": "Equal",
    "ge": "GreaterOrEqual",
    "gt": "Greater",
    "le": "LessOrEqual",
    "logistic": "Sigmoid",
    "lt": "Less",
}
REDUCTIONS: Mapping[str, str] = {
    "reduce_max": "ReduceMax", "reduce_min": "ReduceMin", "reduce_sum": "ReduceSum",
}  # fmt: skip
SAME = ("copy", "copy_p", "stop_gradient", "optimization_barrier", "sharding_constraint")
INSIDE = ("jaxpr", "call_jaxpr", "fun_jaxpr")
TYPES: Mapping[str, int] = {"float32": 1, "int32": 6, "int64": 7, "bool": 9, "float16": 10}
"""Numbers of ONNX's types."""


def add_traced(
    graph: Graph, function: Callable[[Array], Array], x: str, shape: tuple[int, ...]
) -> str:
    """Add what a function of float32 (b, *shape) computes, and return the name of its result.

    Raises:
        ConfigError: for an operation that has no ONNX form here, by its name.
    """
    (batch,) = export.symbolic_shape("b")
    inputs = jax.ShapeDtypeStruct((batch, *shape), np.float32)
    closed = jax.make_jaxpr(function)(inputs)
    (result,) = _Tracer(graph).run(closed.jaxpr, closed.consts, [x])
    return result


class _Tracer:
    """Goes through the operations in order; every value has a name in the graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def run(self, jaxpr: Jaxpr, constants: Sequence[Any], inputs: Sequence[str]) -> list[str]:
        """Add the operations of a jaxpr, and return the names of its results."""
        names: dict[Any, str] = dict(zip(jaxpr.invars, inputs, strict=True))
        for variable, value in zip(jaxpr.constvars, constants, strict=True):
            names[variable] = self.constant(np.asarray(value))

        def name(atom: Any) -> str:
            if isinstance(atom, Literal):
                return self.constant(np.asarray(atom.val, atom.aval.dtype))  # pyright: ignore[reportAttributeAccessIssue]
            return names[atom]

        for equation in jaxpr.eqns:
            results = self.add(equation, [name(atom) for atom in equation.invars])
            names |= dict(zip(equation.outvars, results, strict=True))
        return [name(atom) for atom in jaxpr.outvars]

    def constant(self, value: np.ndarray) -> str:
        """Return the name of a constant in a type that ONNX has."""
        return self.graph.constant(value, value.dtype.type)

    def axes(self, axes: Sequence[int]) -> str:
        """Return the name of a list of whole numbers."""
        return self.graph.constant(list(axes), np.int64)

    def add(self, equation: Any, inputs: list[str]) -> list[str]:
        """Add one operation."""
        kind, op = equation.primitive.name, self.graph.op
        inside = next((equation.params[key] for key in INSIDE if key in equation.params), None)
        if inside is not None:
            inner, constants = (
                (inside, ()) if isinstance(inside, Jaxpr) else (inside.jaxpr, inside.consts)
            )
            return self.run(inner, constants, inputs[-len(inner.invars) :])
        if kind in ELEMENTWISE:
            return [op(ELEMENTWISE[kind], *inputs)]
        if kind in REDUCTIONS:
            axes = self.axes(equation.params["axes"])
            return [op(REDUCTIONS[kind], inputs[0], axes, keepdims=0)]
        if kind in SAME:
            return inputs
        special = getattr(self, f"_{kind}", None)
        if special is None:
            raise ConfigError(
                f"the network uses {kind}, which has no ONNX form here; export it without --onnx"
            )
        result = special(equation, *inputs)
        return result if isinstance(result, list) else [result]

    def reshaped(self, x: str, shape: Sequence[Any]) -> str:
        """Return `x` in a shape of which one size may be unknown."""
        sizes = [size if isinstance(size, int) else -1 for size in shape]
        return self.graph.op("Reshape", x, self.axes(sizes))

    def _reshape(self, equation: Any, x: str, *rest: str) -> str:
        return self.reshaped(x, equation.outvars[0].aval.shape)

    _squeeze = _expand_dims = _reshape

    def _broadcast_in_dim(self, equation: Any, x: str, *rest: str) -> str:
        shape = equation.outvars[0].aval.shape
        given = equation.invars[0].aval.shape
        places = equation.params["broadcast_dimensions"]
        sizes: list[Any] = [1] * len(shape)
        for size, place in zip(given, places, strict=True):
            sizes[place] = size
        x = self.reshaped(x, sizes)
        # A size of 1 keeps what is there; a batch that is not there yet comes with what it meets.
        wide = [size if isinstance(size, int) else 1 for size in shape]
        return self.graph.op("Expand", x, self.axes(wide))

    def _transpose(self, equation: Any, x: str) -> str:
        return self.graph.op("Transpose", x, perm=list(equation.params["permutation"]))

    def _concatenate(self, equation: Any, *parts: str) -> str:
        return self.graph.op("Concat", *parts, axis=equation.params["dimension"])

    def _convert_element_type(self, equation: Any, x: str) -> str:
        name = np.dtype(equation.params["new_dtype"]).name
        if name not in TYPES:
            raise ConfigError(f"the network computes in {name}; export it as float32")
        return self.graph.op("Cast", x, to=TYPES[name])

    def _integer_pow(self, equation: Any, x: str) -> str:
        power = equation.params["y"]
        if power == 2:
            return self.graph.op("Mul", x, x)
        return self.graph.op("Pow", x, self.graph.constant(float(power)))

    def _square(self, equation: Any, x: str) -> str:
        return self.graph.op("Mul", x, x)

    def _rsqrt(self, equation: Any, x: str) -> str:
        return self.graph.op("Reciprocal", self.graph.op("Sqrt", x))

    def _erfc(self, equation: Any, x: str) -> str:
        return self.graph.op("Sub", self.graph.constant(1.0), self.graph.op("Erf", x))

    def _log1p(self, equation: Any, x: str) -> str:
        return self.graph.op("Log", self.graph.op("Add", self.graph.constant(1.0), x))

    def _expm1(self, equation: Any, x: str) -> str:
        return self.graph.op("Sub", self.graph.op("Exp", x), self.graph.constant(1.0))

    def _clamp(self, equation: Any, low: str, x: str, high: str) -> str:
        return self.graph.op("Min", self.graph.op("Max", x, low), high)

    def _select_n(self, equation: Any, where: str, *cases: str) -> str:
        first, second = cases
        return self.graph.op("Where", where, second, first)

    def _iota(self, equation: Any) -> str:
        shape, axis = equation.outvars[0].aval.shape, equation.params["dimension"]
        values = np.arange(shape[axis], dtype=equation.params["dtype"])
        values = values.reshape([-1 if i == axis else 1 for i in range(len(shape))])
        return self.constant(np.broadcast_to(values, shape))

    def _slice(self, equation: Any, x: str) -> str:
        params, shape = equation.params, equation.invars[0].aval.shape
        steps = params["strides"] or (1,) * len(shape)
        # All of a batch is not cut.
        cut = [
            (axis, start, stop, step)
            for axis, (start, stop, step) in enumerate(
                zip(params["start_indices"], params["limit_indices"], steps, strict=True)
            )
            if isinstance(stop, int)
        ]
        axes, starts, stops, steps = zip(*cut, strict=True)
        return self.graph.op("Slice", x, *map(self.axes, (starts, stops, axes, steps)))

    def _split(self, equation: Any, x: str) -> list[str]:
        axis, start, parts = equation.params["axis"], 0, []
        for size in equation.params["sizes"]:
            ends = ([start], [start + size], [axis], [1])
            parts.append(self.graph.op("Slice", x, *map(self.axes, ends)))
            start += size
        return parts

    def _pad(self, equation: Any, x: str, value: str) -> str:
        low, high, between = zip(*equation.params["padding_config"], strict=True)
        if min((*low, *high)) < 0 or max(between) > 0:
            raise ConfigError("the network pads between pixels, which has no ONNX form here")
        return self.graph.op("Pad", x, self.axes((*low, *high)), value)

    def _dot_general(self, equation: Any, left: str, right: str) -> str:
        (contracted, with_those), (batch, with_batch) = equation.params["dimension_numbers"]
        ranks = [len(variable.aval.shape) for variable in equation.invars]
        if not batch and ranks[1] == 2 and tuple(contracted) == (ranks[0] - 1,) and tuple(
            with_those
        ) == (0,):  # fmt: skip
            return self.graph.op("MatMul", left, right)
        letters = iter(string.ascii_lowercase)
        first = [next(letters) for _ in range(ranks[0])]
        second = [next(letters) for _ in range(ranks[1])]
        for mine, theirs in zip((*contracted, *batch), (*with_those, *with_batch), strict=True):
            second[theirs] = first[mine]
        result = [first[i] for i in batch]
        result += [first[i] for i in range(ranks[0]) if i not in (*contracted, *batch)]
        result += [second[i] for i in range(ranks[1]) if i not in (*with_those, *with_batch)]
        equation_text = f"{''.join(first)},{''.join(second)}->{''.join(result)}"
        return self.graph.op("Einsum", left, right, equation=equation_text)

    def _conv_general_dilated(self, equation: Any, x: str, kernel: str) -> str:
        params = equation.params
        if max(params["lhs_dilation"]) > 1:
            raise ConfigError("the network has a transposed convolution; export without --onnx")
        numbers = params["dimension_numbers"]
        y = self.graph.op(
            "Conv",
            self.graph.op("Transpose", x, perm=list(numbers.lhs_spec)),
            self.graph.op("Transpose", kernel, perm=list(numbers.rhs_spec)),
            pads=[low for low, _ in params["padding"]] + [high for _, high in params["padding"]],
            strides=list(params["window_strides"]),
            dilations=list(params["rhs_dilation"]),
            group=params["feature_group_count"],
        )
        return self.graph.op("Transpose", y, perm=np.argsort(numbers.out_spec).tolist())

    def _reduce_window_max(self, equation: Any, x: str) -> str:
        return self.window("MaxPool", equation, x)

    def _reduce_window_sum(self, equation: Any, x: str) -> str:
        mean = self.window("AveragePool", equation, x, count_include_pad=1)
        count = float(math.prod(equation.params["window_dimensions"]))
        return self.graph.op("Mul", mean, self.graph.constant(count))

    def window(self, kind: str, equation: Any, x: str, **options: Any) -> str:
        """Add a reduction over windows of maps whose channels are last."""
        params = equation.params
        sides, steps, edges = (
            params[name] for name in ("window_dimensions", "window_strides", "padding")
        )
        if len(sides) != 4 or (sides[0], sides[3]) != (1, 1) or max(params["window_dilation"]) > 1:
            raise ConfigError(
                "the network pools over more than the pixels of maps, which has no ONNX form here"
            )
        y = self.graph.op(
            kind,
            self.graph.op("Transpose", x, perm=[0, 3, 1, 2]),
            kernel_shape=list(sides[1:3]),
            strides=list(steps[1:3]),
            pads=[low for low, _ in edges[1:3]] + [high for _, high in edges[1:3]],
            **options,
        )
        return self.graph.op("Transpose", y, perm=[0, 2, 3, 1])
