import jax.numpy as jnp
import numpy as np
import pytest
from skimage.registration import optical_flow_tvl1

from mace.errors import ConfigError
from mace.motion.config import TvL1Config
from mace.motion.tvl1 import tvl1_flow

pytestmark = pytest.mark.accelerator

# Both sides work in float32 and add in another order; a clip may differ more only where a pixel
# sits on the threshold of the data term.
MEAN_TOLERANCE = 1e-4  # px
LARGEST_TOLERANCE = 2e-2  # px


def scaled(images: np.ndarray) -> np.ndarray:
    return images.astype(np.float32) / 255


def assert_agrees(references: np.ndarray, targets: np.ndarray, config: TvL1Config) -> None:
    flow = np.asarray(tvl1_flow(jnp.asarray(references), jnp.asarray(targets), config=config))
    assert flow.shape == (*references.shape, 2)
    assert flow.dtype == np.float32
    for ours, reference, target in zip(flow, references, targets, strict=True):
        v, u = optical_flow_tvl1(
            reference,
            target,
            attachment=config.attachment,
            tightness=config.tightness,
            num_warp=config.num_warp,
            num_iter=config.num_iter,
            tol=config.tol,
            prefilter=config.prefilter,
        )
        difference = np.abs(ours - np.stack([u, v], axis=-1))
        assert difference.mean() < MEAN_TOLERANCE
        assert difference.max() < LARGEST_TOLERANCE


def test_agrees_with_scikit_image_on_its_defaults(pairs):
    references, targets, _ = pairs
    assert_agrees(scaled(references), scaled(targets), TvL1Config())


@pytest.mark.parametrize(
    "config",
    [
        TvL1Config(attachment=5.0, tightness=0.2, num_warp=3, num_iter=6, tol=1e-3),
        TvL1Config(num_warp=3, prefilter=True),
    ],
)
def test_agrees_with_scikit_image_on_other_parameters_and_odd_sizes(pairs, config):
    references, targets, _ = pairs
    assert_agrees(scaled(references[2:3, 33:74, 5:66]), scaled(targets[2:3, 33:74, 5:66]), config)


def test_flow_follows_the_known_field(pairs):
    references, targets, fields = pairs
    first, second = jnp.asarray(scaled(references)), jnp.asarray(scaled(targets))
    flow = np.asarray(tvl1_flow(first, second, config=TvL1Config()))
    correlations = [
        np.corrcoef(ours.ravel(), truth.ravel())[0, 1]
        for ours, truth in zip(flow, fields, strict=True)
    ]
    assert min(correlations) > 0.6
    assert correlations[-1] > 0.85


def test_a_clip_does_not_depend_on_its_batch(pairs):
    references, targets, _ = pairs
    first, second = jnp.asarray(scaled(references)), jnp.asarray(scaled(targets))
    together = tvl1_flow(first, second, config=TvL1Config())
    # The last pair moves most and takes the most warps: beside it, the first must still stop early.
    repeated = tvl1_flow(first[jnp.zeros(4, int)], second[jnp.zeros(4, int)], config=TvL1Config())
    np.testing.assert_allclose(repeated[3], together[0], atol=1e-6)


def test_settings_out_of_range_are_refused():
    with pytest.raises(ConfigError, match="num_warp"):
        TvL1Config(num_warp=0)
    with pytest.raises(ConfigError, match="tol"):
        TvL1Config(tol=-1.0)
