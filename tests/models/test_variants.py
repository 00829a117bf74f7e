import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mace.config import from_dict, to_dict
from mace.errors import ConfigError
from mace.models.apply import apply_model, apply_train, count_parameters, init_model
from mace.models.config import ModelConfig
from mace.models.conv import conv2d
from mace.models.make import make_model
from mace.models.networks import NETWORKS
from mace.models.presets import CONTROLS, MODELS
from mace.recipes import FLOW

pytestmark = pytest.mark.accelerator

# Five classes, three input channels.
PARAMETERS = {
    "macnn": 762_645,
    "macnn_no_dilation": 762_645,
    "macnn_single_scale": 762_645,
    "macnn_no_residual": 762_645,
    "resnet": 778_345,
    "macnn_small": 190_997,
    "resnet_small": 194_985,
    "ststnet_plain": 2_453,
}


def variables_of(config, channels=3, classes=5):
    return init_model(make_model(config, classes), jax.random.key(0), (32, 32, channels))


def shapes_of(config):
    return jax.eval_shape(lambda: variables_of(config))


def test_every_model_has_a_pinned_count():
    # Those of other papers: tests/models/test_zoo_networks.py.
    assert set(PARAMETERS) | set(NETWORKS) == set(MODELS)


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameter_count(name):
    assert count_parameters(shapes_of(MODELS[name])) == PARAMETERS[name]


def test_variants_hold_what_the_network_holds():
    tree = shapes_of(MODELS["macnn"])
    for name in ("macnn_no_dilation", "macnn_single_scale", "macnn_no_residual"):
        assert shapes_of(MODELS[name]) == tree
    for small in ("", "_small"):
        ratio = PARAMETERS[f"resnet{small}"] / PARAMETERS[f"macnn{small}"]
        assert abs(ratio - 1) < 0.03


def test_a_control_differs_from_its_macnn_in_what_it_lacks():
    own = FLOW.train.model
    parts = {
        "macnn_no_dilation": {"dilations": (1, 1, 1)},
        "macnn_single_scale": {"dilations": (2, 2, 2)},
        "macnn_no_residual": {"residual": False},
        "resnet": {"arch": "resnet", "widths": (40, 60)},
    }
    assert set(CONTROLS) == set(parts)
    counts = {"macnn": count_parameters(shapes_of(own))}
    for name, changes in parts.items():
        model = CONTROLS[name].change(own)
        assert model == dataclasses.replace(own, **changes)
        counts[name] = count_parameters(shapes_of(model))
        assert abs(counts[name] / counts["macnn"] - 1) < 0.05


def test_a_variant_changes_the_function():
    small = {"widths": (4,), "depths": (1,)}
    names = ("macnn", "macnn_no_dilation", "macnn_single_scale", "macnn_no_residual")
    configs = [dataclasses.replace(MODELS[name], **small) for name in names]
    variables = variables_of(configs[0])
    x = jax.random.normal(jax.random.key(1), (1, 16, 16, 3))
    logits = [apply_model(make_model(config, 5), variables, x)[0] for config in configs]
    for i in range(4):
        for j in range(i):
            assert not np.allclose(logits[i], logits[j], atol=1e-2)


@pytest.mark.parametrize("arch", ["macnn", "resnet"])
@pytest.mark.parametrize(("size", "channels"), [(28, 3), (33, 1), (128, 2), (224, 3)])
def test_sizes_and_channels(arch, size, channels):
    config = ModelConfig(arch=arch, widths=(8, 8, 16), depths=(1, 1, 1))
    model = make_model(config, 4)
    variables = init_model(model, jax.random.key(0), (32, 32, channels))
    x = jnp.ones((2, size, size, channels))
    logits, out = jax.eval_shape(lambda v, x: apply_model(model, v, x), variables, x)
    assert logits.shape == (2, 4)
    side = -(-size // 8)
    assert out["features"].shape == (2, side, side, 16)
    assert out["stem"].shape == (2, -(-size // 2), -(-size // 2), 8)


@pytest.mark.parametrize(
    "change",
    [
        {"norm": "group", "dtype": "bfloat16"},
        {"norm": "none", "fusion": "sum"},
        {"separable": True, "head_grid": 2},
        {"stem": "space_to_depth", "stem_stride": 4, "dilations": (1, 4)},
        {"coordinates": True, "head": "average", "dtype": "bfloat16"},
        {"head": "max", "residual": False, "widths": (4, 8), "depths": (1, 1)},
        {"arch": "resnet", "head": "attention"},
    ],
    ids=str,
)
def test_every_choice_trains(change):
    config = ModelConfig(**{"widths": (8,), "depths": (1,)} | change)
    model = make_model(config, 3)
    variables = init_model(model, jax.random.key(0), (16, 16, 2))
    x = jax.random.normal(jax.random.key(1), (4, 16, 16, 2))

    @jax.jit
    def gradient(params):
        def total(params):
            logits, _, _ = apply_train(model, {**variables, "params": params}, x, jax.random.key(2))
            assert logits.dtype == jnp.float32
            return (logits**2).sum()

        return jax.grad(total)(params)

    for path, leaf in jax.tree.leaves_with_path(gradient(variables["params"])):
        assert leaf.dtype == jnp.float32, path
        assert np.isfinite(leaf).all(), path
        # A bias before batch or group statistics, or a score before a softmax, would be zero.
        if path[-2].key != "attention":
            assert np.abs(leaf).max() > 0, path


def test_inference_ignores_the_batch_and_training_does_not():
    model = make_model(ModelConfig(widths=(8,), depths=(1,), dropout=0.0), 3)
    variables = init_model(model, jax.random.key(0), (16, 16, 1))
    x = jax.random.normal(jax.random.key(1), (4, 16, 16, 1))
    alone, together = (apply_model(model, variables, part)[0] for part in (x[:1], x))
    np.testing.assert_allclose(alone[0], together[0], atol=1e-5)
    key = jax.random.key(2)
    alone, together = (apply_train(model, variables, part, key)[0] for part in (x[:1], x))
    assert not np.allclose(alone[0], together[0], atol=1e-2)


def test_batch_statistics_move_towards_the_batch():
    model = make_model(ModelConfig(widths=(8,), depths=(1,), norm_momentum=0.75), 3)
    variables = init_model(model, jax.random.key(0), (16, 16, 1))
    x = jax.random.normal(jax.random.key(1), (4, 16, 16, 1))
    _, _, stats = apply_train(model, variables, x, jax.random.key(2))
    kernel = variables["params"]["stem"]["conv3x3"]["conv"]["kernel"]
    y = np.asarray(conv2d(x, kernel, stride=2))
    moved = stats["stem"]["conv3x3"]["norm"]
    np.testing.assert_allclose(moved["mean"], 0.25 * y.mean((0, 1, 2)), atol=1e-5)
    np.testing.assert_allclose(moved["var"], 0.75 + 0.25 * y.var((0, 1, 2)), rtol=1e-4)


def test_statistics_are_those_of_all_devices_under_pmap():
    model = make_model(ModelConfig(widths=(8,), depths=(1,), dropout=0.0), 3)
    variables = init_model(model, jax.random.key(0), (16, 16, 1))
    x = jax.random.normal(jax.random.key(1), (4, 16, 16, 1))
    key = jax.random.key(2)
    whole, _, stats = apply_train(model, variables, x, key)

    def on_one_device(variables, x):
        logits, _, stats = apply_train(model, variables, x, key, axis_name="batch")
        return logits, stats

    mapped = jax.pmap(on_one_device, axis_name="batch", in_axes=(None, 0), out_axes=(0, None))
    logits, mapped_stats = mapped(variables, x.reshape(2, 2, 16, 16, 1))
    np.testing.assert_allclose(logits.reshape(4, 3), whole, atol=1e-4)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), mapped_stats, stats)


def test_compiled_equals_eager():
    model = make_model(ModelConfig(widths=(4, 8), depths=(1, 1)), 3)
    variables = init_model(model, jax.random.key(0), (16, 16, 1))
    x = jax.random.normal(jax.random.key(1), (2, 16, 16, 1))
    eager = apply_model(model, variables, x)
    jitted = jax.jit(lambda v, x: apply_model(model, v, x))(variables, x)
    assert eager[1].keys() == jitted[1].keys()
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=2e-5), eager, jitted)


def test_bfloat16_is_close_to_float32():
    configs = [
        ModelConfig(widths=(8,), depths=(1,), dtype=dtype) for dtype in ("float32", "bfloat16")
    ]
    variables = variables_of(configs[0], channels=1)
    x = jax.random.normal(jax.random.key(1), (2, 16, 16, 1))
    exact, rounded = (apply_model(make_model(config, 5), variables, x)[0] for config in configs)
    assert not np.array_equal(exact, rounded)
    np.testing.assert_allclose(exact, rounded, atol=0.1)


def test_fresh_weights_follow_the_initialisers():
    model = make_model(MODELS["macnn_small"], 5)
    ours = init_model(model, jax.random.key(0), (28, 28, 3))
    kernel = ours["params"]["stage3_block1"]["branch0"]["kernel"]
    assert float(kernel.std()) == pytest.approx((2 / (9 * 64)) ** 0.5, rel=0.02)
    again = init_model(model, jax.random.key(0), (1, 64, 64, 3))
    jax.tree.map(np.testing.assert_array_equal, ours, again)
    other = init_model(model, jax.random.key(1), (28, 28, 3))
    assert not np.allclose(kernel, other["params"]["stage3_block1"]["branch0"]["kernel"])
    scale = ours["params"]["stage1_block1"]["norm"]["scale"]
    np.testing.assert_array_equal(scale, np.ones_like(scale))
    np.testing.assert_array_equal(ours["params"]["head"]["classes"]["bias"], np.zeros(5))


@pytest.mark.parametrize(
    "config",
    [
        ModelConfig(widths=(8, 8), depths=(1, 1), stem_stride=2, head="attention"),
        ModelConfig(arch="resnet", widths=(8, 8), depths=(1, 1), norm="group"),
        MODELS["ststnet_plain"],
    ],
    ids=["macnn", "resnet", "ststnet"],
)
def test_fresh_weights_are_spread_as_the_modules_would_spread_them(config):
    model = make_model(config, 3)
    ours = init_model(model, jax.random.key(0), (28, 28, 3))
    theirs = model.init(jax.random.key(0), np.zeros((1, 28, 28, 3), np.float32), train=False)
    assert jax.tree.structure(ours) == jax.tree.structure(theirs)
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        if a.ndim == 1:
            np.testing.assert_array_equal(a, b)
        elif a.size >= 100:
            assert float(a.std()) == pytest.approx(float(b.std()), rel=0.3)


def test_a_population_is_a_map_over_keys():
    model = make_model(ModelConfig(widths=(8,), depths=(1,)), 3)
    keys = jax.random.split(jax.random.key(0), 2)
    both = jax.vmap(lambda key: init_model(model, key, (16, 16, 1)))(keys)
    one = init_model(model, keys[1], (16, 16, 1))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a[1], b, rtol=1e-6), both, one)


def test_configuration_survives_json():
    for config in MODELS.values():
        assert from_dict(ModelConfig, to_dict(config)) == config


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"widths": ()}, "widths"),
        ({"depths": (1,)}, "expected 4 positive block counts"),
        ({"dilations": (0,)}, "dilations"),
        ({"stem_stride": 3}, "stem_stride"),
        ({"head_grid": 0}, "head_grid"),
        ({"dropout": 1.0}, "dropout"),
        ({"norm_momentum": -0.1}, "norm_momentum"),
    ],
)
def test_setting_out_of_range_is_named(change, message):
    with pytest.raises(ConfigError, match=message):
        ModelConfig(**change)


def test_one_class_is_refused():
    with pytest.raises(ConfigError, match="expected 2 or more"):
        make_model(ModelConfig(), 1)
