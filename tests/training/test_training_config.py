from dataclasses import replace

import jax.numpy as jnp
import pytest

from mace.config import config_hash, from_dict, to_dict
from mace.errors import ConfigError
from mace.training.config import OptimiserConfig, TrainConfig
from mace.training.optimiser import learning_rate


def test_a_configuration_survives_json():
    config = TrainConfig(epochs=3, ema=0.99, optimiser=OptimiserConfig(weight_decay=0.1))
    assert from_dict(TrainConfig, to_dict(config)) == config


def test_devices_and_checkpoints_do_not_rename_a_run():
    config = TrainConfig()
    assert config_hash(replace(config, devices=2, checkpoint_every=3)) == config_hash(config)
    assert config_hash(replace(config, epochs=61)) != config_hash(config)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "setting epochs is 0, expected 1"),
        ({"ema": 1.5}, "setting ema is 1.5, expected 0 to 1"),
        ({"mixup": float("nan")}, "setting mixup is nan"),
        ({"batch_size": 8, "devices": 3}, "batch_size 8 cannot be shared by 3 devices"),
        ({"batch_size": 2, "devices": 4}, "setting devices is 4"),
        ({"patience": 3}, "patience needs selection"),
    ],
)
def test_settings_are_checked(settings, message):
    with pytest.raises(ConfigError, match=message):
        TrainConfig(**settings)


def test_optimiser_settings_are_checked():
    with pytest.raises(ConfigError, match=r"optimiser\.warmup is 2"):
        OptimiserConfig(warmup=2)


@pytest.mark.parametrize("total", [10, 1000])
def test_the_schedule_depends_on_progress_alone(total):
    config = OptimiserConfig(learning_rate=0.4, warmup=0.2, final=0.1)

    def rate(done: float) -> float:
        step = jnp.int32(round(done * total) - 1)
        return float(learning_rate(step, jnp.int32(total), config=config))

    assert rate(0.1) == pytest.approx(0.2)  # half-way up
    assert rate(0.2) == pytest.approx(0.4)
    assert rate(0.6) == pytest.approx(0.22)  # half-way down, between 0.4 and 0.04
    assert rate(1.0) == pytest.approx(0.04)


@pytest.mark.parametrize(("warmup", "last"), [(0.0, 0.0), (1.0, 1.0)])
def test_the_schedule_may_be_all_decay_or_all_warm_up(warmup, last):
    config = OptimiserConfig(learning_rate=1.0, warmup=warmup, final=0.0)
    assert float(learning_rate(jnp.int32(9), jnp.int32(10), config=config)) == pytest.approx(last)
    assert float(learning_rate(jnp.int32(4), jnp.int32(10), config=config)) == pytest.approx(0.5)
