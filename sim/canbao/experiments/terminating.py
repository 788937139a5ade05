"""What ends, and what goes on for ever: the reasons why a model has no steady state to speak of."""

from __future__ import annotations

import math

from canbao.arrivals import At, Poisson, Thinned
from canbao.network import Appointment, Await, Batch, Before, Delay, Network, Station, Step, Stream
from canbao.schedule import Schedule

__all__ = ["reasons_to_end"]


def reasons_to_end(network: Network) -> list[str]:
    """Give the reasons why a network is terminating; an empty list where nothing in it depends on the time.

    A model has a steady state only if its rules are the same at every moment: constant rates, constant staffing, no
    opening hours, no dates. Whether the queues then settle is another question, which the load decides.
    """
    reasons = [] if network.streams else ["nobody arrives: it has no stream"]
    for stream in network.streams:
        reasons += _of_stream(stream)
    for station in network.stations:
        reasons += _of_station(station)
    for batch in network.batches:
        reasons += _of_batch(batch)
    for journey in network.journeys:
        for step in journey.steps:
            reasons += _of_step(step, f"journey {journey.name!r}")
    return reasons


def _changes(quantity: object) -> bool:
    return isinstance(quantity, Schedule) and len(quantity.changes()) > 1


def _of_stream(stream: Stream) -> list[str]:
    arrivals, name = stream.arrivals, f"stream {stream.name!r}"
    if isinstance(arrivals, At):
        return [f"{name} comes at given times, and then no more"]
    if isinstance(arrivals, Thinned) or (isinstance(arrivals, Poisson) and _changes(arrivals.rate)):
        return [f"{name} has a rate that changes with time"]
    given = [column for column, values in stream.columns.items() if not hasattr(values, "ppf")]
    return [f"{name} has a column {given[0]!r} for a given number of families"] if given else []


def _of_station(station: Station) -> list[str]:
    name, reasons = f"station {station.name!r}", []
    if _changes(station.servers):
        reasons.append(f"{name} has servers that change with time")
    if _changes(station.doors):
        reasons.append(f"{name} has doors that open and close")
    return reasons


def _of_batch(batch: Batch) -> list[str]:
    return [f"batch {batch.name!r} leaves at given times"] if len(batch.releases) else []


def _of_step(step: Step, where: str) -> list[str]:
    if isinstance(step, Await) or (isinstance(step, Delay) and step.unit != "time"):
        return [f"{where} keeps to the calendar {step.calendar!r}"]
    if isinstance(step, Appointment):
        return [f"{where} books appointments at given times"]
    if isinstance(step, Before) and not _never(step.deadline):
        return [f"{where} has a deadline"]
    return []


def _never(deadline: object) -> bool:
    return isinstance(deadline, float | int) and deadline == math.inf
