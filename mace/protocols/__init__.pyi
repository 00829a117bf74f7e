from .benchmarks import BENCHMARKS, Benchmark, BenchmarkName
from .counts import check_counts, exclusions, likely_benchmark, select
from .folds import (
    Fold,
    check_split,
    grouped_kfold,
    leave_one_database_out,
    loso,
)
from .inner import inner_split
from .labels import canonical_class, label_key, label_number, named_label
from .names import canonical_database, clip_key, databases_of, subject_key

__all__ = [
    "BENCHMARKS",
    "Benchmark",
    "BenchmarkName",
    "Fold",
    "canonical_class",
    "canonical_database",
    "check_counts",
    "check_split",
    "clip_key",
    "databases_of",
    "exclusions",
    "grouped_kfold",
    "inner_split",
    "label_key",
    "label_number",
    "leave_one_database_out",
    "likely_benchmark",
    "loso",
    "named_label",
    "select",
    "subject_key",
]
