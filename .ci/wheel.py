"""The wheel as somebody gets it who has no clone: built, looked into, installed, used.

Run by `.ci/run`; `python .ci/wheel.py` does it alone. The versions are those of uv.lock.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
USE = Path(__file__).with_name("use_wheel.py")
ELSEWHERE = ("experiments/results/",)
"""What lies in a package's folder and is none of its files."""


def call(*command: str | Path, where: Path = ROOT) -> str:
    """Run a command without the clone on its path and return what it prints."""
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return subprocess.run(command, cwd=where, env=clean, check=True, stdout=-1, text=True).stdout


def expected() -> set[str]:
    """Return the files of the packages under the names that they have in a wheel."""
    names = set()
    for name in call("git", "ls-files", "mace", "datasets", "experiments").splitlines():
        if not Path(ROOT, name).is_symlink() and not name.startswith(ELSEWHERE):
            names.add(name if name.startswith("mace/") else f"mace/{name}")
    return names


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        # setuptools would pack what is left there; the documentation site lies beside it.
        shutil.rmtree(ROOT / "build" / "lib", ignore_errors=True)
        call("uv", "build", "--quiet", "--wheel", "--out-dir", work)
        (wheel,) = work.glob("*.whl")
        names = {n for n in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in n}
        if names != expected():
            lacking, foreign = sorted(expected() - names), sorted(names - expected())
            sys.exit(f"the wheel lacks {lacking} and holds {foreign} besides; mend pyproject.toml")
        locked = work / "locked.txt"
        export = ("uv", "export", "--quiet", "--locked", "--no-dev", "--no-hashes")
        call(*export, "--no-emit-project", "--output-file", locked)
        python = work / "venv" / "bin" / "python"
        call("uv", "venv", "--quiet", "--python", "3.12", work / "venv")
        # Compiling all of the packages would take a minute; what is used here is little of them.
        install = ("uv", "pip", "install", "--quiet", "--no-compile-bytecode", "--python", python)
        call(*install, "--constraints", locked, wheel)
        print(call(python, USE, where=work), end="")


if __name__ == "__main__":
    main()
