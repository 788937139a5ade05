"""Trials: one case, run often enough to say whether an engine gives the known answer.

A mean wait to 1 % at a confidence of 99.9 % takes ten million customers at an ordinary load, a hundred million at a
high one (by the asymptotic variances of Whitt (1989), Management Science 35). An event engine would be busy with the
cases for hours. So an engine serves some ten thousand customers, a *peer* serves the same ones and some millions more,
and

    E[engine] = E[engine - peer] + E[peer]

is estimated term by term: from the pairs, and from the peer's other runs. This is a control variate with an expectation
that is itself estimated (Schmeiser, Taaffe and Wang (2001), IIE Transactions 33; Peherstorfer, Willcox and Gunzburger
(2016), SIAM J. Sci. Comput. 38). It is an interval for the *engine*: where engine and peer part, the first term
brings a variance of its own, and the interval is wide. The peer knows no theory; all its luck comes from plans, as an
engine's does. Cases without a peer are run on the engine alone, as often as it takes.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from canbao.arrays import FloatArray
from canbao.engines import Engine
from canbao.engines.comparing import first_difference
from canbao.network import Network
from canbao.plan import Plan
from canbao.planning import make_plan
from canbao.trace import Trace
from canbao.verification.controls import Controls
from canbao.verification.estimates import Estimate, difference, intercept, mean_of, together
from canbao.verification.peers import Peer
from canbao.verification.stays import Measure, StaysByName, Window, stays_of

__all__ = ["Case", "Quantity", "Result", "Row", "run_case", "run_case_on"]

_SEEDS_APART = 1 << 32
"""The runs of seed 0 take the seeds 0, 1, ...; those of the next seed begin so much later."""

_CONTROL_LEVEL = 0.99999
"""There are many controls, and by chance one of them lies outside its interval of 99.9 % at every tenth seed."""

_BLOCK = 1_250_000
"""How many customers a peer takes at once, about: 10 MB an array."""

_FEWEST = 60
"""How many plans a peer takes at once, at least; fewer would be slow."""

_MOST_CUSTOMERS = 300_000_000
"""When a peer gives up."""

_MOST_RUNS = 400
"""When an engine without a peer gives up."""


Kind = Literal["exact", "published", "control"]
"""A theorem; somebody's simulation; the expectation of a control variate."""


@dataclass(frozen=True)
class Quantity:
    """Something to measure and what it should be: `value` exactly, or somebody's interval `value` ± `half_width`."""

    name: str
    value: float
    measure: Measure
    kind: Kind = "exact"
    half_width: float = 0.0


@dataclass(frozen=True)
class Case:
    """A network with known answers.

    Parameters
    ----------
    name
        What it is.
    source
        Where the answers come from.
    network, until
        What is run, and the end of each run.
    window
        From the end of the warm-up to so long before the end that whoever came has left.
    quantities
        What is held against what.
    runs
        How many runs of the engine, at least.
    peer
        What helps; without it the engine is run until the intervals are narrow.
    controls
        Control variates, to make the peer's intervals narrower.
    watch
        Which stays to look at.
    """

    name: str
    source: str
    network: Network
    until: float
    window: Window
    quantities: tuple[Quantity, ...]
    runs: int
    peer: Peer | None = None
    controls: tuple[Controls, ...] = ()
    watch: Callable[[Trace], StaysByName] = stays_of


@dataclass(frozen=True)
class Row:
    """One quantity: what it should be, what it was, and whether that fits."""

    quantity: str
    kind: Kind
    value: float
    """By theory, or as published."""
    value_half_width: float
    """Half the published interval; 0 for theory."""
    mean: float
    half_width: float
    """Half the interval around `mean`: of 99.9 %, of 95 % against a published interval, of 99.999 % for controls."""
    holds: bool
    """Whether the interval covers the theory and is as narrow as the precision asks, or meets the published one."""


@dataclass(frozen=True)
class Result:
    """What came out of a case on one engine."""

    name: str
    source: str
    engine: str
    rows: tuple[Row, ...]
    families: int
    """How many the engine served."""
    peer_families: int
    """How many the peer served besides."""
    disagreement: float
    """The largest relative difference between engine and peer on the same families."""
    differs: str = ""
    """Where this engine's first trace that is not that of the first engine parts from it."""
    unsupported: str = ""
    """Why this engine cannot run the case; it has no rows then."""

    @property
    def holds(self) -> bool:
        """Whether every row holds, and every trace is that of the first engine."""
        return not self.differs and all(row.holds for row in self.rows)


def run_case(case: Case, engine: Engine, *, seed: int = 0, precision: float = 0.01) -> Result:
    """Run a case on one engine; see `run_case_on`."""
    return run_case_on(case, [engine], seed=seed, precision=precision)[0]


def run_case_on(case: Case, engines: Sequence[Engine], *, seed: int = 0, precision: float = 0.01) -> tuple[Result, ...]:
    """Run a case on some engines, with the same luck and beside the same peer.

    Parameters
    ----------
    case
        What to run.
    engines
        What to run it on; their traces are compared with the first one's, bit for bit.
    seed
        Runs of different seeds have no luck in common.
    precision
        The largest relative half-width of the 99.9 % intervals of exact values.
    """
    plan = make_plan(case.network, until=case.until, seed=seed)
    reasons = {engine.name: engine.supports(plan) for engine in engines}
    trial = _Trial(case, [engine for engine in engines if not reasons[engine.name]], seed * _SEEDS_APART)
    if trial.engines:
        trial.extend()
        while not trial.narrow(precision) and trial.may_extend(precision):
            trial.extend()
    return tuple(trial.result(engine, precision, reasons[engine.name]) for engine in engines)


@dataclass
class _Trial:
    """The runs of a case so far; `beside` and the like hold one array for each run."""

    case: Case
    engines: Sequence[Engine]
    next_seed: int
    measured: dict[str, list[FloatArray]] = field(default_factory=lambda: defaultdict(list))
    """What each engine measured, by its name."""
    differs: dict[str, str] = field(default_factory=dict)
    """Where an engine's trace parts from the first engine's."""
    beside: list[FloatArray] = field(default_factory=list)
    """What the peer measured on the engines' runs."""
    alone: list[FloatArray] = field(default_factory=list)
    """What the peer measured on its other runs."""
    controls: list[dict[str, float]] = field(default_factory=list)
    families: int = 0
    peer_families: int = 0

    def extend(self) -> None:
        """Make some more runs."""
        peer = self.case.peer
        if peer is None or not self.runs:
            plans = self._plans(self.case.runs)
            self.families += sum(plan.families for plan in plans)
            for plan in plans:
                self._run(plan)
        if peer is not None:
            if not self.beside:
                self.beside += self._by_peer(peer, plans)
            plans = self._plans(max(_BLOCK * self.runs // self.families, _FEWEST))
            self.peer_families += sum(plan.families for plan in plans)
            self.alone += self._by_peer(peer, plans)
        self.controls += [self._look(plan) for plan in plans]

    @property
    def runs(self) -> int:
        """How often each engine ran."""
        return len(self.measured[self.engines[0].name])

    def _run(self, plan: Plan) -> None:
        """Run a plan on each engine."""
        first: Trace | None = None
        for engine in self.engines:
            trace = engine.run(plan)
            first = first or trace
            self.measured[engine.name].append(self._measure(self.case.watch(trace)))
            found = (
                None if trace is first else first_difference(first, trace, names=(self.engines[0].name, engine.name))
            )
            if found is not None:
                self.differs.setdefault(engine.name, f"family {found.family}, {found.said}")

    def may_extend(self, precision: float) -> bool:
        """Tell whether it is worth while to go on; if not, the intervals stay as wide as they are."""
        if self.peer_families >= _MOST_CUSTOMERS or self.runs >= _MOST_RUNS:
            return False
        # More runs of the peer do not help where the engine and the peer part.
        pairs = (
            pair
            for measured in self.measured.values()
            for pair in zip(self.case.quantities, np.array(measured).T, np.array(self.beside).T, strict=False)
        )
        return all(
            difference(one, other).half_width(0.999) <= precision * abs(quantity.value)
            for quantity, one, other in pairs
            if quantity.kind == "exact"
        )

    def narrow(self, precision: float) -> bool:
        """Tell whether all exact quantities are known well enough, on every engine."""
        rows = (row for engine in self.engines for row in self._rows(engine, precision))
        return all(row.half_width <= precision * abs(row.value) for row in rows if row.kind == "exact")

    def result(self, engine: Engine, precision: float, unsupported: str = "") -> Result:
        """Say what came out on an engine, or why it cannot run the case."""
        if unsupported:
            return Result(self.case.name, self.case.source, engine.name, (), 0, 0, 0.0, unsupported=unsupported)
        rows = (*self._rows(engine, precision), *self._control_rows())
        apart = 0.0
        if self.beside:
            one, other = np.array(self.measured[engine.name]), np.array(self.beside)
            apart = float(np.max(np.abs(one - other) / np.maximum(np.abs(one).max(axis=0), 1e-300)))
        return Result(
            name=self.case.name,
            source=self.case.source,
            engine=engine.name,
            rows=rows,
            families=self.families,
            peer_families=self.peer_families,
            disagreement=apart,
            differs=self.differs.get(engine.name, ""),
        )

    def _plans(self, count: int) -> list[Plan]:
        seeds = range(self.next_seed, self.next_seed + count)
        self.next_seed += count
        return [make_plan(self.case.network, until=self.case.until, seed=seed) for seed in seeds]

    def _measure(self, stays: StaysByName) -> FloatArray:
        measures = dict.fromkeys(quantity.measure for quantity in self.case.quantities)
        values = {measure: measure(stays, self.case.window) for measure in measures}
        return np.array([values[quantity.measure] for quantity in self.case.quantities])

    def _look(self, plan: Plan) -> dict[str, float]:
        return {name: share for look in self.case.controls for name, share in look(plan, self.case.window).items()}

    def _by_peer(self, peer: Peer, plans: Sequence[Plan]) -> list[FloatArray]:
        return [self._measure(stays) for stays in peer(plans)]

    def _estimates(self, engine: Engine) -> list[Estimate]:
        runs = (self.measured[engine.name], self.beside, self.alone)
        measured, beside, alone = (np.array(values).T for values in runs)
        controls = np.array([list(shares.values()) for shares in self.controls]) - 1.0
        if self.case.peer is None:
            return [intercept(values, controls) for values in measured]
        return [
            together(difference(*pair), intercept(values, controls))
            for *pair, values in zip(measured, beside, alone, strict=True)
        ]

    def _rows(self, engine: Engine, precision: float) -> list[Row]:
        return [_row(q, e, precision) for q, e in zip(self.case.quantities, self._estimates(engine), strict=True)]

    def _control_rows(self) -> list[Row]:
        """Hold the control variates, whose expectation was taken as known, against it."""
        rows = []
        for name in self.controls[0] if self.controls else ():
            quantity = Quantity(f"{name} / expected", 1.0, lambda *_: 1.0, "control")
            rows.append(_row(quantity, mean_of(np.array([shares[name] for shares in self.controls])), math.inf))
        return rows


def _row(quantity: Quantity, estimate: Estimate, precision: float) -> Row:
    # Nothing is known of the chance behind a published number without an interval.
    level = _CONTROL_LEVEL if quantity.kind == "control" else 0.95 if quantity.half_width else 0.999
    half_width = estimate.half_width(level)
    apart, rounding = abs(estimate.mean - quantity.value), 1e-9 * abs(quantity.value)
    holds = apart <= half_width + quantity.half_width + rounding
    if quantity.kind == "exact":
        holds = holds and half_width <= precision * abs(quantity.value)
    return Row(
        quantity.name, quantity.kind, quantity.value, quantity.half_width, estimate.mean, half_width, bool(holds)
    )
