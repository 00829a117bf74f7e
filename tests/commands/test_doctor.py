"""`mace doctor`: finds what is there, and says what to do about what is not."""

import json

import pytest

from mace.bundle import save_bundle
from mace.cli import main


@pytest.fixture
def examine(tmp_path, capsys):
    def run():
        places = ["--data-dir", str(tmp_path / "data"), "--runs-dir", str(tmp_path / "runs")]
        code = main(["doctor", *places, "--json"])
        return code, json.loads(capsys.readouterr().out)["findings"]

    return run


def named(findings, name):
    return [finding for finding in findings if finding["name"] == name]


def test_empty_folders_get_remedies_but_nothing_required_is_missing(examine):
    code, findings = examine()
    assert code == 0
    assert "mace prepare synthetic" in named(findings, "data sets")[0]["remedy"]
    assert "casme2" in named(findings, "data you hold")[0]["state"]
    assert "mace reproduce" in named(findings, "models")[0]["remedy"]
    for name in ("python", "packages", "face models", "video"):
        assert named(findings, name)[0]["remedy"] is None


def test_finds_prepared_data_and_models(examine, tmp_path, bundle):
    version = tmp_path / "data" / "synthetic" / "tiny" / "1.0.0"
    version.mkdir(parents=True)
    (version / "dataset_info.json").write_text("{}")
    save_bundle(tmp_path / "runs" / "mine" / "model", bundle)
    _, findings = examine()
    assert named(findings, "data sets")[0]["state"] == "synthetic/tiny"
    assert named(findings, "models")[0]["state"].endswith("mine/model")


def test_missing_package_is_required(examine, monkeypatch):
    from mace.commands import doctor

    versions = dict.fromkeys(doctor.PACKAGES, "1.0") | {"optax": None}
    monkeypatch.setattr(doctor, "provenance", lambda: {"packages": versions})
    code, findings = examine()
    assert code == 1
    assert "optax" in named(findings, "packages")[0]["remedy"]


def test_plain_table_marks_what_is_missing(tmp_path, capsys):
    code = main(["doctor", "--data-dir", str(tmp_path), "--runs-dir", str(tmp_path)])
    printed = capsys.readouterr().out
    assert code == 0
    assert "ok  python" in printed
    assert "--  models" in printed
