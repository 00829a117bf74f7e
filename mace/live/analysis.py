"""From Python: a recording to everything that moved in it, a camera to results as they come."""

import shutil
import weakref
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import numpy as np

from mace.bundle import training_notice
from mace.compilation import keep_compiled
from mace.config import to_dict
from mace.errors import ConfigError, DataError
from mace.inference import Model, load_model, unit_names
from mace.live.config import LiveConfig
from mace.live.event_card import write_cards
from mace.live.overlay import draw_result
from mace.live.pipeline import predict_frames, spot_source
from mace.live.recorder import Recorder
from mace.live.results import Result, Sink
from mace.live.runner import iterate_results
from mace.live.session import Session, load_session
from mace.live.sources.config import SourceConfig
from mace.live.sources.frame import Source, few_frames
from mace.live.sources.opening import open_source
from mace.live.sources.stored import IterableSource
from mace.live.spotting import check_model
from mace.live.step import live_motion
from mace.live.timeline import History
from mace.network import Network
from mace.places import model_folder
from mace.progress import progress
from mace.provenance import provenance
from mace.spotting.events import Event
from mace.spotting.records import events_table

if TYPE_CHECKING:
    import pandas as pd

type Pictures = Iterable[np.ndarray] | Iterable[tuple[float, np.ndarray]]


def analyse(
    source: str | Path | Pictures,
    *,
    model: str | Path | Network = "pretrained",
    out: str | Path | None = None,
    fps: float | None = None,
    faces: int | None = None,
    live: LiveConfig = LiveConfig(),  # noqa: B008
    video: bool = True,
) -> Session:
    """Return everything that moved in a recording: faces, events and their names, frame by frame.

    Every frame is looked at, and the results are those of `mace live FILE`.

    Args:
        source: a video file, a folder of pictures, or pictures from anywhere: uint8 (h, w) or
            (h, w, 3) in the order blue, green, red, with `fps`; or pairs of a time in s and such.
        model: `pretrained`, the folder of a trained or exported network, or `mace.load`'s result.
        out: folder for what `mace live --out` writes; a temporary one without, which lasts as
            long as the result, whose `save` keeps it.
        fps: frames per second, where the recording does not say or says it wrongly.
        faces: how many people are followed at most; 1 unless `live` says otherwise.
        live: how faces are followed, frames compared and probabilities smoothed.
        video: whether the annotated video is made, a third of the time, which `mace review` needs
            to show events, and a card of each micro- and macro-expression.

    Raises:
        CheckpointError: if there is no such network.
        ConfigError: for a network that cannot read videos.
        DataError: if there is no such recording, or it cannot be read.
        OutputError: if `out` exists already or cannot be written.

    Examples:
        >>> import mace
        >>> session = mace.analyse("clip.mp4")  # doctest: +SKIP
        >>> session.events[["kind", "onset", "apex", "offset", "label"]]  # doctest: +SKIP
    """
    network, name = open_network(model)
    opened = _opened(source, fps)
    if opened.live:
        raise ConfigError(f"{opened.name} never ends; take its results with mace.stream")
    config = live if faces is None else replace(live, faces=faces)
    facts = session_facts(opened, network, config, model=name)
    if out is not None:
        write_analysis(opened, network, config, facts, out=Path(out), video=video)
        return load_session(Path(out))
    folder = Path(mkdtemp(prefix="mace-analysis-"))
    try:
        write_analysis(opened, network, config, facts, out=folder / "session", video=video)
        session = load_session(folder / "session")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    weakref.finalize(session, shutil.rmtree, folder, ignore_errors=True)
    return session


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
        ...     for face in result.faces:  # of this frame, whether it moves or not
        ...         print(result.frame.time, face.identity, face.status, face.smoothed)
    """
    network, _ = open_network(model)
    config = live if faces is None else replace(live, faces=faces)
    opened = _opened(source, fps, asked)
    return iterate_results(opened, network, config, sinks=sinks)


def spot(
    source: str | Path | Pictures,
    *,
    model: str | Path | Network = "pretrained",
    fps: float | None = None,
    live: LiveConfig = LiveConfig(),  # noqa: B008
) -> "pd.DataFrame":
    """Return the movements in a recording, by onset: `analyse` without a row for every frame.

    Three times as fast, since frames are compared 50 times a second and none is drawn.

    Args:
        source: as in `analyse`.
        model: likewise, one that reads optical flow.
        fps: likewise.
        live: how faces are followed, and what counts as a movement.

    Returns:
        The columns of `events.csv`; `attrs` has `remarks`, `seconds`, `frames`, `tracked` and
        `notice`.

    Raises:
        CheckpointError: if there is no such network.
        ConfigError: for a network that cannot spot.
        DataError: if there is no such recording, or it cannot be read.
    """
    network, _ = open_network(model)
    check_model(network, live)
    opened = _opened(source, fps)
    with progress(Path(opened.name).name, opened.count) as advance:
        spotted = spot_source(opened, network, live, advance=advance)
    table = events_table(spotted.events, network.classes, unit_names(network))
    table.attrs |= {
        "remarks": list(spotted.remarks),
        "seconds": spotted.seconds,
        "frames": spotted.frames,
        "tracked": spotted.tracked,
        "notice": training_notice(network.trained_on),
    }
    return table


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


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What an analysis has counted.

    Attributes:
        frames: all of them.
        tracked: those in which a face was followed.
        events: movements.
        status: how often each state of a face.
        labels: how often each class.
        remarks: what to know about the source, in sentences.
    """

    frames: int
    tracked: int
    events: int
    status: Mapping[str, int]
    labels: Mapping[str, int]
    remarks: tuple[str, ...]


def write_analysis(
    source: Source,
    network: Model,
    live: LiveConfig,
    facts: dict[str, Any],
    *,
    out: Path,
    video: bool = True,
) -> Tally:
    """Analyse a stored source, every frame of it, into the folder `out`.

    Raises:
        DataError: if it cannot be read.
        KeyboardInterrupt: where somebody stops it; the message says what was kept.
        OutputError: if `out` exists already or cannot be written.
    """
    counts: Counter[str] = Counter()
    status: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    remarks: list[str] = []
    source.report = lambda kind, sentence: remarks.append(sentence)
    recorder = Recorder(
        out,
        classes=network.classes,
        units=unit_names(network),
        size=source.size,
        session=facts,
        pictures="annotated" if video else "none",
    )
    recorder.note("remarks", remarks)
    last, history = 0.0, History()
    events: list[Event] = []
    results = predict_frames(source.frames(), model=network, config=live, fps=source.fps)
    try:
        with recorder, progress(Path(source.name).name, source.count) as advance:
            for result in results:
                picture = None
                if video:
                    history.add(result)
                    picture = draw_result(
                        result,
                        classes=network.classes,
                        notice=facts["notice"],
                        events=history.named,
                    )
                recorder.write_result(result, picture)
                counts["frames"] += 1
                counts["events"] += len(result.events)
                events += [event for event in result.events if video]
                counts["tracked"] += any(face.tracked for face in result.faces)
                status.update(face.status for face in result.faces)
                labels.update(face.label for face in result.faces if face.label is not None)
                last = result.frame.time
                advance()
            if last:
                remarks += few_frames(source.name, (counts["frames"] - 1) / last)
    except KeyboardInterrupt as stop:
        if not out.is_dir():
            raise
        raise type(stop)(
            f"{counts['frames']} frames were analysed, which are in {out}; remove it to begin again"
        ) from None
    write_cards(out, sorted(events, key=lambda event: (event.onset, event.identity)))
    return Tally(
        frames=counts["frames"],
        tracked=counts["tracked"],
        events=counts["events"],
        status=dict(status),
        labels=dict(labels),
        remarks=tuple(remarks),
    )


def _opened(
    source: int | str | Path | Pictures, fps: float | None, asked: SourceConfig | None = None
) -> Source:
    if isinstance(source, int):
        source = str(source)
    if isinstance(source, str | Path):
        return open_source(source, asked, fps=fps)
    if isinstance(source, np.ndarray) and (source.ndim < 3 or source.shape[2:] == (3,)):
        raise DataError(f"an array of the shape {source.shape} is one picture; give (t, h, w[, 3])")
    return IterableSource(source, fps=fps)
