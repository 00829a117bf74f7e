"""`mace compare`: pairing by clip and subject, and the published numbers."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from evaluation_cases import Guess, make_set
from log_cases import CLASSES, known_samples, megc_text

import mace
from mace.cli import main
from mace.errors import ConfigError, DataError
from mace.evaluation.comparison.comparison import compare_predictions, load_predictions
from mace.evaluation.comparison.published import published_elsewhere, published_results
from mace.evaluation.config import EvaluationConfig
from mace.evaluation.cross_validation import evaluate_methods
from mace.protocols.benchmarks import BENCHMARKS


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[str, Path]:
    """Two runs on the same clips: right in 60 and in 95 of 100."""
    home = tmp_path_factory.mktemp("runs")
    for name, right in (("weak", 0.6), ("strong", 0.95)):
        evaluate_methods(
            make_set(),
            config=EvaluationConfig(seeds=(0, 1)),
            run_dir=home / name,
            methods={"network": Guess(right)},
            command="mace evaluate",
        )
    return {name: home / name for name in ("weak", "strong")}


def compared(capsys, *arguments) -> dict:
    assert main(["compare", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_difference_of_two_runs(runs, capsys):
    result = compared(capsys, runs["weak"], runs["strong"])
    weak, strong = (result["runs"][str(runs[name])] for name in ("weak", "strong"))
    assert result["n"] == 36
    lead = strong["ahead"]["uf1"]
    assert lead["difference"] == pytest.approx(strong["uf1"] - weak["uf1"])
    low, high = lead["interval"]
    assert 0 < low < lead["difference"] < high
    assert weak["ahead"]["uf1"] == {"difference": 0.0, "interval": [0.0, 0.0]}
    assert result["warnings"] == []


def test_run_and_its_own_log_are_the_same(runs, capsys):
    result = compared(capsys, runs["weak"], runs["weak"] / "predictions-seed0.log")
    log = result["runs"][str(runs["weak"] / "predictions-seed0.log")]
    stored = json.loads((runs["weak"] / "results.json").read_text())
    assert log["uf1"] == pytest.approx(stored["per_seed"]["uf1"][0])
    assert log["n_own"] == 36


def test_only_common_clips_are_compared(runs):
    predictions = {name: load_predictions(path) for name, path in runs.items()}
    predictions["strong"] = predictions["strong"].take(np.arange(30)[::-1])
    result = compare_predictions(predictions)
    assert result.n == 30
    assert result.warnings == ("weak has 36 clips, of which the 30 that all share are compared",)
    whole = compare_predictions({"weak": predictions["weak"].take(range(30))})
    assert result.runs["weak"].uf1 == whole.runs["weak"].uf1


SPELLINGS = {
    # As the organisers' label file and MACE's composite, and as MACE's single data sets.
    "composite.log": {"casme2": "sub{:02d}", "samm": "{}", "smic": "s{:02d}"},
    "single.log": {"casme2": "{:02d}", "samm": "{:03d}", "smic": "{}"},
}


def spelt_logs(folder: Path) -> list[Path]:
    paths = []
    for name, spelling in SPELLINGS.items():
        samples = [(d, spelling[d].format(int(s)), *rest) for d, s, *rest in known_samples()]
        paths.append(folder / name)
        paths[-1].write_text(megc_text(samples))
    return paths


def test_clips_are_paired_however_they_are_spelt(tmp_path, capsys):
    result = compared(capsys, *spelt_logs(tmp_path))
    assert (result["n"], result["subjects"]) == (442, 68)
    assert result["warnings"] == []
    assert result["benchmark"]["deviations"] == []
    for row in result["runs"].values():
        assert row["uf1"] == pytest.approx(0.7353, abs=5e-5)
        assert row["ahead"]["uf1"] == {"difference": 0.0, "interval": [0.0, 0.0]}


def test_a_database_that_is_gone_is_said(tmp_path, capsys):
    whole, other = spelt_logs(tmp_path)
    part = [sample for sample in known_samples() if sample[0] == "casme2"]
    other.write_text(megc_text(part))
    assert main(["compare", str(whole), str(other), "--no-published"]) == 0
    printed = capsys.readouterr().out
    assert "145 clips of 24 subjects, predicted by all; these are not the 442" in printed
    assert f"of which the 145 that all share are compared; {other} has none of" in printed
    assert "has none of samm (133), smic (164)" in printed


def test_integers_and_names_are_one_class_set(tmp_path, capsys):
    named, numbered = spelt_logs(tmp_path)
    named.write_text(megc_text([(*s[:3], *(CLASSES[k] for k in s[3:])) for s in known_samples()]))
    for pair in ((named, numbered), (numbered, named)):
        result = compared(capsys, *pair)
        assert result["classes"] == list(CLASSES)
        assert result["n"] == 442


def test_what_cannot_be_compared_is_refused(runs):
    predictions = {name: load_predictions(path) for name, path in runs.items()}
    other = replace(predictions["weak"], clips=tuple(f"x/{c}" for c in predictions["weak"].clips))
    with pytest.raises(DataError, match="no clip in common"):
        compare_predictions({"a": predictions["weak"], "b": other})
    wrong = replace(predictions["weak"], labels=(predictions["weak"].labels + 1) % 3)
    with pytest.raises(DataError, match="disagree about the true class of 36 clips"):
        compare_predictions({"a": predictions["weak"], "b": wrong})
    renamed = replace(predictions["weak"], classes=("a", "b", "c"))
    with pytest.raises(DataError, match="the classes differ"):
        compare_predictions({"a": predictions["weak"], "b": renamed})


def test_text_with_published_numbers(capsys):
    assert main(["compare", "--benchmark", "megc2019"]) == 0
    printed = capsys.readouterr().out
    for words in ("STSTNet", "0.7353/0.7605 (UAR 0.7186)", "UAR is macro-precision", "HTNet"):
        assert words in printed
    # What else is known, and where it was seen.
    assert "main_HTNet.py; users report UF1 0.648 to 0.655 without that choice" in printed
    assert "no best epoch" in printed
    (causal,) = (r for r in published_results("megc2019") if r.method == "CausalNet")
    assert causal.remarks == ("best test epoch", "settings tuned on it")
    assert "best test epoch" in printed


def test_published_numbers_are_well_formed():
    results = published_results()
    assert len(results) > 20
    for result in results:
        assert bool(result.parts) == (result.verified != "code")
        assert result.source
        assert result.verified != "code" or result.best_test_epoch is not None
        for name, figures in result.parts.items():
            assert name == "full" or name in BENCHMARKS[result.benchmark].databases
            for value in (figures.uf1, figures.uar, figures.accuracy, figures.true_uar):
                assert value is None or 0 < value < 1
    flagged = {result.method for result in published_results("megc2019") if result.best_test_epoch}
    assert flagged == {
        "HTNet", "CausalNet", "SLSTT", "CapsuleNet", "EMR", "STSTNet, best test epoch (meb)",
        "OFF-ApexNet, best test epoch (meb)",
    }  # fmt: skip
    for method in ("RCN", "STSTNet", "STSTNet, PyTorch (authors)"):
        assert next(r for r in results if r.method == method).best_test_epoch is False
    capsule = next(result for result in results if result.method == "CapsuleNet")
    assert "n is not 442" in capsule.remarks


def test_published_on_other_protocols(capsys):
    results = published_elsewhere()
    for result in results:
        assert bool(result.figures) == (result.verified != "code")
        assert result.source
        assert all(0 < value < 1 for value in result.figures.values())
    flagged = {result.method for result in results if result.best_test_epoch}
    assert flagged == {
        "OFF-ApexNet (ECNU's run)", "STSTNet (ECNU's run)", "Dual-Inception (ECNU's run)",
        "MACNN (ECNU's reading)", "Micro-Attention (ECNU's reading)", "Off-TANet", "mini-AORCNN",
        "HLoRA-MER", "AUW-GCN",
    }  # fmt: skip
    assert main(["compare", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["elsewhere"]) == len(results)
    assert main(["compare"]) == 0
    printed = capsys.readouterr().out
    for words in (
        "published on SAMM long videos", "ME-TST", "f1 0.2167, strs 0.1356", "0.6660",
        "f1 0.1984, f1_overall 0.3728",
    ):  # fmt: skip
        assert words in printed
    assert "SLSTT" in printed
    assert "best test epoch; no figures" in printed


def test_published_on_several_labels_of_a_clip(runs, capsys):
    assert main(["compare", "--benchmark", "cd6me"]) == 0
    printed = capsys.readouterr().out
    assert "published on CD6ME, action units" in printed
    assert "SSSNet (meb's run)" in printed
    assert "SAMM long videos" not in printed
    assert main(["compare", str(runs["weak"]), "--benchmark", "cd6me"]) == 2
    assert "mace evaluate --protocol.benchmark cd6me" in capsys.readouterr().err
    assert main(["compare", "--benchmark", "four_dme-5"]) == 0
    assert "no published numbers are known" in capsys.readouterr().out
    with pytest.raises(ConfigError, match=r"benchmark is 'megc2020', expected one of megc2019"):
        mace.compare(benchmark="megc2020")


def test_bad_requests(runs, tmp_path, capsys):
    assert main(["compare", str(runs["weak"]), str(runs["weak"])]) == 2
    assert "named twice" in capsys.readouterr().err
    assert main(["compare", str(tmp_path / "nowhere")]) == 3
    assert "nowhere" in capsys.readouterr().err
    assert main(["compare", str(tmp_path)]) == 3
    assert "holds no evaluation" in capsys.readouterr().err


def test_comparing_needs_no_jax(runs):
    code = (
        "import sys; from mace.cli import main; "
        f"code = main(['compare', *{[str(path) for path in runs.values()]!r}]); "
        "sys.exit('jax was imported' if 'jax' in sys.modules else code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_table_tells_long_paths_apart(runs, tmp_path, capsys):
    shown = {"a": runs["weak"], "b": runs["strong"]}
    for name, run in shown.items():
        shutil.copytree(run, tmp_path / name / "run")
    folders = [str(tmp_path / name / "run") for name in shown]
    assert main(["compare", *folders, "--no-published"]) == 0
    printed = capsys.readouterr().out
    for name, folder in zip(shown, folders, strict=True):
        assert f"{name}/run: {folder}\n" in printed
        assert f"| {name}/run " in printed
    logs = [f"{folder}/predictions-seed0.log" for folder in folders]
    assert main(["compare", *logs, "--no-published"]) == 0
    printed = capsys.readouterr().out
    assert f"run 1: {logs[0]}\nrun 2: {logs[1]}\n" in printed
    assert "| run 2 " in printed
