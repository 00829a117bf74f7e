"""Writing that leaves either the whole file or nothing behind."""

import codecs
import errno
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mace.errors import OutputError
from mace.locks import lock, lock_folder

SPARE_BYTES = 256 * 1024

_BINARY = getattr(os, "O_BINARY", 0)  # Windows would write line ends of its own


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that takes its place on success and vanishes on error.

    The temporary name keeps the suffix, since OpenCV and NumPy choose a format by it.

    Raises:
        OutputError: if the folder cannot be written to or the disk is full.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.partial-{_nobody_elses()}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        # Whatever hinders the removal hindered the writing, which has been reported already.
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path, *, marker: str, what: str) -> Iterator[Path]:
    """Yield an empty folder beside `path` that takes its place on success, vanishes on error.

    Args:
        path: the folder to make; one that is empty or holds the file `marker` is replaced.
        marker: name of a file by which a folder of the same kind is known.
        what: the kind, for the error.

    Raises:
        OutputError: if the place cannot be written to, the disk is full, or `path` is something
            else.
    """
    path = Path(path)
    empty = path.is_dir() and not any(path.iterdir())
    if path.exists() and not (path / marker).is_file() and not empty:
        raise OutputError(f"{path} exists and is no {what}; choose another name")
    temporary = path.with_name(f".{path.name}.partial-{_nobody_elses()}")
    retired = path.with_name(f".{path.name}.retired-{_nobody_elses()}")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if path.exists():
            # A folder cannot be replaced in one step; the old one is only renamed until then.
            os.replace(path, retired)
        os.replace(temporary, path)
    except OSError as error:
        if retired.exists() and not path.exists():
            os.replace(retired, path)
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(retired, ignore_errors=True)


def require_space(folder: Path, needed: int = 0) -> None:
    """Check that `needed` bytes and some to spare fit on the disk of `folder`, which exists.

    For libraries that write in threads of their own, where a full disk shows half-way and late.

    Raises:
        OutputError: if they do not fit.
    """
    if shutil.disk_usage(folder).free < needed + SPARE_BYTES:
        raise OutputError(
            f"cannot write {folder}: {os.strerror(errno.ENOSPC)}; free some space or choose "
            "another folder, and start again to go on from the last checkpoint"
        )


@contextmanager
def one_at_a_time(folder: Path, *, wait: bool = True) -> Iterator[None]:
    """Make a folder, and keep other processes that ask for it from what is done within.

    Args:
        folder: to be made, with those above it.
        wait: for a process that holds it.

    Raises:
        BlockingIOError: if one does, and `wait` is false.
        OutputError: if the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = lock_folder(folder, wait=wait)
    except BlockingIOError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror or error}") from error
    try:
        yield
    finally:
        os.close(held)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path`, whole or not at all.

    What no encoding holds, such as the bytes of a file's name that are none of UTF-8, is written as
    an escape, which JSON reads back.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def append_line(path: Path, line: str) -> None:
    """Add a line to `path` with one write, so that several processes may share the file.

    A line that a crash has torn is ended first, lest it swallow this one.

    Raises:
        OutputError: if it cannot be written, or not whole.
    """
    path, data = Path(path), line.encode() + b"\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | _BINARY, 0o644)
        try:
            # Released with the file: nobody looks at a line that is being written.
            lock(file)
            if os.lseek(file, 0, os.SEEK_END):
                os.lseek(file, -1, os.SEEK_END)
                data = data if os.read(file, 1) == b"\n" else b"\n" + data
            written = os.write(file, data)
        finally:
            os.close(file)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    if written < len(data):
        raise OutputError(f"cannot write {path}: the disk is full")


def write_json(path: Path, value: Any) -> None:
    """Write `value` to `path` as indented JSON, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def decode_text(data: bytes) -> str | None:
    """Return text as people save it (UTF-8, UTF-16, GBK, Latin-1), None for what is no text.

    UTF-16 is told by its mark, or by the zero bytes of plain letters where there is none.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ("utf-16",)
    elif b"\0" in data[:4]:
        encodings = ("utf-16-be" if data[:1] == b"\0" else "utf-16-le",)
    else:
        encodings = ("utf-8-sig", "gbk", "latin-1")  # the last takes any byte
    for encoding in encodings:
        with suppress(UnicodeDecodeError):
            text = data.decode(encoding)
            return None if "\0" in text else text
    return None


def _nobody_elses() -> str:
    # On a shared folder, containers of several machines have equal process numbers.
    return f"{os.getpid()}-{secrets.token_hex(3)}"
