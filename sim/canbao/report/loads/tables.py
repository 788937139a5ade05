"""The tables of a load test: the prediction beside the measurement, operations, sessions, where applications stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from canbao.experiments.forecast import assumption_name
from canbao.languages import Language
from canbao.report.charts.chart import Cell, Table
from canbao.report.loads.assumptions import measured_said, stated_said, verdict_of
from canbao.report.loads.words import figure, measure
from canbao.report.terms import column, term
from canbao.report.words import duration, number, percent

__all__ = ["assumptions", "comparison", "ledger", "operations", "sessions", "table_of"]

_Load = Mapping[str, Any]
_PERCENTILES = ("p50_s", "p90_s", "p95_s", "p99_s", "max_s")


def comparison(load: _Load, language: Language) -> Table:
    """Give measured and predicted numbers; no rows where nothing was predicted."""
    say = language.say
    words = {True: say("held"), False: say("missed"), None: "–"}
    rows = [
        (
            measure(row["measure"], language),
            figure(row["measured"]),
            figure(row["predicted"]),
            words[row["held"]],
        )
        for row in load.get("comparison") or ()
    ]
    return Table.of((say("measure"), say("measured"), say("predicted"), say("prediction")), rows)


def assumptions(load: _Load, language: Language) -> Table:
    """Give what the scenario states of the deployment, and what was measured; no rows where nobody looked."""
    whole = table_of((load.get("fit") or {}).get("assumptions") or (), language)
    # Without the keys, so that the verdict can be seen on a narrow page.
    order = [whole.header.index(language.say(name)) for name in _IN_REPORT]
    return Table.of([whole.header[place] for place in order], [[row[place] for place in order] for row in whole.rows])


_IN_REPORT = ("assumption", "stated", "measured", "verdict", "grade", "n")


def table_of(assumptions: Sequence[_Load], language: Language) -> Table:
    """Give a row for each assumption."""
    say = language.say
    header = (say("assumption"), say("key"), say("stated"), say("grade"), say("measured"), say("n"), say("verdict"))
    body = [
        (
            assumption_name(one, language),
            one["path"],
            stated_said(one, language),
            one["grade"],
            measured_said(one, language),
            f"{one['n']:,}",
            verdict_of(one, language),
        )
        for one in assumptions
    ]
    return Table.of(header, body)


def operations(load: _Load, language: Language) -> Table:
    """Give the times of each operation."""
    say = language.say
    header = (
        say("operation"),
        say("requests"),
        say("failed"),
        say("asked for less (429)"),
        say("MB sent"),
        say("median"),
        say("p90"),
        say("p95"),
        say("p99"),
        say("longest"),
    )
    rows = [
        (
            say("{operation} (looks)", operation=one["operation"]) if one["looks"] else one["operation"],
            number(one["count"]),
            number(one["failed"]),
            number(one["throttled"]),
            f"{one['sent_bytes'] / 1e6:,.1f}",
            *(duration(one[name], language) for name in _PERCENTILES),
        )
        for one in load.get("operations") or ()
    ]
    return Table.of(header, rows)


def sessions(load: _Load, language: Language) -> Table:
    """Give the times of families' first sessions, all and by channel and kind."""
    say = language.say
    header = (
        say("by"),
        say("name"),
        say("families"),
        say("service, median"),
        say("p95"),
        say("p99"),
        say("response, median"),
        say("p95"),
        say("p99"),
    )
    return Table.of(header, list(_sessions(load, language)))


def _sessions(load: _Load, language: Language) -> Iterator[tuple[Cell, ...]]:
    found = load.get("journeys")
    if not found:
        return
    yield (column("all", language), language.say("all families"), *_times(found, language))
    for kind, labels in found["by"].items():
        for label, one in labels.items():
            yield (column(kind, language), term(kind, label, language), *_times(one, language))


def _times(one: Mapping[str, Any], language: Language) -> Iterator[str]:
    yield number(one["service"]["count"])
    for what in ("service", "response"):
        yield from (duration(one[what][name], language) for name in ("p50_s", "p95_s", "p99_s"))


def ledger(load: _Load, language: Language) -> Table:
    """Give where each application stands; the numbers add up to those that were handed in."""
    say, found = language.say, load.get("ledger") or {}
    if not found:
        return Table.of((), [])
    submitted = max(int(found["submitted"]), 1)
    names = {
        "submitted": say("handed in and confirmed"),
        "issued": say("issued"),
        "rejected": say("rejected"),
        "in_review": say("in review"),
        "returned": say("returned, with the family"),
    }
    rows = [(name, number(found[key]), percent(found[key] / submitted, language)) for key, name in names.items()]
    for key, name in (("lost", say("withdrawn: {reason}")), ("refused", say("not taken: {reason}"))):
        for reason, count in (found.get(key) or {}).items():
            rows.append((name.format(reason=reason), number(count), percent(count / submitted, language)))
    if found.get("unanswered"):
        count = found["unanswered"]
        rows.append((say("handed in without an answer"), number(count), percent(count / submitted, language)))
    return Table.of((say("where"), say("applications"), say("share")), rows)
