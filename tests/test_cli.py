"""The command line as a user types it."""

import os
import subprocess
import sys
from collections.abc import Collection

import pytest

from mace import __version__
from mace.cli import COMMANDS, main, overview

# What takes a tenth of a second or more to import.
HEAVY = {
    *("cv2", "dlib", "flax", "jax", "jaxtyping", "matplotlib", "numpy", "optax", "orbax", "rich"),
    *("scipy", "sklearn", "tensorflow_datasets"),
}


def test_help_lists_every_command(capsys):
    assert main(["--help"]) == 0
    printed = capsys.readouterr().out
    for name, command in COMMANDS.items():
        assert name in printed
        assert command.summary in printed


def test_no_arguments_is_an_error_that_shows_the_help(capsys):
    assert main([]) == 2
    assert overview() in capsys.readouterr().out


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"mace {__version__}\n"


def test_unknown_command_is_one_sentence(capsys):
    assert main(["reproduec"]) == 2
    error = capsys.readouterr().err
    assert "'reproduec'" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help_page(name, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])
    assert stopped.value.code == 0
    assert f"mace {name}" in capsys.readouterr().out


def imported_by(code: str, packages: Collection[str], **environment: str) -> str:
    """Return those of `packages` that a fresh interpreter has imported after `code`."""
    show = f"import sys; print('imported:', *sorted({set(packages)} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{show}"],
        capture_output=True, text=True, check=False, env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1].removeprefix("imported:").strip()


def test_the_overview_imports_nothing():
    assert imported_by("from mace.cli import main; main(['--help'])", (*HEAVY, "tyro")) == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_imports_settings_only(name):
    code = f"""
from mace.cli import main
try:
    main(["{name}", "--help"])
except SystemExit:
    pass
"""
    assert imported_by(code, ("tyro", *HEAVY)) == "tyro"


def test_a_report_needs_no_network():
    code = "import mace.evaluation.loading, mace.evaluation.report.report"
    learning = ("dlib", "flax", "jax", "optax", "orbax", "sklearn", "tensorflow_datasets")
    assert imported_by(code, ("matplotlib", *learning)) == "matplotlib"


def test_a_video_is_labelled_without_what_trains():
    code = "import mace.live.pipeline, mace.live.overlay, mace.bundle"
    training = ("matplotlib", "optax", "orbax", "sklearn", "tensorflow_datasets")
    assert imported_by(code, ("flax", *training)) == "flax"


def test_nothing_imports_tensorflow():
    code = "import mace.experiments.reproduce, mace.live.runner, mace.datasets.synthetic.prepare"
    packages = ("flax", "jax", "tensorflow", "tensorflow_datasets")
    found = imported_by(code, packages)
    assert found == "flax jax tensorflow_datasets"
