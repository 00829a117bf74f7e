import math
import os
import sys

import pytest
from executor_work import double

from mace.config import from_dict, to_dict
from mace.errors import ConfigError
from mace.machine import Place, find_places
from mace.search.config import EngineConfig
from mace.search.executors import make_engine
from mace.workers import WorkerPool


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"workers": 0}, "engine.workers is 0, expected 1 or more"),
        ({"retries": -1}, "engine.retries is -1, expected 0 or more"),
        ({"kind": "ray", "gpus_per_worker": math.nan}, "engine.gpus_per_worker is nan"),
        ({"kind": "ray", "gpus_per_worker": 1.5}, "above 1 only whole GPUs"),
        ({"kind": "inline", "workers": 2}, "the engine inline is this process alone"),
        ({"address": "head:6379"}, "engine.address is for the engine ray, not for local"),
        ({"gpus_per_worker": 0.5}, "engine.gpus_per_worker is for the engine ray, not for local"),
    ],
)
def test_contradictions_are_errors(settings, message):
    with pytest.raises(ConfigError, match=message):
        EngineConfig(**settings)


def test_configuration_survives_json():
    config = EngineConfig(kind="ray", address="head:6379", gpus_per_worker=0.25)
    assert from_dict(EngineConfig, to_dict(config)) == config


def test_engine_by_its_name():
    with make_engine(EngineConfig(kind="inline"))(double, {"offset": 1}) as executor:
        assert [executor.submit(job).result() for job in (3, 1)] == [7, 3]
        assert isinstance(executor.submit(None).exception(), TypeError)
    local = make_engine(EngineConfig(kind="local", workers=3))(double, {"offset": 1})
    assert isinstance(local, WorkerPool)
    assert local.slots == 3


def test_missing_ray_is_an_error_at_the_start(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r'pip install "mace-mer\[ray\]"'):
        make_engine(EngineConfig(kind="ray"))


def test_places_are_gpus_where_jax_could_use_them(monkeypatch, tmp_path):
    assert all(place.core is not None for place in find_places())
    (tmp_path / "jax_plugins" / "xla_cuda13").mkdir(parents=True)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    assert find_places() == [Place(gpu="2"), Place(gpu="5")]
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    assert all(place.core is not None for place in find_places())


def test_a_worker_sees_its_gpu_alone(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    monkeypatch.setenv("XLA_PYTHON_CLIENT_PREALLOCATE", "true")
    Place(gpu="5").enter(crowded=True)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "5"
    assert os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] == "false"
