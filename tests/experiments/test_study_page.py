"""The page and its figures, from results that need no training."""

import numpy as np

from mace.config import config_hash
from mace.experiments.loss_schemes import STUDY_OF
from mace.experiments.studies import STUDIES
from mace.experiments.study_figures import Line, draw_dots, draw_lines
from mace.experiments.study_page import PAGE, figure_path, page, section
from mace.experiments.study_results import append_row, pool


def result(name: str, key: str, seed: int, rate: float):
    rng = np.random.default_rng(seed)
    predictions = []
    for person in range(6):
        truth = rng.integers(0, 5, 12)
        predicted = np.where(rng.random(12) < rate, truth, (truth + 1) % 5)
        predictions.append(
            [f"synthetic/s{person}", *("".join(map(str, x)) for x in (truth, predicted))]
        )
    # Truth must not depend on the rate.
    return {
        "setting": name,
        "key": key,
        "seed": seed,
        "classes": list("abcde"),
        "predictions": predictions,
        "extra": {"field": 1.0, "ratio": 1.0 + seed, "epochs": None},
    }


def test_section_without_results_says_so(tmp_path):
    text = section(STUDY_OF, tmp_path)
    assert text.startswith("## Which loss holds up")
    assert "**Not run yet**" in text
    assert ".svg" not in text


def test_unfinished_study_says_so_and_compares_what_is_there(tmp_path):
    for setting, rate in zip(STUDY_OF.sweep(), (0.9, 0.2, 0.2, 0.9), strict=False):
        append_row(
            tmp_path / "loss_schemes.jsonl",
            result(setting.name, config_hash(setting), seed=0, rate=rate),
        )
    # A line of an earlier recipe does not count.
    append_row(tmp_path / "loss_schemes.jsonl", result("old", "0" * 12, seed=0, rate=1.0))
    text = section(STUDY_OF, tmp_path)
    assert "**Not finished**: 4 of 18 settings have results." in text
    assert "- weighted, 1 to 1 against cross_entropy, 1 to 1: +0.000" in text
    assert "**no difference seen**" in text
    assert "old" not in text.split("|")


def test_figures_come_out_the_same_twice_and_are_small():
    settings = {
        name: pool(name, [result(name, name, seed=0, rate=rate)])
        for name, rate in (("first", 0.9), ("second", 0.3))
    }
    lines = [Line(name, ((1.0, pooled), (5.0, pooled))) for name, pooled in settings.items()]
    for draw in (
        lambda: draw_dots(settings, groups=(1,)),
        lambda: draw_lines(lines, x="ratio", log=True),
        lambda: draw_lines(lines, x="ratio", joined=False),
    ):
        drawn = draw()
        assert drawn == draw()
        assert b"<svg" in drawn
        assert b"<dc:date>" not in drawn
        assert len(drawn) < 60_000


def test_page_has_every_study_and_the_command_of_every_figure():
    text = page(STUDIES)
    assert "All faces are rendered" in text
    for study in STUDIES:
        assert study.about.split("\n")[0] in text
        assert f"`python -m mace.experiments.{study.name}`" in text.replace("\n", " ")
        shown = f"experiments/{study.name}.svg" in text
        # A figure is drawn from results or not at all.
        assert shown == figure_path(study).exists()
        if shown:
            assert f"`python -m mace.experiments.{study.name} page`" in text


def test_committed_page_is_what_the_committed_results_make():
    assert PAGE.read_text(encoding="utf-8") == page(STUDIES)
