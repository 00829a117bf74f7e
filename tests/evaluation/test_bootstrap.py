import numpy as np
import pytest
from jaxtyping import jaxtyped
from typechecking import typechecker

from mace import metrics
from mace.errors import ConfigError
from mace.evaluation.bootstrap import bootstrap, percentile_interval, subject_counts

checked_counts = jaxtyped(subject_counts, typechecker=typechecker)


def test_subject_counts_add_up_to_the_pooled_matrix():
    rng = np.random.default_rng(0)
    labels, predictions = rng.integers(0, 3, 50), rng.integers(0, 3, (2, 50))
    counts = checked_counts(labels, predictions, rng.integers(0, 7, 50), 3)
    assert counts.shape == (7, 2, 3, 3)
    for seed in range(2):
        pooled = metrics.confusion_matrix(labels, predictions[seed], 3)
        assert counts[:, seed].sum(axis=0).tolist() == pooled.tolist()


def test_interval_of_a_proportion_is_the_binomial_one():
    # With one clip a subject, drawing subjects is drawing clips: accuracy of n clips of which a
    # part p is right has the standard deviation sqrt(p (1 - p) / n).
    n, p = 400, 0.75
    labels = np.zeros(n, np.int64)
    predictions = (np.arange(n) >= p * n).astype(np.int64)[None]
    counts = subject_counts(labels, predictions, np.arange(n), 2)
    draws = bootstrap(counts, resamples=4000)
    assert draws.accuracy.std() == pytest.approx(np.sqrt(p * (1 - p) / n), rel=0.05)
    low, high = percentile_interval(draws.accuracy)
    assert low == pytest.approx(p - 1.96 * np.sqrt(p * (1 - p) / n), abs=0.006)
    assert high == pytest.approx(p + 1.96 * np.sqrt(p * (1 - p) / n), abs=0.006)


def test_clips_of_one_subject_count_as_one():
    # Ten subjects, all right or all wrong: 40 clips each tell no more than one.
    groups = np.repeat(np.arange(10), 40)
    predictions = (groups < 3).astype(np.int64)[None]
    counts = subject_counts(np.zeros(400, np.int64), predictions, groups, 2)
    assert bootstrap(counts).accuracy.std() == pytest.approx(np.sqrt(0.3 * 0.7 / 10), rel=0.06)


def test_draws_match_scoring_one_by_one():
    rng = np.random.default_rng(1)
    labels, predictions = rng.integers(0, 3, 60), rng.integers(0, 3, (2, 60))
    counts = subject_counts(labels, predictions, np.repeat(np.arange(6), 10), 3)
    draws = bootstrap(counts, resamples=20, seed=5)
    drawn = np.random.default_rng(5).multinomial(6, np.full(6, 1 / 6), size=20)
    for i, weights in enumerate(drawn):
        pooled = (weights[:, None, None, None] * counts).sum(axis=0)
        assert draws.uf1[i] == pytest.approx(
            np.mean([metrics.uf1(confusion) for confusion in pooled])
        )
        assert draws.uar[i] == pytest.approx(
            np.mean([metrics.uar(confusion) for confusion in pooled])
        )
        assert draws.accuracy[i] == pytest.approx(
            np.mean([metrics.accuracy(confusion) for confusion in pooled])
        )


def test_draws_are_paired_between_methods():
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 3, 60)
    counts = subject_counts(labels, rng.integers(0, 3, (1, 60)), np.repeat(np.arange(6), 10), 3)
    difference = bootstrap(counts).uf1 - bootstrap(counts).uf1
    assert percentile_interval(difference) == (0.0, 0.0)


def test_bad_settings_are_refused():
    with pytest.raises(ConfigError, match="0 bootstrap draws"):
        bootstrap(np.ones((2, 1, 2, 2), np.int64), resamples=0)
    with pytest.raises(ConfigError, match="confidence is 95"):
        percentile_interval(np.zeros(3), confidence=95)
