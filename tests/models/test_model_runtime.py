import subprocess
import sys

import jax
import numpy as np

from mace.models import (
    ModelConfig,
    apply_model,
    compiler_options,
    init_model,
    keep_heap,
    make_model,
)


def test_options_leave_the_result_alone():
    model = make_model(ModelConfig(widths=(8,), depths=(1,), norm="none"), 3)
    variables = init_model(model, jax.random.key(0), (16, 16, 1))
    x = jax.random.normal(jax.random.key(1), (2, 16, 16, 1))

    def logits(variables, x):
        return apply_model(model, variables, x)[0]

    options = compiler_options()
    assert set(options) <= {"xla_cpu_experimental_onednn_custom_call"}
    fast = jax.jit(logits, compiler_options=options)(variables, x)
    np.testing.assert_allclose(fast, jax.jit(logits)(variables, x), atol=1e-5)


def test_unknown_option_is_left_out(monkeypatch):
    monkeypatch.setattr("mace.models.runtime._ONEDNN", "xla_cpu_no_such_option")
    compiler_options.cache_clear()
    assert compiler_options() == {}
    compiler_options.cache_clear()


KEEP = """
import jax.numpy as jnp
from mace.models import keep_heap
print(keep_heap(), float(jnp.ones((4_000_000,)).sum()))
"""


def test_heap_is_left_alone_without_glibc(monkeypatch):
    monkeypatch.setattr("platform.libc_ver", lambda: ("", ""))
    assert keep_heap() is False


def test_process_that_keeps_its_heap_can_still_allocate_large_arrays():
    # A process of its own: the allocator's settings cannot be taken back.
    done = subprocess.run([sys.executable, "-c", KEEP], capture_output=True, text=True, check=True)
    assert done.stdout.split() in (["True", "4000000.0"], ["False", "4000000.0"])
