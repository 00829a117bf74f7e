"""A live session from the camera to whoever watches: the loop, the recording, the window."""

import math
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mace.inference import Model, unit_names
from mace.live.config import LiveConfig
from mace.live.latest import Latest
from mace.live.loop import LiveLoop
from mace.live.recorder import Recorder
from mace.live.recording import Recording
from mace.live.results import Counters, Result
from mace.live.sources.frame import Source
from mace.live.timing import timing_table
from mace.live.window import Actions, show

_WAIT_S = 0.2
_NOTHING = Counters()
_SAID_EVERY_S = 5.0


@dataclass(frozen=True, kw_only=True)
class SessionConfig:
    """What is done with the results.

    Attributes:
        out: folder of the recording; None records nothing.
        window: whether they are shown in a window.
        video: whether the recording holds the source's own frames.
        seconds: when to end, in s; None waits for the source's end, Ctrl-C or the window's.
    """

    out: Path | None
    window: bool
    seconds: float | None = None
    video: bool = True


def run_session(
    source: Source,
    model: Model,
    *,
    live: LiveConfig,
    config: SessionConfig,
    facts: dict[str, Any],
    notice: str,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Run until the source ends, `config.seconds` are over, the window is closed, or Ctrl-C.

    Args:
        source: where frames come from.
        model: the network.
        live: settings of the loop.
        config: what is done with the results.
        facts: what the recording's sidecar says.
        notice: the line about the network, always shown.
        say: called with lines for the person who waits.

    Returns:
        Counters, the timings of every stage, and the cost, as JSON can hold them.

    Raises:
        MaceError: what ended the source or the recording.
    """
    begun = time.monotonic()
    with ExitStack() as stack:
        consumers: list[Callable[[Result], None]] = []
        latest = Latest() if config.window else None
        recording: Recording | None = None
        if latest is not None:
            consumers.append(latest.put)
        if config.out is not None:
            recorder = Recorder(
                config.out,
                classes=model.classes,
                units=unit_names(model),
                size=source.size,
                session=facts,
                pictures="own" if config.video else "none",
                keep=source.live,
            )
            recording = stack.enter_context(Recording(recorder))
            consumers.append(recording)

        loop = LiveLoop(
            source,
            model,
            config=live,
            consumers=consumers,
            on_incident=lambda incident: say(str(incident)),
            on_last=None if recording is None else recording.end_with,
        )
        used = time.process_time()
        until = math.inf if config.seconds is None else time.monotonic() + config.seconds

        def ended() -> bool:
            return loop.wait(0) or time.monotonic() > until

        try:
            with loop:
                if latest is None:
                    _wait(loop, ended, say)
                else:
                    record = None if recording is None else recording.record
                    show(
                        latest,
                        classes=model.classes,
                        notice=notice,
                        snapshots=_snapshots(config.out),
                        actions=Actions(reset_reference=loop.reset_reference, record=record),
                        recording=recording is not None,
                        ended=ended,
                    )
        except KeyboardInterrupt:
            pass  # how a camera's session usually ends
        return loop_summary(loop, time.monotonic() - begun, time.process_time() - used)


def session_text(summary: dict[str, Any]) -> str:
    """Return the summary for people."""
    counters = summary["counters"]
    head = (
        f"{counters['frames']} frames in {summary['seconds']:.1f} s, {counters['dropped']} "
        f"dropped, {counters['skipped']} without a prediction for want of time; "
        f"{summary['cpu_ms']:.2f} ms of processor time a frame"
    )
    if summary["memory_mb"] is not None:
        head += f", {summary['memory_mb']:.0f} MB"
    return f"{head}\n{timing_table(summary['timings'])}"


def _snapshots(out: Path | None) -> Path:
    return Path("runs", "live-snapshots") if out is None else out.with_name(f"{out.name}-snapshots")


def _wait(loop: LiveLoop, ended: Callable[[], bool], say: Callable[[str], None]) -> None:
    said = time.monotonic()
    while not ended():
        loop.wait(_WAIT_S)
        if time.monotonic() - said > _SAID_EVERY_S:
            said, now = time.monotonic(), loop.counters
            say(
                f"{now.frames} frames, {now.fps:.0f} a second, delay {now.delay_ms:.1f} ms, "
                f"{now.dropped} dropped, {now.skipped} skipped"
            )


def peak_memory_mb() -> float | None:
    """Return the most memory this process has had, in MB; None where the system keeps no count."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, bytes
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20, 1)


def loop_summary(
    loop: LiveLoop, seconds: float, cpu_s: float, *, since: Counters = _NOTHING
) -> dict[str, Any]:
    """Return what a loop has done since its counters were `since`, as JSON can hold it.

    Args:
        loop: the loop.
        seconds: how long that took.
        cpu_s: and how much processor time.
        since: counters at the beginning of that time.
    """
    counters = loop.counters
    frames = counters.frames - since.frames
    return {
        "seconds": round(seconds, 3),
        "counters": {
            "frames": frames,
            "dropped": counters.dropped - since.dropped,
            "skipped": counters.skipped - since.skipped,
        },
        "incidents": [
            {"time": round(one.time, 3), "kind": one.kind, "sentence": one.sentence}
            for one in loop.incidents
        ],
        "timings": loop.timings.summary(),
        "cpu_ms": round(1e3 * cpu_s / max(frames, 1), 3),
        "memory_mb": peak_memory_mb(),
    }
