"""Where prepared data sets lie, and what is said where one does not."""

from mace.cli import main


def refused(dataset, data_dir, capsys):
    """Return what is said of a data set that is not prepared."""
    assert main(["spot", "--data-dir", str(data_dir), "--dataset", dataset]) not in (0, 1)
    error = capsys.readouterr().err
    assert "Traceback" not in error
    assert error.startswith("mace spot: ")
    return error


def test_a_data_set_that_nobody_knows_is_not_recommended(tmp_path, capsys):
    error = refused("samn/long", tmp_path, capsys)
    for words in ("samn/long", "knows no samn", "samm, "):
        assert words in error


def test_it_is_said_how_a_data_set_is_prepared(tmp_path, capsys):
    error = refused("samm/long", tmp_path, capsys)
    assert "`mace prepare samm --config long` prepares it" in error
