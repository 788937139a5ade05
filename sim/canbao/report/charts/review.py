"""The review: working days against the promise, and what flows through it from day to day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from canbao.languages import Language
from canbao.report.charts.axes import (
    EDGES,
    Frame,
    amounts,
    bands,
    bars_by_day,
    dates,
    deadline_keys,
    deadline_marks,
    levels_by_day,
    percents_axis,
    plot,
)
from canbao.report.charts.chart import Chart, Key, Table
from canbao.report.charts.plot import Area, Axis, Box, Dot, Line, Plot, Shape, Tick
from canbao.report.palette import ENDINGS
from canbao.report.terms import objective_title
from canbao.report.words import day, number, percent, threshold, working_days

__all__ = ["review_charts"]

_Promise = Mapping[str, Any]
_Line = tuple[str, str, Mapping[str, float | None]]
"""Name of a channel, its colour, and the share decided within each number of working days."""

_LINES = (ENDINGS[0], ENDINGS[3], ENDINGS[5], ENDINGS[4], ENDINGS[6], ENDINGS[2], ENDINGS[7])
"""Colours of channels; more channels than that begin again."""


def review_charts(summary: Mapping[str, Any], frame: Frame) -> Iterator[Chart]:
    """Show the review's charts; none if no application was handed in."""
    review = summary.get("review") or {}
    if not review.get("rounds"):
        return
    promises = [o for o in summary.get("objectives") or () if o["kind"] == "review"]
    yield _promise(review, promises, frame)
    yield _working_days(review, promises, frame)
    flow = review.get("flow") or {}
    if flow.get("handed_in"):
        yield _flow(flow, frame)
        yield _backlog(flow, frame)


# ---------------------------------------------------------------------------------------------------------------------
# Against the promise
# ---------------------------------------------------------------------------------------------------------------------


def _promise(review: Mapping[str, Any], promises: Sequence[_Promise], frame: Frame) -> Chart:
    say, lines = frame.language.say, _lines(review, frame.language)
    limits = sorted(int(limit) for limit in review["within"])
    wanted = sorted({*(promise["wanted"]["within"] for promise in promises), limits[-1]} & {*limits})
    marks = {promise["held"] for promise in promises}
    return Chart(
        name="review-promise",
        topic="review",
        title=_promise_title(review["within"], wanted, frame.language),
        caption=_promise_caption(frame.language, promised=bool(promises)),
        plot=_cumulative(lines, limits, promises, frame),
        table=Table.of(
            (say("within working days"), *(name for name, _, _ in lines)),
            [(limit, *(_rounded(within[str(limit)]) for _, _, within in lines)) for limit in limits],
        ),
        keys=(
            *(Key(name, shade, "line") for name, shade, _ in lines),
            *((Key(say("promise held"), "good", "dot"),) if True in marks else ()),
            *((Key(say("promise missed"), "alert", "diamond"),) if False in marks else ()),
        ),
    )


def _promise_title(within: Mapping[str, float | None], limits: Sequence[int], language: Language) -> str:
    # Of a limit that no application could be watched for, nothing is known.
    limits = [limit for limit in limits if within[str(limit)] is not None] or limits[:1]
    first, last = (percent(within[str(limit)] or 0.0, language) for limit in (limits[0], limits[-1]))
    days = working_days(limits[0], language)
    if limits[0] == limits[-1]:
        return language.say("{share} of all applications are decided within {days}", share=first, days=days)
    return language.say(
        "{share} of all applications are decided within {days}, {more} within {limit}",
        share=first,
        days=days,
        more=last,
        limit=limits[-1],
    )


def _promise_caption(language: Language, *, promised: bool) -> str:
    if promised:
        return language.say(
            "Share of applications decided within so many working days; the day of handing in does not count. "
            "Those handed in too late to be watched for so long are left out. Marks: what the objectives want."
        )
    return language.say(
        "Share of applications decided within so many working days; the day of handing in does not count. "
        "Those handed in too late to be watched for so long are left out. "
        "The scenario states no objective for the review."
    )


def _lines(review: Mapping[str, Any], language: Language) -> list[_Line]:
    channels = review.get("channels") or {}
    found = [(name, _LINES[i % len(_LINES)], one["within"]) for i, (name, one) in enumerate(channels.items())]
    return [*found, (language.say("all applications"), "ink", review["within"])] if len(found) != 1 else found


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def _cumulative(lines: Sequence[_Line], limits: Sequence[int], promises: Sequence[_Promise], frame: Frame) -> Plot:
    ticks = (Tick(n, (str(n),)) for n in (1, 2, 3, 4, 5, 10, 15, 20) if limits[0] <= n <= limits[-1])
    x = Axis(limits[0], limits[-1], tuple(ticks), frame.language.say("working days"), flush=True)
    y = percents_axis(frame.language.say("share decided"), 1.0, 4)
    steps = [Line(tuple(_steps(within, limits)), shade, 2) for _, shade, within in lines]
    return plot(frame, 190, x, y, [*steps, *_targets(promises, limits[-1], frame.language)])


def _steps(within: Mapping[str, float | None], limits: Sequence[int]) -> Iterator[tuple[float, float]]:
    """Hold each share until the next limit."""
    known = [(limit, share) for limit in limits if (share := within[str(limit)]) is not None]
    for (limit, share), (following, _) in pairwise([*known, *known[-1:]]):
        yield from ((limit, share), (following, share))


def _targets(promises: Sequence[_Promise], longest: int, language: Language) -> Iterator[Dot]:
    for promise in promises:
        wanted, held = promise["wanted"], promise["held"]
        if held is not None and wanted["within"] <= longest:
            shape: Shape = "circle" if held else "diamond"
            said = _target(promise, language)
            yield Dot(wanted["within"], wanted["at_least"], "good" if held else "alert", 5.2, shape, said)


def _target(promise: _Promise, language: Language) -> str:
    wanted = promise["wanted"]
    return language.say(
        "{title}: {share} within {days} wanted",
        title=objective_title(promise, language),
        share=threshold(wanted["at_least"], language),
        days=working_days(wanted["within"], language),
    )


def _working_days(review: Mapping[str, Any], promises: Sequence[_Promise], frame: Frame) -> Chart:
    say, still_open = frame.language.say, review["open"]
    limits = sorted({promise["wanted"]["within"] for promise in promises})
    bars = _bars(list(review.get("distribution") or [0]), still_open, limits, frame.language)
    return Chart(
        name="review-days",
        topic="review",
        title=_took(review["working_days"]["median"], still_open, frame.language),
        caption=say("Applications by working days from handing in to decision; “open”: without a decision at the end."),
        plot=_histogram(bars, [limit for limit in limits if limit < len(bars) - 2], frame),
        table=Table.of((say("working days"), say("applications")), bars),
        keys=(
            Key(say("decided"), "data"),
            Key(say("still open"), "soft"),
            *((Key(say("longest time that an objective allows"), "alert", "dash"),) if limits else ()),
        ),
    )


def _bars(counts: Sequence[int], still_open: int, limits: Sequence[int], language: Language) -> list[tuple[str, int]]:
    """Give labels and counts: single working days, then all that took longer, then those without a decision."""
    last = max(3, min(20, max(len(counts) - 1, *limits, 0)))
    single = [(str(n), counts[n] if n < len(counts) else 0) for n in range(last + 1)]
    return [*single, (f">{last}", sum(counts[last + 1 :])), (language.say("open"), still_open)]


def _took(median: float | None, still_open: int, language: Language) -> str:
    if median is None:
        said = language.say("No application was decided")
    elif median < 1:
        said = language.say("Half of the decided applications took no further working day")
    else:
        said = language.say("Half of the decided applications took {days} or less", days=working_days(median, language))
    if not still_open:
        return said
    return language.say("{said}, and {number} were still open at the end", said=said, number=number(still_open))


def _histogram(bars: Sequence[tuple[str, int]], limits: Sequence[int], frame: Frame) -> Plot:
    say, last = frame.language.say, len(bars) - 1
    decided, still_open = say("{days} working days: {count} applications"), say("still open: {count} applications")
    shown = [*range(0, last - 2, 5), last - 1, last] if frame.narrow and last > 12 else list(range(last + 1))
    labels: dict[int, tuple[str, ...]] = {index: (label,) for index, (label, _) in enumerate(bars)}
    if frame.narrow:
        labels[last] = ("", bars[last][0])  # a telephone has no room for the last label beside its neighbour
    x = Axis(-0.6, last + 0.6, tuple(Tick(index, labels[index]) for index in shown), say("working days"))
    boxes = [
        Box(
            (index - 0.4, index + 0.4),
            (0, count),
            "soft" if index == last else "data",
            (still_open if index == last else decided).format(days=label, count=f"{count:,}"),
        )
        for index, (label, count) in enumerate(bars)
    ]
    rules = [Line(tuple((limit + 0.5, edge) for edge in EDGES), "alert", dashed=True) for limit in limits]
    return plot(frame, 160, x, amounts(say("applications"), max(count for _, count in bars)), [*boxes, *rules])


# ---------------------------------------------------------------------------------------------------------------------
# Day by day
# ---------------------------------------------------------------------------------------------------------------------


def _flow(flow: Mapping[str, Any], frame: Frame) -> Chart:
    say, came, decided = frame.language.say, flow["handed_in"], flow["decided"]
    return Chart(
        name="review-flow",
        topic="review",
        title=_throughput(flow.get("throughput_a_working_day") or {}, frame.language),
        caption=say(
            "Bars: applications handed in on each day, corrected ones again. Lines: those decided on that day."
        ),
        plot=_flow_plot(came, decided, frame),
        table=Table.of(
            (say("date"), say("handed in"), say("decided")),
            [(str(frame.date(i)), *pair) for i, pair in enumerate(zip(came, decided, strict=True))],
        ),
        keys=(Key(say("handed in"), "data"), Key(say("decided"), "ink", "line"), *_season_keys(frame)),
    )


def _throughput(decided: Mapping[str, Any], language: Language) -> str:
    if decided.get("median") is None:
        return language.say("What is handed in and what is decided, day by day")
    return language.say(
        "The review decides {median} applications on a working day (median), {most} at most",
        median=number(decided["median"]),
        most=number(decided["max"]),
    )


def _season_keys(frame: Frame) -> tuple[Key, ...]:
    return (Key(frame.language.say("no working day"), "closed"), *deadline_keys(frame))


def _flow_plot(came: Sequence[int], decided: Sequence[int], frame: Frame) -> Plot:
    def said(index: int) -> str:
        return frame.language.say(
            "{day}: {came} handed in, {decided} decided",
            day=day(frame.date(index), frame.language),
            came=f"{came[index]:,}",
            decided=f"{decided[index]:,}",
        )

    y = amounts(frame.language.say("applications a day"), max([*came, *decided]))
    lines = levels_by_day([count or None for count in decided])
    marks = [*bands(frame.closed), *bars_by_day(frame, came, said), *lines, *deadline_marks(frame)]
    return plot(frame, 170, dates(frame), y, marks)


def _backlog(flow: Mapping[str, Any], frame: Frame) -> Chart:
    say, backlog = frame.language.say, flow["backlog"]
    return Chart(
        name="review-backlog",
        topic="review",
        title=_largest(backlog, frame),
        caption=say("Applications handed in and not decided by the end of each day."),
        plot=_backlog_plot(backlog, frame),
        table=Table.of(
            (say("date"), say("applications in review")), [(str(frame.date(i)), n) for i, n in enumerate(backlog)]
        ),
        keys=(Key(say("in review at the end of the day"), "soft"), *_season_keys(frame)),
    )


def _backlog_plot(backlog: Sequence[int], frame: Frame) -> Plot:
    y = amounts(frame.language.say("applications in review"), max(backlog))
    points = ((0.0, 0.0), *((day + 1.0, float(count)) for day, count in enumerate(backlog)))
    marks = [*bands(frame.closed), Area(points, "soft"), Line(points, "data", 1.5), *deadline_marks(frame)]
    return plot(frame, 170, dates(frame), y, marks)


def _largest(backlog: Sequence[int], frame: Frame) -> str:
    most, left = max(backlog), backlog[-1]
    if not most:
        return frame.language.say("No application stays in review overnight")
    told = {"day": day(frame.date(backlog.index(most)), frame.language), "number": number(most)}
    if not left:
        return frame.language.say(
            "The backlog is largest on {day}: {number} applications; none is left on the last day", **told
        )
    return frame.language.say(
        "The backlog is largest on {day}: {number} applications; {left} are left on the last day",
        left=number(left),
        **told,
    )
