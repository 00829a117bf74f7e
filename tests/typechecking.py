"""What checks annotations in tests; None, which checks nothing, where beartype is absent."""

from importlib import import_module
from typing import Any


def _beartype() -> Any:
    try:
        return import_module("beartype").beartype
    except ModuleNotFoundError:
        return None


typechecker: Any = _beartype()
