"""`mace live`: a camera, a stream or a video in; faces, their movements and a record out."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from mace.errors import ConfigError, OutputError
from mace.live.config import LiveConfig, SourceConfig
from mace.live.web.config import WebConfig
from mace.places import RUNS_DIR, model_folder
from mace.pretrained.bundle_files import PRETRAINED, has_pretrained

DEFAULT_MODEL = Path(PRETRAINED) if has_pretrained() else RUNS_DIR / "reproduce" / "model"


def run(
    source: tyro.conf.Positional[str] = "0",
    model: Path = DEFAULT_MODEL,
    out: Path | None = None,
    fps: float | None = None,
    live: LiveConfig = LiveConfig(),  # noqa: B008
    asked: Annotated[SourceConfig, tyro.conf.arg(name="source")] = SourceConfig(),  # noqa: B008
    window: Literal["auto", "yes", "no"] = "auto",
    seconds: float | None = None,
    video: bool = True,
    profile: bool = False,
    as_json: Annotated[bool, tyro.conf.arg(name="json")] = False,
    on_page: Annotated[bool, tyro.conf.arg(name="web")] = False,
    web: WebConfig = WebConfig(),  # noqa: B008
) -> None:
    """Follow the faces in a camera's picture or a video, show what moves, and name the movements.

    A camera or stream is shown in a window, and recorded only if you say where (--out). A file is
    analysed without losing a frame, and --out gets annotated.mp4, frames and events as CSV and
    JSONL (events.csv as `mace spot` has it), and session.json. Motion is measured against the first
    frame with a face, which should show it neutral. Ask for some neutral seconds (--live.adapt-s)
    where you can.

    Args:
        source: a camera by index or name (0, camera:NAME), a video file, a folder of images or
            their pattern, an rtsp:// or http:// address, or - for standard input.
        model: folder of a trained model, such as `mace reproduce`, `mace train` or `mace export`
            leave, or `pretrained` for the one that comes with MACE.
        out: folder for the results, which must not exist yet; of files by default runs/live/NAME.
        fps: frames per second, where the source does not say or says it wrongly.
        live: how faces are followed, frames compared and predictions smoothed.
        asked: what is asked of the source.
        window: whether to show one; `auto` does for live sources without --out.
        seconds: end a live source after so many seconds.
        video: whether a recording of a live source holds its frames, each a tenth of a MB and 1 to
            2 ms of processor time.
        profile: print how long every stage took, with rate, drops, processor time and memory.
        as_json: print the summary as one JSON object on standard output.
        on_page: show the results on a page instead, whose address is printed, until Ctrl-C.
        web: where the page is served, and its bounds.
    """
    model_folder(model)  # refused before a second is spent on imports
    if out is not None and out.resolve() == Path(source).resolve():
        raise ConfigError(f"--out {out} is the source itself; choose another folder")

    from mace.live.cores import start_on_one_core
    from mace.live.sources.opening import open_source
    from mace.live.streaming import open_network, session_facts
    from mace.recordings.analysis import write_analysis

    start_on_one_core()  # of this process alone: a notebook has more to do
    network, _ = open_network(model)
    if on_page:
        asked = replace(asked, realtime=True)
    opened = open_source(source, asked, fps=fps)
    facts = session_facts(opened, network, live, model=str(model), asked=asked)
    notice = facts["notice"]
    if on_page:
        from mace.live.web.server import serve_live

        print(notice, file=sys.stderr)
        serve_live(opened, network, live=live, web=web, facts=facts, say=_say)
        return
    shown = window == "yes" or (window == "auto" and opened.live and out is None)
    if opened.live or profile or shown:
        from mace.live.terminal import run_until_ended, summary_text
        from mace.live.window import require_display

        print(notice, file=sys.stderr)
        if shown:
            require_display()
        summary = run_until_ended(
            opened,
            network,
            live=live,
            facts=facts,
            out=out,
            window=shown,
            video=video,
            seconds=seconds,
            say=_say,
        )
        print(json.dumps(summary, indent=2) if as_json else summary_text(summary))
        return
    target = _place(source, facts, out=out)
    counted = write_analysis(opened, network, live, facts, out=target)
    summary = {"out": str(target), **counted, "notice": notice}
    print(json.dumps(summary, indent=2) if as_json else _sentence(summary))
    print(notice, file=sys.stderr)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _place(source: str, facts: dict[str, Any], *, out: Path | None) -> Path:
    """The folder for a file's results, noting the file among the facts.

    Raises:
        OutputError: if results are there already.
    """
    from mace.live.recorder import refuse_written
    from mace.recordings.session import recorded_source
    from mace.result_folders import composed_names, recording_names, result_folder

    piped = source == "-"
    facts["recording"] = recording = "standard input" if piped else str(Path(source).resolve())
    names = composed_names("stdin") if piped else recording_names(Path(source))
    if out is None:
        out, taken = result_folder(RUNS_DIR / "live", names, recording, owner=recorded_source)
        if taken is not None:
            print(f"{taken}; this one's go to {out}", file=sys.stderr)
    refuse_written(out)
    if (there := recorded_source(out)) is not None:
        raise OutputError(
            f"{out} exists already and holds the results of {there}; remove it, or choose another "
            "folder with --out"
        )
    return out


def _sentence(summary: dict[str, Any]) -> str:
    states = ", ".join(
        f"{count} {name.replace('_', ' ')}" for name, count in summary["status"].items()
    )
    if sum(summary["status"].values()) > summary["frames"]:
        states = f"of its faces {states}"
    line = (
        f"{summary['tracked']} of {summary['frames']} frames tracked ({states}); "
        f"annotated.mp4, frames.csv and events.csv ({summary['events']} movements) are in "
        f"{summary['out']}"
    )
    return "\n".join([line, *(f"  {remark}" for remark in summary["remarks"])])
