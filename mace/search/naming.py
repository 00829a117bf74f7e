"""The name of a result: equal names mean equal numbers, so nothing is evaluated twice."""

import functools
import hashlib
import json
from importlib import metadata
from pathlib import Path

from mace.config import hashed_settings
from mace.evaluation.store import encode_index
from mace.search.config import SearchConfig
from mace.search.groups import Group
from mace.training.config import TrainConfig

# What decides the score of a setting. Reports, commands and loaders do not: what the loaders gave
# is in the data's fingerprint.
DECIDING = (
    "augment", "losses", "models", "training", "metrics.py", "prediction.py",
    "protocols/inner.py", "search/objective.py", "search/inner.py",
)  # fmt: skip


def result_key(
    train: TrainConfig, group: Group, *, config: SearchConfig, fingerprint: str, code: str
) -> str:
    """Return 16 hexadecimal digits that name the result of a setting.

    Args:
        train: the recipe's training with the setting applied.
        group: whose inner folds judge it.
        config: of the search; seed, pruning and latency count.
        fingerprint: of the data.
        code: from `code_version`.
    """
    name = {
        "train": hashed_settings(train),
        "folds": [[encode_index(f.train_index), encode_index(f.test_index)] for f in group.folds],
        "seed": config.seed,
        "prune": None
        if config.prune == "none"
        else [config.prune, config.first_rung, config.reduction],
        "latency": config.latency,
        "data": fingerprint,
        "code": code,
    }
    text = json.dumps(name, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@functools.cache
def code_version() -> str:
    """Return 12 hexadecimal digits of the source that decides a score, and of JAX's version."""
    folder = Path(__file__).parents[1]
    found = hashlib.sha256()
    for name in DECIDING:
        path = folder / name
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            found.update(f"{file.relative_to(folder)}\n".encode())
            found.update(file.read_bytes())
    for package in ("jax", "jaxlib", "flax", "optax"):
        found.update(f"{package} {metadata.version(package)}\n".encode())
    return found.hexdigest()[:12]
