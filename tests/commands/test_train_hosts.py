"""`mace train` in several processes: what contradicts is said before anything is read."""

import pytest

from mace.cli import main
from mace.hosts import agreement


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """A place that looks like a prepared data set, which is not reached."""
    monkeypatch.setattr("mace.commands.train.prepared_dataset", lambda name, data_dir: tmp_path)
    monkeypatch.setattr(agreement, "join_hosts", lambda config: None)
    return ["--out", str(tmp_path / "model")]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--processes", "2"], "--processes needs --coordinator"),
        (["--coordinator", "head"], "expected HOST:PORT"),
        (["--coordinator", "auto", "--process-id", "0"], "leave out --processes"),
        (
            ["--coordinator", "auto", "--recipe.train.batch-size", "31"],
            "batch_size 31 cannot be shared by 2 devices",
        ),
        (
            ["--coordinator", "auto", "--recipe.train.devices", "4"],
            "recipe.train.devices is 4, but the processes have 2 devices",
        ),
    ],
)
def test_contradictions_are_sentences(prepared, options, sentence, capsys):
    assert main(["train", *prepared, *options]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1
