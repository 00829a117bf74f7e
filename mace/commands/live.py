"""`mace live`: a video in; an annotated video, a CSV and a JSONL of labelled frames out."""

import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro

from mace.commands.places import RUNS_DIR
from mace.config import to_dict
from mace.errors import ConfigError
from mace.export import is_export
from mace.live import LiveConfig
from mace.live.web.config import WebConfig
from mace.pretrained import PRETRAINED, bundle_path, has_pretrained
from mace.progress import progress
from mace.provenance import provenance

DEFAULT_MODEL = Path(PRETRAINED) if has_pretrained() else RUNS_DIR / "reproduce" / "model"


def run(
    source: Path,
    model: Path = DEFAULT_MODEL,
    out: Path | None = None,
    fps: float | None = None,
    live: LiveConfig = LiveConfig(),  # noqa: B008
    as_json: Annotated[bool, tyro.conf.arg(name="json")] = False,
    on_page: Annotated[bool, tyro.conf.arg(name="web")] = False,
    web: WebConfig = WebConfig(),  # noqa: B008
) -> None:
    """Track and correct the face in a video and label every frame.

    The folder `out` gets annotated.mp4, frames.csv, frames.jsonl and session.json. Probabilities
    come from the motion against the reference frame; by default that is the first frame with a
    face, which should show it neutral. Ask for some neutral seconds (--live.adapt-s) where you can.

    Args:
        source: a video file, or a folder of images named by their frame numbers.
        model: folder of a trained model, such as `mace reproduce`, `mace train` or `mace export`
            leave, or `pretrained` for the one that comes with MACE.
        out: folder for the results; by default runs/live/NAME, which must not exist yet.
        fps: frames per second, where the source does not say or says it wrongly.
        live: how frames are compared and answers smoothed.
        as_json: print the summary as one JSON object on standard output.
        on_page: show the results on a page instead, whose address is printed, until Ctrl-C; `out`
            is not written.
        web: where the page is served, and its bounds.
    """
    folder = model if is_export(model) else bundle_path(model)
    out = RUNS_DIR / "live" / source.stem if out is None else out
    if out.resolve() == source.resolve():
        raise ConfigError(f"--out {out} is the source itself; choose another folder")

    from mace.export import load_export
    from mace.live import Recorder, draw, label_frames, open_source
    from mace.training import load_bundle

    bundle = load_export(folder) if is_export(folder) else load_bundle(folder)
    if bundle.motion.flow == "images":
        raise ConfigError(
            f"the model {model} was trained on ready-made flow images, whose flow, alignment and "
            "scaling are not known, so that no video can be turned into its input; use a model "
            "trained on clips"
        )
    notice = training_notice(bundle.trained_on)
    if on_page:
        from mace.live.sources import SourceConfig
        from mace.live.web import Facts, serve_live

        played = open_source(str(source), SourceConfig(realtime=True), fps=fps)
        facts = Facts(tuple(bundle.classes), notice, model=str(model), source=str(source))
        print(notice, file=sys.stderr)
        serve_live(played, bundle, live=live, web=web, facts=facts)
        return
    video = open_source(source, fps=fps)
    session = {
        "source": str(source),
        "fps": video.fps,
        "size": list(video.size),
        "time_base": "seconds since the first frame, by the source's frame rate",
        "model": str(model),
        "classes": list(bundle.classes),
        "trained_on": list(bundle.trained_on),
        "notice": notice,
        "live": to_dict(live),
        "motion": to_dict(bundle.motion),
        "face": dict(bundle.face),
        "provenance": provenance(),
    }
    tally: Counter[str] = Counter()
    recorder = Recorder(
        out, classes=bundle.classes, fps=video.fps, size=video.size, session=session
    )
    with recorder, progress(source.name, video.count) as advance:
        for labelled in label_frames(video.frames(), bundle=bundle, config=live):
            picture = draw(labelled, classes=bundle.classes, notice=notice)
            recorder.write(labelled.frame, picture)
            _count(tally, labelled.frame.status, labelled.frame.label)
            tally["tracked"] += labelled.frame.tracked
            advance()
    summary = _summary(tally, out=out, notice=notice)
    print(json.dumps(summary, indent=2) if as_json else _sentence(summary))
    print(notice, file=sys.stderr)


def training_notice(trained_on: Sequence[str]) -> str:
    """Return the line every output carries: what the model was trained on, and what it is not."""
    real = [name for name in trained_on if name.partition("/")[0] != "synthetic"]
    seen = ", ".join(real) or ("synthetic faces alone" if trained_on else "unknown data")
    if real and len(real) < len(trained_on):
        seen += " and synthetic faces"
    return f"Trained on {seen}. Movements, not feelings: no proof of emotion or lying."


def _count(tally: Counter[str], status: str, label: str | None) -> None:
    tally["frames"] += 1
    tally[f"status {status}"] += 1
    if label is not None:
        tally[f"label {label}"] += 1


def _summary(tally: Counter[str], *, out: Path, notice: str) -> dict[str, Any]:
    def part(prefix: str) -> dict[str, int]:
        return {k.removeprefix(prefix): v for k, v in tally.items() if k.startswith(prefix)}

    return {
        "out": str(out),
        "frames": tally["frames"],
        "tracked": tally["tracked"],
        "status": part("status "),
        "labels": part("label "),
        "notice": notice,
    }


def _sentence(summary: dict[str, Any]) -> str:
    states = ", ".join(
        f"{count} {name.replace('_', ' ')}" for name, count in summary["status"].items()
    )
    return (
        f"{summary['tracked']} of {summary['frames']} frames tracked ({states}); "
        f"annotated.mp4, frames.csv and frames.jsonl are in {summary['out']}"
    )
