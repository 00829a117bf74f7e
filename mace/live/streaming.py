"""From Python: a camera, a stream or pictures to results as they come."""

import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mace.bundle import training_notice
from mace.compilation import keep_compiled
from mace.config import to_dict
from mace.errors import ConfigError, DataError
from mace.inference import Model, load_model, unit_names
from mace.live.config import LiveConfig, SourceConfig
from mace.live.pipeline import predict_frames
from mace.live.queues import LatestResult
from mace.live.results import Result, Sink
from mace.live.runner import Runner
from mace.live.sources.frame import Incident, Source, few_frames
from mace.live.sources.opening import open_source
from mace.live.sources.stored import IterableSource
from mace.live.step import live_motion
from mace.network import Network
from mace.places import model_folder
from mace.provenance import provenance

_WAIT_S = 0.1

type Pictures = Iterable[np.ndarray] | Iterable[tuple[float, np.ndarray]]


def stream(
    source: int | str | Path | Pictures = 0,
    *,
    model: str | Path | Network = "pretrained",
    fps: float | None = None,
    faces: int | None = None,
    live: LiveConfig = LiveConfig(),  # noqa: B008
    asked: SourceConfig = SourceConfig(),  # noqa: B008
    sinks: Sequence[Sink] = (),
) -> Iterator[Result]:
    """Yield what each frame gives: its faces with their probabilities, and events when certain.

    Of a camera or an address, whoever takes results too slowly misses some, but no event: those of
    results that were missed come with the next one. Of a file or pictures none is missed. What
    happens to the source, such as a stall or damaged frames, comes as warnings. The source is
    closed when the iterator is: end it by leaving its loop.

    Args:
        source: a camera by its number or name (`camera:NAME`), an address (rtsp://, http://), `-`
            for standard input, or what `analyse` takes.
        model: as in `analyse`.
        fps: frames per second, likewise; of a camera, those asked for.
        faces: likewise.
        live: likewise.
        asked: what else is asked of the source.
        sinks: called with every result, also with those that the loop misses; each must be quick
            (`examples/send_osc.py`).

    Raises:
        CheckpointError: if there is no such network.
        ConfigError: for a network that cannot read videos.
        DataError: if the source gives no frames, or is lost for good.

    Examples:
        >>> import mace
        >>> for result in mace.stream(0):  # doctest: +SKIP
        ...     for event in result.events:  # movements, once they are certain
        ...         print(event.kind, event.onset, event.offset, event.label)
    """
    network, _ = open_network(model)
    config = live if faces is None else replace(live, faces=faces)
    opened = open_pictures(source, fps, asked)
    return iterate_results(opened, network, config, sinks=sinks)


def iterate_results(
    source: Source, model: Model, config: LiveConfig, *, sinks: Sequence[Sink] = ()
) -> Iterator[Result]:
    """Yield what each frame gives; what happens to the source is warned of where it is iterated.

    Of a live source the newest result, with the events of those that nobody took; of others every
    one. The source is closed at the end; `sinks` are called with every result.

    Raises:
        DataError: if the source cannot be read, or is lost for good.
    """
    remarks: deque[str] = deque()  # from the thread that notices it to the one that iterates

    def warn() -> None:
        while remarks:
            warnings.warn(remarks.popleft(), stacklevel=3)  # at the loop over `stream`

    if not source.live:
        source.report = lambda kind, sentence: remarks.append(sentence)
        remarks.extend(few_frames(source.name, source.fps))
        with closing(source.frames()) as frames:
            for result in predict_frames(frames, model=model, config=config, fps=source.fps):
                warn()
                for sink in sinks:
                    sink(result)
                yield result
        warn()
        return

    def on_incident(incident: Incident) -> None:
        if incident.kind != "ended":  # so does the iterator
            remarks.append(str(incident))

    latest, ended = LatestResult(), False
    with Runner(
        source, model, config=config, sinks=[*sinks, latest.put], on_incident=on_incident
    ) as runner:
        while not ended:
            ended = runner.wait(0)  # asked first: what was put before the end is still taken
            result = latest.take(0 if ended else _WAIT_S)
            warn()
            if result is not None:
                yield result
    warn()


def open_network(model: str | Path | Network) -> tuple[Model, str]:
    """Return a network that can read videos, and what it is called.

    Raises:
        CheckpointError: if there is none of this name.
        ConfigError: if it reads ready-made flow images alone.
    """
    keep_compiled()
    named = model.name if isinstance(model, Network) else str(model)
    network = model.model if isinstance(model, Network) else load_model(model_folder(Path(model)))
    if network.motion.flow == "images":
        raise ConfigError(
            f"the model {named} was trained on ready-made flow images, whose flow, alignment and "
            "scaling are not known, so that no video can be turned into its input; use a model "
            "trained on clips"
        )
    return network, named


def session_facts(
    source: Source,
    network: Model,
    live: LiveConfig,
    *,
    model: str,
    asked: SourceConfig = SourceConfig(),  # noqa: B008
) -> dict[str, Any]:
    """Return what `session.json` says of how a session was made."""
    return {
        "source": source.name,
        "fps": source.fps,
        "size": list(source.size),
        "time_base": "seconds since the first frame, by the source's clock",
        "model": model,
        "classes": list(network.classes),
        "units": list(unit_names(network)),
        "trained_on": list(network.trained_on),
        "notice": training_notice(network.trained_on),
        "live": to_dict(live),
        "asked": to_dict(asked),
        "motion": to_dict(live_motion(network, live, live=source.live)),
        "face": dict(network.face),
        "provenance": provenance(),
    }


def open_pictures(
    source: int | str | Path | Pictures, fps: float | None, asked: SourceConfig | None = None
) -> Source:
    """Open what `spec` of `open_source` names, or pictures; an `int` is a camera's number."""
    if isinstance(source, int):
        source = str(source)
    if isinstance(source, str | Path):
        return open_source(source, asked, fps=fps)
    if isinstance(source, np.ndarray) and (source.ndim < 3 or source.shape[2:] == (3,)):
        raise DataError(f"an array of the shape {source.shape} is one picture; give (t, h, w[, 3])")
    return IterableSource(source, fps=fps)
