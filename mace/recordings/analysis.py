"""A stored recording to everything that moved in it, frame by frame."""

import shutil
import weakref
from collections import Counter
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from mace.errors import ConfigError
from mace.inference import Model, unit_names
from mace.live.config import LiveConfig
from mace.live.overlay import draw_result
from mace.live.pipeline import predict_frames
from mace.live.recorder import Recorder
from mace.live.sources.frame import Source, few_frames
from mace.live.streaming import Pictures, open_network, open_pictures, session_facts
from mace.live.timeline import History
from mace.network import Network
from mace.progress import progress
from mace.recordings.event_card import write_cards
from mace.recordings.session import Session, load_session
from mace.spotting.events import Event


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
    opened = open_pictures(source, fps)
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


def write_analysis(
    source: Source,
    network: Model,
    live: LiveConfig,
    facts: dict[str, Any],
    *,
    out: Path,
    video: bool = True,
) -> dict[str, Any]:
    """Analyse a stored source, every frame of it, into the folder `out`; return what was counted.

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
    return {
        **{name: counts[name] for name in ("frames", "tracked", "events")},
        "status": dict(status),
        "labels": dict(labels),
        "remarks": remarks,
    }
