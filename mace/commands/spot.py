"""`mace spot`: the movements in long videos, with their times, kinds and names."""

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro

from mace import __version__
from mace.commands.live import DEFAULT_MODEL
from mace.config import to_dict
from mace.errors import ConfigError, DataError
from mace.export.layout import is_export
from mace.live.config import LiveConfig
from mace.places import DATA_DIR, RUNS_DIR, model_folder, prepared_dataset
from mace.progress import progress
from mace.provenance import provenance


def run(
    videos: tyro.conf.Positional[tuple[Path, ...]] = (),
    dataset: str | None = None,
    model: Path = DEFAULT_MODEL,
    out: Path | None = None,
    fps: float | None = None,
    cards: bool = False,
    live: LiveConfig = LiveConfig(),  # noqa: B008
    data_dir: Path = DATA_DIR,
    as_json: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> None:
    """Find micro-expressions, macro-expressions, blinks, speech and head movements in videos.

    Each video gets a folder of its name (of its folder's and its own, where another video of that
    name was there before) with events.csv and events.jsonl (onset, apex and offset in seconds and
    frames, strongest regions, and of micro-expressions the class with its probability) and
    spotting.json. Videos that are done already are not done again, and one that cannot be read does
    not keep the others from it. With --dataset the videos of a prepared data set are scored against
    what is known to happen in them, beside a plain baseline.

    Args:
        videos: video files, folders of pictures, or their patterns (img%05d.png).
        dataset: a prepared data set of long videos, such as synthetic/long, in place of videos.
        model: folder of a trained model that reads flow, or `pretrained`.
        out: folder for the results; by default runs/spot, with --dataset runs/spot/NAME.
        fps: frames per second, where the videos do not say or say it wrongly.
        cards: write a picture of each micro- and macro-expression, which shows the face at onset,
            apex and offset, as it is and with its motion multiplied.
        live: how faces are followed, and what counts as a movement.
        data_dir: where prepared data sets lie.
        as_json: print the summary as one JSON object.
    """
    if bool(videos) == (dataset is not None):
        raise ConfigError("name videos to spot in, or a data set with --dataset, and not both")
    if cards and dataset is not None:
        raise ConfigError("--cards shows the people in videos; leave it out with --dataset")
    distinct: dict[Path, Path] = {}
    for video in videos:
        distinct.setdefault(video.resolve(), video)
    if len(distinct) < len(videos):
        print("videos that are named more than once are done once", file=sys.stderr)
    folder = model_folder(model)
    prepared = None if dataset is None else prepared_dataset(dataset, data_dir=data_dir)

    from mace.bundle import training_notice
    from mace.compilation import keep_compiled
    from mace.inference import load_model, unit_names
    from mace.live.spot_videos import check_model

    failed: list[str] = []
    keep_compiled()
    network = load_model(folder)
    check_model(network, live)
    notice = training_notice(network.trained_on)
    facts = provenance()
    code = [__version__, facts["git_revision"]]
    made_from = {"model": _checksum(folder), "live": to_dict(live), "code": code}
    if cards:
        made_from["cards"] = True  # what was done without is done again
    notes = {
        "model": str(model),
        "classes": list(network.classes),
        "units": list(unit_names(network)),
        "trained_on": list(network.trained_on),
        "notice": notice,
        "time_base": "seconds since the first frame, by the video's clock",
        "provenance": facts,
    }
    if prepared is not None and dataset is not None:
        where = RUNS_DIR / "spot" / dataset if out is None else out
        summary = _score(prepared, network, live, made_from, notes, out=where)
        if not as_json:
            from mace.live.spot_scores import table

            print(table(summary))
            print(f"\nresults  {where}")
    else:
        where = RUNS_DIR / "spot" if out is None else out
        summary = {}
        for name in map(str, distinct.values()):
            try:
                row = _spot(Path(name), network, live, made_from, notes, out=where, fps=fps)
            except DataError as error:
                if len(distinct) == 1:
                    raise
                failed.append(name)
                row = {"error": str(error)}
            summary[name] = row
            if not as_json:
                print(_sentence(name, row))
    if as_json:
        print(json.dumps(summary, indent=2))
    print(notice, file=sys.stderr)
    if failed:
        raise DataError(
            f"{len(failed)} of {len(distinct)} videos could not be read, as said above: "
            f"{', '.join(failed)}"
        )


def _spot(
    video: Path,
    network: Any,
    live: LiveConfig,
    made_from: Mapping[str, Any],
    notes: Mapping[str, Any],
    *,
    out: Path,
    fps: float | None,
) -> dict[str, Any]:
    from mace.inference import unit_names
    from mace.live.result_folders import one_at_a_time, recording_names
    from mace.live.sources.folder import ImageFolder
    from mace.live.sources.opening import open_source
    from mace.live.spot_videos import spot_source
    from mace.live.spotted import (
        check_place,
        files_fingerprint,
        read_spotted,
        spotted_events,
        write_spotted,
    )

    source = open_source(video, fps=fps)
    files = source.files if isinstance(source, ImageFolder) else (video,)
    recording = str(video.resolve())
    made_from = {
        **made_from,
        "video": recording,
        "files": files_fingerprint(files),
        "fps": source.fps,
    }
    folder, remarks = _place(out, recording_names(video), recording)
    if stored := read_spotted(folder, made_from):
        return _row(folder, spotted_events(folder), stored, remarks, done_before=True)
    check_place(folder)
    with progress(folder.name, source.count) as advance:
        spotted = spot_source(source, network, live, advance=advance)
    facts = {
        "video": str(video),
        "fps": source.fps,
        "frames": spotted.frames,
        "tracked": spotted.tracked,
        "looked_at": spotted.looked_at,
        "seconds": round(spotted.seconds, 6),
        "remarks": list(spotted.remarks),
        **notes,
    }
    with one_at_a_time(out):
        folder, remarks = _place(out, recording_names(video), recording)  # as it is by now
        check_place(folder)
        write_spotted(
            folder,
            spotted.events,
            classes=network.classes,
            units=unit_names(network),
            made_from=made_from,
            notes=facts,
            cards="cards" in made_from,
        )
    return _row(folder, spotted.events, facts, remarks, done_before=False)


def _place(out: Path, names: Iterator[str], recording: str) -> tuple[Path, list[str]]:
    """The folder for a recording's results, and a remark if another's are where they should be."""
    from mace.live.result_folders import result_folder
    from mace.live.spotted import spotted_recording

    folder, taken = result_folder(out, names, recording, owner=spotted_recording)
    return folder, [] if taken is None else [taken]


def _score(
    prepared: Path,
    network: Any,
    live: LiveConfig,
    made_from: Mapping[str, Any],
    notes: Mapping[str, Any],
    *,
    out: Path,
) -> dict[str, Any]:
    from mace.data.long_videos import load_videos
    from mace.files import write_json
    from mace.inference import unit_names
    from mace.live.result_folders import composed_names
    from mace.live.spot_scores import scored, summary
    from mace.live.spot_videos import spot_stored
    from mace.live.spotted import check_place, read_spotted, spotted_events, write_spotted

    stat = (prepared / "dataset_info.json").stat()
    pairs = []
    count, videos = load_videos(prepared)
    with progress(f"spotting in {prepared.parent.name}", count) as advance:
        for video in videos:
            recording = f"{prepared.resolve()}:{video.subject}/{video.clip}"
            folder, _ = _place(out, composed_names(video.subject, video.clip), recording)
            inputs = {
                **made_from,
                "video": recording,
                "file": [stat.st_size, stat.st_mtime_ns],
            }
            if read_spotted(folder, inputs) is None:
                check_place(folder)
                spotted = spot_stored(video, network, live)
                facts = {"subject": video.subject, "seconds": video.seconds, **notes}
                write_spotted(
                    folder,
                    spotted.events,
                    classes=network.classes,
                    units=unit_names(network),
                    made_from=inputs,
                    notes=facts,
                    plain=spotted.plain,
                )
            ours, plain = spotted_events(folder), spotted_events(folder, plain=True)
            pairs.append(scored(video, ours, plain, network.classes))
            advance()
    figures = summary(pairs, network.classes)
    write_json(out / "scores.json", {**figures, "made_from": dict(made_from), **notes})
    return figures


def _row(
    folder: Path,
    events: Sequence[Any],
    facts: Mapping[str, Any],
    remarks: Sequence[str],
    *,
    done_before: bool,
) -> dict[str, Any]:
    kinds = Counter(event.kind for event in events)
    minutes = facts["seconds"] / 60
    return {
        "out": str(folder),
        "seconds": facts["seconds"],
        "frames": facts["frames"],
        "tracked": facts["tracked"],
        "events": dict(kinds),
        "micro_per_minute": round(kinds["micro"] / minutes, 3) if minutes else 0.0,
        "remarks": [*facts["remarks"], *remarks],
        "done_before": done_before,
    }


def _sentence(name: str, row: Mapping[str, Any]) -> str:
    if "error" in row:
        return f"{name}: {row['error']}"
    kinds = ", ".join(f"{count} {kind}" for kind, count in row["events"].items()) or "nothing"
    before = " (done before)" if row["done_before"] else ""
    line = (
        f"{name}: {kinds} in {row['seconds']:.1f} s, the face seen in {row['tracked']} of "
        f"{row['frames']} frames{before}; events.csv and events.jsonl are in {row['out']}"
    )
    return "\n".join([line, *(f"  {remark}" for remark in row["remarks"])])


def _checksum(folder: Path) -> str:
    from mace.bundle import DESCRIPTION as TRAINED
    from mace.export.layout import DESCRIPTION as EXPORTED

    name = EXPORTED if is_export(folder) else TRAINED
    return hashlib.sha256((folder / name).read_bytes()).hexdigest()[:16]
