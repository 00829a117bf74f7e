"""An exported network is the network: same predictions, with MACE and without it."""

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from mace.bundle import load_bundle, save_bundle
from mace.cli import main
from mace.errors import CheckpointError, ConfigError, OutputError
from mace.export.layout import is_export
from mace.export.loading import load_export
from mace.export.program import inference_program
from mace.export.saving import export_bundle
from mace.models.apply import init_model
from mace.models.config import ModelConfig
from mace.models.fold import fold_norm
from mace.models.make import make_model
from mace.prediction import predict
from mace.pretrained.bundle_files import PACKAGED

SHAPE = (28, 28, 3)


def motion(count, seed=0):
    return np.random.default_rng(seed).normal(size=(count, *SHAPE)).astype(np.float32)


def trained(bundle, **settings):
    """A network that looks trained: no batch statistic and no bias is at its start."""
    model = ModelConfig(**{"widths": (8, 8), "depths": (1, 1), "stem_stride": 4} | settings)
    variables = jax.device_get(init_model(make_model(model, 3), jax.random.key(1), SHAPE))
    random = np.random.default_rng(2)

    def shake(path, leaf):
        if leaf.ndim > 1:
            return leaf
        shaken = random.normal(size=leaf.shape) * 0.3
        if path[-1].key in ("scale", "var"):
            shaken = np.exp(shaken)
        return shaken.astype(np.float32)

    return dataclasses.replace(
        bundle, model=model, variables=jax.tree_util.tree_map_with_path(shake, variables)
    )


@pytest.fixture(scope="module")
def normed(bundle):
    return trained(bundle, norm="batch")


@pytest.fixture(scope="module")
def exported(normed, tmp_path_factory):
    path = tmp_path_factory.mktemp("exported") / "net"
    export_bundle(normed, path)
    return path


@pytest.mark.parametrize("count", [1, 3, 32])
def test_same_probabilities_as_the_bundle(normed, exported, count):
    found = load_export(exported).program.call(motion(count))
    assert found.shape == (count, 3)
    np.testing.assert_allclose(found, predict(normed, motion(count)), atol=1e-5)
    # The bundle predicts differently for different images: the agreement says something.
    assert count == 1 or np.ptp(np.asarray(found), axis=0).max() > 1e-2


def test_same_probabilities_as_the_packaged_network(tmp_path):
    bundle = load_bundle(PACKAGED)
    export_bundle(bundle, tmp_path / "net")
    found = load_export(tmp_path / "net").program.call(motion(3))
    np.testing.assert_allclose(found, predict(bundle, motion(3)), atol=1e-5)


@pytest.mark.parametrize(
    "settings",
    [
        {"norm": "batch", "fusion": "sum", "flip_average": False},
        {"norm": "batch", "separable": True},
        {"norm": "batch", "arch": "resnet"},
        {"norm": "none"},
    ],
    ids=str,
)
def test_folded_statistics_change_nothing(bundle, settings):
    average = settings.pop("flip_average", True)
    one = dataclasses.replace(trained(bundle, **settings), flip_average=average)
    config, variables = fold_norm(one.model, one.variables)
    assert config.norm == "none"
    assert "batch_stats" not in variables
    found = jax.jit(inference_program(one))(motion(2))
    np.testing.assert_allclose(found, predict(one, motion(2)), atol=1e-5)


def test_description_has_what_stands_around_the_network(normed, exported):
    notes = json.loads((exported / "export.json").read_text())
    assert notes["input"]["shape"] == ["b", *SHAPE]
    assert len(notes["input"]["channels"]) == len(notes["input"]["units"]) == SHAPE[-1]
    assert notes["program"]["platforms"] == ["cpu", "cuda", "tpu"]
    found = load_export(exported)
    for name in ("motion", "face", "classes", "normalisation", "flip_average", "trained_on"):
        assert getattr(found, name) == getattr(normed, name)
    assert found.shape == SHAPE
    assert is_export(exported)
    assert not is_export(exported.parent)
    assert [path.name for path in exported.parent.iterdir()] == ["net"]


# Blocks MACE and all that its networks are made with; the rest is the documented script.
ALONE = """
import sys
class Block:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in ("mace", "flax", "cv2"):
            raise ImportError(name + " is not to be imported")
sys.meta_path.insert(0, Block())
"""


def test_documented_script_runs_without_mace(normed, exported):
    page = (Path(__file__).parents[2] / "docs" / "export.md").read_text()
    (script,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len([line for line in script.splitlines() if line]) <= 10
    script = ALONE + script.replace('"OUT"', repr(str(exported)))
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    printed = json.loads(done.stdout.replace("'", '"'))
    expected = predict(normed, np.zeros((1, *SHAPE), np.float32))[0]
    assert printed == pytest.approx(
        dict(zip(normed.classes, expected.tolist(), strict=True)), abs=1e-5
    )


def test_command_exports_and_live_labels_with_it(bundle, surprise_folder, tmp_path, capsys):
    save_bundle(tmp_path / "model", bundle)
    assert main(["export", str(tmp_path / "model"), str(tmp_path / "net"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert set(said["bytes"]) == {"export.json", "network.stablehlo"}
    rows = []
    for name in ("model", "net"):
        out = tmp_path / f"session-{name}"
        arguments = [str(surprise_folder), "--model", str(tmp_path / name)]
        assert main(["live", *arguments, "--out", str(out)]) == 0
        lines = (out / "frames.jsonl").read_text().splitlines()
        rows.append([json.loads(line)["probabilities"] for line in lines])
    assert len(rows[0]) > 5
    for one, other in zip(*rows, strict=True):
        assert one == pytest.approx(other, abs=1e-4)
    assert main(["export", str(tmp_path / "nothing"), str(tmp_path / "x")]) == 4
    assert "there is no model at" in capsys.readouterr().err


def edit(path, **changes):
    notes = json.loads((path / "export.json").read_text())
    (path / "export.json").write_text(json.dumps(notes | changes))


def edit_program(path, **changes):
    notes = json.loads((path / "export.json").read_text())
    edit(path, program=notes["program"] | changes)


def spoil(path):
    import hashlib

    (path / "network.stablehlo").write_bytes(b"no program at all, though its checksum is right")
    checksum = hashlib.sha256((path / "network.stablehlo").read_bytes()).hexdigest()
    edit(path, sha256={"network.stablehlo": checksum})


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda p: (p / "export.json").unlink(), r"holds no export \(no export.json\)"),
        (lambda p: (p / "export.json").write_text("{"), "is damaged"),
        (lambda p: (p / "export.json").write_text("[]"), "is damaged"),
        (lambda p: (p / "network.stablehlo").write_bytes(b"x"), "does not match its checksum"),
        (lambda p: (p / "network.stablehlo").unlink(), "is damaged"),
        (spoil, "exported with JAX .* and cannot be read here"),
        (lambda p: edit(p, layout=9), "another version of MACE"),
        (lambda p: edit(p, motion={"wings": 2}), r"unknown setting motion\.wings"),
        (lambda p: edit_program(p, calling_convention=1), "this version of JAX does not read"),
        (
            lambda p: edit_program(p, platforms=["cuda"]),
            "was exported for cuda, and JAX uses cpu here; export it again with --platforms cpu",
        ),
    ],
)
def test_a_damaged_export_is_one_sentence(normed, exported, tmp_path, damage, message):
    import shutil

    shutil.copytree(exported, tmp_path / "net")
    damage(tmp_path / "net")
    with pytest.raises(CheckpointError, match=message) as raised:
        load_export(tmp_path / "net")
    assert "\n" not in str(raised.value)


def test_nothing_else_is_overwritten(normed, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter").write_text("years of work")
    with pytest.raises(OutputError, match="thesis exists and is no export; choose another name"):
        export_bundle(normed, tmp_path / "thesis")
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["chapter"]
    with pytest.raises(ConfigError, match="'abacus' asked for as platforms, expected cpu"):
        export_bundle(normed, tmp_path / "net", platforms=("abacus",))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis"]
