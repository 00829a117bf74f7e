"""An evaluation as one long table: a row for each method, seed and clip."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mace.evaluation.config import NETWORK
from mace.evaluation.results import Evaluation
from mace.evaluation.store import DIGITS
from mace.files import write_text

if TYPE_CHECKING:
    import pandas as pd

FILE = "predictions.csv"


def long_table(evaluation: Evaluation) -> "pd.DataFrame":
    """Return every prediction of every method.

    Columns are `clip`, `subject`, `fold`, `seed`, `method`, `label`, `prediction` and, where the
    method gives probabilities, `p_` and the name of each class.
    """
    import pandas as pd

    classes = np.array(evaluation.classes, dtype=object)
    parts = []
    for name, method in evaluation.methods.items():
        for row, seed in enumerate(method.seeds):
            part = {
                "clip": evaluation.clips,
                "subject": [evaluation.subjects[group] for group in evaluation.groups],
                "fold": evaluation.folds,
                "seed": seed,
                "method": evaluation.title if name == NETWORK else name,
                "label": classes[evaluation.labels],
                "prediction": classes[method.predicted[row]],
            }
            if method.probabilities is not None:
                columns = method.probabilities[row].T
                part |= {f"p_{c}": p for c, p in zip(evaluation.classes, columns, strict=True)}
            parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True)


def write_long_table(folder: Path, evaluation: Evaluation) -> None:
    """Write the table as CSV into the folder of the evaluation.

    Raises:
        OutputError: if it cannot be written.
    """
    table = long_table(evaluation).round(DIGITS)
    write_text(folder / FILE, table.to_csv(index=False))
