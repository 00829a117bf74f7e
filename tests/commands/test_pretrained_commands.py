"""A pre-trained network in the commands, as a user types them, on a folder of flow images."""

import functools
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "datasets"))
from trees.megc2019_flow_tree import composite, make_tree

from mace.augment.config import NO_AUGMENT
from mace.bundle import load_bundle, save_bundle
from mace.cli import main
from mace.config import to_dict
from mace.data.flow_images import load_flow_images
from mace.face.config import FaceConfig
from mace.models.config import ModelConfig
from mace.motion.config import MotionConfig
from mace.places import prepared_dataset
from mace.prediction import typical_images
from mace.pretrained import bundle_files
from mace.pretrained.bundle_files import bundle_file
from mace.pretraining import mixing
from mace.recipes import FLOW_IMAGES, default_recipe
from mace.training.config import TrainConfig
from mace.training.fit import fit
from mace.training.fitted import make_bundle

FOLDS = ["--protocol.kind", "kfold", "--protocol.folds", "2", "--workers", "0"]
FEW = ["sub06", "sub12", "s01", "s14", "006"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    make_tree(home / "raw", samples=[s for s in composite() if s.subject in FEW])
    where = ["--manual-dir", str(home / "raw"), "--data-dir", str(home / "data")]
    assert main(["prepare", "megc2019_flow", *where]) == 0
    return home


@pytest.fixture
def model(trained, monkeypatch):
    monkeypatch.setattr(bundle_files, "PACKAGED", trained)
    return trained


@pytest.fixture(scope="module")
def trained(home):
    """The packaged network: small, of clips' flow at 28 px, every image brought to one scale."""
    folder = prepared_dataset("megc2019_flow/composite", data_dir=home / "data")
    images = load_flow_images(folder)
    config = TrainConfig(
        model=ModelConfig(widths=(8,), depths=(1,), stem_stride=4, dropout=0.0, norm="group"),
        normalise="image",
        augment=NO_AUGMENT,
        epochs=8,
    )
    fitted = fit(images, np.arange(len(images)), config=config)
    object.__setattr__(fitted, "motion", MotionConfig(size=28, framing=(0.1, 0.1, 0.9, 1.0)))
    bundle = make_bundle(fitted, face=to_dict(FaceConfig()), trained_on=("synthetic",))
    typical = typical_images(bundle, images.inputs[:, 0], images.labels)
    save_bundle(home / "net", replace(bundle, typical=typical))
    return home / "net"


def evaluate(home, out, *options):
    where = ["--dataset", "megc2019_flow", "--data-dir", str(home / "data"), "--out", str(out)]
    return main(["evaluate", *where, *FOLDS, *options])


@pytest.mark.parametrize("adapt", [False, True])
def test_zero_shot(home, model, tmp_path, capsys, adapt):
    options = ["--zero-shot", "pretrained", "--no-baselines", "--json"]
    assert evaluate(home, tmp_path, *options, *(["--adapt"] if adapt else [])) == 0
    summary = json.loads(capsys.readouterr().out)
    checksum = bundle_file(model).checksum
    expected = {"checksum": checksum, "trained_on": ["synthetic"], "adapt": adapt}
    assert summary["zero_shot"] == expected
    assert summary["init"] is None
    title = "MACNN pretrained, zero-shot" + (", adapted" if adapt else "")
    assert summary["title"] == title
    # A network of eight epochs is hardly surer of one window than of another.
    assert summary["uf1"] > (0.45 if adapt else 0.6)
    assert set(summary["baselines"]) == {"majority"}
    assert cv2.imread(str(tmp_path / "mean_motion.png")).shape[0] > 400
    assert main(["audit", str(tmp_path)]) == 0


def test_fine_tuning_in_every_fold(home, model, tmp_path, capsys):
    options = ["--init", str(model), "--no-baselines", "--recipe.train.epochs", "1", "--json"]
    assert evaluate(home, tmp_path, *options, "--recipe.train.fine-tune.freeze", "stem") == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["title"] == "MACNN pre-trained, fine-tuned"
    assert summary["zero_shot"] is None
    assert summary["init"]["checksum"] == bundle_file(model).checksum
    config = json.loads((tmp_path / "config.json").read_text())["config"]
    assert config["train"]["fine_tune"]["freeze"] == "stem"
    assert config["train"]["model"]["widths"] == [8]
    assert summary["uf1"] > 0.6  # one mild epoch forgets nothing


@pytest.mark.slow
def test_rendered_pairs_beside_the_images(home, model, tmp_path, capsys, monkeypatch):
    few = functools.partial(mixing.RenderedPairs, people=2, pairs_each=8)
    monkeypatch.setattr(mixing, "RenderedPairs", few)
    options = ["--init", str(model), "--mix", "synthetic:0.5", "--recipe.train.epochs", "1"]
    assert evaluate(home, tmp_path, *options, "--no-baselines", "--json") == 0
    assert json.loads(capsys.readouterr().out)["title"] == "MACNN pre-trained, fine-tuned, mixed"
    assert main(["audit", str(tmp_path)]) == 0


def test_a_model_that_was_fine_tuned_knows_all_it_was_trained_on(home, model, tmp_path):
    where = ["--dataset", "megc2019_flow", "--data-dir", str(home / "data")]
    options = ["--init", "pretrained", "--recipe.train.epochs", "1", "--out", str(tmp_path / "m")]
    assert main(["train", *where, *options]) == 0
    bundle = load_bundle(tmp_path / "m")
    assert bundle.trained_on == ("casme2", "samm", "smic", "synthetic")
    assert bundle.model == load_bundle(model).model


@pytest.mark.slow
def test_a_network_that_names_units_goes_on_with_them_where_a_table_lists_some(home, tmp_path):
    table = tmp_path / "sheet.csv"
    clips = load_flow_images(prepared_dataset("megc2019_flow/composite", data_dir=home / "data"))
    table.write_text("clip,aus\n" + "".join(f"{name},4+7\n" for name in clips.clips[::2]))
    where = ["--dataset", "megc2019_flow", "--data-dir", str(home / "data")]
    options = ["--init", "pretrained", "--recipe.train.epochs", "1", "--out", str(tmp_path / "m")]
    learnt = ["--units-from", str(table), "--recipe.train.unit-weight", "1"]
    assert main(["train", *where, *options, *learnt]) == 0
    bundle, begun = load_bundle(tmp_path / "m"), load_bundle(bundle_files.PACKAGED)
    assert bundle.model == begun.model
    assert bundle.unit_thresholds == begun.unit_thresholds
    old, new = (
        b.variables["params"]["head"]["units"]["bias"].reshape(-1, 3) for b in (begun, bundle)
    )
    assert (old[:, 0] != new[:, 0]).all()
    np.testing.assert_array_equal(old[:, 1:], new[:, 1:])  # px and sides are as they were


def test_the_recipe_is_that_of_the_network_and_the_data_set(model):
    bundle = load_bundle(model)
    clips, images = (default_recipe(name, model) for name in ("synthetic/demo", "megc2019_flow"))
    assert clips.motion == bundle.motion
    assert clips.train.model == images.train.model == bundle.model
    assert clips.train.normalise == images.train.normalise == "image"
    assert images.motion == FLOW_IMAGES.motion
    assert images.train.augment == FLOW_IMAGES.train.augment


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--zero-shot", "pretrained", "--init", "pretrained"], "choose one"),
        (["--adapt"], "--adapt goes with --zero-shot RUN or --init RUN"),
        (["--zero-shot", "pretrained", "--leaky"], "--zero-shot trains nothing"),
        (["--init", "pretrained", "--adapt", "--leaky"], "leave out it or --adapt"),
        (
            ["--zero-shot", "pretrained", "--classes", "objective"],
            "not those of --classes objective",
        ),
        (["--zero-shot", "gone"], "there is no model at gone"),
        (
            ["--zero-shot", "pretrained", "--classes", "5"],
            "negative, positive, surprise only, not those of --classes 5",
        ),
        (
            ["--zero-shot", "pretrained", "--protocol.benchmark", "casme2-5"],
            "not disgust, happiness, others, repression",
        ),
        (["--recipe.train.fine-tune.anchor", "1"], "this run begins with a new one"),
        (["--recipe.train.unit-weight", "1"], "the network names no action units"),
        (["--units-from", "sheet.csv"], "goes with --target aus or --recipe.train.unit-weight"),
        (
            ["--recipe.train.unit-weight", "1", "--recipe.train.model.units", "4", "12"],
            "no clip lists any of the action units 4, 12 that the network names",
        ),
    ],
)
def test_what_contradicts_itself_is_one_sentence(home, model, tmp_path, capsys, options, sentence):
    assert evaluate(home, tmp_path / "out", *options) in (2, 3, 4)
    error = capsys.readouterr().err
    assert error.splitlines()[-1].startswith("mace evaluate: ")
    assert sentence in error
    assert "Traceback" not in error


def test_settings_are_read_without_jax():
    code = """
import sys
import mace.commands.evaluate, mace.commands.train, mace.commands.live
assert "jax" not in sys.modules, sorted(m for m in sys.modules if m.startswith("jax"))
assert "flax" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
