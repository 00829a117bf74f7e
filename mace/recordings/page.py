"""All recordings on one page: counts, a lane of events each, and the way to its cards."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mace import __version__
from mace.files import write_text
from mace.recordings.event_card import CARDS
from mace.serving.templates import page_template
from mace.spotting.events import EVENT_KINDS, Event
from mace.spotting.records import EVENTS_CSV

PAGE = "index.html"
# Width of a lane, and of the shortest event in it, in its own units.
_WIDE, _LEAST = 1000.0, 1.5


def write_page(
    out: Path,
    rows: Mapping[str, Mapping[str, Any]],
    events: Mapping[str, Sequence[Event]],
    *,
    notice: str,
) -> None:
    """Write the page of `mace spot` beside its tables; it links what lies in the results' folders.

    Args:
        out: the folder of all results.
        rows: of each recording, as `spot_recordings` returns them.
        events: of each recording that could be read, by onset.
        notice: what the network was trained on.

    Raises:
        OutputError: if it cannot be written.
    """
    read = [row for row in rows.values() if "error" not in row]
    total: Counter[str] = Counter()
    for row in read:
        total.update(row["events"])
    page = page_template(Path(__file__).with_name("page.html.j2")).render(
        version=__version__,
        notice=notice,
        kinds=EVENT_KINDS,
        total=total,
        length=_length(sum(row["seconds"] for row in read)),
        recordings=[
            {"name": name, "error": row["error"]}
            if "error" in row
            else _recording(out, name, row, events[name])
            for name, row in rows.items()
        ],
    )
    write_text(out / PAGE, page)


def _recording(
    out: Path, name: str, row: Mapping[str, Any], events: Sequence[Event]
) -> dict[str, Any]:
    folder = Path(row["out"])
    pictures = (folder / CARDS).glob("[0-9]*-*.jpg")
    cards = {int(card.name.partition("-")[0]): _link(out, card) for card in pictures}
    length = max(row["seconds"], *(event.offset for event in events), 1e-6) / _WIDE
    return {
        **row,
        "name": name,
        "error": None,
        "remarks": [remark.removeprefix(f"{name}: ") for remark in row["remarks"]],
        "folder": _link(out, folder) + "/",
        "table": _link(out, folder / EVENTS_CSV),
        "share": 100 * row["tracked"] / row["frames"] if row["frames"] else 0.0,
        "cards": [cards[number] for number in sorted(cards)],
        "marks": [
            {
                "left": event.onset / length,
                "width": max((event.offset - event.onset) / length, _LEAST),
                "kind": event.kind,
                "text": f"{event.apex:.2f} s: {event.kind} {event.label or ''}".strip(),
                "card": cards.get(number),
            }
            for number, event in enumerate(events, start=1)
        ],
    }


def _length(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 3600:.2f} h"


def _link(out: Path, path: Path) -> str:
    return quote(Path(os.path.relpath(path, out)).as_posix())
