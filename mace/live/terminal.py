"""A run at the terminal until it is ended: the runner, the recording, the window."""

import math
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from mace.inference import Model, unit_names
from mace.live.background_recorder import BackgroundRecorder
from mace.live.config import LiveConfig
from mace.live.queues import LatestResult
from mace.live.recorder import Recorder
from mace.live.results import Sink
from mace.live.runner import Runner
from mace.live.sources.frame import Source
from mace.live.timing import timing_table
from mace.live.window import View, show

_WAIT_S = 0.2
_SAID_EVERY_S = 5.0


def run_until_ended(
    source: Source,
    model: Model,
    *,
    live: LiveConfig,
    facts: dict[str, Any],
    out: Path | None,
    window: bool,
    video: bool = True,
    seconds: float | None = None,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Run until the source ends, `seconds` are over, the window is closed, or Ctrl-C.

    Args:
        source: where frames come from.
        model: the network.
        live: settings.
        facts: what the recording's sidecar says, and the `notice` that is always shown.
        out: folder of the recording; None records nothing.
        window: whether results are shown in a window.
        video: whether the recording holds the source's own frames.
        seconds: when to end, in s; None waits for the source's end, Ctrl-C or the window's.
        say: called with lines for the person who waits.

    Returns:
        Counters, the timings of every stage, and the cost, as JSON can hold them.

    Raises:
        MaceError: what ended the source or the recording.
    """
    begun = time.monotonic()
    with ExitStack() as stack:
        latest = LatestResult()
        sinks: list[Sink] = [latest.put] if window else []
        recording: BackgroundRecorder | None = None
        if out is not None:
            recorder = Recorder(
                out,
                classes=model.classes,
                units=unit_names(model),
                size=source.size,
                session=facts,
                pictures="own" if video else "none",
                keep=source.live,
            )
            recording = stack.enter_context(BackgroundRecorder(recorder))
            sinks.append(recording)

        runner = Runner(
            source,
            model,
            config=live,
            sinks=sinks,
            on_incident=lambda incident: say(str(incident)),
        )
        used = time.process_time()
        until = math.inf if seconds is None else time.monotonic() + seconds

        def ended() -> bool:
            return runner.wait(0) or time.monotonic() > until

        try:
            with runner:
                if window:
                    view = View(
                        model.classes,
                        facts["notice"],
                        _snapshots(out),
                        reset_reference=runner.reset_reference,
                        record=None if recording is None else recording.record,
                        recording=recording is not None,
                    )
                    show(view, latest, ended=ended)
                else:
                    _wait(runner, ended, say)
        except KeyboardInterrupt:
            pass  # how a camera's session usually ends
        return runner.summary(time.monotonic() - begun, time.process_time() - used)


def summary_text(summary: dict[str, Any]) -> str:
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


def _wait(runner: Runner, ended: Callable[[], bool], say: Callable[[str], None]) -> None:
    said = time.monotonic()
    while not ended():
        runner.wait(_WAIT_S)
        if time.monotonic() - said > _SAID_EVERY_S:
            said, now = time.monotonic(), runner.counters
            say(
                f"{now.frames} frames, {now.fps:.0f} a second, delay {now.delay_ms:.1f} ms, "
                f"{now.dropped} dropped, {now.skipped} skipped"
            )
