"""Checkpoints of a run: the latest, to go on from, and the best; a thin layer over Orbax."""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np
import orbax.checkpoint as ocp
from jaxtyping import PyTree

from mace.errors import CheckpointError, OutputError
from mace.files import require_space, write_json
from mace.provenance import provenance
from mace.training.hosts import several_hosts

# Raised when the layout below changes, so that an old checkpoint is refused instead of misread.
LAYOUT = 1
type Which = Literal["latest", "best"]


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A run between two steps.

    Attributes:
        arrays: a tree of the run's arrays.
        history: for each epoch that is behind it, its numbers by name.
    """

    arrays: PyTree[Any]
    history: list[dict[str, int | float]]


class CheckpointStore:
    """The checkpoints of one run, `latest` and `best`, below its folder.

    Args:
        run_dir: the run's folder.
        identity: what the run is (configuration, seed, data), as nested JSON values. A checkpoint
            with another identity is refused.

    Raises:
        OutputError: if the folder cannot be made.
    """

    def __init__(self, run_dir: Path, identity: Mapping[str, Any]) -> None:
        self.folder = Path(run_dir).absolute() / "checkpoints"
        self.identity = dict(identity)
        self._managers: dict[Which, ocp.CheckpointManager] = {}
        with _writing(self.folder):
            for which in ("latest", "best"):
                (self.folder / which).mkdir(parents=True, exist_ok=True)
                self._managers[which] = ocp.CheckpointManager(
                    self.folder / which,
                    options=ocp.CheckpointManagerOptions(
                        max_to_keep=1,
                        enable_async_checkpointing=False,
                        cleanup_tmp_directories=True,
                        **_alone(),
                    ),
                )

    def save(self, which: Which, step: int, snapshot: Snapshot) -> None:
        """Write a checkpoint and then remove the one before it; a failure leaves that one alone.

        Raises:
            OutputError: if the folder cannot be written to or the disk is full.
        """
        leaves = {name: np.asarray(leaf) for name, leaf in named_leaves(snapshot.arrays).items()}
        notes = {
            "layout": LAYOUT,
            "identity": self.identity,
            "history": snapshot.history,
            "provenance": provenance(),
        }
        items = ocp.args.Composite(
            arrays=ocp.args.StandardSave(leaves), notes=ocp.args.JsonSave(notes)
        )
        manager = self._managers[which]
        if step in manager.all_steps():
            return
        require_space(self.folder / which, sum(leaf.nbytes for leaf in leaves.values()))
        with _writing(self.folder / which):
            manager.save(step, args=items, force=True)
        files = _checksums(self.folder / which / str(step))
        write_json(self._list(which), {"step": step, "files": files})

    def restore(self, which: Which, like: PyTree[Any]) -> Snapshot | None:
        """Read a checkpoint into a tree like `like`, or return None if there is none.

        Raises:
            CheckpointError: if it is damaged, or of another configuration, seed or data set.
        """
        manager = self._managers[which]
        step = manager.latest_step()
        if step is None:
            return None
        place = self.folder / which / str(step)
        self._check_files(which, step)
        notes = self._read(manager, step, place, notes=ocp.args.JsonRestore())["notes"]
        if notes.get("layout") != LAYOUT:
            raise CheckpointError(
                f"{place} was written by another version of MACE; choose another folder"
            )
        _compare(notes["identity"], self.identity, place)
        wanted = named_leaves(like)
        template = {
            name: np.zeros(np.shape(leaf), np.asarray(leaf).dtype) for name, leaf in wanted.items()
        }
        restore = ocp.args.StandardRestore(template)
        leaves = self._read(manager, step, place, arrays=restore)["arrays"]
        tree = jax.tree.unflatten(jax.tree.structure(like), [leaves[name] for name in wanted])
        return Snapshot(arrays=tree, history=notes["history"])

    def close(self) -> None:
        """Let go of the folder."""
        for manager in self._managers.values():
            manager.close()

    def _list(self, which: Which) -> Path:
        return self.folder / f"{which}.json"

    def _check_files(self, which: Which, step: int) -> None:
        # Orbax reads in threads that go on after the first error and print theirs: look before.
        place = self.folder / which / str(step)
        try:
            listed = json.loads(self._list(which).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return
        # A run killed between writing a checkpoint and its list has the list of the one before.
        if listed["step"] != step:
            return
        found = _checksums(place)
        for name, checksum in listed["files"].items():
            if found.get(name) != checksum:
                raise _damaged(
                    place, f"its file {name} is {'changed' if name in found else 'gone'}"
                )

    def _read(
        self, manager: ocp.CheckpointManager, step: int, place: Path, **items: Any
    ) -> Mapping[str, Any]:
        try:
            return manager.restore(step, args=ocp.args.Composite(**items))
        # Orbax, TensorStore and JSON each have errors of their own for a damaged file.
        except Exception as error:
            raise _damaged(place, (str(error).splitlines() or [repr(error)])[0]) from error


def _alone() -> dict[str, Any]:
    # Where several processes train together one of them has the checkpoints: for Orbax to wait for
    # the others would be for ever.
    if not several_hosts():
        return {}
    own = ocp.options.MultiprocessingOptions(
        primary_host=jax.process_index(),
        active_processes={jax.process_index()},
        barrier_sync_key_prefix="mace",
    )
    return {"multiprocessing_options": own, "create": False}


def named_leaves(tree: PyTree[Any]) -> dict[str, Any]:
    """Return the leaves of a tree by their paths."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator="/"): leaf for path, leaf in leaves}


def _compare(stored: Any, asked: Any, place: Path, where: str = "") -> None:
    if isinstance(stored, Mapping) and isinstance(asked, Mapping):
        for name in [*asked, *(name for name in stored if name not in asked)]:
            inner = f"{where}.{name}" if where else name
            _compare(stored.get(name), asked.get(name), place, inner)
    elif stored != asked:
        raise CheckpointError(
            f"the checkpoint {place} was made with {where} = {stored!r}, this run has {asked!r}; "
            "choose another folder or the same setting"
        )


def _damaged(place: Path, reason: str) -> CheckpointError:
    return CheckpointError(
        f"the checkpoint {place} is damaged ({reason}); remove that folder to start again"
    )


def _checksums(place: Path) -> dict[str, str]:
    files = {}
    for path in sorted(path for path in place.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            files[str(path.relative_to(place))] = hashlib.file_digest(file, "sha256").hexdigest()
    return files


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        reason = _disk_problem(error)
        if reason is None:
            raise
        for partial in folder.glob("*.orbax-checkpoint-tmp*"):
            shutil.rmtree(partial, ignore_errors=True)
        raise OutputError(
            f"cannot write the checkpoint {folder}: {reason}; free some space or choose another "
            "folder, and start again to go on from the last checkpoint"
        ) from error


def _disk_problem(error: BaseException) -> str | None:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    # TensorStore hides the operating system's error in the text of one of its own.
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO):
        if os.strerror(number) in str(error):
            return os.strerror(number)
    return None
