"""The state of a simulation, as arrays of records; the engine fills them, the kernel works on them.

Numbers of stations, steps, draws and so on are indices; -1 stands for none. A *slot* holds one family that is inside;
it has two tickets, `2 * slot` and `2 * slot + 1`, because a family whose way is blocked stays at one station while it
waits for the next.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

__all__ = [
    "BATCH",
    "BOARD",
    "BOOK",
    "CALENDAR",
    "CHANGE",
    "COMING",
    "DRAW",
    "FAR",
    "LAYOUT",
    "LEFT",
    "LINE",
    "NARROW",
    "OPTION",
    "QUEUED",
    "ROW",
    "RUN",
    "SLOT",
    "STATION",
    "STEP",
    "TICKET",
    "WIDE",
    "World",
    "records",
]


def _record(*fields: tuple[str, str] | tuple[str, str, int]) -> np.dtype[np.void]:
    return np.dtype(list(fields), align=True)


DRAW = _record(
    ("key", "u8"),
    ("a", "f8"),  # the value itself, or the first number of the form
    ("b", "f8"),
    ("c", "f8"),
    ("form", "i4"),  # of canbao.kernel.forms, or one of those in canbao.kernel.drawing
    ("column", "i4"),
    ("signed", "i4"),
    ("first", "i4"),
    ("last", "i4"),
    ("table", "i4"),  # which table of values drawn outside the kernel
    ("luck", "i4"),  # whether it is a uniform number itself
)

STEP = _record(
    ("kind", "i4"),
    ("at", "i4"),  # the station, calendar, batch, book or mark
    ("channel", "i4"),  # that the family enters here, where it may have come from another one; -1 for none
    ("counter", "i4"),  # where its attempts are counted; -1 where nothing depends on them
    ("fails", "i4"),  # where its failures are counted
    ("draws", "i4", 4),
    ("exits", "i4", 6),
    ("first", "i4"),  # its options or entries
    ("last", "i4"),
    ("table", "i4"),  # the first table that it draws from
    ("tables", "i4"),  # and how many there are
    ("flag", "i4"),  # trip; take the first time only; leave out one's own channel
    ("other", "i4"),  # effort; clear; the unit of a delay, the rule of a choice, the day of an await
    ("unit", "i4"),
    ("number", "f8"),  # the limit of a check, the interval at which queues are published
)

OPTION = _record(("to", "i8"), ("weight", "i8"), ("station", "i8"), ("travel", "i8"), ("journey", "i8"))

CHANGE = _record(("time", "f8"), ("servers", "f8"), ("open", "i8"))

STATION = _record(
    ("room", "f8"),
    ("servers", "f8"),
    ("duty", "f8"),
    ("staying", "f8"),
    ("busy_s", "f8"),
    ("staffed_s", "f8"),
    ("since", "f8"),
    ("mean_service", "f8"),
    ("open", "i8"),
    ("closing", "i8"),
    ("shutting", "i8"),
    ("before", "f8"),
    ("discipline", "i8"),
    ("heap", "i8"),  # which row of `queues` is its heap
    ("order", "i8"),
    ("blocks", "i8"),
    ("waiting", "i8"),
    ("inside", "i8"),
    ("busy", "i8"),
    ("starts", "i8"),
    ("queued", "i8"),
    ("lane", "i8"),  # those who wait, in the order in which they were let in: one lane, or one for each priority
    ("last_lane", "i8"),
    ("door", "i8"),  # those outside a full room
    ("door_tail", "i8"),
    ("change", "i8"),
    ("last_change", "i8"),
    ("board", "i8"),
    ("last_board", "i8"),
)

LANE = _record(("priority", "f8"), ("head", "i8"), ("tail", "i8"))

BOARD = _record(("interval_s", "f8"), ("servers", "f8"), ("issue", "i8"), ("inside", "i8"))

BATCH = _record(("full", "f8"), ("max_wait", "f8"), ("head", "i8"), ("tail", "i8"), ("members", "i8"), ("rounds", "i8"))

BOOK = _record(("first", "i8"), ("last", "i8"), ("free", "i8"))

CALENDAR = _record(
    ("first", "i8"), ("last", "i8"), ("midnight", "i8"), ("days", "i8"), ("open_day", "i8"), ("open_days", "i8")
)

SLOT = _record(
    ("family", "i8"),
    ("moment", "f8"),
    ("arrival", "f8"),
    ("effort_s", "f8"),
    ("place", "i4"),
    ("channel", "i2"),
    ("first_channel", "i2"),
    ("held", "i4"),  # the ticket whose server the family still occupies
    ("ticket", "i4"),  # the ticket of its present visit
    ("trips", "i4"),
    ("next", "i4"),  # the next free slot, as one of FAR; or the next member of a batch
    ("inside", "i4"),
    ("steps", "i4"),
)
"""64 bytes: one line of the processor's cache, as is a ticket."""

TICKET = _record(
    ("family", "i8"),
    ("enter", "f8"),
    ("start", "f8"),
    ("service", "f8"),
    ("step", "i4"),
    ("attempt", "i4"),
    ("stamp", "i4"),  # how often the ticket was used: an event of an earlier use is void
    ("place", "i4"),  # where it stands in the heap of its station, or in which lane
    ("before", "i4"),
    ("after", "i4"),
    ("station", "i2"),
    ("waits", "i1"),
    ("present", "i1"),
)

FAR = _record(("time", "f8"), ("order", "i8"), ("what", "i8"), ("next", "i8"))
"""An event in a bucket; `next` is the next one there. Of a free place it tells how many stand between it and the next
free one: nothing but zeros of those that were never used, which so need not be touched before."""

QUEUED = _record(("key", "f8"), ("came", "i8"), ("number", "i8"))
"""A ticket in the heap of a station, with all that its place depends on."""

COMING = _record(("time", "f8"), ("family", "i8"), ("step", "i8"))

ROW = _record(
    ("family", "i8"),
    ("enter", "f8"),
    ("start", "f8"),
    ("leave", "f8"),
    ("step", "i4"),
    ("attempt", "i4"),
    ("slot", "i4"),
    ("ended", "i4"),
)
"""One visit that is over, or still going on at the end of the horizon."""

LEFT = _record(
    ("family", "i8"),
    ("arrival", "f8"),
    ("effort_s", "f8"),
    ("finished", "f8"),
    ("trips", "i8"),
    ("rows", "i8"),  # how many rows of visits had been written when it left
    ("slot", "i4"),
    ("outcome", "i4"),
    ("first_channel", "i4"),
    ("last_channel", "i4"),
)
"""One family that has left, or is still inside at the end of the horizon."""

RUN = _record(
    ("until", "f8"),
    ("now", "f8"),
    ("walker", "i8"),  # the slot whose family walks on
    ("entering", "i8"),  # the ticket that is let into its station
    ("closing", "i8"),  # the station that changes
    ("frames", "i8"),
    ("budget", "i8"),  # how many events may happen before the kernel returns
    ("coming", "i8"),  # the next family to come
    ("expected", "i8"),  # how many families are in `coming`
    ("more", "i8"),  # whether more will come behind those
    ("near", "i8"),  # events in the heap
    ("front", "i8"),  # whether an event stands before the heap
    ("front_time", "f8"),
    ("front_order", "i8"),
    ("front_what", "i8"),
    ("bucket", "i8"),
    ("buckets", "i8"),
    ("per_s", "f8"),  # buckets a second
    ("far", "i8"),  # events in buckets
    ("free_far", "i8"),
    ("free_slot", "i8"),
    ("inside", "i8"),
    ("members", "i8"),  # families in batches
    ("rows", "i8"),
    ("left", "i8"),
    ("events", "i8"),
    ("fault", "i8"),
    ("fault_at", "i8"),
    ("fault_attempt", "i8"),
    ("fault_family", "i8"),
    ("fault_value", "f8"),
)


class World(NamedTuple):
    """All arrays of one simulation; `LAYOUT` gives what their elements are."""

    run: Any
    """One record RUN."""
    steps: Any
    draws: Any
    options: Any
    entries: Any
    """Steps to which a return leads, by journey."""
    points: Any
    """Points of all forms."""
    shares: Any
    columns: Any
    """What is known of each family, as far as draws need it, (families, columns): a family's numbers lie together."""
    tables: Any
    """The tables of each step."""
    table_at: Any
    """Where the values of a block of families at an attempt stand, -1 if not drawn, (table, attempt, block)."""
    values: Any
    """Values drawn outside the kernel."""
    opens: Any
    """This and the next six are the `OpenTime` of all calendars."""
    closes: Any
    before: Any
    after: Any
    at_midnight: Any
    days_before: Any
    open_days: Any
    calendars: Any
    stations: Any
    changes: Any
    boards: Any
    batches: Any
    books: Any
    book_times: Any
    places_left: Any
    coming: Any
    slots: Any
    tickets: Any
    counts: Any
    """How often the family of each slot did each step, (slots, counters)."""
    marks: Any
    """When events were marked, (slots, marks)."""
    lanes: Any
    """Those who wait, by station and priority."""
    queues: Any
    """Heaps of tickets, (stations that need one, slots)."""
    frames: Any
    """Stations that may let in or serve somebody, the next one last; `-1 - station` where nobody is let in."""
    times: Any
    """The heap of events that are near: their times."""
    orders: Any
    what: Any
    heads: Any
    """The first event of each bucket of time."""
    distant: Any
    rows: Any
    left: Any
    left_marks: Any
    """The marks of those who have left, (families, marks)."""


_INT, _FLOAT = np.dtype(np.int64), np.dtype(np.float64)

NARROW, WIDE = np.dtype(np.uint8), np.dtype(np.int64)
"""The elements of `counts`: narrow, because they are most of what is known of a family and have to be near, until a
family has done a step so often that they do not hold its number."""

LAYOUT: dict[str, tuple[np.dtype[Any], int]] = {
    "run": (RUN, 1),
    "steps": (STEP, 1),
    "draws": (DRAW, 1),
    "options": (OPTION, 1),
    "entries": (_INT, 1),
    "points": (_FLOAT, 1),
    "shares": (_FLOAT, 1),
    "columns": (_FLOAT, 2),
    "tables": (_INT, 1),
    "table_at": (_INT, 3),
    "values": (_FLOAT, 1),
    **dict.fromkeys(("opens", "closes", "before", "after", "at_midnight"), (_FLOAT, 1)),
    **dict.fromkeys(("days_before", "open_days"), (_INT, 1)),
    "calendars": (CALENDAR, 1),
    "stations": (STATION, 1),
    "changes": (CHANGE, 1),
    "boards": (BOARD, 1),
    "batches": (BATCH, 1),
    "books": (BOOK, 1),
    "book_times": (_FLOAT, 1),
    "places_left": (_INT, 1),
    "coming": (COMING, 1),
    "slots": (SLOT, 1),
    "tickets": (TICKET, 1),
    "counts": (NARROW, 2),
    "marks": (_FLOAT, 2),
    "lanes": (LANE, 1),
    "queues": (QUEUED, 2),
    "frames": (_INT, 1),
    "times": (_FLOAT, 1),
    "orders": (_INT, 1),
    "what": (_INT, 1),
    "heads": (_INT, 1),
    "distant": (FAR, 1),
    "rows": (ROW, 1),
    "left": (LEFT, 1),
    "left_marks": (_FLOAT, 2),
}
"""The element and the number of dimensions of each array."""


LINE = 64
"""Bytes that the processor takes from memory at once."""


def records(count: int, kind: np.dtype[np.void], *, zero: bool = True) -> Any:
    """Make some records whose fields are attributes, all 0 or anything; the first stands at the beginning of a line."""
    size = count * kind.itemsize
    memory = (np.zeros if zero else np.empty)(size + LINE, dtype=np.uint8)
    first = -memory.ctypes.data % LINE
    return memory[first : first + size].view(kind).view(np.recarray)
