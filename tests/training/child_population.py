"""Trains a population on eight simulated devices and on one, and looks into the program."""

import json
import re

import jax

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_platforms", "cpu")  # simulated devices are a CPU's
jax.config.update("jax_num_cpu_devices", 8)

import numpy as np  # noqa: E402
from training_cases import CONFIG, make_set  # noqa: E402

from mace.training.member import Member  # noqa: E402
from mace.training.plan import Plan  # noqa: E402
from mace.training.population import Population  # noqa: E402

COLLECTIVES = r"all-reduce|all-gather|all-to-all|collective-\w+|reduce-scatter|send|recv"

motion_set = make_set(24)
members = [
    Member(config=CONFIG, train_index=np.flatnonzero(motion_set.groups != i % 6), seed=i)
    for i in range(8)
]


def train(plan: Plan) -> tuple[Population, list]:
    population = Population(motion_set, members, plan=plan)
    population.advance()
    return population, [result.fitted.variables for result in population.results()]


def distance(one, other) -> float:
    gaps = jax.tree.map(lambda a, b: np.abs(np.asarray(a) - np.asarray(b)).max(), one, other)
    return float(max(jax.tree.leaves(gaps)))


_, one = train(Plan(kind="vmap", chunk=1))
population, eight = train(Plan(kind="vmap", chunk=1, devices=8))
(chunk,) = population._chunks
(compiled,) = chunk.program.epoch._compiled.values()
text = compiled.as_text()
print(
    json.dumps(
        {
            "devices": jax.local_device_count(),
            "partitions": int(re.search(r"num_partitions=(\d+)", text)[1]),
            "collectives": sorted(set(re.findall(rf" ({COLLECTIVES})(?:-start)?\(", text))),
            "distance": distance(one, eight),
            "learnt": distance(eight[0], eight[1]),
        }
    )
)
