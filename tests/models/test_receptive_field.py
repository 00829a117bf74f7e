import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mace.errors import ConfigError
from mace.models.apply import apply_model, init_model
from mace.models.config import ModelConfig
from mace.models.make import make_model
from mace.models.presets import MODELS
from mace.models.receptive import ReceptiveField, receptive_field, receptive_fields

pytestmark = pytest.mark.accelerator


def test_default_network_by_hand():
    # stem 3 (stride 2), block +2*3*2, step +2*2, block +2*3*4, step +2*4, +48, +16, +96
    sizes = {name: field.size for name, field in receptive_fields(MODELS["macnn"]).items()}
    assert sizes == {
        "stem": 3, "stage1_block1": 15, "down2": 19, "stage2_block1": 43, "down3": 51,
        "stage3_block1": 99, "down4": 115, "stage4_block1": 211, "features": 211,
    }  # fmt: skip
    assert receptive_field(MODELS["macnn"]) == ReceptiveField(211, 16)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("macnn_no_residual", 211),
        ("macnn_single_scale", 151),
        ("macnn_no_dilation", 91),
        ("resnet", 151),
        ("macnn_small", 51),
        ("resnet_small", 37),
        ("ststnet", 5),
        ("off_apexnet", 16),
        ("dual_inception", 16),
        ("sssnet", 16),
        ("macnn_ecnu", 268),
    ],
)
def test_variants(name, size):
    assert receptive_field(MODELS[name]).size == size


@pytest.mark.parametrize(
    "config",
    [
        ModelConfig(widths=(2, 2), depths=(1, 1), norm="none"),
        ModelConfig(widths=(2,), depths=(2,), norm="none", residual=False, stem_stride=1),
        ModelConfig(widths=(2,), depths=(1,), norm="none", separable=True, dilations=(1, 4)),
        ModelConfig(widths=(2,), depths=(1,), norm="none", fusion="sum", dilations=(2, 2)),
        ModelConfig(
            widths=(2, 2), depths=(1, 1), norm="none", stem="space_to_depth", stem_stride=4
        ),
        ModelConfig(arch="resnet", widths=(2, 2), depths=(1, 2), norm="none"),
    ],
    ids=["atrous", "deep", "separable", "sum", "space_to_depth", "resnet"],
)
def test_impulse_is_seen_within_the_field_and_at_its_rim(config):
    """With positive weights no path cancels: the input's gradient shows what a unit sees."""
    model = make_model(config, 2)
    variables = init_model(model, jax.random.key(0), (32, 32, 1))
    params = jax.tree.map(lambda leaf: jnp.abs(leaf) + 0.1, variables["params"])
    x = jnp.ones((1, 96, 96, 1))

    @jax.jit
    def sensitivity(x):
        def unit(x):
            features = apply_model(model, {"params": params}, x)[1]["features"]
            return features[0, features.shape[1] // 2, features.shape[2] // 2].sum()

        return jax.grad(unit)(x)

    seen = np.argwhere(np.abs(sensitivity(x)[0, :, :, 0]) > 0)
    extent = seen.max(0) - seen.min(0) + 1
    np.testing.assert_array_equal(extent, receptive_field(config).size)


def test_a_network_that_sees_everything_has_no_field():
    with pytest.raises(ConfigError, match="htnet has no receptive field"):
        receptive_field(MODELS["htnet"])


def test_a_maximum_sees_whatever_can_rise_above_the_rest():
    config = MODELS["ststnet_plain"]
    model = make_model(config, 2)
    variables = init_model(model, jax.random.key(0), (28, 28, 3))
    params = jax.tree.map(lambda leaf: jnp.abs(leaf) + 0.1, variables["params"])

    @jax.jit
    def unit(x):
        features = apply_model(model, {"params": params}, x)[1]["features"]
        return features[:, features.shape[1] // 2, features.shape[2] // 2].sum(axis=-1)

    spots = jnp.ones((28, 28, 28, 3)).at[jnp.arange(28), 14, jnp.arange(28)].set(2.0)
    changed = np.flatnonzero(np.abs(unit(spots) - unit(jnp.ones((1, 28, 28, 3)))) > 1e-3)
    assert len(changed) == receptive_field(config).size
    assert changed[-1] - changed[0] + 1 == len(changed)


def test_neighbours_are_one_stride_apart():
    config = ModelConfig(widths=(2, 2), depths=(1, 1), norm="none")
    model = make_model(config, 2)
    variables = init_model(model, jax.random.key(0), (32, 32, 1))
    params = jax.tree.map(lambda leaf: jnp.abs(leaf) + 0.1, variables["params"])

    @jax.jit
    def rim(column):
        def unit(x):
            return apply_model(model, {"params": params}, x)[1]["features"][0, 12, column].sum()

        return jnp.argmax(jnp.abs(jax.grad(unit)(jnp.ones((1, 96, 96, 1)))).sum((0, 1, 3)) > 0)

    assert int(rim(13) - rim(12)) == receptive_field(config).stride
