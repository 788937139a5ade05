"""Assumptions: what a scenario states of the deployment, what a load test found, and how it would be put right."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from canbao.columns import Coded
from canbao.experiments.assumptions import mean_of
from canbao_loadtests.calibrating.evidence import Evidence
from canbao_loadtests.calibrating.payments import PaymentFit
from canbao_loadtests.calibrating.reviewing import ReviewFit, review_overrides
from canbao_loadtests.calibrating.scaling import lognormal_text
from canbao_loadtests.calibrating.shares import ShareFit
from canbao_loadtests.calibrating.slots import Service, SlotsFit

__all__ = ["Assumption", "Move", "arrivals", "payments", "requests", "review_speed", "shares", "slots"]

What = Literal[
    "arrivals",
    "request time",
    "slots",
    "backlog",
    "payment",
    "review time",
    "duplicate",
    "incomplete",
    "mismatch",
    "refused",
]
Verdict = Literal["off", "within chance", "not identified"]
Why = Literal[
    "",
    "few visits",
    "never quiet",
    "never full",
    "never refused",
    "few applications",
    "few debits",
    "nothing waited",
    "no reasons",
    "no time",
    "shared",
]


@dataclass(frozen=True)
class Move:
    """By how much a measure of the prediction would move if an assumption were put right."""

    measure: str
    by: float


@dataclass(frozen=True)
class Assumption:
    """One thing that the scenario states of the deployment.

    Parameters
    ----------
    what
        What it is.
    where
        The channel or desk, if there are several.
    path
        Its key in the scenario; empty where there is none.
    unit
        `s`, `share`, `factor` or nothing.
    stated
        What the scenario says.
    grade
        The grade of its evidence there.
    measured, low, high
        What the load test found, with its interval; None for what nobody can say, such as an upper end.
    n
        The observations that it rests on.
    verdict
        Whether the stated value lies outside the interval.
    why
        Why it is not identified, or known to one side only.
    overrides
        The `path=value` texts that set what was measured.
    moves
        What that does to the prediction, the largest first; only where it was simulated.
    """

    what: What
    where: str
    path: str
    unit: str
    stated: float
    grade: str
    measured: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    verdict: Verdict = "not identified"
    why: Why = ""
    overrides: tuple[str, ...] = ()
    moves: tuple[Move, ...] = ()

    @property
    def remedy(self) -> tuple[str, ...]:
        """The `path=value` texts that are needed: none for what is not off, where the stated value is as good."""
        return self.overrides if self.verdict == "off" else ()

    def moving(self, moves: tuple[Move, ...]) -> Assumption:
        """Give it with what it would do to the prediction."""
        return replace(self, moves=moves)

    def as_data(self) -> dict[str, Any]:
        """Give it as JSON."""
        return {**asdict(self), "overrides": list(self.overrides), "moves": [asdict(move) for move in self.moves]}


def _judged(stated: float, low: float, high: float) -> Verdict:
    return "within chance" if low <= stated <= high else "off"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


# --- who came ---------------------------------------------------------------------------------------------------------


def arrivals(evidence: Evidence, scheduled: int) -> Assumption:
    """Hold the families that came against those that were to come, in families a real minute."""
    minutes = evidence.job.duration_s / 60.0
    outcome = evidence.trace.families["outcome"]
    assert isinstance(outcome, Coded)
    came = len(outcome) - outcome.words().count("dropped")
    rate = came / minutes
    # A schedule is kept to, or it is not: nothing of it is chance.
    verdict: Verdict = "within chance" if came == scheduled else "off"
    return Assumption("arrivals", "", "", "a minute", scheduled / minutes, "", rate, rate, rate, came, verdict)


# --- the deployment ---------------------------------------------------------------------------------------------------


def requests(evidence: Evidence, fit: SlotsFit | None) -> Iterator[Assumption]:
    """Hold the time that a request takes against what each online channel states."""
    services = {service.station: service for service in fit.services} if fit else {}
    quiet = fit is not None and not fit.contaminated
    for name, settings in _channels(evidence).items():
        path = f"channels.{name}.request"
        stated = Assumption("request time", name, path, "s", mean_of(settings.request), _grade(evidence, path))
        yield _request(stated, services.get(name), quiet)


def _request(stated: Assumption, service: Service | None, quiet: bool) -> Assumption:
    if service is None or not service.own:
        return replace(stated, why="few visits")
    low, high = service.mean - service.half_width, service.mean + service.half_width
    if not quiet:
        return replace(stated, high=high, n=service.n, why="never quiet")
    return replace(
        stated,
        measured=service.mean,
        low=low,
        high=high,
        n=service.n,
        verdict=_judged(stated.stated, low, high),
        overrides=(f"{stated.path}={lognormal_text(service.mean, service.cv)}",),
    )


def slots(evidence: Evidence, fit: SlotsFit | None) -> Iterator[Assumption]:
    """Hold the requests that are worked on at once against what each online channel states.

    Where several channels go to one deployment, its slots are divided by the work that each brought.
    """
    channels = _channels(evidence)
    work = _work_of(evidence, channels)
    for name, settings in channels.items():
        path = f"channels.{name}.slots"
        stated = Assumption("slots", name, path, "", float(settings.slots), _grade(evidence, path))
        share = work[name] / max(sum(work.values()), 1e-12)
        yield (found := _slots(stated, fit, share))
        path = f"channels.{name}.backlog"
        stated = Assumption("backlog", name, path, "", float(settings.backlog), _grade(evidence, path))
        yield _backlog(stated, found, fit, share)


def _slots(stated: Assumption, fit: SlotsFit | None, share: float) -> Assumption:
    if fit is None or not share:
        return replace(stated, why="few visits")
    if fit.contaminated:
        return replace(stated, why="never quiet")
    if not math.isnan(fit.room) and math.isinf(fit.high):
        # Nobody waited and some were turned away: all slots were taken then, and there is no place to wait.
        fit = replace(fit, slots=fit.room, low=min(fit.low, fit.room), high=fit.room)
    if math.isinf(fit.low):
        return replace(stated, low=fit.most * share, why="never full")
    low, high = fit.low * share, fit.high * share
    if not low and math.isinf(high):
        return replace(stated, n=fit.services[0].n, why="few visits")  # so few that any number would do
    verdict = _judged(stated.stated, _whole(low), _whole(high))
    if math.isinf(fit.slots):
        fixed = (f"{stated.path}={_whole(low):.0f}",) if verdict == "off" else ()
        sure: Verdict = "off" if verdict == "off" else "not identified"
        return replace(stated, low=low, n=fit.services[0].n, verdict=sure, why="never full", overrides=fixed)
    return replace(
        stated,
        measured=fit.slots * share,
        low=low,
        high=_finite(high),
        n=sum(service.n for service in fit.services if service.own),
        verdict=verdict,
        why="shared" if share < 1.0 else "never full" if math.isinf(high) else "",
        overrides=(f"{stated.path}={_whole(fit.slots * share):.0f}",),
    )


def _backlog(stated: Assumption, slots: Assumption, fit: SlotsFit | None, share: float) -> Assumption:
    """Say how many may wait: what is inside when one is turned away, less the slots; no end where nobody ever was."""
    fitted = slots.stated if slots.measured is None else _whole(slots.measured)
    if fit is None or not share:
        return replace(stated, why="few visits")
    if math.isnan(fit.room):
        least = max(fit.most * share - fitted, 0.0)
        stated = replace(stated, low=least, n=fit.refused, why="never refused")
        if stated.stated >= least or fit.refused:
            return stated
        return replace(stated, verdict="off", overrides=(f"{stated.path}={_ENDLESS}",))
    measured = max(round(fit.room * share) - fitted, 0.0)
    return replace(
        stated,
        measured=measured,
        low=measured,
        high=measured,
        n=fit.refused,
        verdict=_judged(stated.stated, measured, measured),
        overrides=(f"{stated.path}={measured:.0f}",),
    )


_ENDLESS = 100_000
"""What is written for a deployment at which everybody may wait."""


def _whole(slots: float) -> float:
    """Give the nearest number of slots that there can be."""
    return max(float(round(slots)), 1.0) if math.isfinite(slots) else slots


def _channels(evidence: Evidence) -> dict[str, Any]:
    """Give the online channels of the load test that have slots and are asked for something, by name."""
    known = evidence.file.scenario.channels.items()
    mine = evidence.job.channels or evidence.file.scenario.channels
    return {name: one for name, one in known if name in mine and hasattr(one, "slots") and name in evidence.asked.names}


def _work_of(evidence: Evidence, names: Iterable[str]) -> dict[str, float]:
    """Give the time that visits to each channel lasted, together."""
    asked = evidence.asked
    return {name: float(asked.stay[asked.station == asked.names.index(name)].sum()) for name in names}


def _grade(evidence: Evidence, path: str) -> str:
    """Give the grade of a value, or of the first that is found below it."""
    grades = {**evidence.file.grades(), **dict.fromkeys(evidence.file.estimates(), "E")}
    below = (grade for key, grade in grades.items() if key == path or key.startswith(f"{path}."))
    return next(below, "")


def payments(evidence: Evidence, fits: Iterable[PaymentFit]) -> Iterator[Assumption]:
    """Hold the share of debits that fail against what the ways to pay say together."""
    for fit in fits:
        path = f"formalities.{fit.name}"
        one = Assumption("payment", fit.name, path, "share", fit.stated, _grade(evidence, f"{path}.debit_failed"))
        if fit.measured is None:
            yield replace(one, why="few debits")
            continue
        low, high = fit.measured.low, fit.measured.high
        yield replace(
            one,
            measured=fit.measured.share,
            low=low,
            high=high,
            n=fit.measured.n,
            verdict=_judged(fit.stated, low, high),
            overrides=fit.overrides,
        )


# --- the review -------------------------------------------------------------------------------------------------------


def review_speed(evidence: Evidence, fit: ReviewFit | None, missing: Why = "few applications") -> Assumption:
    """Hold the time that the desks need against what is stated, as a factor; `missing` is why there is no fit."""
    desk = fit.desk if fit else "first"
    path = f"review.{desk}.service"
    stated = Assumption("review time", desk, path, "factor", 1.0, _grade(evidence, path))
    if fit is None or not math.isfinite(fit.factor):
        return replace(stated, n=fit.rounds if fit else 0, why="few applications" if fit else missing)
    stated = replace(stated, high=_finite(fit.high), n=fit.rounds)
    verdict = _judged(1.0, fit.low, fit.high)
    if not fit.low and verdict == "within chance":
        return replace(stated, why="nothing waited")
    factor = fit.factor or fit.high
    return replace(
        stated,
        measured=factor,
        low=fit.low or None,
        verdict=verdict,
        why="" if fit.low else "nothing waited",
        overrides=review_overrides(evidence, factor),
    )


_SHARES: tuple[What, ...] = ("duplicate", "incomplete", "mismatch", "refused")


def shares(evidence: Evidence, fits: list[ShareFit]) -> Iterator[Assumption]:
    """Hold the shares that the review returns against what the scenario states."""
    found = {fit.key: fit.measured for fit in fits}
    for what in _SHARES:
        path = f"review.{what}"
        stated = float(getattr(evidence.file.scenario.review, what))
        one, share = Assumption(what, "", path, "share", stated, _grade(evidence, path)), found.get(what)
        if share is None:
            yield replace(one, why="no reasons" if found else "few applications")
            continue
        yield replace(
            one,
            measured=share.share,
            low=share.low,
            high=share.high,
            n=share.n,
            verdict=_judged(stated, share.low, share.high),
            overrides=(f"{path}={share.share:.4g}",),
        )
