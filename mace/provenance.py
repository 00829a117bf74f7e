"""Where a result comes from: code revision, package versions, platform, time."""

import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = (
    "mace-mer", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "tensorflow-datasets",
    "opencv-python", "av", "dlib-bin", "numpy", "scipy", "scikit-learn",
)  # fmt: skip


def provenance() -> dict[str, Any]:
    """Return what a reader needs to make a result again; every checkpoint and report carries it."""
    return {
        "git_revision": git_revision(),
        "packages": {name: _version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def git_revision() -> str | None:
    """Return the commit of the source tree (`-dirty` if files differ), or None outside of git."""
    return source_revision()


def source_revision(*, apart: Sequence[str] = ()) -> str | None:
    """Return what `git_revision` does, whatever differs in the files or folders `apart`."""
    folder = Path(__file__).parent
    # From the top of the tree, whichever folder git is run in.
    places = [":/", *(f":(exclude,top){name}" for name in apart)]

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        # A package installed below somebody else's repository must not claim its revision.
        if not git("ls-files", "--", "provenance.py"):
            return None
        changed = git("status", "--porcelain", "--", *places)
        return git("rev-parse", "HEAD") + ("-dirty" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
