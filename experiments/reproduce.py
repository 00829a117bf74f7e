"""The main job: from nothing to a trusted number, a report and a model that labels videos.

Follows "Real-time micro-expression recognition based on ResNet and atrous convolutions" (Lai, Chen,
Jia and Qian 2020) in a reconstruction: MACNN after automatic face correction, on rendered faces
with exact truth, since CASME and CASME II may not be shipped. The scores say that the path works;
they say nothing about people, and nothing here reproduces the paper's 73 %.

Expected: the README's table. Cost: four to ten minutes on two CPU cores for one seed.
Command: `mace reproduce` (for the claim: `mace reproduce --seeds 3`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from mace.data.loading import load_clips
from mace.datasets.synthetic.prepare import prepare
from mace.evaluation.config import EvaluationConfig, ProtocolConfig
from mace.evaluation.cross_validation import evaluate_methods
from mace.evaluation.results import Evaluation
from mace.evaluation.temperature import held_out_temperature
from mace.inputs import motion_set
from mace.recipes import APPEARANCE, FLOW, Recipe
from mace.training.final import train_final


@dataclass(frozen=True, kw_only=True)
class Config:
    """What the main job does; everything else is in the recipes.

    Attributes:
        preset: preset of the synthetic data set.
        data_seed: of the people and their clips. The recipes were chosen on seed 0; another one is
            fresh.
        seeds: training seeds; each runs every fold.
        protocol: the folds: leave one subject out.
        flow: recipe of the result.
        appearance: recipe of the leak check.
        check_folds: folds by subject of the leak check: people who give themselves away do so in
            six folds as in 24, for a quarter of the time.
    """

    preset: str = "demo"
    data_seed: int = 0
    seeds: tuple[int, ...] = (0,)
    protocol: ProtocolConfig = field(default_factory=ProtocolConfig)
    flow: Recipe = FLOW
    appearance: Recipe = APPEARANCE
    check_folds: int = 6

    def __post_init__(self) -> None:
        """Refuse at the start what would fail after the rendering.

        Raises:
            ConfigError: for no seeds, or repeated or negative ones.
        """
        self.result()
        self.check(subjects=self.check_folds)

    def result(self) -> EvaluationConfig:
        """Return the settings of the evaluation that is the result."""
        return EvaluationConfig(train=self.flow.train, protocol=self.protocol, seeds=self.seeds)

    def check(self, *, subjects: int) -> EvaluationConfig:
        """Return the settings of the leak check on that many people."""
        return EvaluationConfig(
            train=self.appearance.train,
            protocol=ProtocolConfig(kind="kfold", folds=min(self.check_folds, subjects)),
            seeds=self.seeds,
            explain=False,
        )


@dataclass(frozen=True, kw_only=True)
class Study:
    """What the main job leaves behind.

    Attributes:
        flow: the result.
        appearance: the leak check.
        faces: the corrected face at the apex, by clip.
        model: folder of the network trained on all clips, which no score here comes from.
    """

    flow: Evaluation
    appearance: Evaluation
    faces: Mapping[str, UInt8[np.ndarray, "s s"]]
    model: Path


def sweep() -> Iterator[Config]:
    """Yield a control for each claim: without dilation, without residuals, a plain ResNet."""
    base = Config()
    for change in (
        {"dilations": (1, 1, 1)},
        {"residual": False},
        {"arch": "resnet"},
    ):
        model = replace(base.flow.train.model, **change)
        yield replace(base, flow=replace(base.flow, train=replace(base.flow.train, model=model)))


def run_study(
    config: Config, *, data_dir: Path, out: Path, workers: int, command: str | None = None
) -> Study:
    """Prepare the data, cross-validate both inputs, and train the network that is kept.

    Whatever is finished below `data_dir` and `out` is used, so an interrupted study goes on.

    Args:
        config: the study.
        data_dir: where data sets are prepared.
        out: folder of the evaluations `flow` and `appearance` and the bundle `model`.
        workers: processes that share the work.
        command: the command line to print in the report; this process's by default.
    """
    folder = prepare(config.preset, data_dir=data_dir, seed=config.data_seed, workers=workers)
    clips = load_clips(folder)
    cache_dir = out / "cache"
    flow_set = motion_set(clips, config.flow, cache_dir=cache_dir)
    appearance_set = motion_set(clips, config.appearance, cache_dir=cache_dir)
    check = config.check(subjects=len(appearance_set.subjects))
    evaluations = [
        evaluate_methods(
            inputs,
            config=evaluation,
            run_dir=out / name,
            title=title,
            description={"data set": f"synthetic/{folder.parent.name} (rendered faces)"},
            command=command,
            workers=workers,
        )
        for name, inputs, evaluation, title in (
            ("flow", flow_set, config.result(), "MACNN, flow"),
            (
                "appearance",
                appearance_set,
                check,
                f"MACNN, appearance, {check.protocol.folds} folds",
            ),
        )
    ]
    model = out / "model"
    train_final(
        flow_set,
        config.flow.train,
        seed=config.seeds[0],
        out=model,
        temperature=held_out_temperature(evaluations[0]),
    )
    faces = {clip.name: clip.frames[clip.apex] for clip in clips}
    return Study(flow=evaluations[0], appearance=evaluations[1], faces=faces, model=model)
