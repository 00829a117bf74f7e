"""The networks that are compared have about as many weights."""

from mace.experiments.dilation import PLAIN, sweep
from mace.experiments.network_size import count_weights
from mace.models.receptive import receptive_field


def test_networks_are_equally_large_and_see_different_parts():
    weights, fields = {}, {}
    for setting in sweep():
        model = setting.recipe.train.model
        weights[setting.name] = count_weights(model, setting.recipe.motion, classes=5)
        fields[setting.name] = receptive_field(model).size
    plain = weights.pop(PLAIN)
    (atrous,) = set(weights.values())
    assert abs(plain - atrous) < 0.01 * atrous
    assert fields["rates 1, 1, 1"] < fields["rates 1, 2, 3"] < fields["rates 1, 2, 4"]
