from .config import EvaluationConfig, ProtocolConfig, ZeroShotConfig
from .cross_validation import cross_validate
from .loading import load_evaluation
from .report import write_report
from .results import Evaluation, MethodResult
from .summary import summarise
from .table import headline_rows, print_table

__all__ = [
    "Evaluation",
    "EvaluationConfig",
    "MethodResult",
    "ProtocolConfig",
    "ZeroShotConfig",
    "cross_validate",
    "headline_rows",
    "load_evaluation",
    "print_table",
    "summarise",
    "write_report",
]
