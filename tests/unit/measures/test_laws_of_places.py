"""What laws look at: who waits and is served between any two moments, and who goes before whom."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from canbao.measures.laws.places import Place, around
from canbao.measures.laws.turns import _by_class, _by_rank
from canbao.measures.visits import Visits
from canbao.plan import Change, Draw, StationPlan
from canbao.trace import ENDINGS

UNTIL = 40.0
NONE = Draw("none", value=0.0)
whole = st.integers(0, 12)
stays = st.lists(st.tuples(whole, whole, st.one_of(st.none(), whole), st.booleans(), whole), min_size=1, max_size=12)
"""When each enters, how long it waits and is served (None: until after the end), whether it is served, and its key."""


def place(rows: list[tuple[int, int, int | None, bool, int]], servers: float = 2.0) -> Place:
    """Make a station of some stays; changes of its staff are at 0, 5 and 9."""
    enter = np.array([row[0] for row in rows], dtype=float)
    ready = enter + [row[1] for row in rows]
    served = np.array([row[3] for row in rows])
    leave = np.array([math.nan if row[2] is None else row[0] + row[1] + row[2] for row in rows])
    start = np.where(served, ready, math.nan)
    leave = np.where(served, leave, ready)
    numbers = np.arange(len(rows))
    visits = Visits(numbers, numbers, numbers * 0, numbers * 0, enter, start, leave, numbers * 0, ENDINGS)
    changes = tuple(Change(time, number, True) for time, number in ((0.0, servers), (5.0, servers + 1), (9.0, servers)))
    plan = StationPlan("desk", "desk", changes, "serve", "fifo", math.inf, False, 1.0, NONE)
    return Place(0, plan, UNTIL, visits, visits.take(slice(0)))


@given(stays)
def test_the_course_is_what_a_look_at_each_moment_sees(rows: list[Any]) -> None:
    """Who waits, who is served and how many servers there are, just after every moment at which anything changes."""
    here = place(rows)
    course, changes = here.course, [change.time for change in here.plan.changes]
    visits, left, ready = here.visits, here.left, here.waited_until
    moments = {*visits.enter, *ready, *left, *changes}
    assert course.moments.tolist() == sorted(moment for moment in moments if moment < UNTIL)
    assert course.lengths.sum() == UNTIL - course.moments[0]
    for at, moment in enumerate(course.moments):
        assert course.waiting[at] == ((visits.enter <= moment) & (moment < ready)).sum()
        assert course.serving[at] == (here.served & (ready <= moment) & (moment < left)).sum()
        assert course.servers[at] == (3.0 if 5 <= moment < 9 else 2.0)
        assert (at in course.begins) == bool((visits.start == moment).any())


@given(stays)
def test_where_servers_are_without_limit_stays_of_no_length_are_nowhere(rows: list[Any]) -> None:
    """What is left out changes no number between two moments."""
    here, limited = place(rows, math.inf), place(rows)
    for moment, waiting, serving in zip(here.course.moments, here.course.waiting, here.course.serving, strict=True):
        at = np.flatnonzero(limited.course.moments == moment)[0]
        assert (waiting, serving) == (limited.course.waiting[at], limited.course.serving[at])
    for course in (here.course, limited.course):
        assert ((course.waiting + course.serving) * course.lengths).sum() == (here.left - here.visits.enter).sum()


@given(st.lists(st.floats(0, 20), max_size=20).map(sorted))
def test_around_a_moment_either_of_two_changes_holds(moments: list[float]) -> None:
    """Just before and just after: the same but at a change itself; before the first, the first."""
    plan = place([(0, 0, 0, True, 0)]).plan
    before, after = around(plan, np.array(moments), [1, 2, 3])
    for moment, was, becomes in zip(moments, before, after, strict=True):
        assert becomes == (1 if moment < 5 else 2 if moment < 9 else 3)
        assert was == (1 if moment <= 5 else 2 if moment <= 9 else 3)


@given(stays)
def test_who_was_served_before_its_turn_is_found_by_classes_and_by_ranks(rows: list[Any]) -> None:
    """Both ways find those for whom a look at all pairs finds somebody with a smaller key, or an equal one before."""
    here, keys = place(rows), np.array([float(row[4]) for row in rows])
    assume(len(here.waits))
    enter, ready = here.visits.enter, here.waited_until
    wanted = {
        one
        for one in np.flatnonzero(here.served)
        for other in range(len(rows))
        if enter[other] < ready[one] < ready[other]
        and (keys[other] < keys[one] or (keys[other] == keys[one] and enter[other] < enter[one]))
    }
    classes, rank = np.unique(keys, return_inverse=True)
    assert set(_by_class(here, keys, classes).tolist()) == wanted
    assert set(_by_rank(here, rank).tolist()) == wanted
