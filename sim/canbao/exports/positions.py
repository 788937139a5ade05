"""Where vidigi draws the places of a run: one row for each, from top to bottom as families meet them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from canbao.exports.vidigi import ARRIVES, BETWEEN, DEPARTS, INSIDE, SERVED, WAITS

__all__ = ["HEADER", "Position", "positions"]

HEADER = ("event", "x", "y", "label", "resource")

_ROW = 30
"""The height of one line of people; with 20 people 10 apart, as vidigi draws them unless told otherwise."""
_WRAP = 20
_LINES = 4
"""Lines of a queue that is drawn, the one that says how many more there are included."""
_QUEUE_X, _SERVICE_X, _ALONE_X = 300, 700, 40
"""People stand to the left of these."""


@dataclass(frozen=True)
class Position:
    """Where an event is drawn, as vidigi's `EventPosition`."""

    event: str
    x: int
    y: int
    label: str
    resource: str = ""
    """The station whose servers are drawn there."""


def positions(places: Mapping[str, int | None]) -> list[Position]:
    """Give a position for each event that lasts.

    Parameters
    ----------
    places
        The places with the servers that are drawn there, from top to bottom; None where they cannot be counted.
    """
    heights = [_ROW * (max(_LINES, math.ceil((servers or 0) / _WRAP)) + 1) for servers in (0, *places.values())]
    y = _ROW + sum(heights)
    # The highest point makes the height of the picture, and queues grow upwards.
    found = [Position(ARRIVES, _ALONE_X, y + _ROW * _LINES, "arrival"), Position(BETWEEN, _QUEUE_X, y, BETWEEN)]
    for (name, servers), height in zip(places.items(), heights[1:], strict=True):
        y -= height
        event = INSIDE if servers is None else WAITS
        found.append(Position(event.format(name), _QUEUE_X, y, name))
        if servers:
            label = "1 server" if servers == 1 else f"{servers} servers"
            found.append(Position(SERVED.format(name), _SERVICE_X, y, label, name))
    return [*found, Position(DEPARTS, _SERVICE_X, _ROW, "end")]
