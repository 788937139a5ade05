"""The contender in salabim: a component a family, `request(..., fail_delay=patience)`, monitors switched off."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import salabim

from contender_simpy import NEVER, Luck, Row
from contenders import Case
from enrolment import ATTEMPTS, Visits, difference, finished, of_rows


class _Office:
    """The three desks of one run, and what happened there."""

    def __init__(self, luck: Luck) -> None:
        self.env = salabim.Environment(trace=False)
        self.luck = luck
        self.visits: list[Row] = []
        self.window, self.review, self.card = (
            salabim.Resource(name, env=self.env, monitor=False) for name in ("window", "review", "card")
        )


class _Family(salabim.Component):  # type: ignore[misc]
    def setup(self, i: int, office: _Office) -> None:
        self.i, self.office = i, office

    def process(self) -> Generator[Any, Any, None]:
        i, office, luck, env = self.i, self.office, self.office.luck, self.env
        enter = env.now()
        yield self.request(office.window, fail_delay=luck.patience[i])
        if self.failed():
            office.visits.append((i, 0, enter, NEVER, env.now(), False))
            return
        yield from self.served(office.window, 0, enter, luck.window[i])
        for attempt in range(ATTEMPTS):
            yield from self.visit(office.review, 1, luck.review[i][attempt])
            if luck.passes[i][attempt]:
                break
        else:
            return
        yield from self.visit(office.card, 2, luck.card[i])

    def visit(self, desk: Any, station: int, service: float) -> Generator[Any, Any, None]:
        enter = self.env.now()
        yield self.request(desk)
        yield from self.served(desk, station, enter, service)

    def served(self, desk: Any, station: int, enter: float, service: float) -> Generator[Any, Any, None]:
        start = self.env.now()
        yield self.hold(service)
        self.office.visits.append((self.i, station, enter, start, self.env.now(), True))
        self.release(desk)


class _Arrivals(salabim.Component):  # type: ignore[misc]
    def setup(self, office: _Office) -> None:
        self.office = office

    def process(self) -> Generator[Any, Any, None]:
        for i, time_s in enumerate(self.office.luck.arrival):
            yield self.hold(till=time_s)
            _Family(env=self.env, name="family", i=i, office=self.office)


class Salabim:
    """Salabim with generators, the form that needs no further package."""

    title = "salabim"
    draws = False
    checked = "visits equal to 1 ms"

    def __init__(self, case: Case) -> None:
        salabim.yieldless(False)
        self.luck, self.until = Luck.of(case.samples), case.samples.until

    def run(self) -> list[Row]:
        """Simulate all families."""
        office = _Office(self.luck)
        _Arrivals(env=office.env, office=office)
        office.env.run(till=self.until)
        return office.visits

    def fault(self, reference: Visits) -> str:
        """Compare the visits that are over."""
        return difference(of_rows(self.run()), finished(reference), 1e-3)
