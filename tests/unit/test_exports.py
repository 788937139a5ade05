"""Exports: an event log says what the trace says, in each form, and other programs read it."""

from __future__ import annotations

import csv
import datetime as dt
import errno
import gzip
import importlib
import io
import itertools
import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, NoReturn
from xml.etree import ElementTree as ET

import numpy as np
import pyarrow.csv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canbao.cli.export import FORMS as OFFERED
from canbao.columns import Coded
from canbao.errors import InputError, StorageError
from canbao.exports import FORMS, export_run
from canbao.exports.event_csv import write_event_csv
from canbao.exports.events import EventLog
from canbao.exports.positions import positions
from canbao.exports.servers import server_numbers
from canbao.exports.sheets import chart_files, header_of
from canbao.exports.spelling import stamps
from canbao.exports.vidigi import HEADER, AnimationLog
from canbao.exports.xes import write_xes
from canbao.languages import ENGLISH
from canbao.plugins import Plugins, load_plugins
from canbao.report.charts import Chart, Table, charts
from canbao.report.words import legible
from canbao.runs import Run, read_run, run_scenario
from canbao.testing import small_scenario
from canbao.trace import ENDINGS, Trace, same_tables

START = dt.date(2025, 12, 1)
MIDNIGHT = dt.datetime(2025, 12, 1, tzinfo=dt.timezone(dt.timedelta(hours=8)))
UNTIL = 1_000.0
XES = "{http://www.xes-standard.org/}"

# ---------------------------------------------------------------------------------------------------------------------
# Any trace at all
# ---------------------------------------------------------------------------------------------------------------------

_NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6)


@dataclass(frozen=True)
class _Place:
    name: str
    group: str
    staffed_s: float
    listed: bool = True
    """Whether it is in the table of stations; a batch is not."""


# Hypothesis looks into each new strategy before it draws from it; so all are made once.
_PLACES = st.lists(_NAMES | st.just("review.intake"), min_size=1, max_size=4, unique=True)
_GROUPS = st.sampled_from(["office", "review", "failure", "fee", "notice", ""])
_STAFFED = st.sampled_from([900.0, math.inf])
_FAMILIES = st.sets(st.integers(0, 30), max_size=5)
_ENDED = st.sampled_from(ENDINGS)


@st.composite
def _traces(draw: st.DrawFn) -> Trace:
    """Give a trace of a few families with whole-number times, so that many things happen at the same moment."""
    names = draw(_PLACES)
    places = [_Place(name, draw(_GROUPS), draw(_STAFFED), draw(st.booleans())) for name in names]
    families = sorted(draw(_FAMILIES))
    rows = [(family, *visit) for family in families for visit in draw(_lives(len(places)))]
    return _trace(places, families, rows, draw)


@cache
@st.composite
def _lives(draw: st.DrawFn, places: int) -> list[tuple[Any, ...]]:
    """Give the visits of one family: step, enter, start, leave, how it ended."""
    now, visits = draw(st.integers(0, 20)), []
    for _ in range(draw(st.integers(0, 5))):
        step = draw(st.integers(0, 2 * places - 1))
        enter = now = now + draw(st.integers(0, 3))
        ended = draw(_ENDED)
        start = now = now + draw(st.integers(0, 3))
        leave = now = now + draw(st.integers(0, 3))
        if ended != "served":
            start = start if ended == "inside" and draw(st.booleans()) else math.nan
        visits.append((step, enter, start, math.nan if ended == "inside" else leave, ended))
        if ended == "inside":
            break
    return visits


def _trace(places: list[_Place], families: list[int], rows: list[tuple[Any, ...]], draw: st.DrawFn) -> Trace:
    step, enter, start, leave, ended = ([row[1 + column] for row in rows] for column in range(5))
    names = tuple(place.name for place in places)
    visits = {
        "family": np.array([row[0] for row in rows], np.int64),
        "attempt": np.arange(len(rows), dtype=np.int64) % 3,
        "station": Coded(np.array(step, np.int16) // 2, names),
        "step": Coded(np.array(step, np.int32), tuple(f"way/{number}" for number in range(2 * len(places)))),
        **{name: np.array(times, float) for name, times in (("enter", enter), ("start", start), ("leave", leave))},
        "ended": Coded(np.array([ENDINGS.index(word) for word in ended], np.int8), ENDINGS),
    }
    first = [min([row[2] for row in rows if row[0] == family], default=7) for family in families]
    last = [_end_of([row for row in rows if row[0] == family], draw) for family in families]
    outcome = [2 if math.isnan(end) else draw(st.integers(0, 1)) for end in last]
    some = np.arange(len(families))
    tables = {
        "family": np.array(families, np.int64),
        "arrival": np.array(first, float) - draw(st.integers(0, 2)),
        "first_channel": Coded(some % 2, ("hall", "web")),
        "last_channel": Coded(some % 2, ("hall", "web")),
        "trips": some,
        "effort_s": some * 1.5,
        "outcome": Coded(np.array(outcome, np.int16), ("enrolled", "<gave> up & \x00 left", "inside")),
        "submitted": np.full(len(some), math.nan),
        "reviewed": np.full(len(some), math.nan),
        "finished": np.array(last, float),
        "kind": Coded(some % 3, ("pupil", "new\nborn", "")),
        "children": (1 + some % 3).astype(np.int8),
        "ready": some % 2 == 0,
        "fee_yuan": np.where(some % 2, 380.5, math.nan),
    }
    listed = [place for place in places if place.listed]
    labels = tuple(dict.fromkeys(place.group for place in listed))
    stations = {
        "station": Coded(np.arange(len(listed)), tuple(place.name for place in listed)),
        "group": Coded(np.array([labels.index(place.group) for place in listed], int), labels),
        "busy_s": np.zeros(len(listed)),
        "staffed_s": np.array([place.staffed_s for place in listed], float),
        "starts": np.zeros(len(listed), np.int64),
    }
    return Trace(UNTIL, tables, visits, stations)


def _end_of(rows: list[tuple[Any, ...]], draw: st.DrawFn) -> float:
    """Give when a family is finished: not while it is inside, else perhaps."""
    left = rows[-1][4] if rows else 9
    return math.nan if math.isnan(left) or draw(st.booleans()) else left + draw(st.integers(0, 2))


# ---------------------------------------------------------------------------------------------------------------------
# What is read back
# ---------------------------------------------------------------------------------------------------------------------

Log = dict[str, tuple[dict[str, str], list[dict[str, str]]]]
"""By case: its attributes, and its events, each a mapping from the names of CSV to texts."""

_CSV_NAMES = {
    "concept:name": "activity",
    "time:timestamp": "timestamp",
    "lifecycle:transition": "lifecycle",
    "org:resource": "resource",
    "org:group": "group",
    "concept:instance": "instance",
}


def _ignore(_: int) -> None:
    pass


def _xes_text(log: EventLog) -> str:
    file = io.StringIO()
    write_xes(log, {"concept:name": "a log", "seed": 1}, file, _ignore)
    return file.getvalue()


def _csv_text(log: EventLog) -> str:
    file = io.StringIO(newline="")
    write_event_csv(log, file, _ignore)
    return file.getvalue()


def _told(element: ET.Element) -> dict[str, str]:
    found = [(child.attrib["key"], child.attrib["value"]) for child in element if child.tag != f"{XES}event"]
    assert len(dict(found)) == len(found)
    return dict(found)


def _from_xes(text: str) -> Log:
    found: Log = {}
    for trace in ET.fromstring(text).iter(f"{XES}trace"):
        about = _told(trace)
        events = [_told(event) for event in trace.iter(f"{XES}event")]
        name = about.pop("concept:name")
        assert name not in found
        found[name] = (about, [{_CSV_NAMES.get(key, key): value for key, value in e.items()} for e in events])
    return found


def _from_csv(text: str) -> Log:
    found: Log = {}
    for row in csv.DictReader(io.StringIO(text, newline="")):
        told = {key: value for key, value in row.items() if value}
        about = {key.removeprefix("case:"): value for key, value in told.items() if key.startswith("case:")}
        event = {key: value for key, value in told.items() if not key.startswith("case:")}
        case = found.setdefault(event.pop("case"), (about, []))
        assert case[0] == about
        case[1].append(event)
    return found


def _seconds(stamp: str) -> float:
    return (dt.datetime.fromisoformat(stamp) - MIDNIGHT).total_seconds()


def _activities(trace: Trace) -> dict[int, list[str]]:
    """Give what each family did, straight from the trace."""
    groups = dict(zip(trace.stations["station"].words(), trace.stations["group"].words(), strict=True))
    found = {int(family): ["arrival"] for family in trace.families["family"]}
    visits = (trace.visits[name] for name in ("family", "station", "step"))
    family, station, step = (column.words() if isinstance(column, Coded) else column.tolist() for column in visits)
    for who, where, what in zip(family, station, step, strict=True):
        record = groups.get(where) in ("failure", "fee", "notice") or where == "review.intake"
        found[who].append(where if record else what)
    ends = zip(trace.families["family"], trace.families["outcome"].words(), trace.families["finished"], strict=True)
    for who, outcome, finished in ends:
        if not math.isnan(finished):
            found[int(who)].append(outcome)
    return found


def _follows(journeys: dict[int, list[str]]) -> Counter[tuple[str, str]]:
    return Counter(pair for journey in journeys.values() for pair in itertools.pairwise(journey))


# ---------------------------------------------------------------------------------------------------------------------
# The event log
# ---------------------------------------------------------------------------------------------------------------------


@given(_traces())
@settings(max_examples=60)
def test_a_log_has_an_event_for_each_arrival_visit_and_end(trace: Trace) -> None:
    """Events are as many as families, visits and finished families together; for every moment, as moments are known."""
    ends = len(trace.families["family"]) + int((~np.isnan(trace.families["finished"])).sum())
    moments = sum(int((~np.isnan(trace.visits[name])).sum()) for name in ("enter", "start", "leave"))
    for every, events in ((False, len(trace.visits["family"])), (True, moments)):
        log = EventLog(trace, START, every)
        assert log.rows == sum(map(len, log.pieces())) == ends + events


@given(_traces(), st.booleans())
@settings(max_examples=60)
def test_times_rise_within_a_case(trace: Trace, every_moment: bool) -> None:
    """The events of a case stand in time, the arrival first and the outcome last."""
    for _, events in _from_csv(_csv_text(EventLog(trace, START, every_moment))).values():
        times = [_seconds(event["timestamp"]) for event in events]
        assert times == sorted(times)
        assert [event["activity"] == "arrival" for event in events] == [True, *[False] * (len(events) - 1)]


@given(_traces())
@settings(max_examples=60)
def test_activities_are_the_journey_that_was_run(trace: Trace) -> None:
    """What follows what in the log is what followed what in the trace, family by family."""
    log = _from_csv(_csv_text(EventLog(trace, START)))
    found = {int(case): [event["activity"] for event in events] for case, (_, events) in log.items()}
    assert found == _activities(trace)


@given(_traces())
@settings(max_examples=60)
def test_the_last_moments_are_the_journey_too(trace: Trace) -> None:
    """A log of every moment is the plain log, once the last moment of each visit is picked."""
    every, plain = (_from_csv(_csv_text(EventLog(trace, START, every))) for every in (True, False))
    for case, (about, events) in every.items():
        visits = [list(group) for _, group in itertools.groupby(events, lambda event: event.get("instance", event))]
        for visit in visits[1:]:
            words = [event["lifecycle"] for event in visit]
            assert words in (["complete"], *_LEGAL)
        shared = ("activity", "timestamp", "lifecycle")
        last = [[visit[-1][name] for name in shared] for visit in visits]
        assert (about, last) == (plain[case][0], [[event[name] for name in shared] for event in plain[case][1]])


_LEGAL = [["schedule", "start", "complete"], ["schedule", "withdraw"], ["schedule", "start"], ["schedule"]]
"""The ways through the standard lifecycle model that a visit can take."""


@given(_traces(), st.integers(1, 4))
@settings(max_examples=60)
def test_pieces_of_any_size_are_the_same_log(trace: Trace, size: int) -> None:
    """Whether families are written one by one or all together, the events are the same ones in the same order."""
    log = EventLog(trace, START)
    whole, pieces = (list(log.pieces(count)) for count in (1_000, size))
    for name in vars(whole[0]) if whole else ():
        joined = np.concatenate([getattr(piece, name) for piece in pieces])
        np.testing.assert_array_equal(joined, getattr(whole[0], name))
    assert sum(map(len, pieces)) == log.rows


@given(_traces())
@settings(max_examples=60)
def test_moments_come_back(trace: Trace) -> None:
    """Enter, start and leave of each visit are read back as they were, and so are station, attempt and ending."""
    found = [event for _, events in _from_csv(_csv_text(EventLog(trace, START))).values() for event in events]
    visits = [event for event in found if "resource" in event]
    for name in ("enter", "start", "leave"):
        back = [_seconds(event[name]) if name in event else math.nan for event in visits]
        np.testing.assert_array_equal(back, trace.visits[name])
    assert [event["resource"] for event in visits] == trace.visits["station"].words()
    assert [event["ended"] for event in visits] == trace.visits["ended"].words()
    assert [int(event["attempt"]) for event in visits] == trace.visits["attempt"].tolist()
    for event in visits:
        moment = {"complete": "leave", "withdraw": "leave", "start": "start", "schedule": "enter"}[event["lifecycle"]]
        assert event["timestamp"] == event[moment]
        assert (event["lifecycle"] == "complete") == (event["ended"] == "served")


@given(_traces(), st.booleans())
@settings(max_examples=60)
def test_xes_and_csv_say_the_same(trace: Trace, every_moment: bool) -> None:
    """Both forms have the same cases, attributes and events; only what XML cannot hold is replaced in XES."""
    log = EventLog(trace, START, every_moment)
    here, there = (json.loads(json.dumps(read)) for read in (_from_xes(_xes_text(log)), _from_csv(_csv_text(log))))
    assert here == _legible(there)


def _legible(data: Any) -> Any:
    """Give plain data with all its texts and keys as a file of XML can hold them."""
    if isinstance(data, str):
        return legible(data)
    if isinstance(data, dict):
        return {legible(key): _legible(value) for key, value in data.items()}
    return [_legible(value) for value in data] if isinstance(data, list) else data


@given(_traces())
@settings(max_examples=30)
def test_xes_has_the_form_of_the_standard(trace: Trace) -> None:
    """Extensions, globals, classifiers, attributes and traces stand in their order; prefixes and types are known."""
    root = ET.fromstring(_xes_text(EventLog(trace, START)))
    assert (root.tag, root.attrib) == (f"{XES}log", {"xes.version": "1.0", "xes.features": ""})
    order = ("extension", "global", "classifier", "string", "int", "trace")
    tags = [child.tag.removeprefix(XES) for child in root]
    assert [tag for tag, _ in itertools.groupby(tags)] == [tag for tag in order if tag in tags]
    prefixes = {child.attrib["prefix"] for child in root.iter(f"{XES}extension")}
    needed = {child.attrib["key"] for child in root.findall(f"{XES}global[@scope='event']/*")}
    for trace_ in root.iter(f"{XES}trace"):
        for event in trace_.iter(f"{XES}event"):
            assert needed <= set(_told(event))
    for element in root.iter():
        if "key" in element.attrib:
            _check_attribute(element, prefixes)


def _check_attribute(element: ET.Element, prefixes: set[str]) -> None:
    key, value = element.attrib["key"], element.attrib["value"]
    assert re.fullmatch(r"[^\W\d][\w.-]*(:\w+)?", key)
    assert ":" not in key or key.partition(":")[0] in prefixes
    forms = {
        "string": r"(?s).*",
        "int": r"-?\d+",
        "float": r"-?\d+\.\d+(e-?\d+)?|INF",
        "boolean": "true|false",
        "date": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+08:00",
    }
    assert re.fullmatch(forms[element.tag.removeprefix(XES)], value)


def test_case_attributes_are_words_numbers_and_yuan() -> None:
    """What is told of a case are its words, whole numbers, yes-or-no and amounts of money, but no moments."""
    with np.errstate(all="raise"):
        log = _from_csv(_csv_text(EventLog(_one_family(), START)))
    assert log["4"][0] == {
        "first_channel": "hall",
        "last_channel": "web",
        "trips": "2",
        "outcome": "enrolled",
        "kind": "pupil",
        "children": "3",
        "ready": "true",
        "fee_yuan": "1140.0",
    }


def _one_family(**more: Any) -> Trace:
    """Give a family that comes at 8:30, waits a quarter of an hour and is served for two minutes and a half."""

    def word(label: str) -> Coded:
        return Coded(np.zeros(1, int), (label,))

    families = {
        "family": np.array([4]),
        "arrival": np.array([30_600.0]),
        "first_channel": word("hall"),
        "last_channel": word("web"),
        "trips": np.array([2]),
        "effort_s": np.array([60.0]),
        "outcome": word("enrolled"),
        "submitted": np.array([31_000.0]),
        "reviewed": np.array([31_000.0]),
        "finished": np.array([31_650.25]),
        "kind": word("pupil"),
        "children": np.array([3], np.int8),
        "ready": np.array([True]),
        "digital_skill": np.array([0.5]),
        "fee_yuan": np.array([1140.0]),
    }
    visits = {
        "family": np.array([4]),
        "attempt": np.array([0]),
        "station": word("hall.windows"),
        "step": word("hall/window"),
        "enter": np.array([30_600.0]),
        "start": np.array([31_500.0]),
        "leave": np.array([31_650.25]),
        "ended": Coded(np.zeros(1, int), ENDINGS),
    }
    stations = {
        "station": word("hall.windows"),
        "group": word("hall"),
        "busy_s": np.array([150.25]),
        "staffed_s": np.array([3600.0]),
        "starts": np.array([1]),
    }
    return Trace(86_400.0, families, {**visits, **more}, stations)


def test_moments_are_local_time_with_its_offset() -> None:
    """A time of the trace is a date and time of day in Shanghai, to the millisecond."""
    assert stamps(np.array([0.0004, 0.0006, math.nan]), dt.date(2026, 2, 28)) == [
        "2026-02-28T00:00:00.000+08:00",
        "2026-02-28T00:00:00.001+08:00",
        "",
    ]
    [_, visit, _] = _from_csv(_csv_text(EventLog(_one_family(), dt.date(2026, 2, 28))))["4"][1]
    assert [visit[name] for name in ("enter", "start", "leave", "timestamp")] == [
        "2026-02-28T08:30:00.000+08:00",
        "2026-02-28T08:45:00.000+08:00",
        "2026-02-28T08:47:30.250+08:00",
        "2026-02-28T08:47:30.250+08:00",
    ]


def test_a_column_with_an_awkward_name_gets_a_key_that_xml_knows() -> None:
    """The name of a plugin's column may hold anything; the key of the attribute is a name all the same."""
    trace = _one_family()
    odd = replace(trace, families={**trace.families, "2 way:<b>": np.array([1])})
    about = _from_xes(_xes_text(EventLog(odd, START)))["4"][0]
    assert about["_2_way__b_"] == "1"


# ---------------------------------------------------------------------------------------------------------------------
# Servers
# ---------------------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 12), st.integers(1, 6), st.booleans()), max_size=25))
def test_a_server_serves_one_family_at_a_time(services: list[tuple[int, int, int, bool]]) -> None:
    """Two services of one server never overlap, and there are as many servers as were ever at work together."""
    station, start, length, over = (np.array([service[i] for service in services], float) for i in range(4))
    leave = np.where(over == 1, start + length, math.nan)
    number = server_numbers(station.astype(int), start, leave)
    until = np.where(np.isnan(leave), math.inf, leave)
    for one, other in itertools.combinations(range(len(services)), 2):
        together = station[one] == station[other] and start[one] < until[other] and start[other] < until[one]
        assert not (together and number[one] == number[other])
    for place in np.unique(station):
        mine = station == place
        most = max(int((mine & (start <= now) & (now < until)).sum()) for now in start[mine])
        assert set(number[mine]) == set(range(1, most + 1))


# ---------------------------------------------------------------------------------------------------------------------
# vidigi
# ---------------------------------------------------------------------------------------------------------------------


def _rows(log: AnimationLog) -> list[dict[str, Any]]:
    return [dict(zip(HEADER, line, strict=True)) for lines in log.lines() for line in lines]


def _where(trace: Trace, family: int, now: float) -> str | None:
    """Say where a family is at a moment at which nothing happens, straight from the trace."""
    row = trace.families["family"].tolist().index(family)
    if now < trace.families["arrival"][row] or now > trace.families["finished"][row]:
        return None
    staffed = dict(zip(trace.stations["station"].words(), trace.stations["staffed_s"], strict=True))
    for visit in np.flatnonzero(trace.visits["family"] == family):
        enter, start, leave = (float(trace.visits[name][visit]) for name in ("enter", "start", "leave"))
        if enter < now and not leave < now:
            name = trace.visits["station"].words()[visit]
            if not staffed.get(name, math.inf) < math.inf:
                return f"{name}: inside"
            return f"{name}: in service" if start < now else f"{name}: waiting"
    return "between visits"


@given(_traces())
@settings(max_examples=60)
def test_an_animation_shows_everybody_where_they_are(trace: Trace) -> None:
    """Between events, the last event of each family says where the trace has it; before and after, it is not there."""
    last: dict[int, str | None] = dict.fromkeys(trace.families["family"].tolist())
    rows = _rows(AnimationLog(trace))
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
    # Times are whole seconds, told in minutes to four places.
    for second, group in itertools.groupby(rows, lambda row: round(row["time"] * 60.0)):
        for row in group:
            last[row["entity_id"]] = None if row["event"] == "depart" else row["event"]
        for family, event in last.items():
            assert event == _where(trace, family, second + 0.5)


@given(_traces())
@settings(max_examples=60)
def test_between_visits_is_a_time_and_no_moment(trace: Trace) -> None:
    """A family is between visits only if the next thing that happens to it happens later."""
    for family, rows in itertools.groupby(sorted(_rows(AnimationLog(trace)), key=_who), _who):
        for row, after in itertools.pairwise(rows):
            assert row["event"] != "between visits" or row["time"] < after["time"], family


def _who(row: dict[str, Any]) -> int:
    return int(row["entity_id"])


@given(_traces())
@settings(max_examples=60)
def test_an_animation_has_the_events_that_vidigi_knows(trace: Trace) -> None:
    """Each family arrives once and departs if it finished; a server is let go by whom it served, as often as it is."""
    rows = _rows(AnimationLog(trace, 7))
    named = Counter((row["entity_id"], row["event"]) for row in rows if row["event_type"] == "arrival_departure")
    families, finished = trace.families["family"].tolist(), trace.families["finished"].tolist()
    assert named == Counter(
        [(family, "arrival") for family in families]
        + [(family, "depart") for family, end in zip(families, finished, strict=True) if not math.isnan(end)]
    )
    held: dict[tuple[str, int], int] = {}
    for row in rows:
        assert bool(row["resource_id"]) == row["event_type"].startswith("resource_use")
        assert row["run_number"] == 7
        server = (row["event"].rpartition(":")[0], row["resource_id"])
        if row["event_type"] == "resource_use":
            assert held.setdefault(server, row["entity_id"]) == row["entity_id"]
        elif row["event_type"] == "resource_use_end":
            assert held.pop(server) == row["entity_id"]


@given(_traces())
@settings(max_examples=60)
def test_each_event_that_lasts_has_a_place_of_its_own(trace: Trace) -> None:
    """Whatever is ever the last event of a family has a position, and no two positions are the same."""
    log = AnimationLog(trace)
    drawn = positions(log.places)
    shown = {row["event"] for row in _rows(log) if row["event_type"] != "resource_use_end"}
    assert shown <= {position.event for position in drawn}
    assert len({position.event for position in drawn}) == len({(p.x, p.y) for p in drawn}) == len(drawn)
    assert {position.resource for position in drawn if position.resource} == {n for n, c in log.places.items() if c}


@given(st.dictionaries(_NAMES, st.none() | st.integers(0, 300), max_size=6))
def test_people_of_one_place_stand_clear_of_the_next(places: dict[str, Any]) -> None:
    """Lines of twenty, as high as vidigi stacks them, stay below the place above and right of the edge."""
    drawn = positions(places)
    rows = defaultdict(list)
    for position in drawn:
        rows[position.y].append(position)
        assert position.x >= 20 * 10 or position.event == "arrival"
    heights = sorted(rows)
    for below, above in itertools.pairwise(heights):
        lines = max([4, *(-(-places[p.resource] // 20) for p in rows[below] if p.resource)])
        assert below == heights[0] or below + 30 * lines <= above


# ---------------------------------------------------------------------------------------------------------------------
# A run and the programs that read it
# ---------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """Everything that comes with canbao, without the report, which takes longest."""
    loaded = load_plugins(environment={"CANBAO_NO_PLUGINS": "1"})
    return replace(loaded, tables={**loaded.tables, "reporters": {}})


@pytest.fixture(scope="module")
def run(plugins: Plugins, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Give a stored run in which offices are short of staff and the horizon ends too soon for some."""
    changes = {
        "population": {"residents": 500},
        "horizon": {"end": dt.date(2025, 12, 22)},
        "review": {"first": {"staff": 1}},
    }
    stored = run_scenario(small_scenario(changes, plugins), plugins, out=tmp_path_factory.mktemp("runs"))
    return read_run(stored.folder)


def test_the_run_of_these_tests_has_all_sorts_of_visits(run: Run) -> None:
    """Families of this run finish and do not, are rejected and served, so that the tests below can fail."""
    assert {"enrolled", "inside"} <= set(run.trace.families["outcome"].words())
    assert {"served", "closed", "inside"} <= set(run.trace.visits["ended"].words())
    assert {"review.intake", "failure.data mismatch"} <= set(run.trace.visits["station"].words())


@pytest.mark.filterwarnings("ignore")  # pm4py warns of what else could be installed
@pytest.mark.parametrize("name", ["events.xes", "events.xes.gz"])
def test_pm4py_finds_the_journey_that_was_run(run: Run, tmp_path: Path, name: str) -> None:
    """pm4py opens the XES, and its directly-follows graph is the one computed from the trace, ends included."""
    pm4py = importlib.import_module("pm4py")
    export_run(run, "xes", tmp_path / name)
    log = pm4py.read_xes(str(tmp_path / name))
    graph, first, last = pm4py.discover_dfg(log)
    journeys = _activities(run.trace)
    assert dict(graph) == _follows(journeys)
    assert dict(first) == {"arrival": len(journeys)}
    assert dict(last) == Counter(journey[-1] for journey in journeys.values())


@pytest.mark.filterwarnings("ignore")  # as above
def test_pm4py_reads_the_csv_too(run: Run, tmp_path: Path) -> None:
    """The CSV is the same log for pm4py, once it is told which columns are case, activity and time."""
    pandas, pm4py = importlib.import_module("pandas"), importlib.import_module("pm4py")
    export_run(run, "csv", tmp_path / "events.csv")
    table = pandas.read_csv(tmp_path / "events.csv")
    log = pm4py.format_dataframe(table, case_id="case", activity_key="activity", timestamp_key="timestamp")
    assert dict(pm4py.discover_dfg(log)[0]) == _follows(_activities(run.trace))


def test_vidigi_animates_the_export_as_it_is(run: Run, tmp_path: Path) -> None:
    """A frame for each hour of a day comes from the three files, and vidigi warns of nothing."""
    pandas, vidigi = importlib.import_module("pandas"), importlib.import_module("vidigi.animation")
    export_run(run, "vidigi", tmp_path / "out")
    log, drawn = (pandas.read_csv(tmp_path / "out" / f"event_{name}.csv") for name in ("log", "positions"))
    servers = json.loads((tmp_path / "out" / "servers.json").read_text(encoding="utf-8"))
    day = 18 * 24 * 60
    figure = vidigi.animate_activity_log(
        log,
        drawn,
        servers,
        every_x_time_units=60,
        warm_up=day,
        limit_duration=day + 24 * 60,
        start_date=run.summary["horizon"]["start"],
        time_display_units="dhm",
    )
    assert len(figure.frames) == 25
    assert {"office.hall", "portal"} <= set(servers)


def test_vidigi_sees_everybody_where_they_are(run: Run, tmp_path: Path) -> None:
    """What vidigi takes from the log for a moment is where the trace has each family at that moment."""
    pandas, vidigi = importlib.import_module("pandas"), importlib.import_module("vidigi.prep")
    export_run(run, "vidigi", tmp_path / "out")
    log = pandas.read_csv(tmp_path / "out" / "event_log.csv")
    first = 18 * 24 * 60 + 7  # on the hour shifts begin, and two things happen at the same moment
    minutes = range(first, first + 18 * 60 + 1, 60)
    times = {"warm_up": first, "limit_duration": minutes[-1], "every_x_time_units": 60}
    shown = vidigi.reshape_for_animations(log, step_snapshot_max=10**6, **times).query("event_type != 'exit'")
    shown = shown.dropna(subset="entity_id")  # a moment without anybody
    found = {
        (minute, int(family)): event
        for minute, family, event in zip(shown["snapshot_time"], shown["entity_id"], shown["event"], strict=True)
    }
    families = run.trace.families["family"].tolist()
    places = {(minute, family): _where(run.trace, family, minute * 60.0) for minute in minutes for family in families}
    assert len(set(places.values())) > 5
    assert found == {key: place for key, place in places.items() if place is not None}


# ---------------------------------------------------------------------------------------------------------------------
# Charts and tables
# ---------------------------------------------------------------------------------------------------------------------


def _read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def test_every_chart_has_a_file_with_its_data(run: Run, tmp_path: Path) -> None:
    """Each chart of the report is a file with its table under a header of words; the index says what each shows."""
    export_run(run, "charts", tmp_path / "out")
    drawn = charts(run.summary)
    index = _read(tmp_path / "out" / "index.csv")
    assert [row[2:] for row in index[1:]] == [[chart.title, chart.caption] for chart in drawn]
    assert {row[0] for row in index[1:]} | {"index.csv"} == {path.name for path in (tmp_path / "out").iterdir()}
    for (name, *_), chart in zip(index[1:], drawn, strict=True):
        header, *rows = _read(tmp_path / "out" / name)
        assert len(set(header)) == len(header) == len(chart.table.header)
        assert all(header)
        assert rows == [["" if cell is None else str(cell) for cell in row] for row in chart.table.rows]


def test_a_spreadsheet_knows_that_charts_are_utf_8(run: Run, tmp_path: Path) -> None:
    """The files of charts begin with a byte order mark; event logs, which programs read, do not."""
    export_run(run, "charts", tmp_path / "charts")
    assert all(path.read_bytes()[:3] == b"\xef\xbb\xbf" for path in (tmp_path / "charts").iterdir())
    export_run(run, "csv", tmp_path / "events.csv")
    assert (tmp_path / "events.csv").read_bytes().startswith(b"case,activity,timestamp,")


def _chart(name: str, *header: str) -> Chart:
    return Chart(name, "load", "a title", "a caption", {}, Table.of(header, []))


def test_names_of_files_are_different_and_harmless() -> None:
    """Names of stations as users write them become names of files that every system takes, each once."""
    files = chart_files([_chart(name) for name in ("queue-a/b", "queue-a b", "Queue-A B", "index", "../..", "厅")])
    assert list(files) == ["queue-a-b.csv", "queue-a-b-2.csv", "Queue-A-B-3.csv", "index-2.csv", "chart.csv", "厅.csv"]


def test_headers_say_units_where_words_alone_would_not() -> None:
    """Columns named by what they are about say what they count; columns that say it themselves are left alone."""
    assert header_of(_chart("utilisation", "week from", "hall"), ENGLISH) == [
        "week from",
        "hall (share of staffed hours)",
    ]
    assert header_of(_chart("waits-channels", "", "mean (min)"), ENGLISH) == ["name", "mean (min)"]


def test_tables_come_back(run: Run, tmp_path: Path) -> None:
    """The three tables as CSV hold what the trace holds, bit for bit; an empty cell is what never happened."""
    export_run(run, "tables", tmp_path / "out")
    for name in ("families", "visits", "stations"):
        table = getattr(run.trace, name)
        read = pyarrow.csv.read_csv(tmp_path / "out" / f"{name}.csv")
        assert read.column_names == list(table)
        back, there = {}, {}
        for key, column in table.items():
            values = read.column(key).to_pylist()
            there[key] = np.array(column.words()) if isinstance(column, Coded) else np.asarray(column, dtype=float)
            back[key] = np.array(values, dtype=there[key].dtype)
        if name != "stations":
            numbers = [key for key in there if there[key].dtype.kind == "f"]
            assert same_tables({k: back[k] for k in numbers}, {k: there[k] for k in numbers}) == ""
        assert [k for k in there if there[k].dtype.kind == "U" and list(back[k]) != list(there[k])] == []


# ---------------------------------------------------------------------------------------------------------------------
# Files
# ---------------------------------------------------------------------------------------------------------------------


def _left(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_the_command_offers_every_form() -> None:
    """The command line, which does not import the exports to say its help, offers the forms that there are."""
    assert tuple(FORMS) == OFFERED


@pytest.mark.parametrize("form", FORMS)
def test_what_was_written_is_told(run: Run, tmp_path: Path, form: str) -> None:
    """The result names each file that is there, with as many events or rows as it holds."""
    out = tmp_path / "out"
    done = export_run(run, form, out)
    assert done.path == out
    folder = out if out.is_dir() else tmp_path
    assert sorted(done.files) == _left(folder)
    for name, rows in done.files.items():
        if name.endswith(".csv"):
            assert len(_read(folder / name)) == 1 + rows
    if form == "xes":
        assert done.files == {"out": len(re.findall("<event>", out.read_text(encoding="utf-8")))}


@pytest.mark.parametrize("form", FORMS)
def test_equal_runs_are_equal_files(run: Run, tmp_path: Path, form: str) -> None:
    """Two exports of one run are the same bytes, compressed or not, whenever they are made."""
    names = ("one.gz", "two.gz")
    for name in names:
        export_run(run, form, tmp_path / name)
    one, two = ({path.name if path.is_dir() else "": path for path in [tmp_path / name]} for name in names)
    for path, other in zip(one.values(), two.values(), strict=True):
        files = [path] if path.is_file() else sorted(path.iterdir())
        others = [other] if other.is_file() else sorted(other.iterdir())
        assert [file.read_bytes() for file in files] == [file.read_bytes() for file in others]


def test_a_name_that_ends_in_gz_is_compressed(run: Run, tmp_path: Path) -> None:
    """`.gz` gives the same text, compressed; neither name nor time is in the file."""
    for name in ("log.xes", "log.xes.gz"):
        export_run(run, "xes", tmp_path / name)
    packed = (tmp_path / "log.xes.gz").read_bytes()
    assert packed[3:8] == bytes(5)  # RFC 1952: flags, then the time
    assert gzip.decompress(packed) == (tmp_path / "log.xes").read_bytes()


def test_progress_comes_to_its_end(run: Run, tmp_path: Path) -> None:
    """Whoever watches hears shares that rise to 1."""
    for form in ("xes", "csv", "vidigi", "tables"):
        heard: list[float] = []
        export_run(run, form, tmp_path / form, progress=lambda _, share, heard=heard: heard.append(share))
        assert heard == sorted(heard)
        assert heard[-1] == 1.0


def test_an_unknown_form_lists_those_there_are(run: Run, tmp_path: Path) -> None:
    """A form that does not exist is an error that lists the forms, and nothing is written."""
    with pytest.raises(InputError, match=r"no export is called 'xls'; there are: xes, csv, vidigi, charts, tables"):
        export_run(run, "xls", tmp_path / "out")
    with pytest.raises(InputError, match=r"every moment is a matter of event logs"):
        export_run(run, "charts", tmp_path / "out", every_moment=True)
    assert _left(tmp_path) == []


@pytest.mark.parametrize("form", FORMS)
def test_nothing_is_overwritten_unasked(run: Run, tmp_path: Path, form: str) -> None:
    """What is there stays as it is; with force it is replaced, and files of other names in a folder stay."""
    out = tmp_path / "out"
    files = export_run(run, form, out).files
    target = out / next(iter(files)) if out.is_dir() else out
    target.write_text("mine")
    with pytest.raises(InputError, match=r"out is (not empty|there already); .*--out, or overwrite it with --force$"):
        export_run(run, form, out)
    assert target.read_text() == "mine"
    if out.is_dir():
        (out / "other").write_text("mine")
    export_run(run, form, out, force=True)
    assert target.read_text(encoding="utf-8") != "mine"
    if out.is_dir():
        assert (out / "other").read_text() == "mine"
        assert _left(out) == sorted([*files, "other"])


def test_somebody_who_was_quicker_is_not_overwritten(run: Run, tmp_path: Path) -> None:
    """What comes to be there while an export goes on is not replaced either, and nothing else is left."""
    out = tmp_path / "out"
    with pytest.raises(InputError, match="is there already"):
        export_run(run, "csv", out, progress=lambda *_: out.write_text("theirs"))
    assert (out.read_text(), _left(tmp_path)) == ("theirs", ["out"])


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_and_a_file_are_not_taken_for_each_other(run: Run, tmp_path: Path, force: bool) -> None:
    """A folder in the place of a file, and a file in the place of a folder, are never replaced."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="is a folder; name a file"):
        export_run(run, "csv", tmp_path / "folder", force=force)
    with pytest.raises(InputError, match="is a file; name a folder"):
        export_run(run, "charts", tmp_path / "file", force=force)
    assert (tmp_path / "file").read_text() == "mine"
    with pytest.raises(StorageError, match=r"cannot be written: .*; choose another place with --out$"):
        export_run(run, "charts", tmp_path / "file" / "deeper", force=force)


def _failing(problem: BaseException) -> Callable[..., NoReturn]:
    def fail(*_: Any, **__: Any) -> NoReturn:
        raise problem

    return fail


@pytest.fixture(params=FORMS)
def broken(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Give a function that makes the writing of one form fail once something of it is written."""

    def break_it(problem: BaseException) -> str:
        form: str = request.param
        name, write = FORMS[form]

        def broken_write(order: Any, path: Path) -> NoReturn:
            write(order, path)
            raise problem

        monkeypatch.setitem(FORMS, form, (name, broken_write))
        return form

    return break_it


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_one_clear_line(run: Run, tmp_path: Path, broken: Callable[..., str], code: int) -> None:
    """The message names the place and what to do; nothing is left of the export, nor of the folders made for it."""
    form = broken(OSError(code, "it does not fit"))
    with pytest.raises(StorageError, match=r"^no space for .*out; make room, or .*--out; nothing was written$"):
        export_run(run, form, tmp_path / "a" / "b" / "out")
    assert _left(tmp_path) == []


@pytest.mark.parametrize("problem", [KeyboardInterrupt(), SystemExit(), RuntimeError(), OSError(errno.EIO, "no")])
def test_an_export_that_fails_leaves_what_was_there(
    run: Run, tmp_path: Path, broken: Callable[..., str], problem: BaseException
) -> None:
    """Whatever ends an export on its way, an older one in its place is still whole."""
    form = next(iter([broken(problem)]))
    name = FORMS[form][0]
    (tmp_path / "out").mkdir()
    out = tmp_path / "out" / name
    if "." in name:
        out.write_text("old")
    else:
        out.mkdir()
        (out / "index.csv").write_text("old")
    before = _left(tmp_path)
    with pytest.raises(StorageError if isinstance(problem, OSError) else type(problem)):
        export_run(run, form, out, force=True)
    assert _left(tmp_path) == before
    assert (out if out.is_file() else out / "index.csv").read_text() == "old"


def test_the_default_place_is_in_the_run(run: Run) -> None:
    """Without another place, exports go into a folder of the run, which is still a run."""
    done = export_run(run, "csv")
    assert done.path == run.folder / "exports" / "events.csv"
    assert read_run(run.folder).manifest == run.manifest
