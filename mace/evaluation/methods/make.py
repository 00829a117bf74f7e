"""The methods that an evaluation puts under the same folds."""

from collections.abc import Mapping

from mace.evaluation.config import NETWORK, EvaluationConfig
from mace.evaluation.methods.baselines import (
    KernelRidge,
    LogisticRegression,
    Majority,
    SupportVectorMachine,
)
from mace.evaluation.methods.descriptors import BiWoofMachine, LbpTopMachine
from mace.evaluation.methods.informed import InformedRidge
from mace.evaluation.methods.method import Method
from mace.evaluation.methods.network import Network
from mace.evaluation.methods.zero_shot import ZeroShot


def make_methods(config: EvaluationConfig) -> Mapping[str, Method]:
    """Return the network and its baselines by name; the majority class is always among them."""
    chosen: dict[str, Method] = {NETWORK: make_network(config)}
    if config.logistic_regression is not None:
        chosen["logistic_regression"] = LogisticRegression(config.logistic_regression)
    if config.svm is not None:
        chosen["svm"] = SupportVectorMachine(config.svm)
    if config.kernel_ridge is not None:
        chosen["kernel_ridge"] = KernelRidge(config.kernel_ridge)
        if config.informed is not None:
            chosen["informed_ridge"] = InformedRidge(config.informed, config.kernel_ridge)
    if config.bi_woof is not None:
        chosen["bi_woof"] = BiWoofMachine(config.bi_woof)
    if config.lbp_top is not None:
        chosen["lbp_top"] = LbpTopMachine(config.lbp_top)
    return chosen | {"majority": Majority()}


def make_network(config: EvaluationConfig) -> Method:
    """Return the network under evaluation: trained in every fold, or pre-trained and as it is."""
    if config.zero_shot is not None:
        return ZeroShot(config.zero_shot)
    return Network(
        train=config.train,
        validation=config.validation,
        start=config.start,
        adapt=config.adapt,
        mix=config.mix,
    )
