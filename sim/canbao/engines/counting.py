"""Summary mode: what the kernel writes down is counted at once and thrown away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from canbao.arrays import AnyArray, FloatArray, IntArray
from canbao.counters import Counters, Review, Watch
from canbao.engines.collecting import fates_of
from canbao.engines.tracing import NOWHERE, make_families, make_stations, places_of
from canbao.kernel.counting import BINS, HOUR_S, Counts, Keep, Written, bin_edge, count_rows
from canbao.kernel.handle import handle
from canbao.kernel.opening import DAY_S
from canbao.kernel.state import LEFT, ROW, World, records
from canbao.plan import Plan
from canbao.trace import ENDINGS, INSIDE, Table

__all__ = ["Counted", "Counting"]

_LEAVING = 1 << 14
"""Families that can leave before what is known of them is taken."""
_ROUNDS = 8
"""Rounds of one family that are kept at first; there is room for more when one has more."""


@dataclass(frozen=True, eq=False)
class Counted:
    """What is known of a run whose visits were counted and not kept.

    Parameters
    ----------
    until
        The end of the horizon.
    families
        The table of families of a trace; None where families were counted only.
    stations
        The table of stations of a trace.
    counters
        What is known of visits.
    outcomes
        How many families left with each outcome, `inside` included.
    waited_s, stayed_s
        What each family waited and stayed at places, its papers' stays not counted, shape (families,).
    records
        The places of `Watch.records`.
    met
        How often each family was at each of them, shape (families, records).
    """

    until: float
    families: Table | None
    stations: Table
    counters: Counters
    outcomes: dict[str, int]
    waited_s: FloatArray
    stayed_s: FloatArray
    records: tuple[str, ...]
    met: IntArray


class Counting:
    """Counts the visits of one run.

    Parameters
    ----------
    plan
        What is run.
    watch
        What has to be known beforehand.
    families
        Whether the fate of each family is kept; without, memory does not grow with their number.
    """

    def __init__(self, plan: Plan, watch: Watch, *, families: bool = True) -> None:
        self.plan = plan
        self.watch = watch
        self.keeps_families = families
        self.counts = _no_counts(plan)
        self.keep = _nobody(plan, watch)
        self.outcomes = np.zeros(len(plan.outcomes) + 1, dtype=np.int64)
        self._left: list[Any] = [records(0, LEFT)]
        self._marks: list[AnyArray] = [np.empty((0, len(plan.marks)))]
        self._out: list[FloatArray] = [np.empty((0, 2 + len(watch.records)))]

    def take(self, world: World, room: int) -> dict[str, Any]:
        """Count what the kernel has written down since the last time; give it where to write `room` more visits."""
        run = world.run[0]
        self._make_room(len(world.slots))
        out = np.zeros((run.left, 2 + len(self.watch.records)))
        left = world.left[: run.left]
        written = Written(world.rows[: run.rows], left, out, np.zeros(2, dtype=np.int64))
        while tuple(written.done) != (run.rows, run.left):
            count_rows(handle(written), handle(self.counts), handle(self.keep), self.plan.until)
            if written.done[0] < run.rows:
                self.keep = self.keep._replace(past=_wider(self.keep.past))
        self.outcomes += np.bincount(left["outcome"] % len(self.outcomes), minlength=len(self.outcomes))
        rows = world.rows if len(world.rows) >= room else records(room, ROW, zero=False)
        if not self.keeps_families and len(world.left):
            return {"rows": rows}
        self._left.append(left)
        self._marks.append(world.left_marks[: run.left])
        self._out.append(out)
        more = (_LEAVING, len(self.plan.marks))
        return {"rows": rows, "left": records(_LEAVING, LEFT, zero=False), "left_marks": np.empty(more)}

    def _make_room(self, slots: int) -> None:
        """Keep something of as many slots as the kernel has."""
        k, more = self.keep, slots - len(self.keep.begun)
        if more > 0:
            names = ("waited_s", "stayed_s", "met", "begun", "let_go", "number", "past")
            longer = {name: _longer(getattr(k, name), more) for name in names}
            longer["begun"][-more:] = np.nan
            self.keep = k._replace(**longer)

    def result(self, stations: Any) -> Counted:
        """Give what was counted."""
        plan = self.plan
        out = np.concatenate(self._out)
        out = out[np.argsort(np.concatenate([left["family"] for left in self._left]))]
        labels = (*plan.outcomes, INSIDE)
        return Counted(
            until=plan.until,
            families=self._families() if self.keeps_families else None,
            stations=make_stations(plan, stations),
            counters=self._counters(),
            outcomes={label: int(n) for label, n in zip(labels, self.outcomes, strict=True) if n},
            waited_s=out[:, 0],
            stayed_s=out[:, 1],
            records=self.watch.records,
            met=out[:, 2:].astype(np.int64),
        )

    def _families(self) -> Table:
        left, marks = np.concatenate(self._left).view(np.recarray), np.concatenate(self._marks)
        return make_families(self.plan, fates_of(self.plan, left, marks))

    def _counters(self) -> Counters:
        plan, c = self.plan, self.counts
        hours = c.came.shape[1]
        return Counters(
            places=plan.places,
            came=c.came,
            endings=c.endings,
            waits=c.waits,
            edges=np.array([bin_edge(number) for number in range(BINS + 1)]),
            wait_s=c.wait_s,
            longest_s=c.longest_s,
            waiting_s=c.waiting_s + np.cumsum(c.waiting_through, axis=1)[:, :hours] * HOUR_S,
            busy_s=c.busy_s + np.cumsum(c.busy_through, axis=1)[:, :hours] * HOUR_S,
            review=Review((*plan.journeys, NOWHERE), c.rounds, c.handed_in, c.decided),
        )


def _no_counts(plan: Plan) -> Counts:
    places, hours, days = len(plan.places), -int(-plan.until // HOUR_S), -int(-plan.until // DAY_S)
    return Counts(
        came=np.zeros((places, hours), dtype=np.int64),
        endings=np.zeros((places, len(ENDINGS)), dtype=np.int64),
        waits=np.zeros((places, BINS), dtype=np.int64),
        wait_s=np.zeros(places),
        longest_s=np.zeros(places),
        waiting_s=np.zeros((places, hours)),
        waiting_through=np.zeros((places, hours + 1), dtype=np.int64),
        busy_s=np.zeros((places, hours)),
        busy_through=np.zeros((places, hours + 1), dtype=np.int64),
        rounds=np.zeros((len(plan.journeys) + 1, days + 2, days + 2), dtype=np.int64),
        handed_in=np.zeros(days, dtype=np.int64),
        decided=np.zeros(days, dtype=np.int64),
    )


def _nobody(plan: Plan, watch: Watch) -> Keep:
    """Give what is kept while nobody is inside."""
    days = -int(-plan.until // DAY_S)
    numbers = np.arange(-1, days) if watch.day_number is None else watch.day_number
    begins = [1 if place == watch.intake else 2 if place in watch.review else 0 for place in plan.places]
    watched = [watch.records.index(place) if place in watch.records else -1 for place in plan.places]
    return Keep(
        place_of=places_of(plan).astype(np.int64),
        own=np.array([place not in watch.papers for place in plan.places], dtype=np.bool_),
        watched=np.array(watched, dtype=np.int64),
        begins=np.array(begins, dtype=np.int8),
        day_number=np.asarray(numbers, dtype=np.int64),
        waited_s=np.empty(0),
        stayed_s=np.empty(0),
        met=np.empty((0, len(watch.records)), dtype=np.int64),
        begun=np.empty(0),
        let_go=np.empty(0),
        number=np.empty(0, dtype=np.int64),
        past=np.empty((0, _ROUNDS, 2), dtype=np.int32),
    )


def _longer(array: Any, more: int) -> Any:
    return np.concatenate([array, np.zeros((more, *array.shape[1:]), dtype=array.dtype)])


def _wider(past: Any) -> Any:
    """Give room for twice as many rounds of each family."""
    return np.concatenate([past, np.zeros_like(past)], axis=1)
