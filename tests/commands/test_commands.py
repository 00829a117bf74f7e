"""The commands as a user types them, one after the other, on the smallest data set."""

import functools
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from videos import write_video

import mace
from mace.bundle import load_bundle
from mace.cli import main
from mace.errors import DataError
from mace.evaluation.loading import load_evaluation
from mace.evaluation.zoo.results import Result, read_results
from mace.pretraining import mixing
from mace.spotting.temperature import fit_temperature

README = Path(__file__).parents[2] / "README.md"
TUTORIAL = README.parent / "docs" / "tutorials" / "own_network.ipynb"
# A network that learns nothing in no time; the settings are typed as a user would type them.
SMALL = [
    *("--recipe.train.model.widths", "8", "--recipe.train.model.depths", "1"),
    *("--recipe.train.epochs", "1", "--recipe.motion.size", "28", "--recipe.variants.extra", "0"),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def data(home):
    places = ["--data-dir", str(home / "data")]
    assert main(["prepare", "synthetic", "--config", "tiny", *places]) == 0
    return places


def test_prepare_twice_does_nothing_the_second_time(home, data, capsys):
    before = {path: path.stat().st_mtime_ns for path in (home / "data").rglob("*")}
    assert main(["prepare", "synthetic", "--config", "tiny", *data]) == 0
    assert {path: path.stat().st_mtime_ns for path in (home / "data").rglob("*")} == before
    assert "already prepared" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "options", "said"),
    [
        ("evaluate", ["--workers", "-1"], "-1 workers were asked for"),
        ("evaluate", ["--seeds", "0"], "0 seeds were asked for"),
        ("evaluate", ["--protocol.folds", "1"], "protocol.folds is 1"),
        ("evaluate", ["--protocol.seed", "-5"], "protocol.seed is -5"),
        ("train", ["--seed", "-1"], "--seed is -1"),
        ("zoo", ["--workers", "-1"], "-1 workers were asked for"),
    ],
)
def test_numbers_out_of_range_are_refused_at_once(data, capsys, tmp_path, command, options, said):
    out = ["--dataset", "synthetic/tiny", "--out", str(tmp_path / "out"), *data]
    assert main([command, *out, *options]) == 2
    assert said in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--protocol.kind", "kfold", "--protocol.folds", "99"], "99 folds over"),
        (["--protocol.kind", "database"], "database"),
        (["--units-from", "nowhere.csv", "--target", "aus"], "there is no table nowhere.csv"),
        (["--out", "a_file"], "a_file is a file"),
    ],
)
def test_what_cannot_be_evaluated_is_said_before_motion_is_computed(
    data, capsys, tmp_path, monkeypatch, options, said
):
    monkeypatch.chdir(tmp_path)
    Path("a_file").touch()
    monkeypatch.setattr("mace.data.making.represent", None)
    assert main(["evaluate", "--dataset", "synthetic/tiny", *data, *options]) not in (0, 1)
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_the_zoo_trains_networks_alike_and_goes_on(data, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    cells = json.loads(TUTORIAL.read_text(encoding="utf-8"))["cells"]
    (writes,) = (cell for cell in cells if "write_text" in "".join(cell["source"]))
    exec("".join(writes["source"]), {})
    assert "my_network:Quadrants ststnet" in TUTORIAL.read_text(encoding="utf-8")
    options = ["--dataset", "synthetic/tiny", "--seeds", "1", "--results", "zoo.csv", *data]
    options += ["--protocol.kind", "kfold", "--protocol.folds", "2", *SMALL, "--workers", "0"]
    both = ["zoo", *options, "--networks", "ststnet", "my_network:Quadrants", "--json"]
    assert main(both) == 0
    first, own = json.loads(capsys.readouterr().out)
    assert (first["network"], first["size"], first["weights"]) == ("ststnet", 28, 1_683 + 2 * 401)
    assert (own["network"], own["epochs"], own["clips"]) == (
        "my_network:Quadrants",
        1,
        first["clips"],
    )
    assert own["ridge_uf1"] == first["ridge_uf1"]
    assert own["ahead"] == pytest.approx(own["uf1"] - own["ridge_uf1"], abs=2e-4)
    assert read_results(Path("zoo.csv")) == [Result(**first), Result(**own)]
    # What is not trained alike is not set beside it.
    before = Path("zoo.csv").read_bytes()
    for changes, said in {
        ("--recipe.train.epochs", "2"): "has recipe ",
        ("--seeds", "2"): "has seeds 1, not 2",
    }.items():
        assert main(["zoo", *options, "--networks", "off_apexnet", *changes]) == 2
        assert said in capsys.readouterr().err.splitlines()[-1]
    # A mistake in a network of one's own is no row that the images do not fit.
    Path("half_done.py").write_text(
        "import flax.linen as nn\nclass Tiny(nn.Module):\n    classes: int\n"
        "    def __call__(self, x):\n        return x * self.clases\n"
    )
    assert main(["zoo", *options, "--networks", "half_done:Tiny", "macnn_no_residual"]) == 5
    said = capsys.readouterr()
    assert "half_done:Tiny failed: Tiny failed on images of " in said.err
    assert said.err.splitlines()[-1].endswith("no result of half_done:Tiny, as said above")
    assert "| MACNN, no shortcuts" in said.out
    before_and_control = read_results(Path("zoo.csv"))
    assert Path("zoo.csv").read_bytes().startswith(before)
    assert before_and_control[-1].network == "macnn_no_residual"
    # What is there is not trained again.
    monkeypatch.setattr("mace.evaluation.cross_validation._run", lambda *_, **__: None)
    assert main(["zoo", *options, "--networks", "ststnet", "--page", "zoo.md"]) == 0
    assert "| STSTNet" in capsys.readouterr().out
    assert read_results(Path("zoo.csv")) == before_and_control
    page = Path("zoo.md").read_text(encoding="utf-8")
    for result in (first, own):
        assert f"{result['uf1']:.3f} [{result['uf1_low']:.3f}, " in page


def test_a_prepared_data_set_is_arrays_clips_and_annotations(home, data):
    own = mace.load_dataset("synthetic/tiny", data_dir=home / "data")
    assert own.X.shape == (len(own), 32, 32, 3)
    assert own.X.dtype == np.float32
    assert len(own.y) == len(own.groups) == len(own.clips) == len(own)
    table = own.annotations
    assert table["label"].tolist() == own.y.tolist()
    assert (table["database"] + "/" + table["subject"]).tolist() == own.groups.tolist()
    assert (table["apex"] > table["onset"]).all()
    assert repr(own).startswith(f"synthetic/tiny: {len(own)} clips of ")
    three = mace.load_dataset("synthetic/tiny", data_dir=home / "data", classes="3")
    assert set(three.y) <= {"negative", "positive", "surprise"}
    with pytest.raises(DataError, match="casme2 is not prepared"):
        mace.load_dataset("casme2", data_dir=home / "data")


def test_the_readme_from_python(home, data, brow_flash, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frames = [cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR) for frame in brow_flash.frames[:40]]
    write_video(
        tmp_path / "clip.mp4",
        frames,
        times=[i / 60 for i in range(40)],
        codec="mpeg4",
        pix_fmt="yuv420p",
    )
    code = README.read_text(encoding="utf-8").partition("```python\n")[2].partition("```")[0]
    for there, here in {
        "mace.stream(0)": 'mace.stream("clip.mp4")',
        '("casme2")': f'("synthetic/tiny", data_dir={str(home / "data")!r})',
        '("ststnet")': '("ststnet", epochs=1)',
    }.items():
        assert there in code
        code = code.replace(there, here)
    names = {}
    exec(compile(code, README, "exec"), names)
    assert len(names["session"].frames) == 40
    assert 0 <= names["scores"].uf1 <= 1
    assert mace.audit(names["scores"]).clean


def test_train_leaves_a_model_that_says_what_it_was_trained_on(home, data, capsys):
    out = home / "models" / "mine"
    options = ["--dataset", "synthetic/tiny", "--out", str(out), *data, *SMALL]
    assert main(["train", *options]) == 0
    bundle = load_bundle(out)
    assert bundle.trained_on == ("synthetic",)
    assert len(bundle.classes) == 5
    assert bundle.model.widths == (8,)
    assert str(out) in capsys.readouterr().out


def test_evaluate_prints_one_json_object_and_report_makes_a_page(home, data, capsys):
    out = home / "runs" / "mine"
    folds = ["--protocol.kind", "kfold", "--protocol.folds", "2", "--workers", "1"]
    options = ["--dataset", "synthetic/tiny", "--out", str(out), *folds, *data, *SMALL]
    assert main(["evaluate", *options, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    for key in ("uf1", "uar", "accuracy", "confusion", "per_class", "baselines", "config_hash"):
        assert key in summary
    assert summary["n"] == 20
    assert sum(map(sum, summary["confusion"])) == 20
    assert set(summary["baselines"]) == {
        "logistic_regression",
        "svm",
        "kernel_ridge",
        "majority",
    }
    assert main(["report", str(out), "--out", str(home / "page")]) == 0
    page = (home / "page" / "report.html").read_text()
    assert "synthetic" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_an_evaluation_says_how_sure_a_network_of_the_same_clips_may_be(home, data, capsys):
    run, out = home / "runs" / "for-calibration", home / "models" / "calibrated"
    folds = ["--protocol.kind", "kfold", "--protocol.folds", "2", "--workers", "0"]
    same = ["--dataset", "synthetic/tiny", *data, *SMALL]
    assert main(["evaluate", *same, *folds, "--no-baselines", "--out", str(run)]) == 0
    train = ["train", *same, "--out", str(out), "--calibrate", str(run)]
    assert main(train) == 0
    evaluation = load_evaluation(run)
    probabilities = evaluation.methods["network"].probabilities
    assert probabilities is not None
    assert load_bundle(out).temperature == fit_temperature(probabilities[0], evaluation.labels)
    refused([*train, "--classes", "3"], capsys, str(run), "evaluate this data set")


@pytest.mark.slow
def test_a_network_predicts_clips_without_training(home, data, capsys):
    model, out = home / "models" / "polarity", home / "runs" / "zero-shot"
    image = ["--recipe.train.normalise", "image", "--recipe.motion.framing", "0.06", "0.14", "0.94"]
    options = ["--dataset", "synthetic/tiny", "--classes", "3", "--out", str(model), *data, *SMALL]
    assert main(["train", *options, *image, "1.0"]) == 0
    where = ["--dataset", "synthetic/tiny", "--out", str(out), *data]
    # Neither input nor classes are typed: they are the network's.
    options = ["--zero-shot", str(model), "--adapt", "--no-baselines", "--workers", "0", "--json"]
    capsys.readouterr()
    assert main(["evaluate", *where, *options]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["n"] == 16  # of 20, those called others have no polarity
    assert len(summary["confusion"]) == 3
    assert summary["zero_shot"]["adapt"] is True
    assert main(["audit", str(out)]) == 0


@pytest.mark.slow
def test_rendered_pairs_share_the_batches(home, data, capsys, monkeypatch):
    few = functools.partial(mixing.RenderedPairs, people=2, pairs_each=8)
    monkeypatch.setattr(mixing, "RenderedPairs", few)
    out = home / "runs" / "mixed"
    folds = ["--protocol.kind", "kfold", "--protocol.folds", "2", "--workers", "0"]
    options = ["--dataset", "synthetic/tiny", "--classes", "3", "--out", str(out), *folds, *data]
    options += [*SMALL, "--no-baselines", "--mix", "synthetic:0.5"]
    assert main(["evaluate", *options, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n"] == 16
    settings = json.loads((out / "config.json").read_text())
    assert settings["config"]["mix"]["share"] == 0.5
    assert settings["description"]["mixed in"] == "synthetic, 50%"
    assert main(["audit", str(out)]) == 0
    # The same people on both sides of a fold would be no evaluation.
    options[-1] = "synthetic/tiny:0.5"
    refused(["evaluate", *options[:5], str(home / "runs" / "own"), *options[6:]], capsys, "person")


def refused(arguments, capsys, *words):
    code = main(arguments)
    error = capsys.readouterr().err
    assert code not in (0, 1)
    assert "Traceback" not in error
    sentence = error.strip().splitlines()[-1]
    assert sentence.startswith(f"mace {arguments[0]}: ")
    for word in words:
        assert word in sentence


def test_unknown_data_set(tmp_path, capsys):
    refused(["prepare", "casme99", "--data-dir", str(tmp_path)], capsys, "casme99", "synthetic")


def test_data_set_that_is_not_prepared(tmp_path, capsys):
    options = ["--dataset", "synthetic/demo", "--data-dir", str(tmp_path)]
    refused(["train", *options], capsys, "mace prepare synthetic --config demo")


def test_unknown_preset(tmp_path, capsys):
    options = ["--config", "huge", "--data-dir", str(tmp_path)]
    refused(["prepare", "synthetic", *options], capsys, "huge", "demo")


def test_data_folder_that_cannot_be_written_to(tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    options = ["--config", "tiny", "--data-dir", str(tmp_path / "file" / "data")]
    refused(["prepare", "synthetic", *options], capsys, "file")


def test_checkpoint_of_another_configuration(home, data, capsys):
    out = home / "models" / "again"
    options = ["train", "--dataset", "synthetic/tiny", "--out", str(out), *data, *SMALL]
    assert main(options) == 0
    refused([*options, "--seed", "1"], capsys, "seed")


def test_loss_that_is_no_number(home, data, capsys):
    out = home / "models" / "diverged"
    options = ["--dataset", "synthetic/tiny", "--out", str(out), *data, *SMALL]
    wild = ["--recipe.train.optimiser.weight-decay", "10", "--recipe.train.epochs", "60"]
    wild += ["--recipe.train.optimiser.learning-rate", "10", "--recipe.train.model.norm", "none"]
    refused(["train", *options, *wild], capsys, "epoch")
    assert not out.exists()


def test_report_of_nothing(tmp_path, capsys):
    refused(["report", str(tmp_path)], capsys, str(tmp_path))
