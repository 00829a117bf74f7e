"""Trains on eight simulated devices and on one, and prints how far the results are apart."""

import json
from dataclasses import replace

import jax

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_platforms", "cpu")  # simulated devices are a CPU's
jax.config.update("jax_num_cpu_devices", 8)

import numpy as np  # noqa: E402
from jax.sharding import AxisType, NamedSharding, PartitionSpec  # noqa: E402
from training_cases import CONFIG, make_set  # noqa: E402

from mace.models.make import make_model  # noqa: E402
from mace.training.config import OptimiserConfig  # noqa: E402
from mace.training.loop import fit  # noqa: E402
from mace.training.parallel import split  # noqa: E402
from mace.training.program import on_device, training_program  # noqa: E402
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
fold = make_fold(motion_set, np.arange(30), config=config, seed=0)
data = on_device(motion_set)
batch = draw(*data, fold, np.int32(0), batch_size=16, temporal=True, mixup=0.4)
program = training_program(config, motion_set.motion, 3)
state = program.init(fold, data[0][:1, 0])
step = make_train_step(model=make_model(config.model, 3), config=config, motion=motion_set.motion)
mesh = jax.make_mesh((8,), ("batch",), axis_types=(AxisType.Auto,))
sharded = jax.device_put(batch, NamedSharding(mesh, PartitionSpec("batch")))
by_sharding, _ = jax.jit(step)(jax.device_put(state, NamedSharding(mesh, PartitionSpec())), sharded)
parallel = training_program(replace(config, devices=8), motion_set.motion, 3)
by_pmap, _ = parallel.compiled(jax.device_get(state), split(batch, devices=8))

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
