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
    assert "`mace prepare samm --config long --manual-dir FOLDER` prepares it" in error


def test_so_it_is_of_another_seed(tmp_path, capsys):
    error = refused("synthetic/long-seed7", tmp_path, capsys)
    assert "`mace prepare synthetic --config long --seed 7` prepares it" in error


def test_a_name_alone_is_that_of_its_long_videos(tmp_path, capsys):
    # Clips of one movement each are there, in which nothing is to be spotted.
    clips = tmp_path / "samm" / "raw" / "1.0.0"
    clips.mkdir(parents=True)
    (clips / "dataset_info.json").write_text("{}")
    error = refused("samm", tmp_path, capsys)
    assert "`mace prepare samm --config long --manual-dir FOLDER` prepares it" in error
