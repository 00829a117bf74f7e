from .benchmarks import BENCHMARKS, Benchmark, BenchmarkName
from .counts import (
    canonical_class,
    canonical_database,
    check_counts,
    likely_benchmark,
    select,
)
from .folds import (
    Fold,
    check_split,
    grouped_kfold,
    leave_one_database_out,
    loso,
    subject_key,
)
from .inner import inner_split

__all__ = [
    "BENCHMARKS",
    "Benchmark",
    "BenchmarkName",
    "Fold",
    "canonical_class",
    "canonical_database",
    "check_counts",
    "check_split",
    "grouped_kfold",
    "inner_split",
    "leave_one_database_out",
    "likely_benchmark",
    "loso",
    "select",
    "subject_key",
]
