"""Settings of an evaluation, and the methods it puts under the same folds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from mace.config import UNHASHED
from mace.errors import ConfigError
from mace.evaluation.baselines import LogisticRegression, Majority, SupportVectorMachine
from mace.evaluation.learner import Learner
from mace.evaluation.network import Network
from mace.evaluation.results import NETWORK
from mace.protocols import BenchmarkName
from mace.training import TrainConfig


@dataclass(frozen=True, kw_only=True)
class ProtocolConfig:
    """How subjects are dealt to folds.

    Attributes:
        kind: `loso` leaves one subject out in each fold, `kfold` deals all subjects to `folds`,
            `database` leaves one database out.
        folds: number of folds of `kfold`.
        seed: of the dealing of `kfold`.
        benchmark: the protocol of the field that the result is called after; takes its databases
            and classes only, and says where the number of samples differs.
    """

    kind: Literal["loso", "kfold", "database"] = "loso"
    folds: int = 5
    seed: int = 0
    # The clips it selects show in the data's fingerprint.
    benchmark: BenchmarkName | None = field(default=None, metadata=UNHASHED)


@dataclass(frozen=True, kw_only=True)
class EvaluationConfig:
    """Everything that decides the figures of an evaluation.

    Attributes:
        train: settings of the network's training.
        protocol: the folds.
        seeds: training seeds of the network; each runs every fold. The baselines are
            deterministic and run once.
        validation: part of the training clips that is set aside, by subject, to choose the epoch;
            used only where `train.selection` is `best`.
        explain: whether the first seed also stores where the network looked (Grad-CAM).
        logistic_regression: settings of this baseline; None leaves it out.
        svm: settings of this baseline; None leaves it out.
    """

    train: TrainConfig = field(default_factory=TrainConfig)
    protocol: ProtocolConfig = field(default_factory=ProtocolConfig)
    seeds: tuple[int, ...] = (0, 1, 2)
    validation: float = 0.2
    explain: bool = True
    logistic_regression: LogisticRegression | None = field(default_factory=LogisticRegression)
    svm: SupportVectorMachine | None = field(default_factory=SupportVectorMachine)

    def __post_init__(self) -> None:
        if not self.seeds or len(set(self.seeds)) != len(self.seeds) or min(self.seeds) < 0:
            raise ConfigError(
                f"an evaluation has the seeds {self.seeds}, expected different numbers of 0 or more"
            )
        if not 0 < self.validation < 1:
            raise ConfigError(
                f"the validation part is {self.validation}, expected above 0 and below 1"
            )


def methods_of(config: EvaluationConfig) -> Mapping[str, Learner]:
    """Return the network and its baselines by name; the majority class is always among them."""
    baselines = {"logistic_regression": config.logistic_regression, "svm": config.svm}
    network = Network(train=config.train, validation=config.validation)
    chosen: dict[str, Learner] = {NETWORK: network}
    chosen |= {name: learner for name, learner in baselines.items() if learner is not None}
    return chosen | {"majority": Majority()}
