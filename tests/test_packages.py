"""Packages that import what they hold when it is asked for: they hold what they promise."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = (
    *("mace.face", "mace.motion", "mace.losses", "mace.augment", "mace.data", "mace.models"),
    *("mace.training", "mace.evaluation", "mace.video", "mace.live", "mace.export"),
)


@pytest.mark.parametrize("name", PACKAGES)
def test_every_public_name_is_there(name):
    package = importlib.import_module(name)
    assert len(package.__all__) > 1
    for public in package.__all__:
        assert getattr(package, public) is not None


@pytest.mark.parametrize("name", PACKAGES)
def test_the_stub_promises_what_it_imports(name):
    # The loader reads the imports of the stub, type checkers its list of names.
    package = importlib.import_module(name)
    stub = ast.parse(Path(package.__file__).with_suffix(".pyi").read_text())
    listed = next(node.value for node in stub.body if isinstance(node, ast.Assign))
    assert sorted(ast.literal_eval(listed)) == package.__all__


def test_a_function_is_not_taken_for_the_module_of_its_name():
    # In a fresh interpreter, as the first import decides.
    code = """
import mace.training.predict, mace.training.normalise, mace.augment.image
from mace.augment import augment
from mace.training import normalise, predict
assert callable(augment) and callable(normalise) and callable(predict)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
