import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest
from training_cases import CONFIG, SHARED, make_set

from mace.errors import ConfigError
from mace.training.fit import fit, train_population
from mace.training.member import Member


@pytest.mark.slow
def test_eight_devices_equal_one():
    script = Path(__file__).parent / "child_devices.py"
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["devices"] == 8
    assert found["steps"] == 20
    assert found["moved"] > 0.05
    assert found["variables"] < 1e-5
    assert found["loss"] < 1e-5
    assert found["sharding"] < 1e-6


@pytest.mark.usefixtures("two_devices")
@pytest.mark.slow
def test_members_share_their_batches_one_after_the_other():
    config = replace(SHARED, devices=2, epochs=2)
    members = [Member(config=config, train_index=range(20), seed=seed) for seed in (0, 1)]
    lines = []
    found = train_population(make_set(), members, log=lines.append)
    assert "2 device(s) a batch" in lines[0]
    alone = fit(make_set(), range(20), config=config, seed=1)
    jax.tree.map(np.testing.assert_array_equal, found[1].network().variables, alone.variables)


@pytest.mark.accelerator
def test_more_devices_than_there_are_is_an_error():
    count, many = jax.device_count(), 8 * jax.device_count()
    message = f"devices is {many}, but this machine has {count} of kind {jax.default_backend()}"
    with pytest.raises(ConfigError, match=message):
        fit(make_set(), range(20), config=replace(CONFIG, batch_size=many, devices=many))
