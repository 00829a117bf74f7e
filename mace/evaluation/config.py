"""Settings of an evaluation: the network, its baselines and the folds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mace.adaptation.config import AdaptConfig
from mace.config import UNHASHED
from mace.errors import ConfigError
from mace.pretrained.bundle_files import BundleFile
from mace.protocols.benchmarks import BenchmarkName
from mace.training.config import MixConfig, TrainConfig

NETWORK = "network"
"""Name of the method under evaluation, beside its baselines."""


@dataclass(frozen=True, kw_only=True)
class ProtocolConfig:
    """How subjects are dealt to folds.

    Attributes:
        kind: `loso` leaves one subject out in each fold, `kfold` deals all subjects to `folds`,
            `database` leaves one database out, `partition` trains on the authors' partition
            `training` and tests another.
        folds: number of folds of `kfold`.
        seed: of the dealing of `kfold`.
        partition: that `partition` tests.
        benchmark: the protocol of the field that the result is called after; takes its databases
            and classes only, and says where the number of samples differs. Where it has folds of
            its own, as `dfme-7`, they stand in place of `loso`, whatever `folds` says.
    """

    kind: Literal["loso", "kfold", "database", "partition"] = "loso"
    folds: int = 5
    seed: int = 0
    # The clips that these two select show in the data's fingerprint.
    partition: str = field(default="test A", metadata=UNHASHED)
    benchmark: BenchmarkName | None = field(default=None, metadata=UNHASHED)

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ConfigError: for a value out of range, naming the setting.
        """
        if self.folds < 2:
            raise ConfigError(f"protocol.folds is {self.folds}, expected 2 or more")
        if self.seed < 0:
            raise ConfigError(f"protocol.seed is {self.seed}, expected 0 or more")


def describe_folds(protocol: Mapping[str, Any]) -> str:
    """Return how subjects were dealt to folds, for people.

    Args:
        protocol: a `ProtocolConfig` as a result keeps it, or `splitter` with its number of folds.
    """
    folds, seed = protocol.get("folds"), protocol.get("seed")
    dealt = f", dealt with seed {seed}" if seed else ""
    return {
        "loso": "leave one subject out",
        "database": "leave one database out",
        "partition": f"trained on the training partition, tested on {protocol.get('partition')}",
        "splitter": f"{folds} folds of the caller's",
        "kfold": f"{folds} folds by subject{dealt}",
    }[protocol["kind"]]


@dataclass(frozen=True, kw_only=True)
class SearchSpace:
    """What the inner cross-validation of a baseline chooses from.

    Attributes:
        sizes: sides in pixels that the input is shrunk to (area average); sizes above the
            input's own leave it as it is.
        strengths: of the regularisation; C, its inverse, where the baseline does not say otherwise.
        averages: whether the input is the mean over all frame pairs of a clip, or the annotated
            pair alone.
        inner_folds: folds over the training subjects; fewer where there are fewer subjects.
    """

    sizes: tuple[int, ...] = (64, 28)
    strengths: tuple[float, ...] = (0.1, 1.0, 10.0)
    averages: tuple[bool, ...] = (False, True)
    inner_folds: int = 4

    def __post_init__(self) -> None:
        if not self.sizes or not self.strengths or min(self.sizes) < 1 or min(self.strengths) <= 0:
            raise ConfigError(
                f"a baseline chooses from sizes {self.sizes} and strengths {self.strengths}, "
                "expected at least one of each, all above 0"
            )
        if not self.averages:
            raise ConfigError("a baseline has no choice of averages, expected (False, True) or one")
        if self.inner_folds < 2:
            raise ConfigError(f"baselines have {self.inner_folds} inner folds, expected 2 or more")


@dataclass(frozen=True)
class LogisticRegressionConfig:
    """Settings of the logistic regression.

    Attributes:
        space: what it chooses from.
    """

    space: SearchSpace = SearchSpace()


@dataclass(frozen=True)
class SupportVectorConfig:
    """Settings of the support vector machine.

    Attributes:
        widths: γ of exp(−γ d²), d² being the squared distance over the number of features;
            1 is what scikit-learn calls `scale`.
        space: the other choices.
    """

    widths: tuple[float, ...] = (0.06, 0.25, 1.0)
    space: SearchSpace = SearchSpace(strengths=(1.0, 10.0, 100.0))


@dataclass(frozen=True)
class KernelRidgeConfig:
    """Settings of the kernel ridge classifier.

    Attributes:
        widths: γ of exp(−γ d²), d² being the squared distance over the number of features of two
            images, each brought to mean 0 and deviation 1, so that it lies between 0 and 4.
        space: the other choices; its strengths are λ, the more the smoother.
    """

    widths: tuple[float, ...] = (0.25, 0.5, 1.0)
    space: SearchSpace = SearchSpace(sizes=(28,), strengths=(0.1, 0.3, 1.0, 3.0))


@dataclass(frozen=True)
class DescriptorConfig:
    """Settings of the linear support vector machine behind a descriptor of the field.

    Attributes:
        space: what it chooses from: strengths; a descriptor has its own form of the input.
    """

    space: SearchSpace = SearchSpace(strengths=(0.1, 1.0, 10.0, 100.0))


@dataclass(frozen=True, kw_only=True)
class ZeroShotConfig:
    """A pre-trained network that is evaluated as it is.

    Attributes:
        bundle: the network.
        adapt: what windows of the images are tried on unlabelled clips of the training subjects;
            None shows them as they are.
        pair_average: predict the mean over all frame pairs of a clip.
        unit: the action unit, a FACS number, that it is asked for in place of the classes.
    """

    bundle: BundleFile
    adapt: AdaptConfig | None = None
    pair_average: bool = True
    unit: str | None = None


@dataclass(frozen=True, kw_only=True)
class EvaluationConfig:
    """Everything that decides the figures of an evaluation.

    Attributes:
        train: settings of the network's training; unused with `zero_shot`.
        zero_shot: a network that is evaluated without any training, in place of a trained one.
        start: a pre-trained network that every fold goes on from; None begins with a new one.
        adapt: what windows of the images `start` is shown, as for `zero_shot`.
        mix: clips of other people that share every training batch; None for none.
        protocol: the folds.
        seeds: training seeds of the network; each runs every fold. The baselines are
            deterministic and run once.
        validation: part of the training clips that is set aside, by subject, to choose the epoch;
            used only where `train.selection` is `best`.
        explain: whether the first seed also stores where the network looked (Grad-CAM).
        logistic_regression: settings of this baseline; None leaves it out.
        svm: settings of this baseline; None leaves it out.
        kernel_ridge: settings of this baseline; None leaves it out.
        bi_woof: settings of this baseline; None leaves it out.
        lbp_top: settings of this baseline, whose histograms the clips must come with; None leaves
            it out.
        informed: a pre-trained network, as it is, whose features and log-probabilities kernel ridge
            is told in a further method; None for none.
    """

    train: TrainConfig = field(default_factory=TrainConfig)
    zero_shot: ZeroShotConfig | None = None
    start: BundleFile | None = None
    adapt: AdaptConfig | None = None
    mix: MixConfig | None = None
    protocol: ProtocolConfig = field(default_factory=ProtocolConfig)
    seeds: tuple[int, ...] = (0, 1, 2)
    validation: float = 0.2
    explain: bool = True
    logistic_regression: LogisticRegressionConfig | None = LogisticRegressionConfig()
    svm: SupportVectorConfig | None = SupportVectorConfig()
    kernel_ridge: KernelRidgeConfig | None = KernelRidgeConfig()
    bi_woof: DescriptorConfig | None = None
    lbp_top: DescriptorConfig | None = None
    informed: ZeroShotConfig | None = None

    def __post_init__(self) -> None:
        if not self.seeds or len(set(self.seeds)) != len(self.seeds) or min(self.seeds) < 0:
            raise ConfigError(
                f"an evaluation has the seeds {self.seeds}, expected different numbers of 0 or more"
            )
        if self.zero_shot is not None and (self.start is not None or self.mix is not None):
            raise ConfigError("zero_shot trains nothing; leave out it, or start and mix")
        if self.adapt is not None and self.start is None:
            raise ConfigError("adapt fits images to a network to start from, and there is none")
        if not 0 < self.validation < 1:
            raise ConfigError(
                f"the validation part is {self.validation}, expected above 0 and below 1"
            )


@dataclass(frozen=True, kw_only=True)
class EstimatorProtocol:
    """How clips are dealt to folds.

    Attributes:
        kind: `loso`, `kfold`, or `splitter` for one of the caller's.
        folds: how many.
        splits: names the folds' clips.
        benchmark: none; people's own arrays follow no protocol of the field.
    """

    kind: str
    folds: int
    splits: str
    benchmark: None = None


@dataclass(frozen=True, kw_only=True)
class EstimatorConfig:
    """What decides the figures of a cross-validation of an estimator.

    Attributes:
        estimator: its class and settings, in words.
        choose: what is chosen from in inner folds, in words.
        protocol: the folds.
        seeds: of its `random_state`.
        explain: no; nobody knows where it looked.
    """

    estimator: str
    choose: str | None
    protocol: EstimatorProtocol
    seeds: tuple[int, ...]
    explain: bool = False

    def __post_init__(self) -> None:
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise ConfigError(f"the seeds are {self.seeds}, expected different numbers")
