"""Finding bundles by name, from a source tree and from an installed package alike."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from mace.bundle import save_bundle
from mace.config import config_hash, from_dict, to_dict
from mace.errors import CheckpointError
from mace.pretrained import bundle_files
from mace.pretrained.bundle_files import (
    BundleFile,
    bundle_file,
    bundle_path,
    describe_bundle,
    has_pretrained,
)


@pytest.fixture
def packaged(bundle, tmp_path, monkeypatch):
    place = tmp_path / "package" / "macnn"
    monkeypatch.setattr(bundle_files, "PACKAGED", place)
    assert not has_pretrained()
    save_bundle(place, bundle)
    return place


def test_the_word_names_the_packaged_bundle(packaged, bundle):
    assert has_pretrained()
    assert bundle_path("pretrained") == packaged
    loaded = bundle_file("pretrained").load()
    assert loaded.classes == bundle.classes
    assert loaded.trained_on == ("synthetic",)


def test_a_package_without_one_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(bundle_files, "PACKAGED", tmp_path)
    with pytest.raises(CheckpointError, match="has no pre-trained network; name a folder"):
        bundle_path("pretrained")


def test_a_folder_or_a_run_that_holds_a_model(bundle, tmp_path):
    save_bundle(tmp_path / "run" / "model", bundle)
    inner = tmp_path / "run" / "model"
    assert bundle_path(inner) == bundle_path(tmp_path / "run") == bundle_path(str(inner)) == inner
    with pytest.raises(CheckpointError, match=r"no model at .*gone .*or write pretrained"):
        bundle_path(tmp_path / "gone")


def test_a_damaged_description_is_one_sentence(tmp_path):
    (tmp_path / "bundle.json").write_text("[]")
    with pytest.raises(CheckpointError, match="is damaged"):
        describe_bundle(tmp_path)


def test_a_bundle_is_named_by_its_checksum_not_its_place(bundle, tmp_path):
    for place in ("a", "b"):
        save_bundle(tmp_path / place, bundle)
    first, second = bundle_file(tmp_path / "a"), bundle_file(tmp_path / "b")
    assert config_hash(first) == config_hash(second)
    assert from_dict(BundleFile, json.loads(json.dumps(to_dict(first)))) == first
    notes = json.loads((tmp_path / "a" / "bundle.json").read_text())
    (tmp_path / "a" / "bundle.json").write_text(json.dumps(notes | {"sha256": "0"}))
    with pytest.raises(CheckpointError, match="was replaced since the run began"):
        first.load()


def test_the_package_ships_its_bundle_and_needs_no_jax_to_find_it():
    settings = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["setuptools"]
    assert "mace.pretrained" in settings["packages"]
    assert settings["package-data"]["mace.pretrained"] == ["macnn/*"]
    code = (
        "import sys, mace.pretrained.bundle_files; assert not {'jax', 'numpy'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
