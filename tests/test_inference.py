"""The live network gives the probabilities of an evaluation, one image at a time."""

import dataclasses

import jax
import numpy as np
import pytest
from jax import export

from mace.bundle import load_bundle
from mace.errors import ConfigError, DataError
from mace.export.loading import load_export
from mace.export.saving import export_bundle
from mace.inference import make_network
from mace.models.runtime import inference_form
from mace.prediction import predict
from mace.pretrained.bundle_files import PACKAGED

pytestmark = pytest.mark.accelerator


def motion(count, seed=0):
    # The deviation that the network's normalisation expects, so that no answer is saturated.
    return np.random.default_rng(seed).normal(0, 0.1, (count, 28, 28, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def network(bundle):
    return make_network(bundle)


def test_one_image_gets_the_probabilities_of_an_evaluation(bundle, network):
    found = network(motion(1))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, predict(bundle, motion(1)), atol=1e-5)


@pytest.mark.parametrize("count", [0, 2, 3])
def test_other_counts_run_in_turns(bundle, network, count):
    np.testing.assert_allclose(network(motion(count)), predict(bundle, motion(count)), atol=1e-5)
    pairs = make_network(bundle, batch=2)
    np.testing.assert_allclose(pairs(motion(count)), predict(bundle, motion(count)), atol=1e-5)


def test_without_the_mirror_image(bundle):
    one = dataclasses.replace(bundle, flip_average=False)
    found = make_network(one)(motion(1))
    np.testing.assert_allclose(found, predict(one, motion(1)), atol=1e-5)
    assert np.abs(found - predict(bundle, motion(1))).max() > 1e-4


@pytest.mark.parametrize("wide", [False, True])
def test_bfloat16_is_close(bundle, wide):
    model = load_bundle(PACKAGED) if wide else bundle
    products = wide and jax.default_backend() == "cpu"
    assert (inference_form(model.model.widths[0], dtype="bfloat16") == "products") == products
    found = make_network(model, dtype="bfloat16")(motion(1))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, predict(model, motion(1)), atol=0.02)
    assert found.sum() == pytest.approx(1, abs=1e-5)


def test_an_export_runs_as_its_bundle_does(bundle, network, tmp_path):
    pytest.importorskip("flatbuffers")
    export_bundle(bundle, tmp_path / "net", platforms=(export.default_export_platform(),))
    exported = load_export(tmp_path / "net")
    np.testing.assert_allclose(make_network(exported)(motion(1)), network(motion(1)), atol=1e-6)
    with pytest.raises(ConfigError, match="runs in the type it was exported in"):
        make_network(exported, dtype="bfloat16")


def test_a_mistake_is_one_sentence(bundle, network):
    with pytest.raises(DataError, match=r"shape \(64, 64, 3\), expected \(28, 28, 3\)"):
        network(np.zeros((1, 64, 64, 3), np.float32))
    with pytest.raises(ConfigError, match="batches of 0 was asked for"):
        make_network(bundle, batch=0)
