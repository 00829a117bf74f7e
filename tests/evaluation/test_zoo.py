"""The zoo's table and page: what is known of each network, and nothing that was not measured."""

import dataclasses
import functools
import json
from pathlib import Path

import jax
import pytest

from mace.cli import main
from mace.errors import ConfigError, DataError
from mace.evaluation.zoo.evaluate import zoo_recipe
from mace.evaluation.zoo.page import zoo_page
from mace.evaluation.zoo.results import (
    Result,
    check_alike,
    read_results,
    verdict,
    write_results,
)
from mace.evaluation.zoo.rows import network_rows
from mace.models.apply import count_parameters, init_model
from mace.models.make import make_model
from mace.models.networks import NETWORKS
from mace.models.presets import MODELS
from mace.recipes import FLOW

DOCS = Path(__file__).parents[2] / "docs"
RESULT = Result(
    dataset="a", folds="6 folds by subject", network="ststnet", size=28, weights=1683, epochs=1,
    batch_size=32, recipe="0123", data="4567", classes=3, seeds=1,
    clips=9, people=3, uf1=0.5, uf1_low=0.4, uf1_high=0.6, uar=0.5, uar_low=0.4, uar_high=0.6,
    ridge_uf1=0.55, ahead=-0.05, ahead_low=-0.1, ahead_high=0.02, seconds=1.5, revision="abc",
)  # fmt: skip


def test_every_network_has_a_line(capsys):
    assert main(["zoo", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    names = [row["name"] for row in rows]
    assert names[:5] == [
        "macnn", "macnn_no_dilation", "macnn_single_scale", "macnn_no_residual", "resnet",
    ]  # fmt: skip
    assert names[5:] == [*list(NETWORKS)[2:], "lbp_top", "bi_woof", "kernel_ridge"]
    weights = {row["name"]: row["weights"] for row in rows}
    for name in names[:5]:
        shapes = jax.eval_shape(
            lambda: init_model(make_model(MODELS[name], 3), jax.random.key(0), (64, 64, 3))  # noqa: B023
        )
        assert weights[name] == count_parameters(shapes)
    published = {row["name"]: row["published UF1 / UAR"] for row in rows}
    assert published["htnet"] == "0.8603 / 0.8475 (best test epoch)"
    assert published["ststnet"] == "0.7209 / 0.7250 (no best epoch)"
    assert published["sssnet"] == "0.7618 / - (no best epoch)"
    assert published["rcn_a"] == "0.7432 / 0.7190 (no best epoch; quoted)"
    assert published["macnn_ecnu"].startswith("0.6660 / 0.6835 (294 clips of CASME, CASME II")
    assert published["bi_woof"] == "0.6296 / 0.6227"  # without an epoch, none is chosen
    published_rows = {name for name, text in published.items() if not text.startswith("none")}
    named = {name for name, row in NETWORKS.items() if row.published}
    assert published_rows == named | {"lbp_top", "bi_woof"}
    seen = {row["name"]: row["seen"] for row in rows}
    assert "users report UF1 0.648 to 0.655 without that choice" in seen["htnet"]
    assert seen["macnn"] == ""
    assert main(["zoo", "--networks", "htnet"]) == 0
    printed = capsys.readouterr().out
    assert "are those of MEGC 2019's composite" in printed
    assert f"  HTNet: {seen['htnet']}" in printed
    assert main(["zoo", "--networks", "alexnet"]) == 2
    said = capsys.readouterr().err
    assert "there is no network 'alexnet'; did you mean off_apexnet? there are: macnn, " in said
    assert "lbp_top, bi_woof, kernel_ridge" in said
    # A smaller MACNN is none of the field's, and has neither its weights nor its scores.
    assert main(["zoo", "--networks", "macnn_small"]) == 2
    capsys.readouterr()


def test_without_a_data_set_nothing_says_how_to_train(tmp_path, capsys):
    assert main(["zoo", "--classes", "3", "--seeds", "5", "--out", str(tmp_path)]) == 2
    assert "--classes, --seeds, --out would say how" in capsys.readouterr().err
    assert main(["zoo", "--recipe.train.epochs", "2"]) == 2
    assert "--recipe would say how" in capsys.readouterr().err


def test_a_recipe_is_that_of_a_macnn():
    model = MODELS["ststnet"]
    recipe = dataclasses.replace(FLOW, train=dataclasses.replace(FLOW.train, model=model))
    with pytest.raises(ConfigError, match="networks are named by --networks"):
        zoo_recipe(recipe, "macnn", fixed_size=False)
    assert zoo_recipe(FLOW, "macnn", fixed_size=False) == FLOW
    plain = zoo_recipe(FLOW, "macnn_no_residual", fixed_size=False)
    assert plain.train.model == dataclasses.replace(FLOW.train.model, residual=False)


def test_a_file_of_ones_own_is_looked_into_before_anything_is_trained(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    lines = [
        "import flax.linen as nn",
        "class Mine(nn.Module):",
        "    classes: int = 3",
        "number = 3",
    ]
    Path("zoo_of_mine.py").write_text("\n".join(lines))
    asked = ["zoo", "--networks", "ststnet"]
    assert main([*asked, "zoo_of_mine:Mine"]) == 0
    assert "your own" in capsys.readouterr().out
    for name, said in {"Mime": "has no Mime", "number": "does not make a network"}.items():
        assert main([*asked, f"zoo_of_mine:{name}", "--dataset", "synthetic/tiny"]) == 2
        assert said in capsys.readouterr().err


def test_the_page_is_what_the_command_writes():
    page = (DOCS / "zoo.md").read_text(encoding="utf-8")
    command = "mace zoo --results docs/zoo.csv --page docs/zoo.md"
    assert page == zoo_page(read_results(DOCS / "zoo.csv"), command=command)
    for row in network_rows():
        assert f"| {row['name']} | {row['network']} |" in page


def test_a_page_without_a_table_is_refused(tmp_path, capsys):
    page = tmp_path / "zoo.md"
    page.write_text("as it was")
    for options in ([], ["--results", str(tmp_path / "mistyped.csv")]):
        assert main(["zoo", "--page", str(page), *options]) == 2
        assert "is no table" in capsys.readouterr().err
    assert page.read_text() == "as it was"


def test_results_take_the_place_of_older_ones(tmp_path):
    path = tmp_path / "zoo.csv"
    other = dataclasses.replace(RESULT, network="mine:Tiny", uf1=0.7)
    assert read_results(path) == []
    write_results(path, [RESULT, other])
    newer = dataclasses.replace(RESULT, uf1=0.6)
    assert write_results(path, [newer]) == read_results(path) == [newer, other]
    loso = dataclasses.replace(RESULT, folds="leave one subject out")
    assert write_results(path, [loso]) == [newer, other, loso]
    page = zoo_page([newer, other], command="mace zoo --page mine.md")
    assert "Written by `mace zoo --page mine.md`" in page
    assert "### a, 6 folds by subject" in page
    assert "Not trained here: macnn, macnn_no_dilation, " in page
    assert "published scores above are of three" not in page
    assert "9 clips of 3 people, 3 classes. Weights" in page
    assert "| STSTNet | 28 px | 1,683 | 1 | 1 | 0.600 [0.400, 0.600] |" in page
    assert "| mine:Tiny |" in page
    assert "are of three" in zoo_page([dataclasses.replace(newer, classes=5)], command="")
    path.write_text(path.read_text().replace(",0.6,", ",much,"))
    with pytest.raises(DataError, match="is no table of `mace zoo`: setting uf1"):
        read_results(path)
    path.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="is no table of `mace zoo`"):
        read_results(path)


def test_rows_of_a_table_are_trained_alike(tmp_path):
    alike = functools.partial(
        check_alike, [RESULT], dataset="a", folds=RESULT.folds, path=tmp_path / "zoo.csv"
    )
    alike("htnet", recipe="0123", seeds=1, classes=3, clips=9, people=3, size=28, data="4567")
    for other in ({"clips": 8}, {"recipe": "89"}, {"seeds": 3}, {"size": 28, "data": "89"}):
        name = list(other)[-1]
        with pytest.raises(ConfigError, match=f"ststnet on a, 6 folds by subject, has {name} "):
            alike("htnet", **other)
    # Images of another size are others; what is no network has one seed; other folds, another
    # table.
    alike("rcn_a", size=60, data="89")
    alike("bi_woof", seeds=3)
    check_alike([RESULT], "htnet", dataset="a", folds="7 folds", path=tmp_path, recipe="89")


def test_a_row_that_is_to_be_trained_anew_does_not_stay_as_it_was(tmp_path):
    path = tmp_path / "zoo.csv"
    other = dataclasses.replace(RESULT, network="mine:Tiny")
    elsewhere = dataclasses.replace(RESULT, dataset="b")
    write_results(path, [RESULT, other, elsewhere])
    newer = dataclasses.replace(RESULT, recipe="89")
    assert write_results(path, [newer]) == [elsewhere, newer]


def test_a_lead_whose_interval_holds_nothing_is_none():
    assert verdict(RESULT) == "no better"
    assert verdict(dataclasses.replace(RESULT, ahead_low=0.01)) == "better"
    assert verdict(dataclasses.replace(RESULT, ahead_high=-0.01)) == "worse"
    # Kernel ridge is what the others are compared with.
    assert verdict(dataclasses.replace(RESULT, network="kernel_ridge")) == ""
