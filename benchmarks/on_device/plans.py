"""How a population is best computed here: what `make_plan` chooses beside what it might.

Every plan trains the same members for a few epochs, so its figure is seconds an epoch of all
members. The rule of `mace.training.plan.make_plan` is set by these figures.
"""

import os
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace

from mace.compilation import keep_compiled
from mace.models.config import ModelConfig
from mace.models.runtime import keep_heap
from mace.training.plan import Plan, make_plan
from mace.training.population import Population
from on_device.cases import members, networks, on_cpu, random_set
from on_device.population import train
from on_device.results import Results
from on_device.sizes import PopulationSize, size_of

EPOCHS = 4


def measure(results: Results, *, tiny: bool) -> None:
    """Train both networks by every plan, the likely best first; all are compiled side by side."""
    keep_heap()
    keep_compiled(results.path.parent)
    size = replace(size_of(tiny=tiny, cpu=on_cpu()), epochs=EPOCHS)
    motion_set = random_set(size)

    def prepared(model: ModelConfig, plan: Plan) -> Population:
        population = Population(motion_set, members(model, motion_set, size), plan=plan)
        if plan.loop == "scan":
            population.prepare()
        return population

    with ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as compilers:
        waiting: dict[str, Future[Population]] = {}
        for network, model in networks(tiny=tiny).items():
            for name, plan in plans(model, size, tiny=tiny).items():
                low = replace(model, dtype="bfloat16") if "bfloat16" in name else model
                if f"{network}/{name}" not in results:
                    waiting[f"{network}/{name}"] = compilers.submit(prepared, low, plan)
        # Compiling asks the device which algorithm is fastest, and would disturb what is measured.
        wait(waiting.values(), timeout=results.deadline - time.monotonic())
        try:
            for name in list(waiting):
                future = waiting.pop(name)
                results.measure(name, lambda future=future: train(future.result(), EPOCHS))
        finally:
            compilers.shutdown(wait=False, cancel_futures=True)


def plans(model: ModelConfig, size: PopulationSize, *, tiny: bool) -> dict[str, Plan]:
    """Return plans by name: the rule's, then others that differ from it in a thing or two.

    A CPU has its own rule, which was timed long ago (docs/population.md), and no other.
    """
    if on_cpu() and not tiny:
        return {"rule": make_plan(model, 28, members=size.subjects * size.settings)}
    rule = make_plan(model, 28, members=size.subjects * size.settings, backend="gpu")
    toys = ("whole",) if model.arch == "macnn" else ()
    return {name: plan for name, plan in _plans(rule, size) if not tiny or name in toys}


def _plans(rule: Plan, size: PopulationSize) -> Iterator[tuple[str, Plan]]:
    count = size.subjects * size.settings
    rule = replace(rule, why="measured")
    whole = replace(rule, chunk=count)
    yield "whole", whole
    yield "rule", rule
    other = "native" if rule.convolutions == "products" else "products"
    yield f"whole/{other}", replace(whole, convolutions=other)
    yield "whole/bfloat16", whole
    yield "half", replace(rule, chunk=count // 2)
    yield "eighth", replace(rule, chunk=count // 8)
    yield "whole/stepped", replace(whole, loop="python")
