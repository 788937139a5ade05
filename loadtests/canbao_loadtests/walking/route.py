"""The way that a load test makes of a plan: which steps ask the deployment, and where the deployment decides."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass

from canbao import plan as p
from canbao.assembly.review import REVIEW
from canbao.district import FAILURE
from canbao.errors import UnsupportedError
from canbao.plan import Draw, Plan, PlanStep

__all__ = ["EXTRA_OUTCOMES", "Decisions", "Route", "make_route"]

EXTRA_OUTCOMES = ("went elsewhere", "dropped")
"""How a family leaves a load test beside the outcomes of its plan: to a channel that is not online, or not let in."""


@dataclass(frozen=True)
class Decisions:
    """The steps that a plan has for what a review decides."""

    issued: int
    returned: int
    rejected: int
    reasons: dict[str, int]
    """The step that records a failure, by its name; it leads to one of the other two."""

    def step_of(self, status: str, reason: str) -> int:
        """Give where a family goes on."""
        if status == "approved":
            return self.issued
        return self.reasons.get(f"{status}: {reason}", self.returned if status == "returned" else self.rejected)


@dataclass(frozen=True, eq=False)
class Route:
    """A plan as a load test walks it.

    Parameters
    ----------
    calls
        What each step asks the deployment for, as far as the target knows it.
    channel_of
        The channel that a family enters at each step, -1 for none.
    walked
        Whether each journey is walked.
    deployed
        Whether each station is one of the deployment: a step there asks it for something.
    decisions
        What follows a review.
    draws
        All that has to be drawn on the way.
    """

    plan: Plan
    calls: tuple[tuple[str, ...], ...]
    channel_of: tuple[int, ...]
    walked: tuple[bool, ...]
    deployed: tuple[bool, ...]
    decisions: Decisions
    draws: tuple[Draw, ...]
    _times: tuple[tuple[float, ...], ...]

    def is_open(self, station: int, moment: float) -> bool:
        """Tell whether the doors of a station are open."""
        times = self._times[station]
        return not times or self.plan.stations[station].changes[bisect_right(times, moment) - 1].open

    @property
    def outcomes(self) -> tuple[str, ...]:
        """All ways in which a family can leave."""
        return (*self.plan.outcomes, *EXTRA_OUTCOMES)


def make_route(plan: Plan, known: Set[str], channels: Collection[str], starts: Iterable[int]) -> Route:
    """Look through a plan before the start.

    Parameters
    ----------
    plan
        What families do.
    known
        The steps of the flow that the target covers.
    channels
        The names of the channels that are walked.
    starts
        The first steps of the families that come.

    Raises
    ------
    UnsupportedError
        When a step on the way cannot be walked; the message names it.
    """
    journeys = plan.journey_of
    channel_of = tuple(journey if journey >= 0 and plan.channels[journey] else -1 for journey in journeys)
    walked = tuple(not plan.channels[i] or name in channels for i, name in enumerate(plan.journeys))
    calls = tuple(tuple(call for call in getattr(step, "calls", ()) if call in known) for step in plan.steps)
    decisions = _decisions(plan)
    reached = _reached(plan, starts, channel_of, walked, decisions)
    _check(plan, reached, known)
    deployed = {step.station for step in _visits(plan) if calls[step.index]}
    return Route(
        plan=plan,
        calls=calls,
        channel_of=channel_of,
        walked=walked,
        deployed=tuple(station in deployed for station in range(len(plan.stations))),
        decisions=decisions,
        draws=tuple(dict.fromkeys(draw for step in reached for draw in _draws_of(plan.steps[step]))),
        _times=tuple(_times(station) for station in plan.stations),
    )


def _times(station: p.StationPlan) -> tuple[float, ...]:
    """Give when the doors may change; nothing where they are always open."""
    return () if all(change.open for change in station.changes) else tuple(change.time for change in station.changes)


def _visits(plan: Plan) -> Iterator[p.VisitStep]:
    return (step for step in plan.steps if isinstance(step, p.VisitStep))


def _decisions(plan: Plan) -> Decisions:
    """Find what follows a review by the names that `canbao.assembly.review` gives its steps."""
    names = {name: index for index, name in enumerate(plan.step_names)}
    found = [names.get(f"{REVIEW}/{name}", -1) for name in ("issued", "returned", "rejected")]
    duplicate = names.get(f"{REVIEW}/duplicate found", -1)
    reasons = {}
    for step in _visits(plan):
        name = plan.stations[step.station].name
        if plan.step_names[step.index].startswith(f"{REVIEW}/") and name.startswith(f"{FAILURE}."):
            status = {found[1]: "returned", duplicate: "rejected"}.get(step.exits[0])
            if status is not None:
                reasons[f"{status}: {name.removeprefix(f'{FAILURE}.')}"] = step.index
    return Decisions(issued=found[0], returned=found[1], rejected=found[2], reasons=reasons)


def _check(plan: Plan, reached: Sequence[int], known: Set[str]) -> None:
    for index in reached:
        step, name = plan.steps[index], plan.step_names[index]
        if isinstance(step, p.CustomStep):
            raise UnsupportedError(
                f"step {name!r} is a SimPy process of its own, which has no meaning in a load test; "
                "leave its channel out, or put other steps in its place"
            )
        if "submit" in getattr(step, "calls", ()):
            _check_review(plan, name, known)


def _check_review(plan: Plan, name: str, known: Set[str]) -> None:
    missing = {"submit", "progress"} - known
    if missing:
        raise UnsupportedError(f"step {name!r} needs a target that knows {', '.join(sorted(missing))}")
    if min(_decisions(plan).issued, _decisions(plan).returned, _decisions(plan).rejected) < 0:
        raise UnsupportedError(
            f"step {name!r} hands in, but there are no steps {REVIEW}/issued, {REVIEW}/returned and {REVIEW}/rejected "
            "that say how families go on after the review"
        )


def _reached(
    plan: Plan, starts: Iterable[int], channel_of: Sequence[int], walked: Sequence[bool], decisions: Decisions
) -> list[int]:
    """Give all steps that a family can come to, in the order in which they are found."""
    found: dict[int, None] = {}
    ahead = list(dict.fromkeys(starts))
    while ahead:
        index = ahead.pop()
        channel = channel_of[index]
        if index in found or (channel >= 0 and not walked[channel]):
            continue
        found[index] = None
        ahead += _successors(plan.steps[index], decisions)
    return list(found)


def _successors(step: PlanStep, decisions: Decisions) -> list[int]:
    if isinstance(step, p.VisitStep):
        if "submit" not in step.calls:
            return list(step.exits)
        after = (decisions.issued, decisions.returned, decisions.rejected, *decisions.reasons.values())
        return [*step.exits[1:], *(index for index in after if index >= 0)]
    if isinstance(step, p.ReturnStep):
        return list(step.entries.values())
    if isinstance(step, p.ChooseStep):
        return [option.to for option in step.options]
    if isinstance(step, p.CustomStep):
        return list(step.exits.values())
    names = ("then", "passed", "failed", "exceeded", "late", "none_left", "yes", "no")
    return [getattr(step, name) for name in names if hasattr(step, name)]


def _draws_of(step: PlanStep) -> Iterator[Draw]:
    values = [getattr(step, name) for name in type(step).__slots__]
    options = [value for option in getattr(step, "options", ()) for value in option]
    return (value for value in (*values, *options) if isinstance(value, Draw))
