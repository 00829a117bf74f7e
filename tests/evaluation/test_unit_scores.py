"""Action units in the place of classes: present or absent, each on its own."""

from dataclasses import replace

import numpy as np
import pytest
from evaluation_cases import Guess, make_set

from mace.adaptation.config import AdaptConfig
from mace.errors import ConfigError, DataError
from mace.evaluation.action_units import evaluate_units
from mace.evaluation.config import (
    EvaluationConfig,
    KernelRidgeConfig,
    SearchSpace,
    ZeroShotConfig,
)
from mace.evaluation.loading import load_evaluation
from mace.evaluation.methods.bundles import bundle_for
from mace.evaluation.methods.windows import fit_window
from mace.inputs import with_units
from mace.motion.config import MotionConfig
from mace.pretrained.bundle_files import PACKAGED, bundle_file
from mace.protocols.folds import loso

SET = replace(
    make_set(subjects=4, clips=6, size=28, noise=0.3),
    motion=MotionConfig(size=28, flow="images"),
    fingerprint="",
)
# Whatever moves at the top is AU1, in the middle AU9, at the bottom AU17; one clip names none.
LISTED = tuple(map(frozenset, np.array([["1"], ["9"], ["17"]])[SET.labels].tolist()))
FIXED = SearchSpace(sizes=(28,), strengths=(1.0,), averages=(False,))
CONFIG = EvaluationConfig(
    zero_shot=ZeroShotConfig(bundle=bundle_file(PACKAGED)),
    seeds=(0,),
    explain=False,
    logistic_regression=None,
    svm=None,
    kernel_ridge=KernelRidgeConfig((0.5,), FIXED),
)


def evaluated(units, out, *, known=("1", "9", "17", "12"), lines=None, config=CONFIG):
    return evaluate_units(
        replace(SET, units=units, fingerprint=""),
        config=config,
        known=known,
        run_dir=out,
        title="MACNN",
        description={},
        command="mace evaluate",
        workers=0,
        log=(lines if lines is not None else []).append,
    ).units


def test_every_unit_is_a_problem_of_its_own(tmp_path):
    lines = []
    table = evaluated((frozenset(), *LISTED[1:]), tmp_path, known=("1", "9"), lines=lines)
    assert table["unit"].tolist() == ["AU1", "AU9", "mean of 2"]
    assert table["clips"].tolist()[:2] == [7, 8]  # the first clip, AU1, is left out
    assert (table["of"][:2] == 23).all()
    # What moves in three places is learnt by a ridge; nobody has told it which clips are tested.
    assert (table["kernel_ridge f1"] > 0.9).all()
    assert table["majority f1"].tolist() == [0, 0, 0]
    mean = table["network auc"][:2].mean()
    assert table["network auc"][2] == pytest.approx(mean)
    assert any("left out" in line and "AU17" in line for line in lines)
    stored = (tmp_path / "units.csv").read_text().splitlines()
    assert stored[0].startswith("unit,clips,of,")
    assert len(stored) == 4
    assert (tmp_path / "AU9" / "results.json").is_file()


def test_units_are_read_in_the_window_that_fits_the_other_people(tmp_path):
    few = AdaptConfig(shift=0.1, step=0.1, heights=(1.0,), widths=(1.0,), conventions=False)
    config = replace(CONFIG, zero_shot=replace(CONFIG.zero_shot, adapt=few))
    evaluated(LISTED, tmp_path, known=("1", "9"), config=config)
    first, second = (load_evaluation(tmp_path / unit) for unit in ("AU1", "AU9"))
    windows = {
        fold: figures["windows"] for fold, figures in first.methods["network"].histories[0].items()
    }
    assert set(windows) == set(SET.subjects)
    assert all(
        figures["windows"] == windows[fold]
        for fold, figures in second.methods["network"].histories[0].items()
    )
    # Each is what the search gives for the other people's clips.
    bundle = bundle_for(config.zero_shot.bundle, SET)
    fold = loso(SET.groups, names=SET.subjects)[0]
    assert windows[fold.name] == pytest.approx(np.ravel(fit_window(bundle, SET, fold, few).windows))


def test_f1_is_that_of_the_pooled_predictions(tmp_path, monkeypatch):
    # Right with 7 of 10: tp, fp and fn are counted by hand below.
    monkeypatch.setattr("mace.evaluation.methods.make.make_network", lambda config: Guess(0.7))
    table = evaluated(LISTED, tmp_path, known=("1",))
    truth = SET.labels == 0
    predicted = np.zeros(len(SET), int)
    binary = replace(SET, labels=truth.astype(np.int32), classes=("absent", "present"))
    for fold in loso(SET.groups, names=SET.subjects):
        predicted[fold.test_index] = Guess(0.7)(binary, fold, seed=0, explain=False).predicted
    hits = int((predicted & truth).sum())
    f1 = 2 * hits / (2 * hits + int((predicted != truth).sum()))
    assert table["network f1"][0] == pytest.approx(f1)


def test_a_table_names_clips_by_the_end_of_their_names(tmp_path):
    table = tmp_path / "coding.csv"
    table.write_text("clip,aus\ns00/c0,4+7\nsynthetic/s01/c2,R12\nnobody,1\ns02/c1,\n")
    listing = with_units(SET, table)
    assert listing.fingerprint != SET.fingerprint
    assert {name: units for name, units in zip(SET.clips, listing.units, strict=True) if units} == {
        "synthetic/s00/c0": {"4", "7"},
        "synthetic/s01/c2": {"12"},
    }
    table.write_text("clip,aus\ns01/c2,14\n")
    again = dict(zip(SET.clips, with_units(listing, table).units, strict=True))
    assert again["synthetic/s00/c0"] == {"4", "7"}  # what the table does not name stays
    assert again["synthetic/s01/c2"] == {"14"}
    table.write_text("clip,aus\nc0,4\n")
    with pytest.raises(DataError, match=r"row 2: c0 may be synthetic/s00/c0 or synthetic/s01/c0"):
        with_units(SET, table)
    table.write_text("name,aus\nc0,4\n")
    with pytest.raises(DataError, match="no table with the columns clip"):
        with_units(SET, table)


def test_what_cannot_be_evaluated_is_said(tmp_path):
    with pytest.raises(DataError, match="no clip lists action units"):
        evaluated((), tmp_path)
    with pytest.raises(DataError, match="none can be told from another"):
        evaluated((frozenset({"4"}),) * len(SET), tmp_path)
    with pytest.raises(ConfigError, match="the network names none"):
        evaluated(LISTED, tmp_path, known=("26",))
