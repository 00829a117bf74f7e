"""A session as a figure: a lane of events for every person, and one for each action unit."""

from typing import TYPE_CHECKING

import numpy as np

from mace.annotation.action_units import unit_column
from mace.spotting.events import Event

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mace.live.session import Session

_COLOURS = {
    "micro": "#b4440e",
    "macro": "#33688f",
    "blink": "#8f8a82",
    "speech": "#4f7f3a",
    "head": "#8a5aa8",
}
# Two samples further apart than this, in s, have nothing between them.
_GAP_S = 0.5
# Heights in lanes: of an event's bar, and of all probabilities together.
_EVENT, _CURVES = 0.5, 3.0


def draw_session(
    session: "Session", axes: "Axes | None" = None, *, probabilities: bool = False
) -> "Axes":
    """Draw what moved in a session.

    Every person has a lane of events, and one for each action unit that was called in one of their
    micro-expressions, as thick as it moved the skin: a unit of 1 px fills its lane.

    Args:
        session: what was recorded.
        axes: where; a new figure without.
        probabilities: below them those of every frame, of the first person. They mean nothing
            where nothing moves.
    """
    from matplotlib import pyplot as plt

    lanes = _lanes(session)
    if axes is None:
        height = 1.2 + 0.28 * len(lanes) + 1.6 * probabilities
        axes = plt.subplots(figsize=(9, height), layout="constrained")[1]
    for base, (_, spans) in enumerate(reversed(lanes)):
        for event, thickness in spans:
            colour = _COLOURS[event.kind]
            length = max(event.offset - event.onset, 0.02)
            axes.broken_barh(
                [(event.onset, length)], (base + 0.5 - thickness / 2, thickness), color=colour
            )
            if event.label is not None and thickness == _EVENT:
                axes.annotate(event.label, (event.offset, base + 0.5), xytext=(3, 0),
                              textcoords="offset points", va="center", fontsize=8)  # fmt: skip
    names = [name for name, _ in reversed(lanes)]
    axes.set_yticks([base + 0.5 for base in range(len(names))], names, fontsize=8)
    bottom = -_CURVES if probabilities else 0
    ends = [event.offset for event in session.spotted] + [line.time for line in session.lines]
    axes.set(xlabel="s", xlim=(0, max(ends, default=1.0)), ylim=(bottom, len(names)))
    axes.grid(axis="y", alpha=0)
    axes.spines[["top", "right"]].set_visible(False)
    for kind, colour in _COLOURS.items():
        if any(event.kind == kind for event in session.spotted):
            axes.plot([], [], color=colour, linewidth=5, label=kind)
    if probabilities:
        _draw_probabilities(session, axes)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=8)
    return axes


def _lanes(session: "Session") -> list[tuple[str, list[tuple[Event, float]]]]:
    """Return each lane's name and its events with the thickness of their bars, from the top."""
    people = sorted({event.identity for event in session.spotted} | {0})
    lanes: list[tuple[str, list[tuple[Event, float]]]] = []
    for identity in people:
        mine = [event for event in session.spotted if event.identity == identity]
        lanes.append((f"person {identity}", [(event, _EVENT) for event in mine]))
        called = {name for event in mine for name, unit in event.units.items() if unit.called}
        for name in sorted(called, key=int):
            moves = [event for event in mine if name in event.units and event.units[name].called]
            bars = [(event, min(max(event.units[name].px, 0.1), 1.0) * 0.9) for event in moves]
            lanes.append((unit_column(name), bars))
    return lanes


def _draw_probabilities(session: "Session", axes: "Axes") -> None:
    first = min((line.identity for line in session.lines if line.smoothed), default=0)
    lines = [line for line in session.lines if line.identity == first]
    time = np.array([line.time for line in lines])
    for name in next((line.smoothed for line in lines if line.smoothed), {}):
        values = np.array([np.nan if not line.smoothed else line.smoothed[name] for line in lines])
        breaks = np.flatnonzero(np.diff(time) > _GAP_S) + 1
        height = (values - 1) * _CURVES  # from -_CURVES for 0 up to the lowest lane for 1
        axes.plot(
            np.insert(time, breaks, np.nan), np.insert(height, breaks, np.nan),
            linewidth=1, label=name,
        )  # fmt: skip
