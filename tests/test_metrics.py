import numpy as np
import pytest
from jaxtyping import jaxtyped
from sklearn.metrics import f1_score, precision_score, recall_score
from typechecking import typechecker

from mace import metrics
from mace.errors import DataError

pytestmark = pytest.mark.accelerator

# A published log of 442 clips (negative, positive, surprise); its paper prints precision as UAR.
PUBLISHED = np.array([[219, 22, 9], [40, 62, 7], [21, 3, 59]])


def test_scores_of_the_published_log():
    assert metrics.uf1(PUBLISHED) == pytest.approx(0.7353, abs=5e-5)
    assert metrics.uar(PUBLISHED) == pytest.approx(0.7186, abs=5e-5)
    assert metrics.accuracy(PUBLISHED) == pytest.approx(0.7692, abs=5e-5)
    assert metrics.macro_precision(PUBLISHED) == pytest.approx(0.7605, abs=5e-5)


def test_scores_by_hand():
    counts = np.array([[3, 1], [2, 4]])
    assert metrics.accuracy(counts) == pytest.approx(7 / 10)
    assert metrics.uar(counts) == pytest.approx((3 / 4 + 4 / 6) / 2)
    assert metrics.macro_precision(counts) == pytest.approx((3 / 5 + 4 / 5) / 2)
    assert metrics.uf1(counts) == pytest.approx((6 / 9 + 8 / 11) / 2)
    assert metrics.weighted_f1(counts) == pytest.approx(0.4 * 6 / 9 + 0.6 * 8 / 11)
    first = metrics.per_class(counts)[0]
    assert first == metrics.ClassScores(3 / 5, 3 / 4, 6 / 9, 4)


def test_scores_agree_with_scikit_learn():
    rng = np.random.default_rng(0)
    truth, prediction = rng.integers(0, 4, 200), rng.integers(0, 4, 200)
    counts = metrics.confusion_matrix(truth, prediction, 4)
    assert metrics.uf1(counts) == pytest.approx(f1_score(truth, prediction, average="macro"))
    assert metrics.uar(counts) == pytest.approx(recall_score(truth, prediction, average="macro"))
    weighted = f1_score(truth, prediction, average="weighted")
    assert metrics.weighted_f1(counts) == pytest.approx(weighted)
    precision = precision_score(truth, prediction, average="macro")
    assert metrics.macro_precision(counts) == pytest.approx(precision)


def test_rows_are_the_truth():
    counts = metrics.confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), 3)
    assert counts.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]


def test_class_without_a_sample_is_left_out_of_the_means():
    counts = np.array([[2, 0, 1], [0, 3, 0], [0, 0, 0]])
    scores = metrics.per_class(counts)
    assert np.isnan([scores[2].precision, scores[2].recall, scores[2].f1]).all()
    assert scores[2].support == 0
    # The clip taken for the absent class still costs the first class a hit.
    assert metrics.uar(counts) == pytest.approx((2 / 3 + 1) / 2)
    assert metrics.uf1(counts) == pytest.approx((4 / 5 + 1) / 2)
    assert metrics.weighted_f1(counts) == pytest.approx(0.5 * 4 / 5 + 0.5)


def test_class_never_predicted_scores_zero():
    counts = np.array([[3, 0], [2, 0]])
    assert metrics.per_class(counts)[1] == metrics.ClassScores(0.0, 0.0, 0.0, 2)
    assert metrics.uf1(counts) == pytest.approx((6 / 8) / 2)


def test_majority_baseline_of_the_published_log():
    majority = metrics.majority_baseline(PUBLISHED)
    assert majority.tolist() == [[250, 0, 0], [109, 0, 0], [83, 0, 0]]
    assert metrics.accuracy(majority) == pytest.approx(250 / 442)
    assert metrics.uar(majority) == pytest.approx(1 / 3)


def test_stacked_matrices_score_like_single_ones():
    stack = np.stack([PUBLISHED, PUBLISHED.T, metrics.majority_baseline(PUBLISHED)])
    assert stack.dtype == np.int64
    scores = metrics.class_mean(metrics.class_f1(stack))
    assert scores.tolist() == [metrics.uf1(counts) for counts in stack]


def test_annotated_shapes_hold():
    for function in (metrics.class_f1, metrics.class_recall, metrics.class_precision):
        checked = jaxtyped(function, typechecker=typechecker)
        assert checked(np.stack([PUBLISHED, PUBLISHED])).shape == (2, 3)
    assert jaxtyped(metrics.class_mean, typechecker=typechecker)(np.ones((2, 3))).shape == (2,)


@pytest.mark.parametrize("score", [metrics.uf1, metrics.uar, metrics.accuracy, metrics.weighted_f1])
def test_empty_matrix_is_an_error(score):
    with pytest.raises(DataError, match="without a sample"):
        score(np.zeros((3, 3), np.int64))


def test_bad_labels_are_errors():
    with pytest.raises(DataError, match="expected 0 to 1"):
        metrics.confusion_matrix(np.array([0, 2]), np.array([0, 1]), 2)
    with pytest.raises(DataError, match="2 true labels but 1"):
        metrics.confusion_matrix(np.array([0, 1]), np.array([0]), 2)
