"""`mace.cross_validate`, `mace.score`, `mace.compare` and `mace.audit` on arrays of one's own."""

import importlib

import flax.linen as nn
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import (
    KFold,
    LeaveOneGroupOut,
    ShuffleSplit,
    StratifiedKFold,
    cross_val_predict,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import mace
from mace.classifiers import NetworkClassifier
from mace.errors import ConfigError, DataError, TrainingError
from mace.evaluation.own_classifier import classifier_code
from mace.models.config import ModelConfig


class Own(nn.Module):
    """A network of somebody's own, in a few lines."""

    @nn.compact
    def __call__(self, x):
        x = nn.relu(nn.Conv(8, (3, 3), strides=2)(x))
        return nn.Dense(2)(x.mean((1, 2)))


def arrays(shape=(8, 6, 3), people=4, bright=0.6):
    """Images of two classes, as many a person, and so noisy that not all can be told apart."""
    rng = np.random.default_rng(0)
    y, groups = np.tile(["calm", "surprised"], 2 * people), np.repeat(np.arange(people), 4)
    X = rng.normal(size=(len(y), *shape)).astype(np.float32)
    return X + bright * (y == "surprised").reshape(-1, *[1] * len(shape)), y, groups


def test_a_table_gives_what_scikit_learn_gives():
    X, y, groups = arrays(shape=(5,))
    classifier = make_pipeline(StandardScaler(), LogisticRegression())
    scores = mace.cross_validate(classifier, X, y, groups)
    folds = {"groups": groups, "cv": LeaveOneGroupOut()}
    rows = scores.predictions.query("method == 'StandardScaler + LogisticRegression'")
    predicted = cross_val_predict(classifier, X, y, **folds)
    np.testing.assert_array_equal(rows["prediction"], predicted)
    likely = cross_val_predict(classifier, X, y, method="predict_proba", **folds)
    np.testing.assert_allclose(rows[["p_calm", "p_surprised"]], likely, atol=1e-6)
    assert scores.accuracy == pytest.approx((predicted == y).mean())
    assert scores.uf1 == pytest.approx(mace.score(y, predicted, groups).uf1)
    low, high = scores.interval
    assert low <= scores.uf1 <= high


def test_a_network_gives_what_scikit_learn_gives_on_the_same_seed():
    X, y, groups = arrays(people=2)
    network = mace.NetworkClassifier(Own(), epochs=2, random_state=3)
    predicted = cross_val_predict(
        network, X, y, groups=groups, cv=LeaveOneGroupOut(), method="predict_proba"
    )
    for scores in (
        mace.cross_validate(network, X, y, groups),
        mace.cross_validate(network.set_params(random_state=0), X, y, groups, seeds=(3,)),
    ):
        rows = scores.predictions.query("method == 'Own'")
        np.testing.assert_allclose(rows[["p_calm", "p_surprised"]], predicted, atol=1e-6)


def test_names_modules_and_images_are_taken_as_they_are():
    X, y, groups = arrays(people=2, bright=3.0)
    assert mace.cross_validate(LogisticRegression(), X, y, groups).uf1 == 1.0
    named = mace.cross_validate(mace.NetworkClassifier("ststnet", epochs=1), X, y, groups)
    assert named.table().index.tolist() == ["ststnet", "majority"]
    assert named.table().loc["majority", "accuracy"] == 0.5
    assert "majority" in named._repr_html_()
    assert named.confusion.to_numpy().sum() == len(y)


def test_seeds_are_means_and_settings_are_chosen_within_the_training_people():
    X, y, groups = arrays(shape=(6,), people=5)
    tree = mace.cross_validate(DecisionTreeClassifier(max_features=1), X, y, groups, seeds=(0, 1))
    single = [
        mace.cross_validate(
            DecisionTreeClassifier(max_features=1, random_state=seed), X, y, groups
        ).uf1
        for seed in (0, 1)
    ]
    assert single[0] != single[1]
    assert tree.uf1 == pytest.approx(np.mean(single))
    chosen = mace.cross_validate(SVC(), X, y, groups, choose={"gamma": [1e6, "scale"]})
    assert chosen.uf1 == mace.cross_validate(SVC(), X, y, groups).uf1
    assert chosen.chosen["fold"].tolist() == [f"own/{person}" for person in range(5)]
    assert set(chosen.chosen["chosen"]) == {"settings by inner folds: gamma='scale'"}
    assert mace.audit(chosen).clean


def test_nothing_of_a_test_person_reaches_a_choice():
    X, y, groups = arrays(shape=(6,), people=5)
    other = np.where(groups == 2, np.where(y == "calm", "surprised", "calm"), y)
    moved = X.copy()
    moved[groups == 2] += 7.0
    before, after = (
        mace.cross_validate(SVC(), X, y, groups, choose={"C": [0.1, 1.0, 10.0]}).evaluation,
        mace.cross_validate(SVC(), moved, other, groups, choose={"C": [0.1, 1.0, 10.0]}).evaluation,
    )
    fold = "own/2"
    first, second = (run.methods["network"].histories[0][fold] for run in (before, after))
    assert first == second


def test_an_interrupted_run_is_gone_on_with(tmp_path):
    X, y, groups = arrays(shape=(5,))

    class Stops(LogisticRegression):
        left = 2

        def fit(self, X, y):
            if Stops.left == 0:
                raise KeyboardInterrupt
            Stops.left -= 1
            return super().fit(X, y)

    with pytest.raises(KeyboardInterrupt, match="run, and the same call goes on from there"):
        mace.cross_validate(Stops(), X, y, groups, out=tmp_path / "run")
    Stops.left = 2  # of four folds
    scores = mace.cross_validate(Stops(), X, y, groups, out=tmp_path / "run")
    assert Stops.left == 0
    assert scores.uf1 == mace.cross_validate(LogisticRegression(), X, y, groups).uf1
    assert mace.compare(tmp_path / "run", published=False).table()["uf1"].tolist() == [scores.uf1]


def test_data_frames_splitters_and_clips_of_nobody():
    X, y, groups = arrays(shape=(5,))
    frame = pd.DataFrame(X).add_prefix("feature ")
    scores = mace.cross_validate(LogisticRegression(), frame, y, cv=StratifiedKFold(4))
    assert scores.figures.subjects == len(y)
    assert "nobody says who shows which clip" in scores.remarks[0]
    by_people = mace.cross_validate(LogisticRegression(), frame, y, groups, cv=2)
    assert len(by_people.predictions) == 2 * len(y)
    with pytest.raises(DataError, match="each must be tested once"):
        mace.cross_validate(LogisticRegression(), X, y, cv=ShuffleSplit(3))


def test_a_report_is_a_page(tmp_path):
    X, y, groups = arrays(shape=(5,))
    scores = mace.cross_validate(LogisticRegression(), X, y, groups, name="Mine")
    page = scores.report(tmp_path / "page.html").read_text()
    assert "Mine" in page
    assert "reconstruction of MACNN" not in page
    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]
    assert scores.plot().get_title() == f"UF1 {scores.uf1:.3f}"


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"groups": None}, ConfigError, "groups is missing, the person of each clip"),
        ({"estimator": "stsnet"}, ConfigError, "did you mean ststnet"),
        (
            {"estimator": "Bi-WOOFF"},
            ConfigError,
            "did you mean bi_woof.*, kernel_ridge, and module",
        ),
        ({"estimator": Own}, ConfigError, r"give a network made of it, as in Own\(classes=3\)"),
        ({"estimator": object()}, ConfigError, "neither a classifier of scikit-learn's kind"),
        ({"y": ["calm"] * 16}, DataError, "one class"),
        ({"y": ["calm", None] * 8}, DataError, "y lacks a value for 8 of 16 clips"),
        ({"groups": [0.0, np.nan] * 8}, DataError, "groups lacks a value for 8 of 16 clips"),
        ({"cv": KFold(2, shuffle=True, random_state=0)}, DataError, "on both sides of fold 1"),
        ({"estimator": LogisticRegression}, ConfigError, "is a class; give a classifier made"),
        ({"estimator": LinearRegression()}, ConfigError, "predicts numbers, not classes"),
        ({"y": ["calm"] * 3}, DataError, "X holds 16 clips and y 3 labels"),
        ({"groups": [1, 2]}, DataError, r"groups have the shape \(2,\), expected \(16,\)"),
        ({"X": [["a"]] * 16}, DataError, "X cannot be read as numbers"),
        ({"cv": "loo"}, ConfigError, "cv is 'loo', expected 'loso'"),
        ({"seeds": ()}, ConfigError, "the seeds are"),
        ({"clips": ["a"] * 16}, DataError, "holds 'a' more than once"),
        ({"X": np.full((16, 2), np.nan)}, TrainingError, "fold own/0: ValueError: Input X"),
    ],
)
def test_mistakes_are_told_at_the_start(change, error, message):
    X, y, groups = arrays(shape=(5,))
    arguments = {"estimator": LogisticRegression(), "X": X, "y": y, "groups": groups} | change
    with pytest.raises(error, match=message):
        mace.cross_validate(**arguments)


def test_scores_of_arrays_are_those_of_their_counts():
    scores = mace.score(["a", "a", "b", "b"], ["a", "a", "b", "a"], groups=[1, 1, 2, 2])
    # F1 of a: 2 x 2 / (2 x 2 + 1) = 0.8; of b: 2 / (2 + 1) = 0.667.
    assert scores.uf1 == pytest.approx((0.8 + 2 / 3) / 2)
    assert scores.uar == pytest.approx(0.75)
    assert scores.per_class.loc["b", "recall"] == 0.5
    two = mace.score([0, 1], [[0, 1], [1, 1]])
    assert two.accuracy == pytest.approx(0.75)
    with pytest.raises(DataError, match="no label in common"):
        mace.score([0, 1, 1], [0.2, 0.7, 0.9])
    named = mace.score([0, 1], [0, 1], ["a", "b"], clips=["x", "y"])
    assert named.arrays.clips == ("own/a/x", "own/b/y")
    for truth, predicted in (([[1]], [1]), ([1, 2], [1]), ([], [])):
        with pytest.raises(DataError, match="shape"):
            mace.score(truth, predicted)


def test_a_log_is_scored_by_its_name(tmp_path):
    log = tmp_path / "mine.log"
    log.write_text("casme2 sub01\nEP01 0 0\nEP02 1 1\ncasme2 sub02\nEP03 1 0\nEP04 0 0\n")
    scores = mace.score(log, classes=("calm", "angry"))
    assert scores.figures.n == 4
    assert scores.accuracy == 0.75
    with pytest.raises(ConfigError, match="a log names its people itself"):
        mace.score(log, groups=[1, 1])
    with pytest.raises(ConfigError, match="is named twice"):
        mace.compare(log, log)


def test_folds_of_pairs_are_audited():
    X, y, groups = arrays(shape=(8, 8))
    X[5] = X[0]  # of two people
    folds = list(LeaveOneGroupOut().split(X, groups=groups))
    report = mace.audit(folds, X, y, groups)
    assert [finding.code for finding in report.findings] == ["picture-overlap"]
    assert report.table().index.tolist() == ["picture-overlap"]
    random = list(KFold(4, shuffle=True, random_state=0).split(X))
    codes = {finding.code for finding in mace.audit(random, groups=groups).findings}
    assert codes == {"subject-overlap"}
    shuffled = pd.Series(y, index=np.arange(len(y))[::-1])  # by position, whatever its index
    wrong = mace.audit(folds, None, shuffled, groups, predicted=y, accuracy=0.5)
    assert "accuracy" in wrong.findings[0].what
    with pytest.raises(ConfigError, match="is no split"):
        mace.audit(KFold(4), X, y, groups)
    with pytest.raises(ConfigError, match="groups is missing"):
        mace.audit(folds, X, y)
    with pytest.raises(DataError, match="fold 1 is no pair"):
        mace.audit([([0], [99])], groups=groups)


OWN = """
import flax.linen as nn

class Net(nn.Module):
    classes: int = 2

    @nn.compact
    def __call__(self, x):
        return nn.Dense(self.classes)(x.mean((1, 2)))
"""


def test_results_of_a_network_that_was_edited_are_not_found_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "edited_net.py").write_text(OWN)
    named, other = "edited_net:Net", NetworkClassifier("edited_net:Net", epochs=1)
    grid = {"network": ["edited_net:Net", "ststnet"]}
    cases = [
        (NetworkClassifier(named), None),
        (NetworkClassifier(ModelConfig(arch=named)), None),
        (make_pipeline(other), None),
        (NetworkClassifier("ststnet"), grid),
    ]
    before = [classifier_code(*case) for case in cases]
    assert before == [classifier_code(*case) for case in cases]
    (tmp_path / "edited_net.py").write_text(OWN.replace("mean", "max"))
    assert not set(before) & {classifier_code(*case) for case in cases}


def test_an_edited_file_whose_class_is_loaded_is_refused(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "loaded_net.py").write_text(OWN)
    classifier = NetworkClassifier(importlib.import_module("loaded_net").Net())
    classifier_code(classifier, None)
    (tmp_path / "loaded_net.py").write_text(OWN.replace("mean", "max"))
    with pytest.raises(ConfigError, match=r"loaded_net\.py, or what it imports, has changed since"):
        classifier_code(classifier, None)
