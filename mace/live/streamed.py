"""Results as they come, for a loop in a notebook or a script."""

import warnings
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

from mace.inference import Model
from mace.live.config import LiveConfig
from mace.live.latest import Latest
from mace.live.loop import LiveLoop
from mace.live.pipeline import predict_frames
from mace.live.results import Result
from mace.live.sources.frame import Source
from mace.live.sources.incident import Incident, IncidentKind, few_frames
from mace.spotting.events import Event

_WAIT_S = 0.1


def streamed_results(source: Source, model: Model, config: LiveConfig) -> Iterator[Result]:
    """Yield what each frame gives; what happens to the source is warned of where it is iterated.

    Of a live source the newest result, with the events of those that nobody took; of others every
    one.

    Raises:
        DataError: if the source cannot be read, or is lost for good.
    """
    told: deque[str] = deque()  # from the thread that notices it to the one that iterates

    def report(kind: IncidentKind, sentence: str) -> None:
        told.append(sentence)

    def on_incident(incident: Incident) -> None:
        if incident.kind != "ended":  # so does the iterator
            told.append(str(incident))

    if not source.live:
        source.report = report
        told.extend(few_frames(source.name, source.fps))
        with closing(source.frames()) as frames:
            for result in predict_frames(frames, bundle=model, config=config, fps=source.fps):
                _warn(told)
                yield result
        _warn(told)
        return
    latest, final = Latest(), list[Event]()
    last: Result | None = None
    loop = LiveLoop(
        source,
        model,
        config=config,
        consumers=[latest.put],
        on_incident=on_incident,
        on_last=final.extend,
    )
    with loop:
        ended = False
        while not ended:
            ended = loop.wait(0)  # asked first: what was put before the end is still taken
            result = latest.take(0 if ended else _WAIT_S)
            _warn(told)
            if result is not None:
                last = result
                yield result
        if final and last is not None:
            yield replace(last, events=tuple(final))


def _warn(told: deque[str]) -> None:
    while told:
        warnings.warn(told.popleft(), stacklevel=3)  # at the loop over `stream`
