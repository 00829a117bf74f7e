"""dlib's trained models, with the types that its bindings do not declare."""

import copy
import functools
import importlib.util
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np

from mace.errors import DataError


@runtime_checkable
class Rectangle(Protocol):
    """A box of whole px, edges included."""

    def left(self) -> int: ...  # noqa: D102
    def top(self) -> int: ...  # noqa: D102
    def right(self) -> int: ...  # noqa: D102
    def bottom(self) -> int: ...  # noqa: D102


@runtime_checkable
class HogDetector(Protocol):
    """Boxes, scores and the number of the sub-detector, from an image."""

    def run(  # noqa: D102
        self, image: np.ndarray, upsample: int, threshold: float, /
    ) -> tuple[Iterable[Rectangle], Iterable[float], Iterable[int]]: ...


@runtime_checkable
class Point(Protocol):
    """A landmark, px."""

    x: int
    y: int


@runtime_checkable
class Shape(Protocol):
    """All landmarks of a face."""

    def parts(self) -> Iterable[Point]: ...  # noqa: D102


@runtime_checkable
class ShapePredictor(Protocol):
    """Landmarks, from an image and a box."""

    def __call__(self, image: np.ndarray, box: Rectangle, /) -> Shape: ...  # noqa: D102


_of_thread = threading.local()


def rectangle(left: int, top: int, right: int, bottom: int) -> Rectangle:
    """Return a box whose edges are included."""
    return _dlib().rectangle(left, top, right, bottom)


@functools.cache
def _dlib() -> Any:
    """Return dlib, which machines that only train do without, and which declares no types."""
    import dlib

    return cast(Any, dlib)


@functools.cache
def _hog_detector() -> HogDetector:
    return _dlib().get_frontal_face_detector()


def hog_detector() -> HogDetector:
    """Return this thread's detector of frontal faces.

    A detector keeps the image it works on, and dlib lets other threads run meanwhile: with one for
    all, whoever confirms a face would wait for whoever looks through a whole frame. The first takes
    0.4 s to make, a copy 4 ms.
    """
    if not hasattr(_of_thread, "hog"):
        _of_thread.hog = copy.deepcopy(_hog_detector())
    return _of_thread.hog


@functools.cache
def shape_predictor(name: str) -> ShapePredictor:
    """Return the process's landmark model of that file name.

    Raises:
        DataError: if the file is missing.
    """
    return _dlib().shape_predictor(str(model_path(name)))


def model_path(name: str) -> Path:
    """Return the path of the model file `name` in the package face_recognition_models.

    The package is located, not imported: importing it needs the `pkg_resources` that current
    setuptools no longer ship.

    Raises:
        DataError: if the package or the file is missing.
    """
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or not spec.submodule_search_locations:
        raise DataError(
            "the package face-recognition-models, which holds dlib's landmark models, is not "
            "installed; run `uv sync`"
        )
    path = Path(spec.submodule_search_locations[0]) / "models" / name
    if not path.is_file():
        raise DataError(f"dlib's model {path} is missing; reinstall face-recognition-models")
    return path
