"""Scores as a notebook wants them: numbers, data frames, a picture of the confusion."""

import html
import shutil
import weakref
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from mace.evaluation.config import NETWORK
from mace.evaluation.long_table import long_table
from mace.evaluation.method_scores import BenchmarkCounts, MethodScores
from mace.evaluation.predictions import Predictions, predictions_of
from mace.evaluation.results import Evaluation
from mace.evaluation.store import RunFolder
from mace.evaluation.summary import summarise

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_COLUMNS = ("uf1", "uar", "accuracy")


class Scores:
    """What predictions are worth: from counts pooled over all clips, with intervals over people.

    Attributes:
        figures: every score.
        arrays: the predictions themselves, as labels by position.
        name: to show.
        benchmark: how the clips differ from those of a protocol, where one is known.
    """

    def __init__(
        self,
        figures: MethodScores,
        predictions: Predictions,
        *,
        benchmark: BenchmarkCounts | None = None,
    ) -> None:
        self.figures, self.arrays, self.name = figures, predictions, predictions.name
        self.benchmark = benchmark

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader of the scores must know, in sentences."""
        return self.arrays.remarks

    @property
    def uf1(self) -> float:
        """Unweighted F1: the mean of the classes' F1, each from counts over all clips."""
        return self.figures.uf1

    @property
    def uar(self) -> float:
        """Unweighted average recall, balanced accuracy."""
        return self.figures.uar

    @property
    def accuracy(self) -> float:
        """Part of the clips that are right."""
        return self.figures.accuracy

    @property
    def interval(self) -> tuple[float, float]:
        """Of `uf1`, 95 %: 2,000 random draws of whole people (cluster bootstrap)."""
        return self.intervals["uf1"]

    @property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """Those of `uf1`, `uar` and `accuracy`."""
        return dict(self.figures.intervals)

    @property
    def per_class(self) -> "pd.DataFrame":
        """Precision, recall, F1 and number of clips of each class."""
        import pandas as pd

        rows = {name: vars(scores) for name, scores in self.figures.per_class.items()}
        return pd.DataFrame.from_dict(rows, orient="index")

    @property
    def confusion(self) -> "pd.DataFrame":
        """Counts over all seeds: rows are the truth, columns the predictions."""
        import pandas as pd

        names = self.figures.classes
        return pd.DataFrame(
            self.figures.confusion,
            index=pd.Index(names, name="truth"),
            columns=pd.Index(names, name="prediction"),
        )

    def table(self) -> "pd.DataFrame":
        """Return a row for each method: scores with their intervals, clips, people, seeds."""
        import pandas as pd

        rows = {name: _row(figures) for name, figures in self._methods.items()}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("method")

    def plot(self, axes: "Axes | None" = None) -> "Axes":
        """Draw the confusion: shade and number are the part of the true class.

        Args:
            axes: where; a new figure without.
        """
        from matplotlib import pyplot as plt

        if axes is None:
            axes = plt.subplots(figsize=(4.5, 4))[1]
        counts = self.confusion
        share = counts.to_numpy() / np.maximum(counts.to_numpy().sum(axis=1, keepdims=True), 1)
        axes.imshow(share, cmap="Oranges", vmin=0, vmax=1.4)
        for (row, column), part in np.ndenumerate(share):
            text = f"{part:.0%}\n({counts.iloc[row, column]})"
            axes.text(column, row, text, ha="center", va="center", fontsize=9)
        axes.set_xticks(range(len(counts)), counts.columns, rotation=30, ha="right")
        axes.set_yticks(range(len(counts)), counts.index)
        axes.set(xlabel="prediction", ylabel="truth", title=f"UF1 {self.uf1:.3f}")
        return axes

    @property
    def _methods(self) -> Mapping[str, MethodScores]:
        return {self.name: self.figures}

    def __repr__(self) -> str:
        low, high = self.interval
        people = self.figures.subjects
        return (
            f"{self.name}: UF1 {self.uf1:.3f} [{low:.3f}, {high:.3f}], UAR {self.uar:.3f}, "
            f"accuracy {self.accuracy:.3f}; {self.figures.n} clips of {people} people"
        )

    def _repr_html_(self) -> str:
        remarks = "".join(f"<p>{html.escape(remark)}</p>" for remark in self.remarks)
        return self.table().to_html(float_format="{:.3f}".format) + remarks


class CrossValidation(Scores):
    """A finished cross-validation: scores, every prediction, and the folder it lies in.

    Attributes:
        summary: scores of every method, and what they belong to.
        evaluation: all of it, as tables and reports are made of it.
        folder: where it lies, in the form of `mace evaluate`: `mace audit`, `mace compare` and
            `mace report` read it. Of one without `out` it lasts as long as this object.
    """

    def __init__(
        self,
        evaluation: Evaluation,
        folder: Path,
        *,
        temporary: bool = False,
        remarks: tuple[str, ...] = (),
    ) -> None:
        predictions = replace(predictions_of(evaluation), remarks=remarks)
        self.summary = summarise(evaluation)
        super().__init__(self.summary, predictions)
        self.evaluation, self.folder = evaluation, folder
        if temporary:
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)

    @cached_property
    def predictions(self) -> "pd.DataFrame":
        """A row for each method, seed and clip: label, prediction and, if any, probabilities.

        Columns are `clip`, `subject`, `fold`, `seed`, `method`, `label`, `prediction` and, where
        the method gives probabilities, `p_` and the name of each class.
        """
        return long_table(self.evaluation)

    @cached_property
    def chosen(self) -> "pd.DataFrame":
        """A row for each seed and fold: the settings that its inner folds chose, in words."""
        import pandas as pd

        stored = RunFolder(self.folder)
        key = stored.read_config()["methods"][NETWORK]["key"]
        rows = [
            {"seed": seed, "fold": fold, "chosen": record["data_use"]["selection"]}
            for (method, seed, fold), record in stored.records().items()
            if method == key
        ]
        return pd.DataFrame(rows, columns=["seed", "fold", "chosen"])

    def report(self, path: str | Path) -> Path:
        """Write a page that needs nothing beside it, and return where it is.

        Args:
            path: of the page (`page.html`), or a folder for it and its pictures.

        Raises:
            OutputError: if it cannot be written.
        """
        from mace.evaluation.report.report import write_report
        from mace.files import write_text

        path = Path(path)
        if path.suffix != ".html":
            return write_report([self.evaluation], folder=path)
        with TemporaryDirectory(prefix="mace-report-") as folder:
            page = write_report([self.evaluation], folder=Path(folder))
            write_text(path, page.read_text(encoding="utf-8"))
        return path

    @property
    def _methods(self) -> Mapping[str, MethodScores]:
        return {self.name: self.figures, **self.summary.baselines}


def _row(figures: MethodScores) -> dict[str, float | int]:
    row: dict[str, float | int] = {}
    for name in _COLUMNS:
        low, high = figures.intervals[name]
        row |= {name: getattr(figures, name), f"{name}_low": low, f"{name}_high": high}
    seeds = len(figures.confusion_per_seed)
    return row | {"n": figures.n, "subjects": figures.subjects, "seeds": seeds}
