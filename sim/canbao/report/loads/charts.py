"""The charts of a load test: arrivals, the review beside its prediction, times, errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from canbao.languages import Language
from canbao.report.charts.axes import Frame, amounts, numbers_axis, plot
from canbao.report.charts.bars import Bar, told_bars
from canbao.report.charts.chart import Chart, Key, Table
from canbao.report.charts.plot import Area, Axis, Box, Line, Mark, Plot, Tick
from canbao.report.loads.sentences import throughput
from canbao.report.loads.words import error_word
from canbao.report.words import date_of, duration, number, percent, short_day

__all__ = ["load_charts"]

_TOPIC = "test"
_MOST_ERRORS = 12
_UNITS = ((3_600.0, 7_200.0), (60.0, 120.0), (1.0, 0.0))
"""Seconds in a unit of the time axis, and from how long a test on it is used."""


def load_charts(summary: Mapping[str, Any], frame: Frame) -> Iterator[Chart]:
    """Show the charts of a load test; none of another run."""
    load = summary.get("load") or {}
    if "arrivals" not in load:
        return
    time = _time_of(load, frame.language)
    yield _arrivals(load, time, frame)
    if load["requests"]["all"]["count"]:
        yield _times(load, time, frame)
        yield _operations(load, frame)
    if load["errors"]:
        yield _errors(load, frame)
    yield _backlog(load, time, frame)
    yield _days(load, frame)


@dataclass(frozen=True)
class _Time:
    """The axis of real time."""

    unit_s: float
    end: float
    title: str

    def at(self, seconds: float) -> float:
        return seconds / self.unit_s

    def axis(self, frame: Frame) -> Axis:
        return numbers_axis(self.title, self.end, 4 if frame.narrow else 8)


def _time_of(load: Mapping[str, Any], language: Language) -> _Time:
    observed = max(float(load["period"]["observed_s"]), 1.0)
    unit = next(unit for unit, least in _UNITS if observed >= least)
    titles = {
        3_600.0: language.say("hours since the start"),
        60.0: language.say("minutes since the start"),
        1.0: language.say("seconds since the start"),
    }
    return _Time(unit, observed / unit, titles[unit])


def _edges(series: Sequence[Any], width_s: float, time: _Time) -> list[float]:
    """Give where each bin begins and where the last one ends."""
    return [min(time.at(number * width_s), time.end) for number in range(len(series) + 1)]


# ---------------------------------------------------------------------------------------------------------------------
# Arrivals
# ---------------------------------------------------------------------------------------------------------------------


def _arrivals(load: Mapping[str, Any], time: _Time, frame: Frame) -> Chart:
    say, came = frame.language.say, load["arrivals"]
    bins = came["bins"]
    intended, started, width = bins["intended"], bins["started"], bins["width_s"]
    return Chart(
        name="load-arrivals",
        topic=_TOPIC,
        title=_as_meant(came, frame.language),
        caption=say(
            "Bars: families that were to come in each {width}. Line: those that came. Where the line is not on the "
            "bars, the load was another one than was meant.",
            width=duration(width, frame.language),
        ),
        plot=_arrivals_plot(intended, started, width, time, frame),
        table=Table.of(
            (say("seconds since the start"), say("were to come"), say("came")),
            [(round(i * width, 1), *pair) for i, pair in enumerate(zip(intended, started, strict=True))],
        ),
        keys=(Key(say("were to come"), "soft"), Key(say("came"), "ink", "line")),
    )


def _as_meant(came: Mapping[str, Any], language: Language) -> str:
    late = came["dispatch"]["p99_s"]
    told = {"came": number(came["started"]), "intended": number(came["intended"])}
    if late is None:
        return language.say("{came} of {intended} families came", **told)
    return language.say(
        "{came} of {intended} families came, 99 of 100 of them at most {late} late",
        late=duration(late, language),
        **told,
    )


def _arrivals_plot(intended: Sequence[int], started: Sequence[int], width: float, time: _Time, frame: Frame) -> Plot:
    edges = _edges(intended, width, time)
    boxes: list[Mark] = [Box((edges[i], edges[i + 1]), (0, count), "soft") for i, count in enumerate(intended) if count]
    y = amounts(frame.language.say("families"), max([*intended, *started], default=0))
    return plot(frame, 150, time.axis(frame), y, [*boxes, _steps(edges, started)])


def _steps(edges: Sequence[float], values: Sequence[float], *, dashed: bool = False) -> Line:
    """Give a line that is level in each bin."""
    points = [point for i, value in enumerate(values) for point in ((edges[i], value), (edges[i + 1], value))]
    return Line(tuple(points), "ink", 1.5, dashed)


# ---------------------------------------------------------------------------------------------------------------------
# Requests
# ---------------------------------------------------------------------------------------------------------------------


def _times(load: Mapping[str, Any], time: _Time, frame: Frame) -> Chart:
    say, series = frame.language.say, load["over_time"]
    half, late, width = series["p50_s"], series["p95_s"], series["width_s"]
    rows = zip(series["requests"], series["failed"], half, late, strict=True)
    return Chart(
        name="load-times",
        topic=_TOPIC,
        title=_pace(load, frame.language),
        caption=say("How long requests took that ended in each {width}.", width=duration(width, frame.language)),
        plot=_times_plot(half, late, width, time, frame),
        table=Table.of(
            (say("seconds since the start"), say("requests"), say("failed"), say("median, ms"), say("p95, ms")),
            [
                (round(i * width, 1), count, failed, _ms(median), _ms(p95))
                for i, (count, failed, median, p95) in enumerate(rows)
            ],
        ),
        keys=(Key(say("19 of 20 took no longer"), "ink", "line"), Key(say("half took no longer"), "data", "line")),
    )


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1_000, 2)


def _pace(load: Mapping[str, Any], language: Language) -> str:
    asked = load["requests"]["all"]
    return language.say(
        "Half of {count} requests took {p50} or less, 95 % at most {p95}",
        count=number(asked["count"]),
        p50=duration(asked["p50_s"], language),
        p95=duration(asked["p95_s"], language),
    )


def _times_plot(
    half: Sequence[float | None], late: Sequence[float | None], width: float, time: _Time, frame: Frame
) -> Plot:
    edges = _edges(half, width, time)
    most = max((value for value in late if value is not None), default=0.0)
    in_ms = most < 1.0
    factor = 1_000.0 if in_ms else 1.0
    title = frame.language.say("milliseconds") if in_ms else frame.language.say("seconds")
    lines = [
        Line(points, colour, 1.5)
        for values, colour in ((half, "data"), (late, "ink"))
        for points in _pieces(edges, values, factor)
    ]
    return plot(frame, 150, time.axis(frame), amounts(title, most * factor), lines)


def _pieces(
    edges: Sequence[float], values: Sequence[float | None], factor: float
) -> Iterator[tuple[tuple[float, float], ...]]:
    """Give the level pieces of a line; it has gaps where nothing is known."""
    points: list[tuple[float, float]] = []
    for i, value in enumerate(values):
        if value is None:
            if points:
                yield tuple(points)
            points = []
            continue
        points += [(edges[i], value * factor), (edges[i + 1], value * factor)]
    if points:
        yield tuple(points)


def _operations(load: Mapping[str, Any], frame: Frame) -> Chart:
    say, language = frame.language.say, frame.language
    found = [one for one in load["operations"] if one["p95_s"] is not None]
    slowest = max(found, key=lambda one: float(one["p95_s"]))
    return Chart(
        name="load-operations",
        topic=_TOPIC,
        title=say(
            "The slowest operation: {operation}, {p95} or less for 19 of 20",
            operation=slowest["operation"],
            p95=duration(slowest["p95_s"], language),
        ),
        caption=say(
            "The time of 19 of 20 requests of each operation, and of 99 of 100 behind it. Operations are called as in "
            "the deployment's own document."
        ),
        plot=told_bars([Bar(_called(one, language), one["p95_s"], _late(one, language)) for one in found], frame),
        table=Table.of(
            (say("operation"), say("requests"), say("failed"), say("median, ms"), say("p95, ms"), say("p99, ms")),
            [
                (_called(one, language), one["count"], one["failed"], *(_ms(one[f"p{p}_s"]) for p in (50, 95, 99)))
                for one in load["operations"]
            ],
        ),
        keys=(Key(say("19 of 20 took no longer"), "data"),),
    )


def _called(one: Mapping[str, Any], language: Language) -> str:
    name = one["operation"] or "–"
    return language.say("{operation} (looks)", operation=name) if one["looks"] else str(name)


def _late(one: Mapping[str, Any], language: Language) -> str:
    return language.say("{p95}, {p99}", p95=duration(one["p95_s"], language), p99=duration(one["p99_s"], language))


def _errors(load: Mapping[str, Any], frame: Frame) -> Chart:
    say, language, asked = frame.language.say, frame.language, load["requests"]["all"]
    worst = load["errors"][:_MOST_ERRORS]
    names = [_named(one, language) for one in load["errors"]]
    share = asked["failed_share"] or 0.0
    return Chart(
        name="load-errors",
        topic=_TOPIC,
        title=say(
            "{failed} of {count} requests failed ({share})",
            failed=number(asked["failed"]),
            count=number(asked["count"]),
            share=percent(share, language),
        ),
        caption=say(
            "Requests without an answer, or with a status of 400 and more, by operation. Failures are those without an "
            "answer and from 500 on; the others are a deployment's ways to say no, and 429 its way to ask for less."
        ),
        plot=told_bars(
            [Bar(name, one["count"], number(one["count"])) for name, one in zip(names, worst, strict=False)], frame
        ),
        table=Table.of(
            (say("operation"), say("answer"), say("requests"), say("counts as failed")),
            [
                (one["operation"], error_word(one["kind"], language), one["count"], _yes(one["failed"], language))
                for one in load["errors"]
            ],
        ),
        keys=(Key(say("requests"), "data"),),
    )


def _named(one: Mapping[str, Any], language: Language) -> str:
    return language.say("{operation}: {error}", operation=one["operation"], error=error_word(one["kind"], language))


def _yes(fact: bool, language: Language) -> str:
    return language.say("yes") if fact else language.say("no")


# ---------------------------------------------------------------------------------------------------------------------
# The review, beside its prediction
# ---------------------------------------------------------------------------------------------------------------------


def _predicted(load: Mapping[str, Any]) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = (load.get("prediction") or {}).get("applications")
    return found


def _backlog(load: Mapping[str, Any], time: _Time, frame: Frame) -> Chart:
    say, bins = frame.language.say, load["applications"]["bins"]
    predicted = _predicted(load)
    return Chart(
        name="load-backlog",
        topic=_TOPIC,
        title=_largest(load["applications"], predicted, frame.language),
        caption=say("Applications handed in and not decided, in real time. The simulation ran before the load test."),
        plot=_backlog_plot(bins, predicted, time, frame),
        table=Table.of(
            (say("seconds since the start"), say("handed in"), say("decided"), say("in review")),
            [
                (round(i * bins["width_s"], 1), *row)
                for i, row in enumerate(zip(bins["handed_in"], bins["decided"], bins["backlog"], strict=True))
            ],
        ),
        keys=(
            Key(say("in review, measured"), "soft"),
            *((Key(say("predicted"), "alert", "dash"),) if predicted else ()),
        ),
    )


def _largest(counts: Mapping[str, Any], predicted: Mapping[str, Any] | None, language: Language) -> str:
    most = number(counts["longest_backlog"])
    if predicted is None:
        return language.say("At most {most} applications were in review at once", most=most)
    return language.say(
        "At most {most} applications were in review at once; {predicted} were predicted",
        most=most,
        predicted=number(predicted["longest_backlog"]),
    )


def _backlog_plot(bins: Mapping[str, Any], predicted: Mapping[str, Any] | None, time: _Time, frame: Frame) -> Plot:
    measured = _points(bins, time)
    foreseen = _points(predicted["bins"], time) if predicted else ()
    y = amounts(frame.language.say("applications in review"), max(value for _, value in (*measured, *foreseen)))
    marks: list[Mark] = [Area(measured, "soft"), Line(measured, "data", 1.5)]
    if foreseen:
        marks.append(Line(foreseen, "alert", 1.5, dashed=True))
    return plot(frame, 160, time.axis(frame), y, marks)


def _points(bins: Mapping[str, Any], time: _Time) -> tuple[tuple[float, float], ...]:
    """Give the backlog at the end of each bin, as far as the time axis reaches."""
    ends = [(time.at((i + 1) * bins["width_s"]), float(value)) for i, value in enumerate(bins["backlog"])]
    within = [(at, value) for at, value in ends if at < time.end]
    # The last bin may be cut short.
    last = ends[len(within) : len(within) + 1]
    return ((0.0, 0.0), *within, *((time.end, value) for _, value in last))


def _days(load: Mapping[str, Any], frame: Frame) -> Chart:
    say, language, days = frame.language.say, frame.language, load["applications"]["days"]
    predicted = {day["date"]: day["decided"] for day in (_predicted(load) or {}).get("days") or ()}
    return Chart(
        name="load-days",
        topic=_TOPIC,
        title=throughput(load, language).removesuffix(".").removesuffix("。"),
        caption=say("Decisions on each date of the scenario, beside those that the simulation predicted."),
        plot=_days_plot(days, predicted, frame),
        table=Table.of(
            (say("date"), say("handed in"), say("decided"), say("predicted"), say("in review at the end of the day")),
            [
                (day["date"], day["handed_in"], day["decided"], predicted.get(day["date"]), day["backlog"])
                for day in days
            ],
        ),
        keys=(
            Key(say("decided"), "data"),
            *((Key(say("predicted"), "alert", "line"),) if predicted else ()),
            Key(say("no working day"), "closed"),
        ),
    )


def _days_plot(days: Sequence[Mapping[str, Any]], predicted: Mapping[str, int], frame: Frame) -> Plot:
    step = 1 + len(days) // (4 if frame.narrow else 10)
    ticks = [
        Tick(i + 0.5, (short_day(date_of(day["date"]), frame.language),)) for i, day in enumerate(days) if i % step == 0
    ]
    closed: list[Mark] = [
        Box((i, i + 1), (float("-inf"), float("inf")), "closed") for i, day in enumerate(days) if not day["working"]
    ]
    boxes: list[Mark] = [
        Box((i + 0.15, i + 0.85), (0, day["decided"]), "data") for i, day in enumerate(days) if day["decided"]
    ]
    levels: list[Mark] = [
        Line(((i + 0.05, predicted[day["date"]]), (i + 0.95, predicted[day["date"]])), "alert", 2)
        for i, day in enumerate(days)
        if day["date"] in predicted
    ]
    most = max([*(day["decided"] for day in days), *predicted.values()], default=0)
    y = amounts(frame.language.say("decisions a day"), most)
    return plot(frame, 150, Axis(0, len(days), tuple(ticks)), y, [*closed, *boxes, *levels])
