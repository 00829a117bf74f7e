"""MACE: micro-expression recognition with multi-scale atrous convolutions, in JAX.

    import mace

    field = mace.flow(onset, apex)                       # optical flow of two pictures
    network = mace.MACNN(epochs=50)                      # a scikit-learn classifier
    network.fit(images, labels).predict(others)

The rooms, in the order a frame walks through them: `mace.face` finds and corrects the face,
`mace.motion` turns two corrected frames into a motion image, `mace.models` names it,
`mace.training` fits the model, `mace.evaluation` says what the result is worth, and
`mace.live` does the first three on a video. Nothing heavy is imported before it is asked for.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mace.classifiers import MACNN, NetworkClassifier
    from mace.dataset import load_dataset
    from mace.errors import MaceError
    from mace.evaluation.estimators import cross_validate
    from mace.evaluation.scoring import compare, score
    from mace.leakage.audit import audit
    from mace.live.streaming import stream
    from mace.motion.exaggeration import exaggerate
    from mace.motion.pair import flow
    from mace.network import load
    from mace.recordings.analysis import analyse
    from mace.recordings.spot import spot

__version__ = "0.2.0.dev0"

__all__ = [
    "MACNN",
    "MaceError",
    "NetworkClassifier",
    "__version__",
    "analyse",
    "audit",
    "compare",
    "cross_validate",
    "exaggerate",
    "flow",
    "load",
    "load_dataset",
    "score",
    "spot",
    "stream",
]

_HOMES = {
    "MACNN": "mace.classifiers",
    "MaceError": "mace.errors",
    "NetworkClassifier": "mace.classifiers",
    "analyse": "mace.recordings.analysis",
    "audit": "mace.leakage.audit",
    "compare": "mace.evaluation.scoring",
    "cross_validate": "mace.evaluation.estimators",
    "exaggerate": "mace.motion.exaggeration",
    "flow": "mace.motion.pair",
    "load": "mace.network",
    "load_dataset": "mace.dataset",
    "score": "mace.evaluation.scoring",
    "spot": "mace.recordings.spot",
    "stream": "mace.live.streaming",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mace' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
