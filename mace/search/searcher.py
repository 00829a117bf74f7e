"""The processes that work on a study: who they are, whether they live, what they do.

Each tells the study's storage every so often that it is alive, so that what it leaves behind when
it is killed is taken over; and writes `status/ID.json` for `mace top` beside it.
"""

import hashlib
import json
import os
import platform
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mace.errors import MaceError
from mace.files import write_json

if TYPE_CHECKING:  # `mace top` is to show at once
    import optuna

BEAT_S = 15.0
# Clocks of machines differ a little, and a busy process may be late.
STALE_S = 8 * BEAT_S
STATUS_S = 1.0

ATTRIBUTE = "searcher "
# How the ids of those end that work beside others.
JOINED = "-join"


class Searcher:
    """This process, at work on some studies; with `join`, beside others."""

    def __init__(
        self, study: "optuna.study.Study", folder: Path, *, slots: int = 0, join: bool = False
    ) -> None:
        self.place = _place()
        self.id = f"{self.place}-{os.getpid()}-{uuid.uuid4().hex[:6]}{JOINED if join else ''}"
        self._study, self._file = study, Path(folder) / "status" / f"{self.id}.json"
        self._status: dict[str, Any] = {
            "host": platform.node(),
            "pid": os.getpid(),
            "place": self.place,
            "started": time.time(),
            "slots": slots,
            "phase": "starting",
            "running": [],
        }
        self._written = 0.0
        self._end = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> "Searcher":
        self._tell_alive(time.time())
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        self._tell_alive(0.0)
        with suppress(OSError):
            self._file.unlink(missing_ok=True)

    def show(
        self, phase: str, running: Sequence[Mapping[str, Any]] = (), *, slots: int | None = None
    ) -> None:
        """Say what is being done; `running` are the settings under way."""
        with self._lock:
            changed = phase != self._status["phase"]
            self._status |= {"phase": phase, "running": [dict(one) for one in running]}
            if slots is not None:
                self._status["slots"] = slots
        if changed or time.time() - self._written > STATUS_S:
            self._write()

    def others(self) -> set[str]:
        """Return the other processes that are at work on the study now."""
        return set(living(self._study, own=self.id))

    def _beat(self) -> None:
        told = time.time()
        while not self._end.wait(STATUS_S):
            self._write()
            if time.time() - told >= BEAT_S:
                told = time.time()
                self._tell_alive(told)

    def _tell_alive(self, now: float) -> None:
        # A database that is gone for a minute must not end a search that is busy elsewhere; the
        # next result will say so if it stays away.
        with suppress(Exception):
            self._study.set_user_attr(f"{ATTRIBUTE}{self.id}", now)

    def _write(self) -> None:
        with self._lock, suppress(MaceError):
            self._written = time.time()
            write_json(self._file, self._status | {"updated": self._written})


def living(study: "optuna.study.Study", *, own: str = "") -> list[str]:
    """Return the ids of other processes that work on a study now."""
    now = time.time()
    return [
        name.removeprefix(ATTRIBUTE)
        for name, beat in study.user_attrs.items()
        if name.startswith(ATTRIBUTE)
        and name.removeprefix(ATTRIBUTE) != own
        and _is_alive(name.removeprefix(ATTRIBUTE), float(beat), now)
    ]


def shown_searcher(searcher: str) -> str:
    """Return which process an id means, for people."""
    place, _, rest = searcher.partition("-")
    return f"process {rest.partition('-')[0]}" if place == _place() else "on another machine"


def read_statuses(folder: Path) -> list[dict[str, Any]]:
    """Return what the processes at work on a folder's study wrote last; not those long silent."""
    found = []
    for path in sorted((Path(folder) / "status").glob("[!.]*.json")):
        try:
            status = json.loads(path.read_text(encoding="utf-8"))
            alive = _is_alive(path.stem, float(status["updated"]), time.time())
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if alive:
            found.append(status)
    return found


def _is_alive(searcher: str, beat: float, now: float) -> bool:
    if not beat or now - beat > STALE_S:
        return False
    place, _, rest = searcher.partition("-")
    if place != _place():
        return True
    return _runs(rest.partition("-")[0])


def _runs(number: str) -> bool:
    if os.name == "nt":
        return True  # there the signal 0 is Ctrl-C
    try:
        os.kill(int(number), 0)
        # A process that was killed has a number until its parent asks what became of it.
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except (OSError, ValueError):
        return True


def _place() -> str:
    """Return a name of the machine, or container, within which a process number means one thing."""
    parts = [platform.node()]
    for path in ("/proc/sys/kernel/random/boot_id", "/etc/machine-id"):
        with suppress(OSError):
            parts.append(Path(path).read_text().strip())
    with suppress(OSError):
        parts.append(os.readlink("/proc/self/ns/pid"))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]
