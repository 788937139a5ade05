"""The event log as XES, the XML of process mining (IEEE 1849-2016; a reader of XES 1.0 finds nothing new in it).

Traces are written as they come; no tree of the whole log is ever built.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import IO
from xml.sax.saxutils import quoteattr

import numpy as np

from canbao.columns import Coded, Column
from canbao.exports.events import LIFECYCLE, MOMENTS, EventLog, Events
from canbao.exports.spelling import looked_up, spelled, stamps
from canbao.report.words import legible

__all__ = ["write_xes"]

_EXTENSIONS = (
    ("Concept", "concept", "http://www.xes-standard.org/concept.xesext"),
    ("Time", "time", "http://www.xes-standard.org/time.xesext"),
    ("Lifecycle", "lifecycle", "http://www.xes-standard.org/lifecycle.xesext"),
    ("Organizational", "org", "http://www.xes-standard.org/org.xesext"),
)
_CLASSIFIERS = (
    ("Activity", "concept:name"),
    ("Station", "org:resource"),
    ("Moment", "concept:name lifecycle:transition"),
)

_NO_NAME = re.compile(r"[^\w.-]|^(?=[\d.-])")
"""What cannot be in the key of an attribute, or at its beginning."""


def write_xes(log: EventLog, about: Mapping[str, str | int], file: IO[str], tell: Callable[[int], None]) -> None:
    """Write a log.

    Parameters
    ----------
    log
        The events.
    about
        What is said of the log as a whole: plain keys, `concept:name` among them.
    file
        Where to.
    tell
        Is told how many events are written, now and then.
    """
    written = 0
    file.writelines(_head(log, about))
    cases = _attributes(log.attributes)
    names = [str(number) for number in np.asarray(log.trace.families["family"]).tolist()]
    text_of = _writer(log)
    for events in log.pieces():
        texts = text_of(events)
        case, first = np.unique(events.case, return_index=True)
        spans = pairwise([*first.tolist(), len(events)])
        for row, (begin, end) in zip(case.tolist(), spans, strict=True):
            told = "".join(texts_of[row] for texts_of in cases)
            file.write(f"<trace>\n{_string('concept:name', names[row])}{told}\n{''.join(texts[begin:end])}</trace>\n")
        written += len(events)
        tell(written)
    file.write("</log>\n")


def _head(log: EventLog, about: Mapping[str, str | int]) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield '<log xes.version="1.0" xes.features="" xmlns="http://www.xes-standard.org/">\n'
    for name, prefix, uri in _EXTENSIONS:
        yield f'<extension name="{name}" prefix="{prefix}" uri="{uri}"/>\n'
    yield f'<global scope="trace">{_string("concept:name", "0")}</global>\n'
    anything = _string("concept:name", "") + _date("time:timestamp", "1970-01-01T00:00:00.000+08:00")
    yield f'<global scope="event">{anything}{_string("lifecycle:transition", "complete")}</global>\n'
    for name, keys in _CLASSIFIERS:
        yield f'<classifier name="{name}" keys="{keys}"/>\n'
    yield _string("lifecycle:model", "standard") + "\n"
    for key, value in about.items():
        yield (_int(key, value) if isinstance(value, int) else _string(key, value)) + "\n"


def _writer(log: EventLog) -> Callable[[Events], list[str]]:
    """Give the function that writes events; what a code stands for is written once and looked up ever after."""
    activities = looked_up(_string("concept:name", label) for label in log.activities)
    transitions = looked_up(_string("lifecycle:transition", label) for label in LIFECYCLE)
    places = looked_up(
        _string("org:resource", name) + (_string("org:group", group) if group else "")
        for name, group in zip(log.stations, log.groups, strict=True)
    )
    endings = looked_up(_string("ended", label) for label in log.endings)

    def texts(events: Events) -> list[str]:
        columns = [
            activities[events.activity].tolist(),
            [_date("time:timestamp", stamp) for stamp in stamps(events.time, log.start)],
            transitions[events.lifecycle].tolist(),
            places[events.station].tolist(),
            [_int("attempt", attempt) if attempt >= 0 else "" for attempt in events.attempt.tolist()],
            endings[events.ended].tolist(),
        ]
        if log.every_moment:
            columns.append([_instance(row) if row >= 0 else "" for row in events.visit.tolist()])
        else:
            columns += [_dates(key, stamps(events.moments[:, place], log.start)) for place, key in enumerate(MOMENTS)]
        return [f"<event>{''.join(parts)}</event>\n" for parts in zip(*columns, strict=True)]

    return texts


def _attributes(columns: Mapping[str, Column]) -> list[list[str]]:
    """Write the attributes of all cases: for each attribute a list of texts, one a case."""
    return [_attribute(_NO_NAME.sub("_", name), column) for name, column in columns.items()]


def _attribute(key: str, column: Column) -> list[str]:
    texts, codes = spelled(column)
    kind = "string" if isinstance(column, Coded) else {"b": "boolean", "f": "float"}.get(column.dtype.kind, "int")
    found: list[str] = looked_up(_any(kind, key, text) if text else "" for text in texts)[codes].tolist()
    return found


def _any(kind: str, key: str, value: str) -> str:
    return f'<{kind} key="{key}" value={quoteattr(legible(value))}/>'


def _string(key: str, value: str) -> str:
    return _any("string", key, value)


def _instance(visit: int) -> str:
    return f'<string key="concept:instance" value="{visit}"/>'


def _int(key: str, value: int) -> str:
    return f'<int key="{key}" value="{value}"/>'


def _date(key: str, stamp: str) -> str:
    return f'<date key="{key}" value="{stamp}"/>'


def _dates(key: str, stamps: Iterable[str]) -> list[str]:
    return [_date(key, stamp) if stamp else "" for stamp in stamps]
