"""Checkpoints of a run, the latest of which it goes on from; a thin layer over Orbax."""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from jaxtyping import PyTree

from mace.errors import CheckpointError, OutputError
from mace.files import require_space, write_json
from mace.hosts.agreement import several_hosts
from mace.provenance import provenance

# Raised when the layout below changes, so that an old checkpoint is refused instead of misread.
LAYOUT = 2


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
    """The latest checkpoint of one run, below its folder.

    Args:
        run_dir: the run's folder.
        identity: what the run is (configuration, seed, data), as nested JSON values. A checkpoint
            with another identity is refused.

    Raises:
        OutputError: if the folder cannot be made.
    """

    def __init__(self, run_dir: Path, identity: Mapping[str, Any]) -> None:
        self.folder = Path(run_dir).absolute() / "checkpoints" / "latest"
        self.identity = dict(identity)
        with _writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            self._manager = ocp.CheckpointManager(
                self.folder,
                options=ocp.CheckpointManagerOptions(
                    max_to_keep=1,
                    enable_async_checkpointing=False,
                    cleanup_tmp_directories=True,
                    **_alone(),
                ),
            )

    def save(self, step: int, snapshot: Snapshot) -> None:
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
        if step in self._manager.all_steps():
            return
        require_space(self.folder, sum(leaf.nbytes for leaf in leaves.values()))
        with _writing(self.folder):
            self._manager.save(step, args=items, force=True)
        files = _checksums(self.folder / str(step))
        write_json(self._list, {"step": step, "files": files})

    def restore(self, like: PyTree[Any]) -> Snapshot | None:
        """Read a checkpoint into a tree like `like`, or return None if there is none.

        Raises:
            CheckpointError: if it is damaged, or of another configuration, seed or data set.
        """
        step = self._manager.latest_step()
        if step is None:
            return None
        place = self.folder / str(step)
        self._check_files(step)
        notes = self._read(step, place, notes=ocp.args.JsonRestore())["notes"]
        if notes.get("layout") != LAYOUT:
            raise CheckpointError(
                f"{place} was written by another version of MACE; choose another folder"
            )
        _compare(notes["identity"], self.identity, place)
        leaves_like = named_leaves(like)
        template = {
            name: np.zeros(np.shape(leaf), np.asarray(leaf).dtype)
            for name, leaf in leaves_like.items()
        }
        restore = ocp.args.StandardRestore(template)
        leaves = self._read(step, place, arrays=restore)["arrays"]
        tree = jax.tree.unflatten(jax.tree.structure(like), [leaves[name] for name in leaves_like])
        return Snapshot(arrays=tree, history=notes["history"])

    def close(self) -> None:
        """Let go of the folder."""
        self._manager.close()

    @property
    def _list(self) -> Path:
        return self.folder.with_suffix(".json")

    def _check_files(self, step: int) -> None:
        # Orbax reads in threads that go on after the first error and print theirs: look before.
        place = self.folder / str(step)
        try:
            listed = json.loads(self._list.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return
        # A run killed between writing a checkpoint and its list has the list of the one before.
        if listed["step"] != step:
            return
        checksums = _checksums(place)
        for name, checksum in listed["files"].items():
            if checksums.get(name) != checksum:
                raise _damaged(
                    place, f"its file {name} is {'changed' if name in checksums else 'gone'}"
                )

    def _read(self, step: int, place: Path, **items: Any) -> Mapping[str, Any]:
        try:
            return self._manager.restore(step, args=ocp.args.Composite(**items))
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
