"""TensorFlow Datasets' own test of every builder; only where TensorFlow is installed."""

import sys
import warnings
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent
collect_ignore_glob = [] if find_spec("tensorflow") else ["test_*.py"]

if find_spec("tensorflow"):
    sys.path.insert(0, str(HERE.parent / "datasets"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Warns of its own dependencies when it is imported.
        import tensorflow_datasets.testing  # noqa: F401


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let TensorFlow warn: here alone warnings are no errors."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore"))
