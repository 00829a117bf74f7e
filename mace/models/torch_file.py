"""Arrays of a PyTorch file of weights (`.pth`, `.pt`), read without PyTorch and without trust.

Such a file is a ZIP archive with a pickle, which could run any code of whoever wrote it. Here it
cannot: the pickle may name an ordered dictionary, the function that puts a tensor together and the
types of its numbers, and nothing else. What is in the file but tensors is an error.
"""

import collections
import io
import math
import pickle
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mace.errors import DataError

TYPES: Mapping[str, type[np.generic]] = {
    "DoubleStorage": np.float64,
    "FloatStorage": np.float32,
    "HalfStorage": np.float16,
    "LongStorage": np.int64,
    "IntStorage": np.int32,
    "ShortStorage": np.int16,
    "CharStorage": np.int8,
    "ByteStorage": np.uint8,
    "BoolStorage": np.bool_,
}


def read_tensors(path: str | Path) -> dict[str, np.ndarray]:
    """Return the tensors of a state dictionary by name, as `torch.save(model.state_dict())` left it.

    A dictionary with a dictionary of tensors under `state_dict` or `model` is looked into; the
    prefix `module.` of a network trained on several devices is left out.

    Raises:
        DataError: for a file that is none, is damaged, of PyTorch before 1.6, or holds anything but
            tensors.
    """  # noqa: E501 - the call is one word
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
            if len(pickles) != 1:
                raise DataError(f"{path} is a ZIP archive, but not of PyTorch's weights")
            if (order := _byte_order(archive, pickles[0])) != "little":
                raise DataError(f"{path} holds numbers in {order}-endian order; save it anew")
            content = _Reader(archive, pickles[0]).load()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    except zipfile.BadZipFile as error:
        raise DataError(
            f"{path} is no file of PyTorch's weights, or of a version before 1.6; save it with a "
            "newer one"
        ) from error
    except (
        pickle.UnpicklingError, ValueError, KeyError, TypeError, IndexError, EOFError,
        AttributeError, zlib.error, OverflowError, MemoryError, RuntimeError,
    ) as error:  # fmt: skip
        raise DataError(f"{path} is damaged or holds more than tensors: {error}") from error
    for name in ("state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
    if not isinstance(content, Mapping) or not all(
        isinstance(name, str) and isinstance(value, np.ndarray) for name, value in content.items()
    ):
        raise DataError(f"{path} holds more than tensors by name; save the network's state_dict()")
    return {str(name).removeprefix("module."): value for name, value in content.items()}


def _byte_order(archive: zipfile.ZipFile, pickled: str) -> str:
    name = f"{pickled.rpartition('/')[0]}/byteorder"
    return archive.read(name).decode("ascii").strip() if name in archive.namelist() else "little"


class _Reader(pickle.Unpickler):
    """An unpickler that knows tensors and refuses everything else."""

    def __init__(self, archive: zipfile.ZipFile, pickled: str) -> None:
        super().__init__(io.BytesIO(archive.read(pickled)))
        self.archive, self.folder = archive, pickled.rpartition("/")[0]

    def find_class(self, module: str, name: str) -> Any:
        """Return what stands for one of the few names that a state dictionary needs."""
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return _parameter
        if module == "torch" and name in TYPES:
            return TYPES[name]
        raise pickle.UnpicklingError(f"{module}.{name} is no part of a tensor")

    def persistent_load(self, pid: Any) -> np.ndarray:
        """Return the numbers of a storage."""
        kind, dtype, key, _, count = pid
        if kind != "storage" or dtype not in TYPES.values() or not str(key).isdecimal():
            raise pickle.UnpicklingError(f"{pid!r} is no storage of a tensor")
        numbers = np.frombuffer(self.archive.read(f"{self.folder}/data/{key}"), dtype)
        if len(numbers) != count:
            raise pickle.UnpicklingError(f"storage {key} holds {len(numbers)} numbers, not {count}")
        return numbers


def _tensor(
    storage: np.ndarray, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *rest: Any
) -> np.ndarray:
    if min((offset, *size, *stride)) < 0:
        raise pickle.UnpicklingError("a tensor of negative size")
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if 0 not in size and last >= len(storage):
        raise pickle.UnpicklingError("a tensor reaches beyond its storage")
    # By steps of 0 a number could stand for any amount of memory.
    if math.prod(size) > len(storage):
        raise pickle.UnpicklingError("a tensor is larger than its storage")
    steps = tuple(step * storage.itemsize for step in stride)
    return np.lib.stride_tricks.as_strided(storage[offset:], size, steps).copy()


def _parameter(data: np.ndarray, *rest: Any) -> np.ndarray:
    return data
