"""`mace spot`: the movements in long videos, with their times, kinds and names."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import tyro

from mace.commands.live import DEFAULT_MODEL
from mace.errors import ConfigError, DataError
from mace.live.config import LiveConfig
from mace.places import DATA_DIR, RUNS_DIR, model_folder, prepared_dataset


def run(
    videos: tyro.conf.Positional[tuple[Path, ...]] = (),
    dataset: tuple[str, ...] = (),
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
    spotting.json; beside them summary.csv has a row for each video of this call, events.csv all
    their movements, and index.html shows both; megc/ has the tables that the Micro-Expression Grand
    Challenge wants of its test videos, frames numbered as the pictures are, or from 1. Videos that
    are done already are not done again, so the same command goes on where it was stopped, and one
    that cannot be read does not keep the others from it. With --dataset the videos of prepared data
    sets are scored against what is annotated in them by the rules of the Micro-Expression Grand
    Challenge, each data set and all together, beside two other methods; megc/ has the logs in the
    challenge's forms, scores.json all figures, by subject too.

    Args:
        videos: video files, folders of pictures or their patterns (img%05d.png), and folders that
            hold any of these, at any depth.
        dataset: prepared data sets of long videos, such as synthetic/long or casme_squared/long
            (of a name alone, /long is meant), in place of videos.
        model: folder of a trained model that reads flow, or `pretrained`.
        out: folder for the results; by default runs/spot, with --dataset runs/spot/NAME for each,
            and runs/spot/pooled for the figures of all.
        fps: frames per second, where the videos do not say or say it wrongly.
        cards: write a picture of each micro- and macro-expression, which shows the face at onset,
            apex and offset, as it is and with its motion multiplied.
        live: how faces are followed, and what counts as a movement.
        data_dir: where prepared data sets lie.
        as_json: print the summary as one JSON object.
    """
    if bool(videos) == bool(dataset):
        raise ConfigError("name videos to spot in, or a data set with --dataset, and not both")
    if cards and dataset:
        raise ConfigError("--cards shows the people in videos; leave it out with --dataset")
    if fps is not None and dataset:
        raise ConfigError("prepared videos know their frame rate; leave out --fps with --dataset")
    folder = model_folder(model)
    names = [name if "/" in name else f"{name}/long" for name in dataset]
    paths = [prepared_dataset(name, data_dir=data_dir) for name in names]
    prepared = {f"{path.parent.parent.name}/{path.parent.name}": path for path in paths}

    from mace.compilation import keep_compiled
    from mace.recordings.batch import (
        Settings,
        printable,
        spot_recordings,
        summary_table,
    )
    from mace.recordings.finding import recordings_within

    keep_compiled()
    settings = Settings.load(folder, live, name=str(model))
    if prepared:
        from mace.recordings.score_table import table
        from mace.recordings.scores import score_data_sets

        base = RUNS_DIR / "spot" if out is None else out
        folders = {name: base / name for name in prepared}
        if out is not None and len(folders) == 1:
            folders = dict.fromkeys(folders, out)
        pooled = base / "pooled"
        figures = score_data_sets(prepared, settings, folders=folders, pooled=pooled)
        places = [*folders.values(), *([pooled] if len(folders) > 1 else [])]
        text = f"{table(figures)}\n\nresults  {', '.join(map(str, places))}"
        print(json.dumps(figures, indent=2) if as_json else text)
        print(settings.notes["notice"], file=sys.stderr)
        return
    recordings = recordings_within(videos)
    where = RUNS_DIR / "spot" if out is None else out
    tell = _ignore if as_json else _tell
    rows = spot_recordings(recordings, settings, out=where, fps=fps, cards=cards, each=tell)
    failed = [name for name, row in rows.items() if "error" in row]
    if as_json:
        print(json.dumps(rows, indent=2))
    elif len(rows) > 1:
        print(f"\n{summary_table(rows)}\n\nresults  {where}/index.html, summary.csv, events.csv")
    print(settings.notes["notice"], file=sys.stderr)
    if failed:
        raise DataError(
            f"{len(failed)} of {len(rows)} videos could not be read, as said above: "
            f"{', '.join(map(printable, failed))}"
        )


def _ignore(name: str, row: Mapping[str, Any]) -> None:
    del name, row


def _tell(name: str, row: Mapping[str, Any]) -> None:
    from mace.recordings.batch import printable

    name = printable(name)
    if "error" in row:
        print(f"{name}: {row['error']}")
        return
    kinds = ", ".join(f"{count} {kind}" for kind, count in row["events"].items()) or "nothing"
    before = " (done before)" if row["done_before"] else ""
    print(
        f"{name}: {kinds} in {row['seconds']:.1f} s, the face seen in {row['tracked']} of "
        f"{row['frames']} frames{before}; events.csv and events.jsonl are in {row['out']}"
    )
    for remark in row["remarks"]:
        print(f"  {remark}")
