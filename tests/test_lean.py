"""Networks are trained, evaluated and run without the packages that read data, search and serve.

The tests that compute run on such a machine, too, of which a GPU's image is one:

    uv venv --python 3.12 lean
    uv pip install --python lean -r tests/lean_requirements.txt "jax[cuda13]>=0.11,<0.12"
    PYTHONPATH=$PWD lean/bin/python -m pytest -m accelerator
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def run_session(python: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(filter(None, [str(HERE.parent), os.environ.get("PYTHONPATH")]))
    command = [python, str(HERE / "lean_session.py"), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=600,
        env=os.environ | {"PYTHONPATH": path},
    )  # fmt: skip


def check(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stderr[-3000:]
    *table, imported = done.stdout.splitlines()
    assert {"mace.training.fit", "mace.live.step"} < set(json.loads(imported))
    assert "no curves for TensorBoard: tensorboardX is not installed" in done.stderr
    assert any(line.startswith("| MACNN") for line in table)


def test_a_session_where_other_packages_cannot_be_imported(tmp_path):
    check(run_session(sys.executable, str(tmp_path), "--refuse"))


@pytest.mark.slow
def test_marked_tests_are_found_where_other_packages_cannot_be_imported():
    done = run_session(sys.executable, "--collect", "--refuse")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "tests/training/test_fit.py" in done.stdout


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("uv") is None, reason="uv makes the environment")
def test_a_session_where_other_packages_are_not_installed(tmp_path):
    python = str(tmp_path / "venv/bin/python")
    subprocess.run(["uv", "venv", "--quiet", "--python", "3.12", tmp_path / "venv"], check=True)
    install = ["uv", "pip", "install", "--quiet", "--python", python, "-r"]
    subprocess.run([*install, HERE / "lean_requirements.txt"], check=True)
    check(run_session(python, str(tmp_path)))
