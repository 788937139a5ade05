"""The enrolment network of the benchmarks: its plan, its samples drawn beforehand, and how two runs of it are compared.

Arrivals at two rates in turn; a window with patience, a review of which 15 % fail and come again (the fourth failure is
the last), a card desk; one server each, all first come, first served. Times in seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

import canbao
from canbao.arrays import BoolArray, FloatArray, IntArray
from canbao.columns import numbers_of
from canbao.network import Step
from canbao.plan import Draw, Plan, VisitStep
from canbao.planning import make_plan
from canbao.schedule import Schedule
from canbao.trace import ENDINGS, Trace

HALF_DAY_S = 43_200.0
SLOW, FAST = 1 / 360, 1 / 150
STATIONS = ("window", "review", "card")
PASSES = 0.85
LIMIT = 3
ATTEMPTS = LIMIT + 1
WINDOW, REVIEW, CARD = (canbao.Lognormal(mean, 0.6) for mean in (120.0, 100.0, 90.0))
PATIENCE = canbao.Lognormal(2400.0, 0.5)


def rate_of(families: int, servers: int = 1) -> tuple[Schedule, float]:
    """Give the rate of arrivals, slow and fast for half a day each, and the end of the horizon, in whole days."""
    halves = 2 * (int(families / servers / ((SLOW + FAST) * HALF_DAY_S)) + 1)
    number = np.arange(halves)
    return Schedule(number * HALF_DAY_S, np.where(number % 2, FAST, SLOW) * servers), halves * HALF_DAY_S


def network_of(rate: Schedule, servers: int = 1) -> canbao.Network:
    """Give the network in its own words."""
    steps: list[Step] = [
        canbao.Visit("window", WINDOW, patience=PATIENCE),
        canbao.Visit("review", REVIEW),
        canbao.Check(PASSES, failed="review", limit=LIMIT),
        canbao.Visit("card", CARD),
    ]
    return _network(steps, canbao.Stream("office", canbao.Poisson(rate)), servers)


def enrolment(families: int, *, servers: int = 1, seed: int = 1) -> Plan:
    """Make the plan: about `families` families, as many a day as the servers of each station can just serve."""
    rate, until = rate_of(families, servers)
    return make_plan(network_of(rate, servers), until=until, seed=seed)


def _network(steps: list[Step], stream: canbao.Stream, servers: int = 1) -> canbao.Network:
    stations = [canbao.Station(name, servers) for name in STATIONS]
    return canbao.Network(stations=stations, journeys=[canbao.Journey("office", steps)], streams=[stream])


@dataclass(frozen=True, eq=False)
class Samples:
    """All draws of a plan: arrays of shape (families,), or (attempts, families) where there are several."""

    until: float
    arrival: FloatArray
    window: FloatArray
    patience: FloatArray
    review: FloatArray
    passes: BoolArray
    card: FloatArray

    @property
    def families(self) -> int:
        """How many families arrive."""
        return len(self.arrival)


def drawn(plan: Plan) -> Samples:
    """Draw everything beforehand, at the review for all attempts that there can be."""

    def attempts(draw: Draw) -> FloatArray:
        return np.stack([draw.values(plan.luck, plan.families, attempt=attempt) for attempt in range(ATTEMPTS)])

    window, review, card = (step for step in plan.steps if isinstance(step, VisitStep))
    luck = next(draw for step in plan.steps if isinstance(draw := getattr(step, "luck", None), Draw))
    return Samples(
        until=plan.until,
        arrival=plan.arrival,
        window=window.service.values(plan.luck, plan.families),
        patience=window.patience.values(plan.luck, plan.families),
        review=attempts(review.service),
        passes=attempts(luck) < PASSES,
        card=card.service.values(plan.luck, plan.families),
    )


def with_samples(samples: Samples) -> Plan:
    """Make a plan that finds its samples in columns, so that nothing is left to draw; each attempt is a step."""
    steps: list[Step] = [canbao.Visit("window", "window_s", patience="patience_s")]
    for attempt in range(ATTEMPTS):
        failed = f"again{attempt + 1}" if attempt < LIMIT else "rejected"
        steps += [
            canbao.Visit("review", f"review_s{attempt}", name=f"again{attempt}"),
            canbao.Check(f"passes{attempt}", passed="card", failed=failed, name=f"check{attempt}"),
        ]
    steps += [canbao.End("rejected", name="rejected"), canbao.Visit("card", "card_s")]
    columns = {"window_s": samples.window, "patience_s": samples.patience, "card_s": samples.card}
    columns |= {f"review_s{attempt}": row for attempt, row in enumerate(samples.review)}
    columns |= {f"passes{attempt}": row.astype(np.float64) for attempt, row in enumerate(samples.passes)}
    stream = canbao.Stream("office", canbao.At(samples.arrival), columns=columns)
    return make_plan(_network(steps, stream), until=samples.until, seed=0)


@dataclass(frozen=True, eq=False)
class Visits:
    """What happened, one row a visit, by family and within a family in time; not a number for what did not happen."""

    family: IntArray
    station: IntArray
    """An index into STATIONS."""
    enter: FloatArray
    start: FloatArray
    leave: FloatArray
    served: BoolArray

    def __len__(self) -> int:
        return len(self.family)


_KINDS = (np.int64, np.int64, np.float64, np.float64, np.float64, np.bool_)


def by_family(columns: Iterable[NDArray[Any]]) -> Visits:
    """Sort visits that were written down in the order of time; columns as those of `Visits`."""
    family, *others = columns
    order = np.argsort(family, kind="stable")
    return Visits(*(column[order].astype(kind) for column, kind in zip((family, *others), _KINDS, strict=True)))


def of_rows(rows: Iterable[tuple[int, int, float, float, float, bool]]) -> Visits:
    """Make visits of rows (family, station, enter, start, leave, served) that stand in the order of time."""
    return by_family(np.array(column) for column in zip(*rows, strict=True))


def visits_of(trace: Trace) -> Visits:
    """Take the visits out of a trace."""
    table = {name: np.asarray(numbers_of(column)) for name, column in trace.visits.items()}
    columns = [table[name] for name in ("family", "station", "enter", "start", "leave")]
    return by_family([*columns, table["ended"] == ENDINGS.index("served")])


def finished(visits: Visits) -> Visits:
    """Leave out the visits that still go on at the end of the horizon, which not every tool writes down."""
    over = ~np.isnan(visits.leave)
    return Visits(*(getattr(visits, field.name)[over] for field in fields(visits)))


def difference(visits: Visits, reference: Visits, tolerance_s: float = 0.0) -> str:
    """Say where two runs differ by more than a tolerance in time, or give an empty string."""
    if len(visits) != len(reference):
        return f"{len(visits):,} visits and not {len(reference):,}"
    for field in fields(visits):
        one, other = getattr(visits, field.name), getattr(reference, field.name)
        slack = tolerance_s if one.dtype == np.float64 else 0
        differs = ~np.isclose(one.astype(np.float64), other.astype(np.float64), rtol=0, atol=slack, equal_nan=True)
        if differs.any():
            row = int(np.flatnonzero(differs)[0])
            return f"{field.name} of visit {row}, family {reference.family[row]}: {one[row]!r} and not {other[row]!r}"
    return ""
