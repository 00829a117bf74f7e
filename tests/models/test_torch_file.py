"""Weights that PyTorch saved, read without it: the authors' STSTNet, and files that are none."""

import collections
import io
import os
import pickle
import sys
import types
import zipfile

import jax
import numpy as np
import pytest

from mace.errors import DataError
from mace.models.apply import apply_model, init_model
from mace.models.make import make_model
from mace.models.presets import MODELS
from mace.models.ststnet_weights import read_ststnet
from mace.models.torch_file import read_tensors


@pytest.fixture
def torch(monkeypatch):
    """The names that a pickle of PyTorch's holds, and nothing behind them."""
    module, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in ("FloatStorage", "LongStorage"):
        setattr(module, name, type(name, (), {"__module__": "torch"}))

    def _rebuild_tensor_v2():
        raise AssertionError

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = (
        "torch._utils",
        ("_rebuild_tensor_v2"),
    )
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    monkeypatch.setitem(sys.modules, "torch", module)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)
    return module


class Tensor:
    def __init__(self, torch, key, array, *, count=None, size=None, stride=None):
        self.torch, self.key, self.array = torch, key, array
        self.count, self.size = count or array.size, size or array.shape
        self.stride = stride or tuple(step // array.itemsize for step in array.strides)

    def __reduce__(self):
        rest = (0, self.size, self.stride, False, collections.OrderedDict())
        return sys.modules["torch._utils"]._rebuild_tensor_v2, (Storage(self), *rest)


class Storage:
    def __init__(self, tensor):
        self.tensor = tensor


class Pickler(pickle.Pickler):
    def persistent_id(self, obj):
        if not isinstance(obj, Storage):
            return None
        tensor = obj.tensor
        kind = "LongStorage" if tensor.array.dtype == np.int64 else "FloatStorage"
        return "storage", getattr(tensor.torch, kind), tensor.key, "cpu", tensor.count


def save(path, torch, content, **options):
    """Write a state dictionary as `torch.save` does."""
    tensors = {
        name: Tensor(torch, str(i), value, **options) if isinstance(value, np.ndarray) else value
        for i, (name, value) in enumerate(content.items())
    }
    stream = io.BytesIO()
    Pickler(stream, protocol=2).dump(collections.OrderedDict(tensors))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{path.stem}/data.pkl", stream.getvalue())
        archive.writestr(f"{path.stem}/byteorder", "little")
        for tensor in tensors.values():
            if isinstance(tensor, Tensor):
                archive.writestr(f"{path.stem}/data/{tensor.key}", tensor.array.tobytes())


def authors_weights(classes=3):
    random = np.random.default_rng(0)
    weights = {}
    for i, width in enumerate((3, 5, 8), start=1):
        weights[f"conv{i}.weight"] = random.normal(size=(width, 3, 3, 3))
        weights[f"conv{i}.bias"] = random.normal(size=width)
        weights[f"bn{i}.weight"] = random.normal(size=width)
        weights[f"bn{i}.bias"] = random.normal(size=width)
        weights[f"bn{i}.running_mean"] = random.normal(size=width)
        weights[f"bn{i}.running_var"] = random.uniform(0.5, 2, width)
    weights["fc.weight"] = random.normal(size=(classes, 400))
    weights["fc.bias"] = random.normal(size=classes)
    floats = {name: value.astype(np.float32) for name, value in weights.items()}
    return floats | {f"bn{i}.num_batches_tracked": np.array(7) for i in (1, 2, 3)}


def plainly(weights, pictures):
    """STSTNet as its authors compute it, of BGR pictures (b, 3, 28, 28), loop by loop."""
    maps = []
    for i in (1, 2, 3):
        padded = np.pad(pictures, ((0, 0), (0, 0), (2, 2), (2, 2)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
        y = np.einsum("bcijkl,ockl->boij", windows, weights[f"conv{i}.weight"])
        y = np.maximum(y + weights[f"conv{i}.bias"][:, None, None], 0)
        mean, var, scale, bias = (
            weights[f"bn{i}.{name}"][:, None, None]
            for name in ("running_mean", "running_var", "weight", "bias")
        )
        y = (y - mean) / np.sqrt(var + 1e-5) * scale + bias
        y = np.pad(y, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
        maps.append(
            np.stack([y[:, :, i : i + 28 : 3, j : j + 28 : 3] for i in range(3) for j in range(3)])
            .max(0)
        )  # fmt: skip
    joined = np.concatenate(maps, 1)
    pooled = joined.reshape(len(pictures), 16, 5, 2, 5, 2).mean((3, 5)).reshape(-1, 400)
    return pooled @ weights["fc.weight"].T + weights["fc.bias"]


def test_the_authors_network_gives_the_authors_logits(torch, tmp_path):
    weights = authors_weights()
    save(tmp_path / "006.pth", torch, weights)
    variables = read_ststnet(tmp_path / "006.pth")
    model = make_model(MODELS["ststnet"], 3)
    fresh = jax.eval_shape(lambda: init_model(model, jax.random.key(0), (28, 28, 3)))
    assert jax.tree.map(np.shape, variables) == jax.tree.map(np.shape, fresh)
    pictures = np.random.default_rng(1).uniform(0, 255, (2, 3, 28, 28)).astype(np.float32)
    x = pictures.transpose(0, 2, 3, 1)[..., ::-1]  # u, v, strain
    found = jax.jit(lambda v, x: apply_model(model, v, x)[0])(variables, x)
    expected = plainly(weights, pictures)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3 * np.abs(expected).max())


def test_tensors_by_name(torch, tmp_path):
    turned = np.arange(6, dtype=np.float32).reshape(2, 3).T
    save(tmp_path / "w.pth", torch, {"module.a": np.array([1, 2]), "b": turned.copy(order="F")})
    read = read_tensors(tmp_path / "w.pth")
    assert read["a"].dtype == np.int64
    np.testing.assert_array_equal(read["a"], [1, 2])
    assert read["b"].shape == (3, 2)


def test_no_code_of_a_stranger_runs(torch, tmp_path):
    class Attack:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "done"),)

    save(tmp_path / "w.pth", torch, {"a": Attack()})
    with pytest.raises(DataError, match=r"mkdir is no part of a tensor"):
        read_tensors(tmp_path / "w.pth")
    assert not (tmp_path / "done").exists()


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ({"a": 3}, {}, "holds more than tensors by name"),
        ({"a": np.zeros(2, np.float32)}, {"size": (9,)}, "reaches beyond its storage"),
        ({"a": np.zeros(2, np.float32)}, {"size": (10**9,), "stride": (0,)}, "larger than its"),
        ({"a": np.zeros(2, np.float32)}, {"size": (0, 2**95)}, "is damaged or holds more"),
        ({"a": np.zeros(2, np.float32)}, {"count": 5}, "holds 2 numbers, not 5"),
    ],
)
def test_other_content_is_refused(torch, tmp_path, content, options, message):
    save(tmp_path / "w.pth", torch, content, **options)
    with pytest.raises(DataError, match=message):
        read_tensors(tmp_path / "w.pth")


def test_other_files_are_refused(torch, tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_tensors(tmp_path / "none.pth")
    (tmp_path / "old.pth").write_bytes(pickle.dumps({}))
    with pytest.raises(DataError, match=r"or of a version before 1\.6"):
        read_tensors(tmp_path / "old.pth")
    with zipfile.ZipFile(tmp_path / "zip.pth", "w") as archive:
        archive.writestr("readme", "")
    with pytest.raises(DataError, match="not of PyTorch's weights"):
        read_tensors(tmp_path / "zip.pth")
    weights = authors_weights() | {"conv2.weight": np.zeros((6, 3, 3, 3), np.float32)}
    save(tmp_path / "w.pth", torch, weights)
    with pytest.raises(DataError, match=r"no STSTNet: conv2.weight is \(6, 3, 3, 3\), expected"):
        read_ststnet(tmp_path / "w.pth")
