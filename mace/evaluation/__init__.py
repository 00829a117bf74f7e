"""What a result is worth: cross-validation over subjects, baselines, intervals, report."""

from mace.evaluation.config import EvaluationConfig, ProtocolConfig
from mace.evaluation.cross_validation import cross_validate
from mace.evaluation.loading import load_evaluation
from mace.evaluation.results import Evaluation, MethodResult
from mace.evaluation.summary import summarise

__all__ = [
    "Evaluation",
    "EvaluationConfig",
    "MethodResult",
    "ProtocolConfig",
    "cross_validate",
    "load_evaluation",
    "summarise",
]
