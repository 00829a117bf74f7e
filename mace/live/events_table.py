"""Events as a table, of `mace live`, `mace spot` and Python alike: a row each, by onset."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mace.annotation.action_units import unit_column
from mace.spotting.events import Event

if TYPE_CHECKING:
    import pandas as pd

EVENTS_CSV = "events.csv"
_WHOLE = ("identity", "onset_frame", "apex_frame", "offset_frame")


def write_table(
    path: Path, events: Sequence[Event], classes: Sequence[str], units: Sequence[str] = ()
) -> None:
    """Write events by onset as CSV; times in s, strength in px of the 128-px crop.

    Args:
        path: of the file.
        events: in any order.
        classes: of the network, for the columns of the probabilities.
        units: action units that it names, FACS numbers: `units` holds those that are there, such
            as `1 2 L14` (L, R: on that side of the person alone), `AU01_p` and `AU01_px` how
            likely each is there and how strong it is.

    Raises:
        OSError: if it cannot be written.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(_header(classes, units))
        rows.writerows(_row(event, classes, units) for event in _by_onset(events))


def events_table(
    events: Sequence[Event], classes: Sequence[str], units: Sequence[str] = ()
) -> "pd.DataFrame":
    """Return events by onset as a data frame of the columns of `events.csv`."""
    import pandas as pd

    rows = [_row(event, classes, units) for event in _by_onset(events)]
    table = pd.DataFrame(rows, columns=_header(classes, units)).replace("", None)
    numbers = [name for name in table if name not in ("kind", "regions", "label", "units")]
    return table.astype(dict.fromkeys(numbers, float)).astype(dict.fromkeys(_WHOLE, int))


def _by_onset(events: Sequence[Event]) -> list[Event]:
    return sorted(events, key=lambda event: (event.onset, event.identity))


def _header(classes: Sequence[str], units: Sequence[str]) -> list[str]:
    fixed = ["identity", "kind", "onset", "apex", "offset", "duration"]
    fixed += ["onset_frame", "apex_frame", "offset_frame", "strength_px", "regions"]
    fixed += ["label", "confidence", *(f"p_{name}" for name in classes)]
    if not units:
        return fixed
    names = [unit_column(name) for name in units]
    return [*fixed, "units", *(f"{name}_p" for name in names), *(f"{name}_px" for name in names)]


def _row(event: Event, classes: Sequence[str], units: Sequence[str]) -> list[str]:
    """What the network was not asked about is left empty."""
    named = event.label is not None
    shown = [" ".join(event.shown)] if units else []
    likely = [f"{event.units[name].presence:.4f}" if event.units else "" for name in units]
    strong = [f"{event.units[name].px:.4f}" if event.units else "" for name in units]
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
        *shown,
        *likely,
        *strong,
    ]
