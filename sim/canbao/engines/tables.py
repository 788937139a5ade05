"""From a plan to the arrays of the kernel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from canbao import plan as p
from canbao.arrays import AnyArray, FloatArray
from canbao.calendar import Calendar
from canbao.columns import numbers_of
from canbao.distributions import Uniform, formed
from canbao.engines.growing import with_slots
from canbao.kernel import choosing, desks, walking
from canbao.kernel.drawing import BLOCK, COLUMN, TABLE, VALUE
from canbao.kernel.opening import OpenTime
from canbao.kernel.state import (
    BATCH,
    BOARD,
    BOOK,
    CALENDAR,
    CHANGE,
    COMING,
    DRAW,
    FAR,
    LANE,
    LAYOUT,
    LEFT,
    NARROW,
    OPTION,
    QUEUED,
    ROW,
    RUN,
    SLOT,
    STATION,
    STEP,
    TICKET,
    World,
    records,
)
from canbao.plan import Draw, Plan

__all__ = ["Tables", "start_world"]

_CLOSING = {"serve": desks.SERVE, "send home": desks.SEND_HOME, "keep": desks.KEEP}
_DISCIPLINES = {
    "fifo": desks.FIFO,
    "lifo": desks.LIFO,
    "priority": desks.PRIORITY,
    "shortest": desks.SHORTEST,
    "random": desks.RANDOM,
}
_SORTED = ("priority", "shortest", "random")
"""Disciplines whose queue is a heap, but where priorities are few; the others take the first or the last of a list."""
_LANES = 16
"""So many priorities at a station get a lane each: then a long queue costs no more than a short one."""
_RULES = {"weight": choosing.WEIGHT, "shortest": choosing.SHORTEST_QUEUE, "fastest": choosing.FASTEST}
_UNITS = {"time": walking.TIME, "open time": walking.OPEN_TIME, "working days": walking.WORKING_DAYS}

_UNIFORM = formed(Uniform(0.0, 1.0))

_SLOTS = 1 << 14
"""Families that can be inside at first; arrays grow when more are. What of them is never used takes no memory."""
_TOGETHER = 512
"""Families whose columns are put side by side at once."""
_BUCKETS = (1 << 10, 1 << 17)
"""Buckets of time, at least and at most; with one for eight families the heap of near events stays in the cache."""


@dataclass
class Tables:
    """What a plan becomes piece by piece, and what the pieces mean."""

    plan: Plan
    draws: list[dict[str, Any]] = field(default_factory=list)
    numbers: dict[Draw, int] = field(default_factory=dict)
    tabled: list[Draw] = field(default_factory=list)
    """The draws whose values come from outside the kernel, in the order of their tables."""
    columns: list[str] = field(default_factory=list)
    """The columns that draws need."""
    points: list[float] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)
    options: list[dict[str, int]] = field(default_factory=list)
    entries: list[int] = field(default_factory=list)
    tables: list[int] = field(default_factory=list)
    boards: list[tuple[int, float]] = field(default_factory=list)
    counters: int = 0
    entrances: set[int] = field(default_factory=set)
    """Steps at which a family may come from another channel."""

    def lead(self, step: int, to: int) -> None:
        """Let a way lead from a step, -1 for outside, to another one."""
        if step < 0 or self.channel(step) != self.channel(to):
            self.entrances.add(to)

    def channel(self, step: int) -> int:
        """Give the channel that a family enters at a step, -1 for none."""
        journey = self.plan.journey_of[step]
        return journey if journey >= 0 and self.plan.channels[journey] else -1

    def onward(self, step: int, to: int) -> int:
        """Give where the way from a step to another one really leads: a GoStep that changes nothing is left out."""
        for _ in self.plan.steps:
            next_step = self.plan.steps[to]
            if not isinstance(next_step, p.GoStep) or self.channel(to) not in (-1, self.channel(step)):
                break
            to = next_step.then
        return to

    def draw(self, draw: Draw) -> int:
        """Give the number of a draw."""
        if draw not in self.numbers:
            self.numbers[draw] = len(self.draws)
            self.draws.append(self._draw(draw))
        return self.numbers[draw]

    def _draw(self, draw: Draw) -> dict[str, Any]:
        record: dict[str, Any] = {"key": self.plan.luck.key(draw.purpose), "signed": draw.signed, "column": -1}
        form = formed(draw.distribution)
        record["luck"] = not draw.by and form == _UNIFORM
        if draw.distribution is not None and form is None:
            self.tabled.append(draw)
            return record | {"form": TABLE, "table": len(self.tabled) - 1}
        if draw.by:
            record["column"] = self._column(draw.by)
        if form is None:
            return record | ({"form": COLUMN} if draw.by else {"form": VALUE, "a": draw.value})
        first = len(self.shares)
        self.points += form.points
        self.shares += form.shares
        numbers = {"a": form.a, "b": form.b, "c": form.c}
        return record | {"form": form.kind, **numbers, "first": first, "last": len(self.shares)}

    def _column(self, name: str) -> int:
        if name not in self.columns:
            self.columns.append(name)
        return self.columns.index(name)

    def counter(self, needed: bool = True) -> int:
        """Give a place at which something is counted, -1 where it is not needed."""
        self.counters += needed
        return self.counters - 1 if needed else -1


# --- steps ------------------------------------------------------------------------------------------------------------


def _step(step: p.PlanStep, tables: Tables) -> dict[str, Any]:
    """Give a step as a record; what depends on the kind of step is in the functions below."""
    record = _KINDS[type(step)](step, tables)
    draws = [draw for draw in _draws_of(step) if draw in tables.numbers]
    first = len(tables.tables)
    tables.tables += [tables.tabled.index(draw) for draw in draws if draw in tables.tabled]
    exits = [tables.onward(step.index, to) for to in record.get("exits", ())]
    for to in exits:
        tables.lead(step.index, to)
    return {"counter": -1, **record, "exits": exits, "table": first, "tables": len(tables.tables) - first}


def _channels(tables: Tables) -> list[int]:
    """Give the channel that a family enters at each step, -1 where there is none or it comes from there in any case."""
    plan = tables.plan
    for first in np.flatnonzero(np.bincount(plan.first_step)):
        tables.lead(-1, int(first))
    return [tables.channel(step) if step in tables.entrances else -1 for step in range(len(plan.steps))]


def _draws_of(step: p.PlanStep) -> list[Draw]:
    fields = [getattr(step, name) for name in getattr(type(step), "__slots__", ())]
    options = [value for option in getattr(step, "options", ()) for value in option]
    return [value for value in (*fields, *options) if isinstance(value, Draw)]


def _varies(*draws: Draw) -> bool:
    """Tell whether any of some draws differs between attempts."""
    return any(draw.distribution is not None for draw in draws)


def _visit(step: p.VisitStep, t: Tables) -> dict[str, Any]:
    draws = [t.draw(draw) for draw in (step.service, step.patience, step.baulk_at, step.priority)]
    return {
        "kind": walking.VISIT,
        "at": step.station,
        "draws": draws,
        "exits": step.exits,
        "counter": t.counter(),
    }


def _delay(step: p.DelayStep, t: Tables) -> dict[str, Any]:
    return {
        "kind": walking.DELAY,
        "at": step.calendar,
        "draws": [t.draw(step.duration)],
        "exits": [step.then],
        "flag": step.trip,
        "other": step.effort,
        "unit": _UNITS[step.unit],
        "counter": t.counter(_varies(step.duration)),
    }


def _await(step: p.AwaitStep, t: Tables) -> dict[str, Any]:
    return {
        "kind": walking.AWAIT,
        "at": step.calendar,
        "draws": [t.draw(step.at)],
        "exits": [step.then],
        "other": step.day,
        "counter": t.counter(_varies(step.at)),
    }


def _check(step: p.CheckStep, t: Tables) -> dict[str, Any]:
    return {
        "kind": walking.CHECK,
        "draws": [t.draw(step.probability), t.draw(step.luck)],
        "exits": [step.passed, step.failed, step.exceeded],
        "number": step.limit,
        "counter": t.counter(),
        "fails": t.counter(step.limit < math.inf),
    }


def _before(step: p.BeforeStep, t: Tables) -> dict[str, Any]:
    return {
        "kind": walking.BEFORE,
        "draws": [t.draw(step.deadline)],
        "exits": [step.then, step.late],
        "counter": t.counter(_varies(step.deadline)),
    }


def _choose(step: p.ChooseStep, t: Tables) -> dict[str, Any]:
    first = len(t.options)
    t.options += [
        {
            "to": t.onward(step.index, option.to),
            "weight": t.draw(option.weight),
            "station": option.station,
            "travel": t.draw(option.travel),
            "journey": option.journey,
        }
        for option in step.options
    ]
    for option in t.options[first:]:
        t.lead(step.index, option["to"])
    if step.published_s:
        t.boards += [(option.station, step.published_s) for option in step.options if option.station >= 0]
    return {
        "kind": walking.CHOOSE,
        "draws": [t.draw(step.luck)],
        "first": first,
        "last": len(t.options),
        "flag": step.others,
        "other": _RULES[str(step.rule)],
        "number": step.published_s,
        "counter": t.counter(),
    }


def _gather(step: p.GatherStep, t: Tables) -> dict[str, Any]:
    return {"kind": walking.GATHER, "at": step.batch, "exits": [step.then], "counter": t.counter()}


def _appointment(step: p.AppointmentStep, t: Tables) -> dict[str, Any]:
    return {
        "kind": walking.APPOINTMENT,
        "at": step.book,
        "draws": [t.draw(step.lead)],
        "exits": [step.then, step.none_left],
        "counter": t.counter(_varies(step.lead)),
    }


def _mark(step: p.MarkStep, t: Tables) -> dict[str, Any]:
    return {
        "kind": walking.MARK,
        "at": step.mark,
        "exits": [step.then],
        "flag": step.first,
        "other": step.clear,
    }


def _marked(step: p.MarkedStep, t: Tables) -> dict[str, Any]:
    return {"kind": walking.MARKED, "at": step.mark, "exits": [step.yes, step.no]}


def _go(step: p.GoStep, t: Tables) -> dict[str, Any]:
    return {"kind": walking.GO, "exits": [step.then]}


def _return(step: p.ReturnStep, t: Tables) -> dict[str, Any]:
    first = len(t.entries)
    t.entries += [step.entries.get(journey, -1) for journey in range(len(t.plan.journeys))]
    t.entrances.update(step.entries.values())
    return {"kind": walking.RETURN, "first": first}


def _end(step: p.EndStep, t: Tables) -> dict[str, Any]:
    return {"kind": walking.END, "at": step.outcome}


_KINDS: dict[type, Any] = {
    p.VisitStep: _visit,
    p.DelayStep: _delay,
    p.AwaitStep: _await,
    p.CheckStep: _check,
    p.BeforeStep: _before,
    p.ChooseStep: _choose,
    p.GatherStep: _gather,
    p.AppointmentStep: _appointment,
    p.MarkStep: _mark,
    p.MarkedStep: _marked,
    p.GoStep: _go,
    p.ReturnStep: _return,
    p.EndStep: _end,
}


# --- the world --------------------------------------------------------------------------------------------------------


def start_world(plan: Plan) -> tuple[World, Tables]:
    """Give the arrays of a plan at time 0, with nobody inside, and what their numbers mean."""
    tables = Tables(plan)
    steps = [_step(step, tables) for step in plan.steps]
    for step, channel in zip(steps, _channels(tables), strict=True):
        step["channel"] = channel
    stations, boards, lanes = _stations(plan, tables)
    buckets = min(max(plan.families // 8, _BUCKETS[0]), _BUCKETS[1])
    scalars = {"until": plan.until, "buckets": buckets, "per_s": buckets / plan.until}
    nothing = dict.fromkeys(("walker", "entering", "closing"), -1)
    heaps = sum(station["heap"] >= 0 for station in stations)
    blocks = -(-plan.families // BLOCK)
    empty = np.empty(0)
    world = World(
        run=_made(RUN, [{**scalars, **nothing}]),
        steps=_made(STEP, steps),
        draws=_made(DRAW, tables.draws),
        options=_made(OPTION, tables.options),
        entries=np.array(tables.entries, dtype=np.int64),
        points=np.array(tables.points),
        shares=np.array(tables.shares),
        columns=_by_family([numbers_of(plan.columns[name]) for name in tables.columns], plan.families),
        tables=np.array(tables.tables, dtype=np.int64),
        table_at=np.full((len(tables.tabled), 1, blocks), -1, dtype=np.int64),
        values=empty,
        **_calendars(plan.calendars),
        stations=_made(STATION, stations),
        changes=_changes(plan.stations),
        boards=_made(BOARD, boards),
        batches=_made(BATCH, [{"full": batch.size, "max_wait": batch.max_wait, "rounds": 1} for batch in plan.batches]),
        **_books(plan),
        coming=records(0, COMING),
        slots=records(0, SLOT),
        tickets=records(0, TICKET),
        counts=np.zeros((0, tables.counters), dtype=NARROW),
        marks=np.zeros((0, len(plan.marks))),
        lanes=_made(LANE, lanes),
        queues=records(0, QUEUED).reshape(heaps, 0),
        frames=np.zeros(0, dtype=np.int64),
        times=empty,
        orders=np.empty(0, dtype=np.int64),
        what=np.empty(0, dtype=np.int64),
        heads=np.full(buckets + 1, -1, dtype=np.int64),
        distant=records(0, FAR),
        rows=records(0, ROW),
        left=records(0, LEFT),
        left_marks=np.empty((0, len(plan.marks))),
    )
    return with_slots(world, _SLOTS + sum(len(batch.releases) for batch in plan.batches)), tables


def _by_family(columns: Sequence[AnyArray], families: int) -> FloatArray:
    """Put what is known of each family side by side, a block of families at a time, so that it stays in the cache."""
    together = np.empty((families, len(columns)))
    for first in range(0, families if columns else 0, _TOGETHER):
        block = slice(first, first + _TOGETHER)
        together[block] = np.array([column[block] for column in columns]).T
    return together


def _made(kind: np.dtype[np.void], rows: Sequence[dict[str, Any]]) -> Any:
    """Make records of rows, field by field; what a row does not name is 0, and so is what a list is too short for."""
    made = records(len(rows), kind)
    given: dict[str, tuple[list[int], list[Any]]] = {}
    for place, row in enumerate(rows):
        for name, value in row.items():
            places, values = given.setdefault(name, ([], []))
            places.append(place)
            values.append(value)
    for name, (places, values) in given.items():
        width = made[name].shape[1:]
        made[name][places] = [(*value, *(0,) * width[0])[: width[0]] for value in values] if width else values
    return made


_Rows = list[dict[str, Any]]


def _changes(stations: Sequence[p.StationPlan]) -> Any:
    """Put the changes of staff and doors of all stations one behind the other."""
    changes = [change for station in stations for change in station.changes]
    made = records(len(changes), CHANGE)
    if changes:
        made.time, made.servers, made.open = zip(*changes, strict=True)
    return made


def _stations(plan: Plan, tables: Tables) -> tuple[_Rows, _Rows, _Rows]:
    stations, boards, lanes = _Rows(), _Rows(), _Rows()
    changes = 0
    heaps = 0
    for number, station in enumerate(plan.stations):
        now, board = station.changes[0], len(boards)
        changes += len(station.changes)
        intervals = dict.fromkeys(interval for place, interval in tables.boards if place == number)
        boards += [{"interval_s": interval, "servers": now.servers} for interval in intervals]
        priorities = _priorities(plan, number) if station.discipline == "priority" else []
        in_heap = station.discipline in _SORTED and not priorities
        heaps += in_heap
        stations.append(
            {
                "room": station.room,
                "servers": now.servers,
                "duty": now.servers,
                "mean_service": station.mean_service,
                "open": now.open,
                "closing": _CLOSING[station.closing],
                "discipline": _DISCIPLINES[str(station.discipline)],
                "heap": heaps - 1 if in_heap else -1,
                "order": tables.draw(station.order),
                "blocks": station.blocks,
                "lane": len(lanes),
                "last_lane": len(lanes) + max(len(priorities), 1),
                **dict.fromkeys(("door", "door_tail"), -1),
                "change": changes - len(station.changes),
                "last_change": changes,
                "board": board,
                "last_board": len(boards),
            }
        )
        lanes += [{"priority": priority, "head": -1, "tail": -1} for priority in priorities or [0.0]]
    return stations, boards, lanes


def _priorities(plan: Plan, station: int) -> list[float]:
    """Give the priorities that families can have at a station, the first to be served first; none if there are many."""
    draws = {step.priority for step in plan.steps if isinstance(step, p.VisitStep) and step.station == station}
    found = set[float]()
    for draw in draws:
        if draw.distribution is not None or len(found) > _LANES:
            return []
        found.update([draw.value] if draw.column is None else _few(draw.column))
    return sorted(found) if 0 < len(found) <= _LANES and not any(map(math.isnan, found)) else []


def _few(column: FloatArray) -> list[float]:
    """Give the different values of a column, or more than a station has lanes for."""
    some = np.unique(column[: 16 * _LANES])
    found: list[float] = (some if len(some) > _LANES else np.unique(column)).tolist()
    return found


def _calendars(calendars: Sequence[Calendar]) -> dict[str, Any]:
    """Put the open times of all calendars one behind the other."""
    ends = np.cumsum([[0, 0, 0], *([len(c.opens), c.days + 1, c.span.open_days] for c in calendars)], axis=0).tolist()
    spans = [
        c.span._replace(first=i, last=i + len(c.opens), midnight=m, open_day=d)._asdict()
        for c, (i, m, d) in zip(calendars, ends, strict=False)
    ]
    parts: list[tuple[Any, ...]] = [tuple(c.open_time) for c in calendars] or [((),) * len(OpenTime._fields)]
    kinds = [LAYOUT[name][0] for name in OpenTime._fields]
    times = [np.concatenate(part).astype(kind) for part, kind in zip(zip(*parts, strict=True), kinds, strict=True)]
    return {**dict(zip(OpenTime._fields, times, strict=True)), "calendars": _made(CALENDAR, spans)}


def _books(plan: Plan) -> dict[str, Any]:
    ends = np.cumsum([0, *(len(book.times) for book in plan.books)]).tolist()
    books = [{"first": first, "free": first, "last": last} for first, last in pairwise(ends)]
    return {
        "books": _made(BOOK, books),
        "book_times": np.array([time for book in plan.books for time in book.times], dtype=np.float64),
        "places_left": np.array([places for book in plan.books for places in book.places], dtype=np.int64),
    }
