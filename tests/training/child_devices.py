"""Trains on eight simulated devices and on one, and prints how far the results are apart."""

import json
from dataclasses import replace
from functools import partial

import jax

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_platforms", "cpu")  # simulated devices are a CPU's
jax.config.update("jax_num_cpu_devices", 8)

import numpy as np  # noqa: E402
from jax.sharding import AxisType, NamedSharding, PartitionSpec  # noqa: E402
from training_cases import CONFIG, make_set  # noqa: E402

from mace.models.make import make_model  # noqa: E402
from mace.training.config import OptimiserConfig  # noqa: E402
from mace.training.fit import fit  # noqa: E402
from mace.training.parallel import AXIS, data_parallel, split  # noqa: E402
from mace.training.program import initial_state, member_arrays  # noqa: E402
from mace.training.sampling import draw  # noqa: E402
from mace.training.state import make_fold  # noqa: E402
from mace.training.step import make_train_step  # noqa: E402

motion_set = make_set(32)
fast = OptimiserConfig(learning_rate=0.01)
config = replace(CONFIG, batch_size=16, epochs=10, mixup=0.4, ema=0.9, optimiser=fast)  # 20 steps


def distance(one, other) -> float:
    gaps = jax.tree.map(lambda a, b: np.abs(np.asarray(a) - np.asarray(b)).max(), one, other)
    return float(max(jax.tree.leaves(gaps)))


single = fit(motion_set, range(30), config=config, validation_index=[30, 31])
eight = fit(motion_set, range(30), config=replace(config, devices=8), validation_index=[30, 31])

# The modern form of the same: one jitted program over sharded arrays.
model = make_model(config.model, 3)
fold = make_fold(motion_set, np.arange(30), config=config, seed=0)
inputs, labels = jax.device_put((motion_set.inputs, motion_set.labels))
member = member_arrays(fold, config)
state = jax.jit(partial(initial_state, model=model))(member, inputs[:1, 0], None)
batch = draw(inputs, labels, fold, np.int32(0), batch_size=16, temporal=True, mixup=0.4)
learn = partial(make_train_step, model=model, config=config, motion=motion_set.motion)
mesh = jax.make_mesh((8,), ("batch",), axis_types=(AxisType.Auto,))
sharded = jax.device_put(batch, NamedSharding(mesh, PartitionSpec("batch")))
copied = jax.device_put(state, NamedSharding(mesh, PartitionSpec()))
by_sharding, _ = jax.jit(learn())(copied, fold, None, sharded)
on_eight = learn(axis_name=AXIS)
parallel = data_parallel(lambda state, batch: on_eight(state, fold, None, batch)[0], devices=8)
by_pmap = parallel(jax.device_get(state), split(batch, devices=8))

print(
    json.dumps(
        {
            "devices": jax.local_device_count(),
            "steps": single.history[-1]["step"],
            "variables": distance(single.variables, eight.variables),
            "loss": abs(single.history[-1]["loss"] - eight.history[-1]["loss"]),
            "moved": distance(single.variables["params"], state.params),
            "sharding": distance(by_pmap.params, by_sharding.params),
        }
    )
)
