"""The networks of the papers: weights, shapes, what they ignore, what they refuse."""

import dataclasses
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mace.config import config_hash, from_dict, to_dict
from mace.errors import ConfigError
from mace.models import own_module
from mace.models.apply import apply_model, apply_train, count_parameters, init_model
from mace.models.config import ModelConfig
from mace.models.conv import Conv
from mace.models.make import make_model
from mace.models.micro_attention import Mix
from mace.models.networks import NETWORKS
from mace.models.presets import MODELS
from mace.models.rcn import class_attention

pytestmark = pytest.mark.accelerator

# With three classes, at the paper's size: what PyTorch counts of the same layers
# (benchmarks/zoo.py); ECNU's README prints those of OFF-ApexNet, Dual-Inception, MACNN and
# Micro-Attention as well.
PAPERS = {
    "ststnet": 1_683,
    "off_apexnet": 2_664_475,
    "dual_inception": 6_449_867,
    "sssnet": 1_349_251,
    "rcn_a": 55_747,
    "macnn_ecnu": 70_573_923,
    "htnet": 139_582_982,
    "micro_attention": 53_384_195,
}

# Sides of images that a test need compute.
SMALL = {"ststnet": 7, "off_apexnet": 8, "dual_inception": 8, "sssnet": 19, "rcn_a": 18}


def shapes(name, size, classes=3):
    model = make_model(MODELS[name], classes)
    return jax.eval_shape(lambda: init_model(model, jax.random.key(0), (size, size, 3)))


def test_every_paper_has_its_count():
    table = {name: row.weights for name, row in NETWORKS.items()}
    assert table == PAPERS | {"macnn": 758_547, "resnet": 773_223}
    for name in ("macnn", "resnet"):
        assert count_parameters(shapes(name, 32)) == table[name]


@pytest.mark.parametrize("name", PAPERS)
def test_weights_are_the_papers(name):
    assert count_parameters(shapes(name, NETWORKS[name].size)) == PAPERS[name]


@pytest.mark.parametrize("name", [*PAPERS, "ststnet_plain"])
def test_logits_of_any_number_of_classes(name):
    size = NETWORKS[MODELS[name].arch].size
    config = dataclasses.replace(MODELS[name], units=("1", "12"))
    model = make_model(config, 5)
    x = jax.ShapeDtypeStruct((2, size, size, 3), jnp.float32)

    def forward(x):
        return apply_model(model, init_model(model, jax.random.key(0), x.shape), x)

    logits, out = jax.eval_shape(forward, x)
    assert (logits.shape, logits.dtype) == ((2, 5), jnp.float32)
    assert out["units"].shape == (2, 2, 3)
    assert out["pooled"].shape[0] == 2


def variables_of(model, shape):
    """Draw weights and statistics without compiling a single draw."""
    tree = jax.eval_shape(lambda: init_model(model, jax.random.key(0), shape))
    random = np.random.default_rng(0)

    def drawn(path, leaf):
        scale = 0.3 if leaf.ndim == 1 else (2 / np.prod(leaf.shape[:-1])) ** 0.5
        values = random.normal(size=leaf.shape) * scale
        return np.float32(np.exp(values) if path[-1].key in ("scale", "var") else values)

    return jax.tree_util.tree_map_with_path(drawn, tree)


def images_of(size, count=2):
    return np.random.default_rng(1).normal(size=(count, size, size, 3)).astype(np.float32)


def logits_of(model, variables, x):
    return np.asarray(jax.jit(lambda v, x: apply_model(model, v, x)[0])(variables, x))


@pytest.mark.parametrize("name", ["dual_inception", "sssnet"])
def test_bfloat16_is_close_to_float32(name):
    x = images_of(SMALL[name])
    exact = make_model(MODELS[name], 3)
    rounded = make_model(dataclasses.replace(MODELS[name], dtype="bfloat16"), 3)
    variables = variables_of(exact, x.shape)
    a, b = (logits_of(model, variables, x) for model in (exact, rounded))
    assert b.dtype == np.float32
    assert not np.array_equal(a, b)
    np.testing.assert_allclose(a, b, atol=0.1 * float(np.abs(a).max()) + 0.02)


@pytest.mark.parametrize("name", ["ststnet", "off_apexnet", "sssnet", "rcn_a"])
def test_dropout_and_statistics_only_in_training(name):
    x = images_of(SMALL[name], 4)
    model = make_model(MODELS[name], 3)
    variables = variables_of(model, x.shape)
    train = jax.jit(lambda key: apply_train(model, variables, x, key)[::2])
    (first, statistics), (second, _) = (train(jax.random.key(i)) for i in (1, 2))
    assert not np.allclose(first, second)
    assert bool(statistics) == (MODELS[name].norm == "batch")
    if statistics:
        same = jax.tree.map(np.allclose, statistics, variables["batch_stats"])
        assert not any(jax.tree.leaves(same))


def test_a_population_is_a_map_over_variables():
    x = images_of(7)
    model = make_model(MODELS["ststnet"], 3, form="products")
    first = variables_of(model, x.shape)
    both = jax.tree.map(lambda leaf: np.stack([leaf, leaf + np.float32(0.1)]), first)

    def step(variables, key):
        def loss(params):
            logits, _, statistics = apply_train(model, {**variables, "params": params}, x, key)
            return (logits**2).mean(), statistics

        return jax.grad(loss, has_aux=True)(variables["params"])

    keys = jax.random.split(jax.random.key(0), 2)
    mapped = jax.jit(jax.vmap(step))(both, keys)
    alone = jax.jit(step)(first, keys[0])
    close = jax.tree.map(lambda a, b: np.allclose(a[0], b, rtol=1e-3, atol=1e-5), mapped, alone)
    assert all(jax.tree.leaves(close))


@pytest.mark.parametrize("name", ["off_apexnet", "dual_inception"])
def test_strain_is_not_looked_at(name):
    x = images_of(8)
    without = [x * np.float32([i != dropped for i in range(3)]) for dropped in range(3)]
    model = make_model(MODELS[name], 3)
    logits = logits_of(model, variables_of(model, x.shape), np.concatenate([x, *without]))
    straight, no_u, no_v, no_strain = np.split(logits, 4)
    np.testing.assert_allclose(straight, no_strain, atol=1e-6)
    assert not np.allclose(straight, no_u, atol=1e-3)
    assert not np.allclose(straight, no_v, atol=1e-3)
    with pytest.raises(ConfigError, match="sees u and v apart, but the images have 1 channel"):
        jax.eval_shape(lambda: model.init(jax.random.key(0), x[..., :1], train=False))


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        ("sssnet", 12, "too small"),
        ("off_apexnet", 3, "too small"),
        ("rcn_a", 4, "too small"),
        ("htnet", 30, "side that 4 divides"),
    ],
)
def test_images_that_do_not_fit(name, size, message):
    with pytest.raises(ConfigError, match=message):
        shapes(name, size)


def test_a_still_face_has_a_finite_attention():
    first = jnp.zeros((1, 2, 2, 3))

    def total(first, kernel):
        return class_attention(first, kernel).sum()

    values = jax.jit(jax.value_and_grad(total, (0, 1)))(first, jnp.ones((12, 3)))
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(values))


def test_attention_by_hand():
    # Two cells with one map each, weights 1 and 2 for the one class: 3 * 1 and 2 * 2.
    found = class_attention(jnp.array([[[[3.0], [2.0]]]]), jnp.array([[1.0], [2.0]]))
    np.testing.assert_array_equal(found[0, 0, :, 0], [0.0, 1.0])


def test_places_are_weighed_by_the_mean_of_a_convolution():
    x = images_of(3)
    mix, conv = Mix(6, jnp.dtype("float32")), Conv(6, size=1)
    kernel, bias = np.random.default_rng(2).normal(size=(2, 3, 6)).astype(np.float32)
    variables = {"params": {"kernel": kernel[None, None], "bias": bias[0]}}
    expected = conv.apply(variables, x).mean(-1, keepdims=True)
    np.testing.assert_allclose(mix.apply(variables, x), expected, rtol=1e-5, atol=1e-6)


def test_a_network_has_the_layers_of_its_paper_whatever_the_recipe_had():
    recipe = ModelConfig(widths=(32, 48), depths=(1, 1), stem_stride=4, norm="group", dropout=0.5)
    for name in PAPERS:
        taken = dataclasses.replace(recipe, arch=name)
        assert taken == MODELS[name]
        assert from_dict(ModelConfig, to_dict(taken)) == taken
    assert dataclasses.replace(recipe, arch="ststnet", norm="none") == MODELS["ststnet_plain"]
    assert dataclasses.replace(recipe, arch="htnet").dropout == 0.0


def test_unknown_networks_are_named():
    with pytest.raises(
        ConfigError,
        match="there is no network 'ststnett'; did you mean ststnet\\? there are: macnn, ",
    ):
        ModelConfig(arch="ststnett")
    with pytest.raises(ConfigError, match=r"write it as a file no_such_file\.py"):
        ModelConfig(arch="no_such_file:Tiny")


OWN = """
import flax.linen as nn

class Tiny(nn.Module):
    classes: int

    @nn.compact
    def __call__(self, x):
        return nn.Dense(self.classes)(nn.max_pool(nn.relu(x), (4, 4), (4, 4)).mean((1, 2)))

two = Tiny(2)

def broken(classes):
    raise ValueError("not today")

def leaving(classes):
    raise SystemExit(0)

def other(classes):
    return "no network"
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "own_networks.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(own_module, "_LOADED", {})
    monkeypatch.delitem(sys.modules, "own_networks", raising=False)


def test_a_file_of_ones_own_is_a_network(own):
    config = ModelConfig(arch="own_networks:Tiny", widths=(3,), depths=(1,))
    assert from_dict(ModelConfig, to_dict(config)) == config == ModelConfig(arch=config.arch)
    model = make_model(config, 3)
    x = images_of(8)
    assert logits_of(model, variables_of(model, x.shape), x).shape == (2, 3)
    assert make_model(ModelConfig(arch="own_networks:two"), 2).module.classes == 2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing", r"own_networks\.py has no missing, .* names; its networks: Tiny$"),
        ("other", "gives a str, expected a flax.linen.Module"),
        ("__name__", "does not make a network of 3 classes"),
        ("broken", r"of 3 classes: ValueError: not today, line 14 of own_networks\.py"),
        ("leaving", r"of 3 classes: SystemExit: 0, line 17 of own_networks\.py"),
    ],
)
def test_what_is_no_network_is_refused(own, name, message):
    with pytest.raises(ConfigError, match=message):
        make_model(ModelConfig(arch=f"own_networks:{name}"), 3)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("syntax", "x = (\n", r"syntax\.py cannot be run: SyntaxError: .*\(syntax\.py, line 1\)$"),
        ("lacking", "\nimport no_such_thing", r"ModuleNotFoundError: .*, line 2 of lacking\.py"),
        ("leaving", "import sys\nsys.exit(0)", r"cannot be run: SystemExit: 0, line 2 of leaving"),
        ("misspelt", "import flax.linen as nn\nx = nn.Modul", r"AttributeError: .*Modul.*, line 2"),
        (
            "failing",
            "import flax.linen as nn\nclass Tiny(nn.Module):\n    classes: int\n"
            "    def __call__(self, x):\n        return x * self.clases",
            r"Tiny failed on images of \(1, 8, 8, 3\): AttributeError: .*, line 5 of failing\.py",
        ),
        ("deep/own", "", r"as `import` has it, deep\.own:…; deep/own is a path"),
        ("own.py", "", r"as `import` has it, own:…; own\.py is a path"),
        ("../elsewhere/own.py", "", r"own:…, in the folder /.*/elsewhere or with that on PYTHON"),
    ],
)
def test_mistakes_in_a_file_of_ones_own_are_sentences(own, name, text, message):
    if text:
        Path(f"{name}.py").write_text(text)
    with pytest.raises(ConfigError, match=message):
        init_model(make_model(ModelConfig(arch=f"{name}:Tiny"), 3), jax.random.key(0), (8, 8, 3))


def test_a_network_that_is_edited_is_another_one(own):
    config = ModelConfig(arch="own_networks:Tiny")
    before = config_hash(config)
    assert before == config_hash(ModelConfig(arch="own_networks:Tiny"))
    make_model(config, 3)
    Path("own_networks.py").write_text(OWN.replace("(4, 4)", "(2, 2)"))
    assert config_hash(config) != before
    with pytest.raises(
        ConfigError, match=r"own_networks\.py, or what it imports, has changed since"
    ):
        make_model(config, 3)


@pytest.mark.parametrize(
    ("place", "line", "changed"),
    [
        ("nets.py", "import parts", "parts.py"),
        ("nets.py", "from parts.deep import Block", "parts/deep.py"),
        ("nets.py", "from parts import deep", "parts/deep.py"),
        ("nets/__init__.py", "from . import deep", "nets/deep.py"),
        ("nets/__init__.py", "from .deep import Block", "nets/deep.py"),
        ("nets/__init__.py", "import nets.deep", "nets/deep.py"),
        # What it imports imports as well.
        ("nets.py", "import middle", "parts.py"),
    ],
)
def test_what_a_network_imports_of_its_folder_is_part_of_it(own, place, line, changed):
    line += "\nimport mace.errors\n"
    for path, text in {"middle.py": "import parts\n", place: line, changed: "x = 1\n"}.items():
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).write_text(text)
    config = ModelConfig(arch="nets:Tiny")
    before = config_hash(config)
    for other in ("unrelated.py", "mace/errors.py"):
        Path(other).parent.mkdir(exist_ok=True)
        Path(other).write_text("x = 1\n")
    assert config_hash(config) == before
    Path(changed).write_text("x = 2\n")
    assert config_hash(config) != before


def test_a_network_of_ones_own_names_no_units(own):
    with pytest.raises(ConfigError, match="names no action units"):
        make_model(ModelConfig(arch="own_networks:Tiny", units=("1",)), 3)
