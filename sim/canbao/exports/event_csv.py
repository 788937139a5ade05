"""The event log as CSV: one row an event, with the attributes of its case."""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import IO

import numpy as np

from canbao.exports.events import LIFECYCLE, MOMENTS, EventLog
from canbao.exports.spelling import looked_up, spelled, stamps

__all__ = ["write_event_csv"]

_EVENT = ("case", "activity", "timestamp", "lifecycle", "resource", "group", "attempt", "ended")
_CASE = "case:"
"""Stands before the attributes of cases, as in tables of pm4py."""


def write_event_csv(log: EventLog, file: IO[str], tell: Callable[[int], None]) -> None:
    """Write a log; `tell` is told how many events are written, now and then."""
    lines = csv.writer(file, lineterminator="\n")
    more = ("instance",) if log.every_moment else MOMENTS
    lines.writerow([*_EVENT, *more, *(f"{_CASE}{name}" for name in log.attributes)])
    cases = [looked_up(texts)[codes] for texts, codes in map(spelled, log.attributes.values())]
    families = np.asarray(log.trace.families["family"])
    activities, lifecycle, stations, groups, endings = map(
        looked_up, (log.activities, LIFECYCLE, log.stations, log.groups, log.endings)
    )
    written = 0
    for events in log.pieces():
        columns = [
            families[events.case].tolist(),
            activities[events.activity].tolist(),
            stamps(events.time, log.start),
            lifecycle[events.lifecycle].tolist(),
            stations[events.station].tolist(),
            groups[events.station].tolist(),
            [attempt if attempt >= 0 else "" for attempt in events.attempt.tolist()],
            endings[events.ended].tolist(),
        ]
        if log.every_moment:
            columns.append([visit if visit >= 0 else "" for visit in events.visit.tolist()])
        else:
            columns += [stamps(events.moments[:, place], log.start) for place in range(len(MOMENTS))]
        columns += [texts[events.case].tolist() for texts in cases]
        lines.writerows(zip(*columns, strict=True))
        written += len(events)
        tell(written)
