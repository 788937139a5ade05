"""A walk: one family on its way through the plan, as little as is needed to go on with it in another process."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Literal, TypeAlias

__all__ = ["Application", "Visit", "Waits", "Walk"]

Application: TypeAlias = Literal[
    "none", "unanswered", "refused", "in review", "returned", "issued", "rejected", "withdrawn"
]
"""Where a family's application stands.

`unanswered`: it was handed in and no answer came. `refused`: the deployment would not take it. `returned`: it lies with
the family. `withdrawn`: it was returned, and the family has left.
"""

Waits: TypeAlias = Literal["", "time", "page", "retry", "batch", "review", "over"]
"""What a walk waits for: nothing, a moment, the end of its thoughts in front of a page, another try, a batch, the
review; or it is over."""

Visit: TypeAlias = tuple[int, int, float, float, float, int]
"""Attempt, step, enter, start, leave and how it ended."""


@dataclass(slots=True)
class Walk:
    """One family on its way. Moments are of the scenario, in seconds since the first midnight of the horizon.

    Parameters
    ----------
    family
        Its index in the population.
    step
        Where it is, or where it goes on: an index into the steps of the plan.
    moment
        When it got there.
    channel, first_channel
        The channel in which it is and that in which it was first, indices into the journeys; -1 for none.
    attempts, failures
        How often it has done each step, and failed each check.
    marks
        The moment of each event that is marked, by its index.
    trips, effort_s
        Ways travelled, and time on the way and in front of pages.
    memory, cookies
        What its session at the target must remember.
    done, tried
        Calls that were answered with done, and those after which no answer is known.
    keys
        The idempotency key of each deed that was begun and not answered for good, by call.
    deeds
        How many such keys it has had.
    waits, until
        What it waits for, and the moment at which it goes on.
    tries
        How often in succession it had to put off what it is about to do.
    looks
        How often it was or will be looked at how the application stands.
    application, reason
        Where the application stands, and why, where that is not plain.
    rounds
        How often it was handed in, and this was confirmed.
    intake
        Attempt, step and moment of the round of review that is open.
    outcome, finished
        How the family left, an index into the outcomes of the trace, -1 while it is inside; and when.
    """

    family: int
    step: int
    moment: float
    channel: int = -1
    first_channel: int = -1
    attempts: dict[int, int] = field(default_factory=dict)
    failures: dict[int, int] = field(default_factory=dict)
    marks: dict[int, float] = field(default_factory=dict)
    trips: int = 0
    effort_s: float = 0.0
    memory: dict[str, Any] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    tried: set[str] = field(default_factory=set)
    keys: dict[str, str] = field(default_factory=dict)
    deeds: int = 0
    waits: Waits = ""
    until: float = 0.0
    tries: int = 0
    looks: int = 0
    application: Application = "none"
    reason: str = ""
    rounds: int = 0
    intake: tuple[int, int, float] | None = None
    outcome: int = -1
    finished: float | None = None
    doing: str = ""
    """The call that is under way; not kept."""
    told: bool = False
    """Whether its first session is over."""
    visits: list[Visit] = field(default_factory=list)
    """Visits that the journal does not have yet."""
    counted: dict[int, int] = field(default_factory=dict)
    """Those of `attempts` that the journal does not have yet."""

    @property
    def stands(self) -> Application:
        """Where its application stands; one that was handed in without an answer is unanswered."""
        return "unanswered" if self.application == "none" and "submit" in self.tried else self.application

    def attempt(self, step: int) -> int:
        """Count how often the family did this step before now."""
        count = self.attempts.get(step, 0)
        self.attempts[step] = self.counted[step] = count + 1
        return count

    def state(self) -> dict[str, Any]:
        """Give what has to be kept, ready for JSON, but for attempts and visits; what is nothing is left out."""
        kept = {
            "family": self.family,
            "step": self.step,
            "moment": self.moment,
            "channel": self.channel,
            "first_channel": self.first_channel,
            "application": self.application,
            "outcome": self.outcome,
            "finished": self.finished,
            **{name: value for name, value in zip(_OFTEN_NOTHING, _often_nothing(self), strict=True) if value},
        }
        for name in ("done", "tried"):
            if name in kept:
                kept[name] = sorted(kept[name])
        return kept

    @classmethod
    def from_state(cls, state: Mapping[str, Any], attempts: Mapping[int, int]) -> Walk:
        """Make a walk from what was kept of it.

        Raises
        ------
        KeyError, TypeError, ValueError
            When it is no such thing.
        """
        given = dict(state)
        for name in ("failures", "marks"):
            given[name] = {int(key): value for key, value in given.get(name, {}).items()}
        given["done"], given["tried"] = set(given.get("done", ())), set(given.get("tried", ()))
        given["intake"] = tuple(given["intake"]) if "intake" in given else None
        if given.get("until", 0.0) is None:  # JSON has no word for never
            given["until"] = math.inf
        return cls(**given, attempts=dict(attempts))


_OFTEN_NOTHING = (
    *("failures", "marks", "trips", "effort_s", "memory", "cookies", "done", "tried", "keys", "deeds"),
    *("waits", "until", "tries", "looks", "reason", "rounds", "intake", "told"),
)
_often_nothing = attrgetter(*_OFTEN_NOTHING)
