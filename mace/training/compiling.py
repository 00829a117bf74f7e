"""Compiling once and saying so: how many programs trainings took, and how long."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax


@dataclass
class Compilations:
    """Number and seconds of the programs that this process compiled for trainings."""

    count: int = 0
    seconds: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, seconds: float) -> None:
        """Count one program."""
        with self._lock:
            self.count += 1
            self.seconds += seconds

    def __str__(self) -> str:
        return f"{self.count} programs compiled in {self.seconds:.1f} s"


COMPILATIONS = Compilations()


class CountedJit:
    """A function that is compiled when its arguments' shapes are new, and counts that."""

    def __init__(self, function: Callable[..., Any], **options: Any) -> None:
        self._jitted = jax.jit(function, **options)
        self._compiled: dict[Any, Any] = {}
        self._lock = threading.Lock()

    def compiled(self, *arguments: Any) -> Any:
        """Return the compiled program for arguments of these shapes, `jax.stages.Compiled`.

        To look it up costs as much as a small step takes (`Calls`).
        """
        leaves, tree = jax.tree.flatten(arguments)
        shapes = [(jax.typeof(leaf), getattr(leaf, "sharding", None)) for leaf in leaves]
        key = (tree, *shapes)
        # One thread compiles, the others wait for it.
        with self._lock:
            if key not in self._compiled:
                start = time.perf_counter()
                self._compiled[key] = self._jitted.lower(*arguments).compile()
                COMPILATIONS.add(time.perf_counter() - start)
            return self._compiled[key]

    def __call__(self, *arguments: Any) -> Any:
        """Run it."""
        return self.compiled(*arguments)(*arguments)


class Calls:
    """Programs that are looked up once, for arguments whose shapes stay the same."""

    def __init__(self) -> None:
        self._compiled: dict[CountedJit, Any] = {}

    def __call__(self, function: CountedJit, *arguments: Any) -> Any:
        """Run a function."""
        if function not in self._compiled:
            self._compiled[function] = function.compiled(*arguments)
        return self._compiled[function](*arguments)
