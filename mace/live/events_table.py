"""Events as a table, of `mace live`, `mace spot` and Python alike: a row each, by onset."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mace.spotting.events import Event

if TYPE_CHECKING:
    import pandas as pd

EVENTS_CSV = "events.csv"
_WHOLE = ("identity", "onset_frame", "apex_frame", "offset_frame")


def write_table(path: Path, events: Sequence[Event], classes: Sequence[str]) -> None:
    """Write events by onset as CSV; times in s, strength in px of the 128-px crop.

    Args:
        path: of the file.
        events: in any order.
        classes: of the network, for the columns of the probabilities.

    Raises:
        OSError: if it cannot be written.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(_header(classes))
        rows.writerows(_row(event, classes) for event in _by_onset(events))


def events_table(events: Sequence[Event], classes: Sequence[str]) -> "pd.DataFrame":
    """Return events by onset as a data frame of the columns of `events.csv`."""
    import pandas as pd

    rows = [_row(event, classes) for event in _by_onset(events)]
    table = pd.DataFrame(rows, columns=_header(classes)).replace("", None)
    numbers = [name for name in table if name not in ("kind", "regions", "label")]
    return table.astype(dict.fromkeys(numbers, float)).astype(dict.fromkeys(_WHOLE, int))


def _by_onset(events: Sequence[Event]) -> list[Event]:
    return sorted(events, key=lambda event: (event.onset, event.identity))


def _header(classes: Sequence[str]) -> list[str]:
    fixed = ["identity", "kind", "onset", "apex", "offset", "duration"]
    fixed += ["onset_frame", "apex_frame", "offset_frame", "strength_px", "regions"]
    return [*fixed, "label", "confidence", *(f"p_{name}" for name in classes)]


def _row(event: Event, classes: Sequence[str]) -> list[str]:
    """What the network was not asked about is left empty."""
    named = event.label is not None
    return [
        str(event.identity),
        event.kind,
        *(f"{time:.6f}" for time in (event.onset, event.apex, event.offset)),
        f"{event.offset - event.onset:.6f}",
        *(str(frame) for frame in (event.onset_frame, event.apex_frame, event.offset_frame)),
        f"{event.strength_px:.4f}",
        " ".join(event.regions),
        event.label or "",
        f"{event.confidence:.6f}" if named else "",
        *(f"{event.probabilities[name]:.6f}" if named else "" for name in classes),
    ]
