"""What an evaluation comes to, as plain numbers that JSON can hold."""

from collections.abc import Mapping
from typing import Any

from mace.evaluation.bootstrap import percentile_interval
from mace.evaluation.config import NETWORK
from mace.evaluation.method_scores import CONFIDENCE, RESAMPLES, against, describe, draw_scores
from mace.evaluation.predictions import predictions_of
from mace.evaluation.results import Evaluation
from mace.protocols.benchmarks import BENCHMARKS


def summarise(evaluation: Evaluation) -> dict[str, Any]:
    """Return the scores of every method, with intervals, counts and what they belong to.

    The top level holds the network's figures as `method_scores.describe` gives them, with the
    `seeds` they are means of. `baselines` holds the same for each baseline with `ahead`, the
    network's lead in UF1 and its interval by the same draws; `benchmark` says how the clips differ
    from those of the protocol the evaluation is called after, if it is called after one;
    `zero_shot` and `init` say which pre-trained network was evaluated as it is or fine-tuned, if
    one was, and `mix` which clips shared the training batches; `wrong_on_purpose` are the scores of
    leaks (`show_leaks`), if any were trained.
    """
    predictions = {name: predictions_of(evaluation, name) for name in evaluation.methods}
    draws = {name: draw_scores(entry) for name, entry in predictions.items()}
    results = {}
    for name, method in evaluation.methods.items():
        results[name] = describe(predictions[name], draws=draws[name])
        results[name] |= {"seeds": list(method.seeds), "seconds": round(method.seconds, 1)}
    network = results.pop(NETWORK)
    for name, result in results.items():
        lead = percentile_interval(draws[NETWORK].uf1 - draws[name].uf1, confidence=CONFIDENCE)
        result["ahead"] = {"uf1": network["uf1"] - result["uf1"], "interval": list(lead)}
    benchmark = evaluation.config["protocol"].get("benchmark")
    return {
        "title": evaluation.title,
        **network,
        "zero_shot": _zero_shot(evaluation),
        "init": _pretrained(evaluation.config.get("start")),
        "mix": _mix(evaluation.config.get("mix")),
        "baselines": results,
        "benchmark": against(BENCHMARKS[benchmark], predictions[NETWORK]) if benchmark else None,
        "wrong_on_purpose": [dict(row) for row in evaluation.leaks],
        "synthetic": evaluation.synthetic,
        "config_hash": evaluation.config_hash,
        "fingerprint": evaluation.fingerprint,
        "command": evaluation.command,
        "bootstrap": {"resamples": RESAMPLES, "confidence": CONFIDENCE, "unit": "subject"},
        "provenance": dict(evaluation.provenance),
    }


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
