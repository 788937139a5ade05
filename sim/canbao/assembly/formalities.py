"""Formalities as pieces of the network: those before the review, those after it, and those of children insured already.

An application passes through the journey HAND_IN: the formalities before the review, the deadline, the review. When it
is approved it passes through the journey APPROVED: the formalities after the review, the event `enrolled`, and those
afterwards. What it paid on the way is returned wherever it ends otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from canbao.assembly.asking import asking, checked_part
from canbao.district import APPROVED, HAND_IN, RESUBMIT, District, Formality, Part
from canbao.errors import PluginError
from canbao.network import Before, End, Go, Journey, Mark, Marked, Step

__all__ = ["ENROLLED", "INSURED", "Procedure", "build_procedure"]

ENROLLED = "enrolled"
"""The outcome that everybody hopes for."""
INSURED = "enrolled"
"""The event that the child is insured; formalities may still follow."""

_COMPLETE, _INSURED, _DONE = "complete", "insured", "done"
_PLACES = {
    "before review": f"{HAND_IN}/{_COMPLETE}",
    "after review": f"{APPROVED}/{_INSURED}",
    "afterwards": f"{APPROVED}/{_DONE}",
}
"""Where the last formality of each place leads to."""


@dataclass(frozen=True)
class Procedure:
    """Everything around the review: the journeys HAND_IN and APPROVED, the formalities, and the ways out."""

    parts: Mapping[str, Part]
    journeys: Sequence[Journey]
    undo: Callable[[str], list[Step]]
    """The steps that take back what was done, and lead to the label given."""

    def endings(self, journeys: Sequence[Journey]) -> list[Journey]:
        """Let every end but an enrolment take back first what was done: so no way out can keep a fee.

        Parameters
        ----------
        journeys
            All journeys of the network.
        """
        if not self.undo(""):
            return list(journeys)
        ends = [step for journey in journeys for step in journey.steps if isinstance(step, End)]
        outcomes = dict.fromkeys(end.outcome for end in ends if end.outcome != ENROLLED)
        return [_rerouted(journey) for journey in journeys] + [self._ending(outcome) for outcome in outcomes]

    def _ending(self, outcome: str) -> Journey:
        return Journey(_way_out(outcome), [*self.undo("out"), End(outcome, name="out")], channel=False)


def _way_out(outcome: str) -> str:
    return f"ends: {outcome}"


def _rerouted(journey: Journey) -> Journey:
    steps = [_rerouted_step(step) for step in journey.steps]
    return replace(journey, steps=steps)


def _rerouted_step(step: Step) -> Step:
    if isinstance(step, End) and step.outcome != ENROLLED:
        return Go(_way_out(step.outcome), name=step.name)
    return step


def build_procedure(formalities: Mapping[str, Formality], district: District) -> Procedure:
    """Build the formalities of a scenario, each leading to the next of its place, and the two journeys around them.

    Raises
    ------
    PluginError
        When a formality raises, or gives something else than a Part; the message names it.
    """
    parts: dict[str, Part] = {}
    entries = dict(_PLACES)
    for name in reversed(list(formalities)):
        formality = formalities[name]
        with asking(f"formality {name!r}", formality):
            place = formality.place
            if place not in entries:
                raise PluginError(f"formality {name!r}: place is {place!r}; allowed: {', '.join(entries)}")
            part = checked_part(f"formality {name!r}", formality.build(name, district, entries[place]), name)
        parts[name] = part
        # Not the bare name: a step of the formality before could be called so.
        entries[place] = f"{name}/{part.steps[0].name}"
    ways = [Journey(name, part.steps, channel=False) for name, part in reversed(parts.items())]
    return Procedure(parts, [_hand_in(entries), *ways, _approved(entries)], _undo(formalities, district))


def _hand_in(entries: Mapping[str, str]) -> Journey:
    """Only who hands in for the first time must be in time; a channel without a way to correct begins anew."""
    steps: list[Step] = [
        Marked("submitted", name="handed in", yes=RESUBMIT),
        Before("deadline_s", name="in time", then=entries["before review"], late="late"),
        Before("deadline_s", name=_COMPLETE, late="late"),
        Mark("submitted", first=True, then=RESUBMIT),
        End("too late", name="late"),
    ]
    return Journey(HAND_IN, steps, channel=False)


def _approved(entries: Mapping[str, str]) -> Journey:
    steps: list[Step] = [
        Go(entries["after review"], name="approved"),
        Mark(INSURED, first=True, name=_INSURED, then=entries["afterwards"]),
        End(ENROLLED, name=_DONE),
    ]
    return Journey(APPROVED, steps, channel=False)


def _undo(formalities: Mapping[str, Formality], district: District) -> Callable[[str], list[Step]]:
    """Give the way back through all formalities, the last one first."""
    can_undo = {name: formality for name, formality in formalities.items() if hasattr(formality, "undo")}

    def steps(onward: str) -> list[Step]:
        return list(_undone(can_undo, district, onward))

    return steps


def _undone(formalities: Mapping[str, Any], district: District, onward: str) -> Iterator[Step]:
    names = list(reversed(list(formalities)))
    for number, name in enumerate(names):
        following = f"undo {names[number + 1]}" if number + 1 < len(names) else onward
        with asking(f"formality {name!r}", formalities[name]):
            undo: list[Step] = list(formalities[name].undo(name, district, following))
        for place, step in enumerate(undo):
            yield step if place else replace(step, name=f"undo {name}")
