"""The knee of a deployment: the highest arrival rate at which a load test holds, found though single trials mislead.

A trial is noisy: near the knee the same rate holds today and fails tomorrow. So a rate counts as decided only when its
passes lead its failures by `lead`, or the other way round. This is Wald's sequential test (1945, Annals of
Mathematical Statistics 16, 117-186) of "passes at least 4 times of 5" against "passes at most once of 5": where one of
the two is true, the decision is wrong with a probability of 1 / (1 + 4 ** lead) at most, 5.9 % at a lead of 2. Between
the two, at rates that pass now and then, either answer may be given: that stretch is the knee itself.

The search brackets the knee by doubling, with one trial a rate, halves the bracket (in ratio), and then repeats the two
ends with fresh trials until both are decided; an end that turns out to be on the other side opens the bracket again.
RFC 2544 (section 26.1) searches the throughput of a network device likewise, without repetition.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

__all__ = ["Capacity", "Rules", "Trial", "find_capacity"]

_ODDS = 4.0
"""A rate is clear if one answer comes this many times as often as the other."""

_DEEPEST = 2.0**20
"""How far below its start a search goes down."""

Ended = Literal["found", "not confirmed", "above", "below", "generator", "stopped"]
"""How a search ended: with both ends decided; when trials or time ran out; with the highest rate allowed still holding;
with the lowest still failing; at a rate that the load generator could not offer; or by hand."""


@dataclass(frozen=True)
class Trial:
    """One load test at one rate.

    Parameters
    ----------
    rate
        Arrivals offered, in the unit in which they are searched.
    held
        Whether the objectives, and the bounds of latency and errors, held.
    valid
        Whether the generator kept up; if not, the trial says nothing of the deployment.
    figures
        What the curve shows, by name: 95th percentile of the response time, review time, share of errors.
    why
        What did not hold.
    missed
        The objectives that were missed.
    run
        The folder of the run, if it is kept.
    stopped
        Whether somebody stopped it by hand; it is the last one then.
    """

    rate: float
    held: bool
    valid: bool = True
    figures: Mapping[str, float] = field(default_factory=dict)
    why: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()
    run: str = ""
    stopped: bool = False


@dataclass(frozen=True)
class Rules:
    """How a search goes.

    Parameters
    ----------
    start
        The rate of the first trial.
    least, most
        No rate below or above is tried.
    tolerance
        How far apart the two ends may be in the end, as a share of the lower one.
    lead
        By how many an end's passes have to lead its failures, or the other way round.
    trials
        Load tests at most.
    seconds
        Time at most; no trial begins that would not end within it, as the longest one so far says.
    """

    start: float
    least: float = 0.0
    most: float = math.inf
    tolerance: float = 0.1
    lead: int = 2
    trials: int = 30
    seconds: float = math.inf

    def __post_init__(self) -> None:
        wrong = [
            (self.start > 0, f"start is {self.start}; it must be above 0"),
            (self.least <= self.start <= self.most, f"start {self.start} is not between {self.least} and {self.most}"),
            (self.tolerance > 0, f"tolerance is {self.tolerance}; it must be above 0"),
            (self.lead >= 1, f"lead is {self.lead}; it must be 1 or more"),
            (self.trials >= 1, f"trials is {self.trials}; it must be 1 or more"),
        ]
        for fine, said in wrong:
            if not fine:
                raise ValueError(said)

    @property
    def risk(self) -> float:
        """The probability that a rate that is clear is decided wrongly."""
        return 1.0 / (1.0 + _ODDS**self.lead)


@dataclass(frozen=True)
class Capacity:
    """What a search found.

    Parameters
    ----------
    ended
        How it ended.
    low, high
        The highest rate that holds and the lowest that does not; 0 and infinity where none is known.
    confirmed
        Whether each of the two was decided by repetition.
    risk
        The probability, at most, that any decision about a clear rate was wrong: so far that the knee, understood as
        the stretch of rates that pass between 1 and 4 times of 5, has no part between `low` and `high`.
    rules
        How it was searched.
    trials
        All load tests, in the order in which they ran.
    decisions
        How many rates were decided by repetition, those included that were no end of the bracket any more.
    """

    ended: Ended
    low: float
    high: float
    confirmed: tuple[bool, bool]
    risk: float
    rules: Rules
    trials: tuple[Trial, ...]
    decisions: int = 0

    def curve(self) -> list[dict[str, Any]]:
        """Give a point for each rate, in order: trials, passes, and the median of each figure over valid trials."""
        return [self._point(rate) for rate in sorted({trial.rate for trial in self.trials})]

    def _point(self, rate: float) -> dict[str, Any]:
        mine = [trial for trial in self.trials if trial.rate == rate]
        valid = [trial for trial in mine if trial.valid]
        names = dict.fromkeys(name for trial in valid for name in trial.figures)
        figures = {name: _median([trial.figures[name] for trial in valid if name in trial.figures]) for name in names}
        held = sum(trial.held for trial in valid)
        return {"rate": rate, "trials": len(mine), "valid": len(valid), "held": held, "figures": figures}

    def as_data(self) -> dict[str, Any]:
        """Give everything as JSON; an end that is not known is null."""
        return {
            "ended": self.ended,
            "low": self.low or None,
            "high": self.high if math.isfinite(self.high) else None,
            "confirmed": list(self.confirmed),
            "decisions": self.decisions,
            "risk": self.risk,
            "rules": {name: value for name, value in asdict(self.rules).items() if math.isfinite(value)},
            "curve": self.curve(),
            "trials": [
                {**asdict(trial), "why": list(trial.why), "missed": list(trial.missed)} for trial in self.trials
            ],
        }


RunAt = Callable[[float], Trial]
Watch = Callable[[Trial, int], None]
"""Is told a trial and its number, from 1."""


def find_capacity(
    run_at: RunAt, rules: Rules, watch: Watch | None = None, clock: Callable[[], float] = time.monotonic
) -> Capacity:
    """Find the highest arrival rate at which load tests hold.

    Parameters
    ----------
    run_at
        Carries out a load test at a rate, with luck of its own each time.
    rules
        How the search goes.
    watch
        Is told each trial.
    clock
        Seconds, for the bound of time.
    """
    return _Search(run_at, rules, watch or (lambda trial, number: None), clock).result()


# --- the search -------------------------------------------------------------------------------------------------------


class _SpentError(Exception):
    """No trial is left, or no time for one."""


@dataclass
class _Tally:
    """What is known of one rate."""

    first: bool
    """Whether it held when it was tried first; such a trial chose the rate, so that it is no evidence about it."""
    lead: int = 0
    """Passes less failures of the repetitions."""
    decided: bool | None = None


class _Search:
    """One search: what is known of each rate, and what is tried next."""

    def __init__(self, run_at: RunAt, rules: Rules, watch: Watch, clock: Callable[[], float]) -> None:
        self._run_at = run_at
        self._rules = rules
        self._watch = watch
        self._clock = clock
        self._began = clock()
        self._longest = 0.0
        self._trials: list[Trial] = []
        self._known: dict[float, _Tally] = {}
        self._beyond = math.inf

    def result(self) -> Capacity:
        """Search, and say what was found."""
        try:
            ended = self._search()
        except _SpentError:
            ended = "stopped" if self._trials and self._trials[-1].stopped else "not confirmed"
        low, high = self._ends()
        decided = [tally.decided is not None for tally in self._known.values()]
        return Capacity(
            ended=ended,
            low=low,
            high=high,
            confirmed=(self._decided(low), self._decided(high)),
            risk=min(1.0, self._rules.risk * sum(decided)),
            rules=self._rules,
            trials=tuple(self._trials),
            decisions=sum(decided),
        )

    def _search(self) -> Ended:
        while True:
            low, high = self._ends()
            following = self._next(low, high)
            if following is not None:
                self._try(following)
            elif not low and not self._decided(high):
                self._decide(high)
            elif not low:
                return "below"
            elif not self._decided(low):
                self._decide(low)
            elif math.isinf(high):
                return "above" if math.isinf(self._beyond) else "generator"
            elif not self._decided(high):
                self._decide(high)
            else:
                return "found"

    def _next(self, low: float, high: float) -> float | None:
        """Give the rate that has to be tried next to narrow the bracket; None where it is narrow enough."""
        rules, beyond = self._rules, self._beyond
        if not self._known:
            return rules.start if math.isinf(beyond) else beyond / 2.0
        if not low:
            down = max(high / 2.0, rules.least)
            return down if rules.start / _DEEPEST < down < high else None
        if math.isinf(high) and math.isinf(beyond):
            up = min(2.0 * low, rules.most)
            return up if up > low else None
        top = min(high, beyond)
        return math.sqrt(low * top) if top > low * (1.0 + rules.tolerance) else None

    def _ends(self) -> tuple[float, float]:
        """Give the highest rate that holds, below the lowest that does not.

        Where rates contradict each other, what was decided by repetition counts, and among the rest the failures.
        """
        high = min((rate for rate, holds in self._verdicts() if not holds), default=math.inf)
        firm = max((rate for rate, tally in self._known.items() if tally.decided), default=0.0)
        if firm > high:
            high = min((r for r, holds in self._verdicts() if not holds and r > firm), default=math.inf)
        low = max((rate for rate, holds in self._verdicts() if holds and rate < high), default=0.0)
        return low, high

    def _verdicts(self) -> Iterator[tuple[float, bool]]:
        for rate, tally in self._known.items():
            yield rate, tally.first if tally.decided is None else tally.decided

    def _decided(self, rate: float) -> bool:
        return rate in self._known and self._known[rate].decided is not None

    def _try(self, rate: float) -> None:
        """Try a rate for the first time; one that cannot be offered, tried twice, bounds the search."""
        for _ in range(2):
            trial = self._trial(rate)
            if trial.valid:
                self._known[rate] = _Tally(trial.held)
                return
        if rate <= max(self._known, default=0.0) or rate < self._rules.start / _DEEPEST:
            raise _SpentError  # higher rates were offered, or none can be: the generator cannot be relied on
        self._beyond = rate

    def _decide(self, rate: float) -> None:
        """Repeat a rate until one answer leads."""
        tally = self._known[rate]
        while abs(tally.lead) < self._rules.lead:
            trial = self._trial(rate)
            tally.lead += 0 if not trial.valid else 1 if trial.held else -1
        tally.decided = tally.lead > 0

    def _trial(self, rate: float) -> Trial:
        spent = self._clock() - self._began
        if len(self._trials) >= self._rules.trials or spent + self._longest > self._rules.seconds:
            raise _SpentError
        before = self._clock()
        trial = replace(self._run_at(rate), rate=rate)
        self._longest = max(self._longest, self._clock() - before)
        self._trials.append(trial)
        self._watch(trial, len(self._trials))
        if trial.stopped:
            raise _SpentError
        return trial


def _median(values: list[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2.0
