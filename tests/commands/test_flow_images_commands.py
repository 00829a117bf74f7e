"""From a folder of flow images to a model and a score, as a user types it."""

import json
import sys
from pathlib import Path

import pytest

import mace

sys.path.insert(0, str(Path(__file__).parents[1] / "datasets"))
from trees.megc2019_flow_tree import composite, make_tree

from mace.bundle import load_bundle
from mace.cli import main
from mace.errors import ConfigError
from mace.recipes import FLOW, FLOW_IMAGES

SMALL = ["--recipe.train.epochs", "1", "--recipe.train.model.widths", "8"]
SMALL += ["--recipe.train.model.depths", "1"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    samples = [s for s in composite() if s.subject in ("sub06", "sub12", "s01", "s14", "006")]
    make_tree(home / "raw", samples=samples)
    where = ["--manual-dir", str(home / "raw"), "--data-dir", str(home / "data")]
    assert main(["prepare", "megc2019_flow", *where]) == 0
    return home


@pytest.mark.slow
def test_evaluate_needs_no_options(home, capsys):
    where = ["--dataset", "megc2019_flow", "--data-dir", str(home / "data")]
    options = ["--out", str(home / "runs"), "--workers", "0", "--json", *SMALL]
    assert main(["evaluate", *where, *options]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["n"] == 4 + 11 + 6 + 10 + 11


def test_train_needs_no_options(home, capsys):
    where = ["--dataset", "megc2019_flow", "--data-dir", str(home / "data")]
    model = home / "model"
    assert main(["train", *where, "--out", str(model), *SMALL]) == 0
    assert "`mace live` cannot use it" in capsys.readouterr().out
    bundle = load_bundle(model)
    assert bundle.motion.flow == "images"
    assert bundle.trained_on == ("casme2", "samm", "smic")
    assert main(["live", str(home), "--model", str(model)]) == 2
    assert "trained on ready-made flow images" in capsys.readouterr().err


def test_another_input_cannot_be_computed_from_images(home, capsys):
    where = ["--dataset", "megc2019_flow/composite", "--data-dir", str(home / "data")]
    assert main(["train", *where, "--recipe.motion.size", "64"]) == 2
    assert "leave out what begins with --recipe.motion" in capsys.readouterr().err


def test_the_help_shows_the_recipe_of_the_data_set(capsys):
    recipes = {"megc2019_flow": FLOW_IMAGES, "synthetic/demo": FLOW}
    assert FLOW_IMAGES.train.epochs != FLOW.train.epochs
    for dataset, recipe in recipes.items():
        with pytest.raises(SystemExit):
            main(["train", "--dataset", dataset, "--help"])
        shown = capsys.readouterr().out
        assert f"(default: {recipe.train.epochs})" in shown.split("--recipe.train.epochs")[1][:200]


def test_ready_made_images_are_arrays(home):
    own = mace.load_dataset("megc2019_flow", data_dir=home / "data")
    assert own.X.shape == (len(own), 28, 28, 3)
    assert set(own.groups) == set(own.motion_set.subjects)
    assert own.annotations["label"].tolist() == own.y.tolist()
    with pytest.raises(ConfigError, match="there are no clips"):
        own.clips  # noqa: B018
