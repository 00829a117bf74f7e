"""One temperature that makes a network's probabilities mean what they say."""

import numpy as np
from jaxtyping import Float, Int

from mace.errors import DataError

_RANGE = (0.05, 20.0)
_FLOOR = 1e-12  # a probability of exactly 0 has no logarithm


def fit_temperature(
    probabilities: Float[np.ndarray, "n k"], labels: Int[np.ndarray, " n"]
) -> float:
    """Return the temperature with the least negative log-likelihood, between 0.05 and 20.

    Above 1 the probabilities were too sure of themselves. Fit it on people that the network was not
    trained on and that nothing is reported on, such as a fold's validation subjects.

    Args:
        probabilities: of every class, rows summing to 1; softmaxes of logits as well as means of
            several softmaxes.
        labels: the true classes.

    Raises:
        DataError: if there is nothing to fit on, or the labels do not fit the classes.

    Source: C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On calibration of modern neural networks",
    ICML 2017, section 4.2. Logarithms of probabilities stand in for logits, from which they differ
    by a constant that softmax forgets.
    """
    rows, classes = probabilities.shape
    if rows == 0 or labels.shape != (rows,) or labels.min() < 0 or labels.max() >= classes:
        raise DataError(
            f"a temperature was to be fitted on {rows} predictions with {classes} classes and "
            f"{labels.size} labels; give one label from 0 to {classes - 1} for each"
        )

    def loss(logarithm: float) -> float:
        cooled = temper(probabilities, float(np.exp(logarithm)))
        return float(-np.log(np.maximum(cooled[np.arange(rows), labels], _FLOOR)).mean())

    # Here, for it takes a third of the time in which `mace live` has to show its first label.
    from scipy.optimize import minimize_scalar

    low, high = np.log(_RANGE)
    found = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-4})
    return float(np.exp(found.x))  # pyright: ignore[reportAttributeAccessIssue]


def temper(
    probabilities: Float[np.ndarray, "*b k"], temperature: float
) -> Float[np.ndarray, "*b k"]:
    """Return softmax(log p / temperature); 1 changes nothing, more flattens."""
    logits = np.log(np.maximum(probabilities.astype(np.float64), _FLOOR)) / temperature
    logits -= logits.max(axis=-1, keepdims=True)
    raised = np.exp(logits)
    return raised / raised.sum(axis=-1, keepdims=True)
