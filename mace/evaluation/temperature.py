"""How sure a network may be of its predictions, by those for people held out."""

from mace.evaluation.config import NETWORK
from mace.evaluation.results import Evaluation
from mace.spotting.temperature import fit_temperature


def held_out_temperature(evaluation: Evaluation) -> float:
    """Return what makes the network's probabilities mean what they say, by the folds' test clips.

    Nobody among them was seen by the network that predicted their clips.
    """
    probabilities = evaluation.methods[NETWORK].probabilities
    assert probabilities is not None  # a network always gives them
    return fit_temperature(probabilities[0], evaluation.labels)
