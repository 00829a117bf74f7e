"""The folder of a search: which study it is and stays, and whose lock.

study.db     the study: Optuna's trials, unless a database has them
study.json   the storage and the study's name in it
outer/       the outer score, an ordinary evaluation: `mace report`, `audit`, `compare`
.lock        held by the search that writes here
"""

import functools
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

from mace.config import flattened, hashed_settings
from mace.errors import ConfigError, OutputError
from mace.files import write_json
from mace.locks import lock
from mace.search.config import STORAGE, SearchPlan
from mace.search.setting import own_networks

KIND, POINTER, LOCK = "mace search", "study.json", ".lock"
# Whoever looks whether the lock is held, holds it for a moment.
LOCK_S = 1.0

# What decides the score of a setting. Reports, commands and loaders do not: what the loaders gave
# is in the data's fingerprint.
DECIDING = (
    "augment", "losses", "models", "training", "metrics.py", "prediction.py",
    "protocols/folds.py", "protocols/inner.py", "evaluation/methods/network.py",
    "search/objective.py", "search/sampler.py", "search/setting.py", "search/space.py",
)  # fmt: skip


def write_pointer(plan: SearchPlan) -> None:
    """Say in the folder of a search which study it belongs to.

    Raises:
        OutputError: if the folder cannot be written to.
    """
    place, name = _pointed(plan)
    write_json(Path(plan.out) / POINTER, {"kind": KIND, "storage": place, "name": name})


def refuse_another_pointer(plan: SearchPlan) -> None:
    """Refuse to make the folder of one search that of another, whose looks would be forgotten.

    Raises:
        ConfigError: if the folder belongs to a study of another name, or in another place.
    """
    there = read_pointer(plan.out)
    if there is None:
        return
    (place, name), (new_place, new_name) = (
        _resolved(plan.out, *p) for p in (there, _pointed(plan))
    )
    advice = [f"--name {name}"] if name != new_name else []
    advice += [f"--storage {place}"] if place != new_place else []
    if advice:
        raise ConfigError(
            f"{plan.out} is the folder of the search {name} in {place}, now it would be that of "
            f"{new_name} in {new_place}; give {' '.join(advice)}, or choose another --out"
        )


def _resolved(folder: Path, place: str, name: str) -> tuple[str, str]:
    from mace.search.storage import is_url

    return place if is_url(place) else str((Path(folder) / place).resolve()), name


def _pointed(plan: SearchPlan) -> tuple[str, str]:
    from mace.search.storage import file_of, shown

    place, file = shown(plan.storage), file_of(plan.storage)
    if file is not None:
        # The folder's own file is found wherever the folder is moved to.
        own = file == Path(plan.out) / STORAGE
        place = STORAGE if own else str(file.resolve())
    return place, plan.name


def read_pointer(folder: Path) -> tuple[str, str] | None:
    """Return where a folder's study is, without a password, and its name; None without a study."""
    try:
        pointer = json.loads((Path(folder) / POINTER).read_text(encoding="utf-8"))
        place, name = pointer["storage"], pointer["name"]
        known = pointer["kind"] == KIND and isinstance(place, str) and isinstance(name, str)
        return (place, name) if known else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def identity(plan: SearchPlan) -> dict[str, Any]:
    """Return what must be the same whenever somebody goes on with a study, but for its data."""
    return {
        "recipe": {"train": hashed_settings(plan.train)},
        "space": plan.space.to_dict(),
        "search": hashed_settings(plan.config),
        "code": {"mace": code_version(), **own_networks(plan.space, plan.train)},
    }


def refuse_difference(known: Mapping[str, Any], now: Mapping[str, Any], *, name: str) -> None:
    """Refuse to go on with the search `name` as another one, as far as both say what they are.

    Raises:
        ConfigError: naming the first setting that differs.
    """
    before, after = (
        flattened({part: side[part] for part in known if part in now}) for side in (known, now)
    )
    # A list, like a grid, is tried whole, whatever others came to.
    whole = after.get("search.sampler") == "grid" or "space.settings" in after
    takes_over = "" if whole else " and take over its best settings with --from"
    for path in before | after:
        if before.get(path) != after.get(path):
            raise ConfigError(
                f"the search {name} was begun with {path} {_short(before.get(path))}, now it is "
                f"{_short(after.get(path))}; go back to that, or choose another --out (in a "
                f"database another --name){takes_over}"
            )


@functools.cache
def code_version() -> str:
    """Return 12 hexadecimal digits of the source that decides a score, and of JAX's version."""
    folder = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for name in DECIDING:
        path = folder / name
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(f"{file.relative_to(folder)}\n".encode())
            digest.update(file.read_bytes())
    for package in ("jax", "jaxlib", "flax", "optax", "optuna"):
        digest.update(f"{package} {metadata.version(package)}\n".encode())
    return digest.hexdigest()[:12]


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Hold a folder: one search at a time writes to it, beside those that join.

    The system releases the lock when the process ends, however it ends.

    Raises:
        ConfigError: if another process holds it.
        OutputError: if the folder cannot be written, or its file system has no locks.
    """
    path, end = Path(folder) / LOCK, time.monotonic() + LOCK_S
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    try:
        while not _taken(file, path):
            if time.monotonic() > end:
                holder = os.read(file, 64).decode(errors="replace").strip()
                raise ConfigError(
                    f"another search (process {holder or 'unknown'}) is writing {path.parent}; "
                    "wait for it, work beside it with --join, or choose another --out"
                )
            time.sleep(LOCK_S / 20)
        os.ftruncate(file, 0)
        os.write(file, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(file)


def is_locked(folder: Path) -> bool:
    """Return whether a search holds a folder now."""
    path = Path(folder) / LOCK
    try:
        file = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        return not _taken(file, path)
    finally:
        os.close(file)


def _taken(file: int, path: Path) -> bool:
    try:
        lock(file, wait=False)
    except BlockingIOError:
        return False
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    return True


def _short(value: Any) -> str:
    text = "absent" if value is None else json.dumps(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
