"""The command line as a user types it."""

import subprocess
import sys

import pytest

from mace import __version__
from mace.cli import COMMANDS, main, overview


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


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from mace.cli import main; main(['--help']); "
        "heavy = {'jax', 'cv2', 'numpy', 'tyro', 'tensorflow_datasets'} & set(sys.modules); "
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_nothing_imports_tensorflow():
    code = (
        "import sys; import mace.commands.reproduce, mace.commands.live, mace.commands.prepare; "
        "sys.exit('tensorflow was imported' if 'tensorflow' in sys.modules else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
