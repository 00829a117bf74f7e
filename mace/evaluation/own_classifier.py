"""Somebody's classifier: taken, named, and known by its settings and its source."""

from typing import Any

import flax.linen as nn
from sklearn.base import BaseEstimator, is_regressor
from sklearn.pipeline import Pipeline

from mace.classifiers import NetworkClassifier
from mace.config import config_hash
from mace.errors import ConfigError
from mace.models.config import ModelConfig
from mace.models.networks import no_network
from mace.models.own_module import code_of, source_of
from mace.models.presets import MODELS
from mace.shallow import SHALLOW, shallow_classifier


def as_classifier(estimator: Any) -> BaseEstimator:
    """Return a classifier of scikit-learn's kind for a name, a network, or one that is one.

    Raises:
        ConfigError: for a name that nothing has, a class, a regressor, or anything else.
    """
    if isinstance(estimator, str) and estimator in SHALLOW:
        return shallow_classifier(estimator)
    if isinstance(estimator, str) and estimator not in MODELS and ":" not in estimator:
        raise no_network(estimator, (*MODELS, *SHALLOW))
    if isinstance(estimator, str | ModelConfig | nn.Module):
        return NetworkClassifier(estimator)
    if isinstance(estimator, type):
        module = issubclass(estimator, nn.Module)
        kind, fields = ("network", "classes=3") if module else ("classifier", "")
        raise ConfigError(
            f"{estimator.__name__} is a class; give a {kind} made of it, as in "
            f"{estimator.__name__}({fields})"
        )
    if hasattr(estimator, "fit") and is_regressor(estimator):
        raise ConfigError(f"{estimator!r} predicts numbers, not classes; give a classifier")
    if not hasattr(estimator, "fit") or not hasattr(estimator, "get_params"):
        raise ConfigError(
            f"{estimator!r} is neither a classifier of scikit-learn's kind, nor a network's name, "
            "nor a Flax module"
        )
    return estimator


def classifier_identity(classifier: BaseEstimator) -> str:
    """Return what names a classifier with all its settings, but not its source."""
    name = f"{type(classifier).__module__}.{type(classifier).__qualname__}"
    settings = classifier.get_params(deep=True)
    return f"{name}({', '.join(f'{key}={settings[key]!r}' for key in sorted(settings))})"


def classifier_code(classifier: BaseEstimator, choose: Any) -> str:
    """Return digits that name the source of a classifier, its steps, networks and choices.

    Raises:
        ConfigError: if a file of them was edited since it was loaded.
    """
    grids = choose if isinstance(choose, list | tuple) else [choose or {}]
    settings = list(classifier.get_params(deep=True).items())
    settings += [(key, value) for grid in grids for key in grid for value in grid[key]]
    objects: list[Any] = [classifier]
    digests = []
    for key, value in settings:
        if isinstance(value, ModelConfig):
            digests.append(config_hash(value))
        elif isinstance(value, str) and key.split("__")[-1] == "network":
            digests.append(source_of(value))
        elif hasattr(value, "get_params") or isinstance(value, nn.Module):
            objects.append(value)
    return "".join([code_of(*objects), *digests])


def classifier_name(classifier: Any) -> str:
    """Return what tables call a classifier; of a pipeline, its steps."""
    if isinstance(classifier, Pipeline):
        steps = [step for _, step in classifier.steps if step not in (None, "passthrough")]
        return " + ".join(map(classifier_name, steps)) or type(classifier).__name__
    if type(classifier) is NetworkClassifier:
        network = classifier.network
        return network if isinstance(network, str) else type(network).__name__
    return type(classifier).__name__
