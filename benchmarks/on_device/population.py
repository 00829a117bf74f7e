"""68 folds with 8 settings in one program, by the plan that MACE chooses here."""

import time
from typing import Any

import jax
import numpy as np

from mace.models.runtime import keep_heap
from mace.training.compiling import COMPILATIONS
from mace.training.population import Population
from on_device.cases import members, networks, on_cpu, random_set
from on_device.results import Results
from on_device.sizes import size_of


def measure(results: Results, *, tiny: bool) -> None:
    """Train both networks' populations from random weights, each once."""
    keep_heap()
    size = size_of(tiny=tiny, cpu=on_cpu())
    motion_set = random_set(size)
    for name, model in networks(tiny=tiny).items():

        def whole(model: Any = model) -> dict[str, Any]:
            start, compiled = time.perf_counter(), COMPILATIONS.seconds
            population = Population(motion_set, members(model, motion_set, size))
            values = train(population, size.epochs)
            seconds = {
                "whole_s": time.perf_counter() - start,
                "compile_s": COMPILATIONS.seconds - compiled,
            }
            return seconds | values

        results.measure(name, whole)


def train(population: Population, epochs: int) -> dict[str, Any]:
    """Train every member to its end; return seconds without compilation, and memory.

    The first epoch holds what is left to compile; `warm_s` is the others', scaled to all of them,
    with what it takes to hand the networks out.
    """
    population.advance(1)
    first = time.perf_counter()
    fitted = [result.fitted for _, result in population.finish()]
    end = time.perf_counter()
    assert len(fitted) == len(population.members)
    assert all(np.isfinite(rows[-1]["loss"]) for rows in population.histories)
    warm = (end - first) * epochs / (epochs - 1)
    stats = jax.local_devices()[0].memory_stats() or {}
    bytes_needed = population.prepare() if population.plan.loop == "scan" else 0
    return {
        "members": len(fitted),
        "epochs": epochs,
        "warm_s": warm,
        "members_a_second": len(fitted) / warm,
        "mb_a_member": bytes_needed / 1e6 / population.plan.chunk,
        "peak_memory_mb": stats.get("peak_bytes_in_use", 0) / 1e6,
        "plan": str(population.plan),
    }
