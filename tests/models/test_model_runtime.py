import subprocess
import sys

import jax
import numpy as np
import pytest

from mace.models.apply import apply_model, init_model
from mace.models.config import ModelConfig
from mace.models.make import make_model
from mace.models.runtime import compiler_options, inference_form, inference_options, keep_heap

ONEDNN, YNN = "xla_cpu_experimental_onednn_custom_call", "xla_cpu_experimental_ynn_fusion_type"


@pytest.mark.parametrize(
    ("options", "known"),
    [
        (compiler_options, {ONEDNN}),
        (lambda: inference_options(8), {ONEDNN, YNN}),
        (lambda: inference_options(8, dtype="bfloat16"), {ONEDNN, YNN}),
    ],
)
def test_options_leave_the_result_alone(options, known):
    model = make_model(ModelConfig(widths=(8,), depths=(1,), norm="none"), 3)
    variables = init_model(model, jax.random.key(0), (16, 16, 1))
    x = jax.random.normal(jax.random.key(1), (2, 16, 16, 1))

    def logits(variables, x):
        return apply_model(model, variables, x)[0]

    assert set(options()) <= known
    fast = jax.jit(logits, compiler_options=options())(variables, x)
    np.testing.assert_allclose(fast, jax.jit(logits)(variables, x), atol=1e-5)


def test_onednn_is_for_narrow_networks_where_one_image_is_asked_for():
    assert ONEDNN not in inference_options(32)
    assert set(inference_options(16)) - set(inference_options(32)) == set(compiler_options())


def test_convolutions_are_products_where_nobody_else_knows_bfloat16(monkeypatch):
    assert inference_form(32, dtype="bfloat16") == "products"
    assert inference_form(16, dtype="bfloat16") == "native"  # oneDNN does
    assert inference_form(32) == "native"
    monkeypatch.setattr("jax.default_backend", lambda: "gpu")
    assert inference_form(32, dtype="bfloat16") == "native"


def test_unknown_option_is_left_out(monkeypatch):
    monkeypatch.setattr("mace.models.runtime._ONEDNN", "xla_cpu_no_such_option")
    monkeypatch.setattr("mace.models.runtime._YNN", "xla_cpu_nor_this_one")
    assert compiler_options() == inference_options(8) == {}


KEEP = """
import jax.numpy as jnp
from mace.models.runtime import keep_heap
print(keep_heap(), float(jnp.ones((4_000_000,)).sum()))
"""


def test_heap_is_left_alone_without_glibc(monkeypatch):
    monkeypatch.setattr("platform.libc_ver", lambda: ("", ""))
    assert keep_heap() is False


def test_process_that_keeps_its_heap_can_still_allocate_large_arrays():
    # A process of its own: the allocator's settings cannot be taken back.
    done = subprocess.run([sys.executable, "-c", KEEP], capture_output=True, text=True, check=True)
    assert done.stdout.split() in (["True", "4000000.0"], ["False", "4000000.0"])
