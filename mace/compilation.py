"""Compiled programs kept on disk, so that a process finds what another one compiled."""

import os
from pathlib import Path

import jax

from mace.errors import OutputError


def default_cache_dir() -> Path:
    """Return the user's cache folder for MACE, following the XDG base directory specification."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "mace"


def keep_compiled(cache_dir: Path | None = None) -> Path:
    """Make JAX keep every compiled program below `cache_dir`, whatever it took to compile.

    Call it once, before the first program is compiled. Processes may share the folder.

    Args:
        cache_dir: the folder; the user's cache folder if None.

    Returns:
        The folder that is used.

    Raises:
        OutputError: if the folder cannot be written to.
    """
    folder = (cache_dir or default_cache_dir()) / "compiled"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror or error}") from error
    if not os.access(folder, os.W_OK):
        raise OutputError(f"cannot write {folder}: choose another folder for compiled programs")
    jax.config.update("jax_compilation_cache_dir", str(folder))
    # The networks are small: by default JAX keeps nothing that compiles in less than a second.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    return folder


def cache_dir_in_use() -> Path | None:
    """Return where this process keeps programs, for its workers to do so too; None if nowhere."""
    folder = jax.config.jax_compilation_cache_dir
    return None if folder is None else Path(folder).parent
