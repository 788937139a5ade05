"""Desks of a formality: errands to them, and what families do who leave a queue too often."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import canbao
from canbao.calendar import Calendar
from canbao.district import District
from canbao.scenario.quantities import Span
from canbao.scenario.staffing import office_hours
from canbao_plugins.halls import Halls, Window

__all__ = ["Desks", "back_office", "span_delay"]


@dataclass(frozen=True, eq=False)
class Desks:
    """Halls to which families go on errands.

    Parameters
    ----------
    window
        How families are served and how long they wait; each errand has a service of its own.
    come_back, tries
        Whoever leaves a queue comes back after some time, so often in all on each kind of errand.
    """

    halls: Halls
    window: Window
    come_back: canbao.Quantity
    tries: int

    def errand(
        self,
        label: str,
        service: canbao.Quantity,
        *,
        done: str,
        stops: str,
        weights: Mapping[str, str] | None = None,
    ) -> Iterator[canbao.Step]:
        """Give the steps of going to a desk for something; the first of them is named `label`.

        Parameters
        ----------
        done, stops
            Where a family goes when it was served, and when it has left queues too often.
        weights
            The desks that come into question, each with the column of its weights; all by nearness if not given.
        """
        leaves, later = f"{label}: leaves", f"{label}: later"
        sites = list(self.halls.sites if weights is None else weights)
        yield self.halls.choose(label, name=label) if weights is None else _choice(label, weights)
        window = replace(self.window, service=service)
        for site in sites:
            yield from self.halls.visit(site, label, f"{label}: desk", window, gives_up=leaves)
            yield canbao.Go(done)
        yield canbao.Check(0.0, name=leaves, failed=later, limit=self.tries, exceeded=stops)
        yield canbao.Delay(self.come_back, name=later, then=label)


def _choice(label: str, weights: Mapping[str, str]) -> canbao.Choose:
    return canbao.Choose([canbao.Option(f"{site} {label}", weight=by) for site, by in weights.items()], name=label)


def back_office(district: District) -> Calendar:
    """Give the hours in which cards are made and accounts put right: office hours on working days."""
    return Calendar.build(district.horizon, [(district.working, office_hours())])


def span_delay(span: Span, calendar: str, name: str, then: str | None = None) -> canbao.Delay:
    """Give the delay of a span: clock time, open time or working days of a calendar."""
    # Not at the top: a scenario is checked without building a network.
    from canbao.assembly import review

    return review.span_delay(span, calendar, name, then)
