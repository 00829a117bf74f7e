"""What checks annotations in tests; None, which checks nothing, where beartype is absent."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

typechecker: Any = import_module("beartype").beartype if find_spec("beartype") else None
