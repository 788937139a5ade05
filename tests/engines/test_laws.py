"""Every law holds on a run with everything in it, and every law notices a trace in which it is broken."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import canbao
from canbao.engines import engine_named
from canbao.measures.laws import check_laws
from canbao.plan import Plan
from canbao.planning import make_plan
from canbao.trace import ENDINGS, Trace

OPEN = canbao.Schedule([0.0, 300.0, 360.0, 600.0], [1.0, 0.0, 1.0, 0.0])
STAFF = canbao.Schedule([0.0, 100.0, 300.0, 360.0, 600.0], [2.0, 1.0, 0.0, 3.0, 0.0])


def day() -> tuple[Plan, Trace]:
    """One day at a hall with lunch, a desk with classes and a small room, cut off while families are still inside."""
    network = canbao.Network(
        stations=[
            canbao.Station("hall", servers=STAFF, doors=OPEN, closing="serve"),
            canbao.Station("annex", servers=OPEN, doors=OPEN, closing="send home"),
            canbao.Station("review", servers=1, discipline="priority"),
            canbao.Station("counter", room=2),
        ],
        journeys=[
            canbao.Journey(
                "office",
                [
                    canbao.Visit(
                        "hall", service=canbao.Exponential(8.0), patience=canbao.Exponential(40.0), baulk_at=2
                    ),
                    canbao.Visit("review", service=canbao.Exponential(4.0), priority="rank", name="review"),
                    canbao.Check(0.7, failed="review", limit=3),
                    canbao.Visit("counter", service=canbao.Exponential(5.0)),
                ],
            ),
            canbao.Journey("annex", [canbao.Visit("annex", service=canbao.Exponential(12.0))]),
        ],
        streams=[
            canbao.Stream(
                "office",
                canbao.Poisson(0.15),
                name="office",
                columns={"rank": canbao.Empirical((0.0, 1.0), (1.0, 1.0))},
            ),
            canbao.Stream("annex", canbao.Poisson(0.1), name="annex", columns={"rank": canbao.Constant(0.0)}),
        ],
    )
    plan = make_plan(network, until=620.0, seed=11)
    return plan, engine_named("simpy").run(plan)


PLAN, TRACE = day()
VISITS: Any = TRACE.visits
ENDED = np.array(VISITS["ended"].words())
STATION = np.array(VISITS["station"].words())
STEP = np.array(VISITS["step"].words())
WAITED = VISITS["start"] > VISITS["enter"]


def changed(table: str, **columns: Any) -> Trace:
    """Give the trace with some columns of a table put in the place of others."""
    return replace(TRACE, **{table: {**getattr(TRACE, table), **columns}})


def at(rows: Any, name: str, values: Any, table: str = "visits") -> Trace:
    """Give the trace with other values in some rows of a column."""
    column: Any = getattr(TRACE, table)[name]
    if isinstance(column, canbao.Coded):
        codes = column.codes.copy()
        codes[rows] = column.labels.index(values)
        return changed(table, **{name: canbao.Coded(codes, column.labels)})
    numbers = column.copy()
    numbers[rows] = values
    return changed(table, **{name: numbers})


def first(mask: Any) -> int:
    """Give the first row for which something holds."""
    return int(np.flatnonzero(mask)[0])


def without(row: int) -> Trace:
    """Give the trace without one visit."""
    return replace(
        TRACE,
        visits={
            name: column.take(np.delete(np.arange(len(column)), row))
            if isinstance(column, canbao.Coded)
            else np.delete(column, row)
            for name, column in TRACE.visits.items()
        },
    )


def swapped_starts() -> Trace:
    """Let two who waited for a server of one class be served in the wrong order, both for as long as before."""
    one_class = np.flatnonzero((STATION == "hall") & WAITED & (ENDED == "served"))
    order = one_class[np.argsort(VISITS["start"][one_class])]
    pairs = [(a, b) for a, b in pairwise(order) if VISITS["enter"][b] < VISITS["start"][a]]
    a, b = pairs[0]
    start = VISITS["start"].copy()
    start[a], start[b] = start[b], start[a]
    return changed("visits", start=start)


def swapped_classes() -> Trace:
    """Let one of the second class be served before one of the first class who is there."""
    rank = np.asarray(TRACE.families["rank"])[np.searchsorted(TRACE.families["family"], VISITS["family"])]
    here = np.flatnonzero((STATION == "review") & WAITED)
    order = here[np.argsort(VISITS["start"][here])]
    pairs = [(a, b) for a, b in pairwise(order) if rank[a] < rank[b] and VISITS["enter"][b] < VISITS["start"][a]]
    a, b = pairs[0]
    start = VISITS["start"].copy()
    start[a], start[b] = start[b], start[a]
    return changed("visits", start=start)


LUNCH = (VISITS["leave"] > 300) & (VISITS["leave"] < 360)
LAST = np.append(VISITS["family"][1:] != VISITS["family"][:-1], True)

BREAKS: dict[str, list[Callable[[], Trace]]] = {
    "arrived = finished + gone + still inside": [
        lambda: at(0, "outcome", "inside", "families"),
        lambda: at(first(~np.isnan(TRACE.families["finished"])), "finished", math.nan, "families"),
        lambda: at(5, "family", 4, "families"),
        lambda: at(5, "arrival", 0.0, "families"),
        lambda: replace(
            TRACE,
            families={
                k: c.take(np.arange(9)) if isinstance(c, canbao.Coded) else c[:9] for k, c in TRACE.families.items()
            },
        ),
    ],
    "enter, start and leave are in order": [
        lambda: at(first(WAITED), "start", VISITS["enter"][first(WAITED)] - 1.0),
        lambda: at(first(ENDED == "served"), "leave", VISITS["start"][first(ENDED == "served")] - 1e-6),
        lambda: at(first(ENDED == "served"), "ended", "abandoned"),
        lambda: at(first(ENDED == "inside"), "ended", "served"),
        lambda: at(first(ENDED == "full"), "leave", 619.0),
    ],
    "a family is at one place at a time": [
        lambda: at(first(~LAST), "leave", VISITS["leave"][first(~LAST)] + 1e-6),
        lambda: at(0, "enter", VISITS["enter"][0] - 1e-6),
        lambda: at(first(LAST), "family", -1),
    ],
    "attempts count up": [
        lambda: at(first(VISITS["attempt"] == 1), "attempt", 2),
        lambda: at(0, "attempt", 1),
        lambda: without(
            first(
                (VISITS["attempt"] == 0)
                & (STEP == "office/review")
                & ~LAST
                & np.append(STEP[1:] == "office/review", False)
            )
        ),
    ],
    "Little's law, L = λW": [
        lambda: at(first(ENDED == "served"), "ended", "inside"),
        lambda: at(first((ENDED == "served") & (VISITS["leave"] < 500)), "leave", math.nan),
        lambda: at(np.flatnonzero(STATION == "annex")[:1], "leave", -50.0),
    ],
    "servers and visits tell the same utilisation": [
        lambda: at(0, "busy_s", TRACE.stations["busy_s"][0] * (1 + 1e-6), "stations"),
        lambda: at(2, "starts", TRACE.stations["starts"][2] + 1, "stations"),
        lambda: without(first(ENDED == "served")),
    ],
    "staffed time is that of the schedule, and never less than busy time": [
        lambda: at(0, "staffed_s", TRACE.stations["staffed_s"][0] * (1 + 1e-6), "stations"),
        lambda: at(2, "busy_s", TRACE.stations["staffed_s"][2] * (1 + 1e-6), "stations"),
    ],
    "a room never holds more than it can": [
        lambda: at(first((STATION == "counter") & (ENDED == "served")), "leave", 600.0),
    ],
    "nobody is let in at closed doors, nobody is sent home at open ones": [
        lambda: at(first(STATION == "hall"), "enter", 330.0),
        lambda: at(first(ENDED == "closed"), "enter", 200.0),
        lambda: at(first(ENDED == "sent home"), "leave", 290.0),
        lambda: at(first(ENDED == "baulked"), "enter", 330.0),
    ],
    "who turns round has a reason, who joins has none": [
        lambda: at(first(ENDED == "full"), "enter", 0.0),
        lambda: at(first(ENDED == "baulked"), "enter", 0.0),
        lambda: at(np.flatnonzero((STATION == "hall") & (ENDED == "served"))[:8], "enter", np.arange(8) * 1e-3),
    ],
    "a server serves one family at a time, in its hours": [
        lambda: at(
            first((STATION == "review") & WAITED), "start", VISITS["enter"][first((STATION == "review") & WAITED)]
        ),
        lambda: at(first((STATION == "annex") & (ENDED == "served")), "start", 310.0),
        lambda: at(first((STATION == "annex") & (ENDED == "served")), "start", 610.0),
    ],
    "nobody waits while a server is free": [
        lambda: at(
            first((STATION == "review") & ~WAITED),
            "start",
            VISITS["start"][first((STATION == "review") & ~WAITED)] + 0.5,
        ),
        lambda: at(
            first((STATION == "hall") & WAITED), "start", VISITS["start"][first((STATION == "hall") & WAITED)] + 0.01
        ),
    ],
    "who is served next is as the discipline says": [swapped_starts, swapped_classes],
    "services and patience last as long as luck says": [
        lambda: at(
            first((ENDED == "served") & LAST), "leave", VISITS["leave"][first((ENDED == "served") & LAST)] + 1e-6
        ),
        lambda: at(first(ENDED == "abandoned"), "leave", VISITS["leave"][first(ENDED == "abandoned")] - 1e-6),
        lambda: at(first(ENDED == "served"), "start", VISITS["start"][first(ENDED == "served")] + 1e-6),
    ],
}


def test_all_laws_hold_on_a_day_with_everything_in_it() -> None:
    """The day has every ending, rework, two classes, lunch, and families inside at the end."""
    assert set(ENDED) == set(ENDINGS)
    assert VISITS["attempt"].max() >= 2
    assert [law for law in check_laws(TRACE, PLAN) if not law.holds] == []


def test_every_law_has_a_trace_that_breaks_it() -> None:
    """No law is without a test that it can fail."""
    assert set(BREAKS) == {law.name for law in check_laws(TRACE, PLAN)}


@pytest.mark.parametrize(("name", "number"), [(name, n) for name, breaks in BREAKS.items() for n in range(len(breaks))])
def test_a_broken_law_is_noticed(name: str, number: int) -> None:
    """A trace that was tampered with breaks the law in question, and the detail says where."""
    laws = {law.name: law for law in check_laws(BREAKS[name][number](), PLAN)}
    assert not laws[name].holds
    assert laws[name].detail


def test_laws_hold_of_a_run_in_which_nobody_comes() -> None:
    """No family, no visit, no station."""
    plan = make_plan(canbao.Network(), until=1.0, seed=0)
    assert all(law.holds for law in check_laws(engine_named("simpy").run(plan), plan))
