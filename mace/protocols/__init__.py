"""Who trains and who is tested, and the benchmarks whose sample counts make results comparable."""

from mace.protocols.benchmarks import BENCHMARKS, Benchmark, BenchmarkName
from mace.protocols.counts import (
    canonical_class,
    canonical_database,
    check_counts,
    likely_benchmark,
    select,
)
from mace.protocols.folds import (
    Fold,
    check_split,
    grouped_kfold,
    leave_one_database_out,
    loso,
    subject_key,
)
from mace.protocols.inner import inner_split

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
