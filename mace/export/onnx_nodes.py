"""The nodes and constants of an ONNX graph, as it is put together."""

from typing import Any

import numpy as np


class Graph:
    """Nodes and constants so far; every value is known by its name."""

    def __init__(self) -> None:
        self.nodes: list[tuple[tuple[str, list[str], list[str]], dict[str, Any]]] = []
        self.constants: dict[str, np.ndarray] = {}

    def constant(self, values: Any, dtype: type = np.float32) -> str:
        """Add a constant of a type that ONNX has, and return its name."""
        name = f"constant{len(self.constants)}"
        self.constants[name] = np.ascontiguousarray(np.asarray(values, dtype))
        return name

    def op(self, kind: str, *inputs: str, output: str | None = None, **options: Any) -> str:
        """Add a node with one result, and return its name."""
        output = output or f"value{len(self.nodes)}"
        self.nodes.append(((kind, list(inputs), [output]), options))
        return output

    def split(self, x: str) -> tuple[str, str]:
        """Return the halves of a batch."""
        halves = [f"value{len(self.nodes)}{side}" for side in "ab"]
        self.nodes.append((("Split", [x], halves), {"axis": 0, "num_outputs": 2}))
        return halves[0], halves[1]

    def reshape(self, x: str, *shape: int) -> str:
        """Return `x` in a shape; one size may be -1."""
        return self.op("Reshape", x, self.constant(shape, np.int64))

    def mean(self, x: str) -> str:
        """Return the mean of each map, channels first."""
        return self.op("ReduceMean", x, self.constant([2, 3], np.int64))
