"""Names: what each may mean in a network, and the faults met where one leads nowhere."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from canbao import network as words
from canbao.columns import Column
from canbao.errors import NetworkError
from canbao.trace import FAMILY_COLUMNS, INSIDE, MARKS

__all__ = ["Scope", "numbered"]

_SHOWN = 20
"""How many names a message lists."""

_NOWHERE = "none"
"""What the trace calls the channel of a family that has used none."""


@dataclass
class Scope:
    """What a name may mean, and the faults met so far."""

    steps: list[words.Step]
    names: list[str]
    journey_of: list[int]
    labels: dict[str, int]
    journeys: dict[str, int]
    channels: list[str]
    stations: dict[str, int]
    batches: dict[str, int]
    books: dict[str, int]
    calendars: dict[str, int]
    columns: Mapping[str, Column]
    faults: list[str]
    outcomes: dict[str, int] = field(default_factory=dict)
    marks: dict[str, int] = field(default_factory=lambda: {name: number for number, name in enumerate(MARKS)})

    @classmethod
    def of(cls, network: words.Network, columns: Mapping[str, Column], faults: list[str]) -> Scope:
        """Lay out all steps of a network and number everything that has a name."""
        places: list[words.Station | words.Batch] = [*network.stations, *network.batches]
        scope = cls(
            steps=[],
            names=[],
            journey_of=[],
            labels={},
            journeys=numbered("journey", (j.name for j in network.journeys), faults),
            channels=[j.name for j in network.journeys if j.channel],
            stations=numbered("station or batch", (place.name for place in places), faults),
            batches={batch.name: number for number, batch in enumerate(network.batches)},
            books=numbered("appointment book", (b.name for b in network.books), faults),
            calendars=numbered("calendar", network.calendars, faults),
            columns=columns,
            faults=faults,
        )
        for journey in network.journeys:
            scope.add(journey)
        scope._end_implied_exits()
        return scope

    def add(self, journey: words.Journey) -> None:
        """Lay out the steps of a journey, and label each."""
        if not journey.steps:
            self.faults.append(f"journey {journey.name!r} has no steps")
        if "/" in journey.name or journey.name == _NOWHERE:
            self.faults.append(f"a journey cannot be named {journey.name!r}; choose a name without '/'")
        self.labels[journey.name] = len(self.steps)
        last = journey.steps[-1] if journey.steps else None
        closed = isinstance(last, words.End | words.Go | words.Return | words.Choose)
        steps: list[words.Step] = [*journey.steps] if closed else [*journey.steps, words.End("done")]
        for number, step in enumerate(steps):
            label = f"{journey.name}/{step.name or getattr(step, 'station', '') or number}"
            if label in self.labels and not step.name:
                label = f"{label}#{number}"
            if label in self.labels:
                self.faults.append(f"journey {journey.name!r} has two steps named {step.name!r}; give one another name")
            self.labels[label] = len(self.steps)
            self.names.append(label)
            self.journey_of.append(self.journeys[journey.name])
            self.steps.append(step)

    def _end_implied_exits(self) -> None:
        """Add the ends that exits lead to where nothing else is said."""
        implied = {"abandoned", "baulked", "full", "closed", "failed", "exceeded", "late", "none left"}
        for outcome in sorted(implied):
            self.labels[f"\0{outcome}"] = len(self.steps)
            self.names.append(outcome)
            self.journey_of.append(-1)
            self.steps.append(words.End(outcome))

    def target(self, label: str, asker: str, journey: str = "") -> int:
        """Give the step that a label means, in the asker's own journey first."""
        for name in (f"{journey}/{label}", label):
            if name in self.labels:
                return self.labels[name]
        here = [name.removeprefix(f"{journey}/") for name in self.labels if name.startswith(f"{journey}/")]
        self.unknown("step or journey", label, [*here, *self.journeys, *self.labels], asker)
        return 0

    def look_up(self, kind: str, name: str, asker: str, table: Mapping[str, int]) -> int:
        """Give the number of a name, 0 behind a fault if there is none."""
        if name not in table:
            self.unknown(kind, name, table, asker)
        return table.get(name, 0)

    def unknown(self, kind: str, name: str, known: Iterable[str], asker: str) -> None:
        """Note that a name leads nowhere, with the nearest known one."""
        names = list(dict.fromkeys(n for n in known if not n.startswith("\0")))
        near = difflib.get_close_matches(name, names, n=1)
        some = ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
        hint = f"; did you mean {near[0]!r}?" if near else f"; there are: {some or 'none'}"
        self.faults.append(f"{asker}: no {kind} is named {name!r}{hint}")

    def one_of(self, allowed: Sequence[object], given: object, what: str) -> None:
        """Note a value that is none of those allowed."""
        if given not in allowed:
            near = difflib.get_close_matches(str(given), map(str, allowed), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; allowed: {', '.join(map(str, allowed))}"
            self.faults.append(f"{what} cannot be {given!r}{hint}")

    def need(self, fits: bool, what: str, given: object) -> None:
        """Note a value that does not fit."""
        if not fits:
            self.faults.append(f"{what}, given {given}")

    def outcome(self, name: str) -> int:
        """Give the number of an outcome."""
        if name == INSIDE:
            self.faults.append(f"no outcome can be named {name!r}: so the trace calls families that have not left")
        return self.outcomes.setdefault(name, len(self.outcomes))

    def mark(self, event: str, asker: str) -> int:
        """Give the number of an event."""
        taken = event in FAMILY_COLUMNS and event not in MARKS
        if taken or event in self.columns or not event:
            self.faults.append(f"{asker}: no event can be named {event!r}: the trace has a column of that name")
        return self.marks.setdefault(event, len(self.marks))

    def raise_faults(self) -> None:
        """Raise a NetworkError with all faults, if there are any."""
        if self.faults:
            raise NetworkError(
                "the network does not fit together:\n" + "\n".join(f"  {fault}" for fault in self.faults)
            )


def numbered(kind: str, names: Iterable[str], faults: list[str]) -> dict[str, int]:
    """Give names their numbers, in order; a name that comes twice is a fault."""
    table: dict[str, int] = {}
    for name in names:
        if name in table:
            faults.append(f"two of one name: {kind} {name!r}; give one of them another")
        table.setdefault(name, len(table))
    return table
