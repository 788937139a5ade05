"""The contender in Ciw: three nodes, a routing that knows who passes, distributions that hand out the samples."""

from __future__ import annotations

from typing import Any

import ciw
import numpy as np

from contender_simpy import Luck
from contenders import Case
from enrolment import LIMIT, Visits, by_family, difference, finished

_REVIEW, _CARD, _EXIT = 2, 3, -1
"""Ciw counts nodes from 1."""


class _OfFamily(ciw.dists.Distribution):  # type: ignore[misc]
    """Samples by the family's number."""

    def __init__(self, values: list[float]) -> None:
        self.values = values

    def sample(self, t: float | None = None, ind: Any = None) -> float:
        value: float = self.values[ind.id_number - 1]
        return value


class _OfAttempt(ciw.dists.Distribution):  # type: ignore[misc]
    """Samples by the family's number and how often it was here before."""

    def __init__(self, values: list[list[float]]) -> None:
        self.values = values

    def sample(self, t: float | None = None, ind: Any = None) -> float:
        value: float = self.values[ind.id_number - 1][getattr(ind, "failures", 0)]
        return value


class _AfterReview(ciw.routing.NodeRouting):  # type: ignore[misc]
    """To the card desk, or to the review again, or away after too many failures."""

    def __init__(self, passes: list[list[bool]]) -> None:
        self.passes = passes

    def next_node(self, ind: Any) -> Any:
        failures = getattr(ind, "failures", 0)
        if self.passes[ind.id_number - 1][failures]:
            return self.simulation.nodes[_CARD]
        ind.failures = failures + 1
        return self.simulation.nodes[_REVIEW if failures < LIMIT else _EXIT]


class CiwNetwork:
    """Ciw."""

    title = "Ciw"
    draws = False
    checked = "visits equal to 1 ms"

    def __init__(self, case: Case) -> None:
        self.case, self.luck = case, Luck.of(case.samples)
        self.gaps = [*np.diff(case.samples.arrival, prepend=0.0).tolist(), float("inf")]

    def run(self) -> Any:
        """Simulate all families; give the simulation, which holds the records."""
        luck = self.luck
        direct, leave = ciw.routing.Direct, ciw.routing.Leave
        network = ciw.create_network(
            arrival_distributions=[ciw.dists.Sequential(self.gaps), None, None],
            service_distributions=[_OfFamily(luck.window), _OfAttempt(luck.review), _OfFamily(luck.card)],
            reneging_time_distributions=[_OfFamily(luck.patience), None, None],
            number_of_servers=[1, 1, 1],
            routing=ciw.routing.NetworkRouting([direct(to=_REVIEW), _AfterReview(luck.passes), leave()]),
        )
        simulation = ciw.Simulation(network)
        simulation.simulate_until_max_time(self.case.samples.until)
        return simulation

    def fault(self, reference: Visits) -> str:
        """Compare the visits that are over."""
        records = sorted(self.run().get_all_records(only=["service", "renege"]), key=lambda record: record.exit_date)
        columns = [np.array([getattr(record, name) for record in records]) for name in _FIELDS]
        served = np.array([record.record_type == "service" for record in records])
        family, node, *times = columns
        visits = by_family([family - 1, node - 1, *times, served])
        return difference(visits, finished(reference), 1e-3)


_FIELDS = ("id_number", "node", "arrival_date", "service_start_date", "exit_date")
