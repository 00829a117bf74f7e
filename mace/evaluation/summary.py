"""What an evaluation comes to: the scores of every method, and what they belong to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mace.evaluation.bootstrap import Interval, percentile_interval
from mace.evaluation.config import NETWORK
from mace.evaluation.method_scores import (
    CONFIDENCE,
    BenchmarkCounts,
    Bootstrap,
    MethodScores,
    against,
    describe,
    draw_scores,
)
from mace.evaluation.predictions import predictions_of
from mace.evaluation.results import Evaluation, Leak
from mace.protocols.benchmarks import BENCHMARKS


@dataclass(frozen=True, kw_only=True)
class MethodSummary(MethodScores):
    """A method's scores and what they took.

    Attributes:
        seeds: of its trainings, which the scores are means of.
        seconds: time of all folds together, s.
    """

    seeds: tuple[int, ...]
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Lead:
    """How far the network is ahead of a baseline.

    Attributes:
        uf1: difference in UF1.
        interval: of it, by the same draws of people.
    """

    uf1: float
    interval: Interval


@dataclass(frozen=True, kw_only=True)
class BaselineSummary(MethodSummary):
    """A baseline's scores, and the network's lead.

    Attributes:
        ahead: of the network, before this baseline.
    """

    ahead: Lead


@dataclass(frozen=True, kw_only=True)
class Summary(MethodSummary):
    """The network's scores, the baselines' and what they belong to.

    Attributes:
        title: what a table calls the network.
        zero_shot: which pre-trained network was evaluated as it is, if one was.
        init: which one was fine-tuned, if one was.
        mix: which clips shared the training batches, if any did.
        baselines: scores of each.
        benchmark: how the clips differ from those of the protocol that the evaluation is called
            after, if it is called after one.
        wrong_on_purpose: scores of leaks (`show_leaks`), if any were trained.
        synthetic: whether any face is rendered.
        config_hash: names the settings.
        fingerprint: names the data.
        command: that made the results.
        bootstrap: how the intervals were drawn.
        provenance: revision, versions and time.
    """

    title: str
    zero_shot: Mapping[str, Any] | None
    init: Mapping[str, Any] | None
    mix: Mapping[str, Any] | None
    baselines: Mapping[str, BaselineSummary]
    benchmark: BenchmarkCounts | None
    wrong_on_purpose: tuple[Leak, ...]
    synthetic: bool
    config_hash: str
    fingerprint: str
    command: str
    bootstrap: Bootstrap
    provenance: Mapping[str, Any]


def summarise(evaluation: Evaluation) -> Summary:
    """Return the scores of every method, with intervals, counts and what they belong to."""
    predictions = {name: predictions_of(evaluation, name) for name in evaluation.methods}
    draws = {name: draw_scores(entry) for name, entry in predictions.items()}
    results = {
        name: MethodSummary(
            **vars(describe(predictions[name], draws=draws[name])),
            seeds=method.seeds,
            seconds=round(method.seconds, 1),
        )
        for name, method in evaluation.methods.items()
    }
    network = results.pop(NETWORK)
    baselines = {}
    for name, result in results.items():
        interval = percentile_interval(draws[NETWORK].uf1 - draws[name].uf1, confidence=CONFIDENCE)
        lead = Lead(uf1=network.uf1 - result.uf1, interval=interval)
        baselines[name] = BaselineSummary(**vars(result), ahead=lead)
    benchmark = evaluation.config["protocol"].get("benchmark")
    return Summary(
        **vars(network),
        title=evaluation.title,
        zero_shot=_zero_shot(evaluation),
        init=_pretrained(evaluation.config.get("start")),
        mix=_mix(evaluation.config.get("mix")),
        baselines=baselines,
        benchmark=against(BENCHMARKS[benchmark], predictions[NETWORK]) if benchmark else None,
        wrong_on_purpose=evaluation.leaks,
        synthetic=evaluation.synthetic,
        config_hash=evaluation.config_hash,
        fingerprint=evaluation.fingerprint,
        command=evaluation.command,
        bootstrap=Bootstrap(),
        provenance=evaluation.provenance,
    )


def _zero_shot(evaluation: Evaluation) -> dict[str, Any] | None:
    config = evaluation.config.get("zero_shot")  # a classifier of the caller's has no such setting
    if config is None:
        return None
    return {**(_pretrained(config["bundle"]) or {}), "adapt": config["adapt"] is not None}


def _pretrained(bundle: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if bundle is None:
        return None
    return {"checksum": bundle["checksum"], "trained_on": list(bundle["trained_on"])}


def _mix(mix: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if mix is None else {"fingerprint": mix["fingerprint"], "share": mix["share"]}
