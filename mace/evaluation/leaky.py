"""The usual leaks, trained on purpose: how much each makes of the same recipe on the same clips.

Every figure from here is wrong. They are kept in folders of their own below `leaky`, where
`mace audit` finds the leaks, and appear in reports only in a table that says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from mace.config import to_dict
from mace.data.motion_set import MotionSet
from mace.evaluation.config import NETWORK, EvaluationConfig, ProtocolConfig
from mace.evaluation.cross_validation import evaluate_methods
from mace.evaluation.methods.bundles import bundle_for
from mace.evaluation.methods.make import make_network
from mace.evaluation.methods.method import DataUse, FoldPredictions, Method
from mace.evaluation.predictions import predictions_of
from mace.evaluation.protocol_folds import make_folds
from mace.evaluation.results import Evaluation, Leak
from mace.files import write_json
from mace.metrics import MeanScores, mean_scores
from mace.prediction import predict_clips
from mace.pretrained.bundle_files import BundleFile
from mace.protocols.folds import Fold
from mace.training.config import MixConfig, TrainConfig
from mace.training.fit import fit
from mace.training.mixing import load_mix

FOLDS = 5
# Frame pairs of a clip that the random split deals out: enough for a clip to be on both sides.
PAIRS = 3


@dataclass(frozen=True, kw_only=True)
class BestTestEpoch:
    """WRONG on purpose: keeps, for each fold, the epoch that predicts its test clips best.

    Attributes:
        train: the network and its training; `selection` and `patience` are replaced.
        start: the pre-trained network to go on from; None begins anew.
        mix: the clips that share every batch; None for the fold's own alone.
    """

    train: TrainConfig
    start: BundleFile | None = None
    mix: MixConfig | None = None

    def __call__(
        self, motion_set: MotionSet, fold: Fold, *, seed: int, explain: bool
    ) -> FoldPredictions:
        """Predict the test clips; see `Method`."""
        fitted = fit(
            motion_set,
            fold.train_index,
            config=replace(self.train, selection="best", patience=None),
            seed=seed,
            validation_index=fold.test_index,
            start=None if self.start is None else bundle_for(self.start, motion_set),
            mix=None if self.mix is None else load_mix(self.mix),
            label=f"  leaky, seed {seed}, without {fold.name}",
        )
        inputs = motion_set.inputs[fold.test_index]
        probabilities = predict_clips(fitted, inputs, pair_average=self.train.pair_average)
        curve = [float(row["validation_uf1"]) for row in fitted.history]
        return FoldPredictions(
            predicted=probabilities.argmax(axis=1),
            probabilities=probabilities,
            history={"test_uf1": curve, "chosen_epoch": [float(fitted.chosen_epoch)]},
            data_use=DataUse(
                fitted=fold.train_index,
                validation=fold.test_index,
                normalised=fold.train_index if self.train.normalise == "training" else None,
                selection="best epoch of the test clips",
            ),
        )


def random_folds(n: int, k: int, seed: int) -> list[Fold]:
    """WRONG on purpose: deal clips to k folds whoever they show."""
    order = np.random.default_rng(seed).permutation(n)
    parts = [np.sort(part) for part in np.array_split(order, min(k, n))]
    everything = np.arange(n)
    return [
        Fold(f"random {i} of {len(parts)}", np.setdiff1d(everything, part), part)
        for i, part in enumerate(parts, start=1)
    ]


def frame_pairs_as_samples(motion_set: MotionSet, *, pairs: int = PAIRS) -> MotionSet:
    """Return each clip's first frame pairs as samples of their own: `clip#0`, `clip#1`."""
    count = min(pairs, motion_set.inputs.shape[1])
    return replace(
        motion_set,
        inputs=motion_set.inputs[:, :count].reshape(-1, 1, *motion_set.inputs.shape[2:]),
        labels=np.repeat(motion_set.labels, count),
        groups=np.repeat(motion_set.groups, count),
        clips=tuple(f"{name}#{pair}" for name in motion_set.clips for pair in range(count)),
        units=tuple(listed for listed in motion_set.units for _ in range(count)),
        partitions=(),
        lbp_top=None,
        fingerprint="",
    )


def show_leaks(
    motion_set: MotionSet,
    evaluation: Evaluation,
    *,
    config: EvaluationConfig,
    run_dir: Path,
    workers: int = 0,
    folds: int = FOLDS,
) -> tuple[Leak, ...]:
    """Train the leaks with the first seed of `config`, and write `leaky.json` into the run folder.

    Random splits have `folds` folds, and so has the split by subject that they are set against.

    Raises:
        DataError: if there are too few subjects.
        OutputError: if `run_dir` cannot be written to.
        TrainingError: if a network's training fails.
    """
    seed = config.seeds[0]
    only = replace(config, seeds=(seed,), explain=False)
    network = make_network(config)
    leaky = BestTestEpoch(train=config.train, start=config.start, mix=config.mix)
    grouped = ProtocolConfig(
        kind="kfold", folds=min(folds, len(motion_set.subjects)), seed=config.protocol.seed
    )

    def run(name: str, data: MotionSet, method: Method, parts: Sequence[Fold]) -> MeanScores:
        result = evaluate_methods(
            data,
            config=only,
            run_dir=run_dir / "leaky" / name,
            title=f"WRONG ON PURPOSE: {name}" if "subjects" not in name else name,
            command=evaluation.command,
            workers=workers,
            methods={NETWORK: method},
            folds=parts,
        )
        return _scores(result)

    own = make_folds(motion_set, config.protocol)
    rows = [
        _row("as reported", _scores(evaluation), n=len(motion_set)),
        _row(
            "best test epoch of each fold",
            run("best-test-epoch", motion_set, leaky, own),
            against="as reported",
            n=len(motion_set),
        ),
        _row(
            f"{grouped.folds} folds by subject",
            run("folds-by-subjects", motion_set, network, make_folds(motion_set, grouped)),
            n=len(motion_set),
        ),
        _row(
            f"{folds} random folds of clips",
            run("random-clips", motion_set, network, random_folds(len(motion_set), folds, seed)),
            against=f"{grouped.folds} folds by subject",
            n=len(motion_set),
        ),
    ]
    pairs = frame_pairs_as_samples(motion_set)
    if len(pairs) > len(motion_set):
        rows.append(
            _row(
                f"{folds} random folds of frame pairs",
                run("random-pairs", pairs, network, random_folds(len(pairs), folds, seed)),
                against=f"{grouped.folds} folds by subject",
                n=len(pairs),
            )
        )
    scores = {row.name: row for row in rows}
    leaks = tuple(
        row if row.honest else replace(row, inflation=_difference(row, scores[row.against]))
        for row in rows
    )
    write_json(run_dir / "leaky.json", {"seed": seed, "rows": [to_dict(leak) for leak in leaks]})
    return leaks


def _row(name: str, scores: MeanScores, *, n: int, against: str = "") -> Leak:
    return Leak(**vars(scores), name=name, honest=not against, against=against, n=n)


def _difference(leak: MeanScores, honest: MeanScores) -> MeanScores:
    names = [field.name for field in fields(MeanScores)]
    return MeanScores(**{name: getattr(leak, name) - getattr(honest, name) for name in names})


def _scores(evaluation: Evaluation) -> MeanScores:
    # Leaks are trained with one seed: the reported row must be of the same one.
    return mean_scores(predictions_of(evaluation).confusions()[:1])
