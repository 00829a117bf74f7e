from .config import SearchConfig
from .plan import SearchPlan
from .results import Outcome, Results
from .run import SearchResult, run_search
from .setting import apply_setting, sweep_space
from .space import Choice, Integer, SearchSpace, Uniform
from .space_file import SPACES, find_space, read_space

__all__ = [
    "SPACES",
    "Choice",
    "Integer",
    "Outcome",
    "Results",
    "SearchConfig",
    "SearchPlan",
    "SearchResult",
    "SearchSpace",
    "Uniform",
    "apply_setting",
    "find_space",
    "read_space",
    "run_search",
    "sweep_space",
]
