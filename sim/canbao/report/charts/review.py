"""The review: working days against the promise, and what flows through it from day to day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from canbao.languages import Language
from canbao.report.charts.axes import (
    Frame,
    Layer,
    amounts,
    bands,
    bars_by_day,
    classes,
    colour,
    dates,
    deadline_keys,
    deadline_layers,
    labelled,
    layer,
    levels_by_day,
    spec,
)
from canbao.report.charts.chart import Chart, Key, Table
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
        spec=_cumulative(lines, limits, promises, frame),
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


def _cumulative(
    lines: Sequence[_Line], limits: Sequence[int], promises: Sequence[_Promise], frame: Frame
) -> dict[str, Any]:
    ticks = [n for n in (1, 2, 3, 4, 5, 10, 15, 20) if limits[0] <= n <= limits[-1]]
    x = {
        "field": "limit",
        "type": "quantitative",
        "scale": {"domain": [limits[0], limits[-1]], "nice": False, "zero": False},
        "axis": {"title": frame.language.say("working days"), "values": ticks, "format": "d", "grid": False},
    }
    y = amounts(frame.language.say("share decided"), "share", whole=False, domain=[0, 1])
    y["axis"] = {**y["axis"], "format": "%"}
    values = [
        {"level": name, "limit": limit, "share": within[str(limit)]}
        for name, _, within in lines
        for limit in limits
        if within[str(limit)] is not None
    ]
    encoding = {"x": x, "y": y, "color": classes([Key(name, shade) for name, shade, _ in lines])}
    steps = layer("line", encoding, values, interpolate="step-after", strokeWidth=2, aria=False)
    return spec(frame, 190, [steps, *_targets(promises, x, limits[-1], frame.language)])


def _targets(promises: Sequence[_Promise], x: Mapping[str, Any], longest: int, language: Language) -> Iterator[Layer]:
    y = {"field": "share", "type": "quantitative"}
    for held, shape, shade in ((True, "circle", "good"), (False, "diamond", "alert")):
        shown = [one for one in promises if one["held"] is held and one["wanted"]["within"] <= longest]
        if shown:
            look = {"filled": True, "size": 110, "shape": shape, "color": colour(shade), "opacity": 1}
            yield layer("point", {"x": x, "y": y}, [_target(one, language) for one in shown], **look)


def _target(promise: _Promise, language: Language) -> dict[str, Any]:
    wanted = promise["wanted"]
    said = language.say(
        "{title}: {share} within {days} wanted",
        title=objective_title(promise, language),
        share=threshold(wanted["at_least"], language),
        days=working_days(wanted["within"], language),
    )
    return {"limit": wanted["within"], "share": wanted["at_least"], "said": said}


def _working_days(review: Mapping[str, Any], promises: Sequence[_Promise], frame: Frame) -> Chart:
    say, still_open = frame.language.say, review["open"]
    limits = sorted({promise["wanted"]["within"] for promise in promises})
    bars = _bars(list(review.get("distribution") or [0]), still_open, limits, frame.language)
    return Chart(
        name="review-days",
        topic="review",
        title=_took(review["working_days"]["median"], still_open, frame.language),
        caption=say("Applications by working days from handing in to decision; “open”: without a decision at the end."),
        spec=_histogram(bars, [limit for limit in limits if limit < len(bars) - 2], frame),
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


def _histogram(bars: Sequence[tuple[str, int]], limits: Sequence[int], frame: Frame) -> dict[str, Any]:
    say, last = frame.language.say, len(bars) - 1
    decided, still_open = say("{days} working days: {count} applications"), say("still open: {count} applications")
    values = [_bar(i, *bar, still_open if i == last else decided) for i, bar in enumerate(bars)]
    ticks = [*range(0, last - 2, 5), last - 1, last] if frame.narrow and last > 12 else list(range(last + 1))
    labels: dict[int, str | list[str]] = {index: label for index, (label, _) in enumerate(bars)}
    if frame.narrow:
        labels[last] = ["", bars[last][0]]  # a telephone has no room for the last label beside its neighbour
    x = {
        "field": "from",
        "type": "quantitative",
        "scale": {"domain": [-0.6, last + 0.6], "nice": False, "zero": False},
        "axis": {
            "title": say("working days"),
            "values": ticks,
            "labelExpr": labelled(labels, "datum.value"),
            "grid": False,
        },
    }
    shade = {"condition": {"test": f"datum.from > {last - 1}", "value": colour("soft")}, "value": colour("data")}
    y = amounts(say("applications"))
    encoding = {"x": x, "x2": {"field": "to"}, "y": y, "y2": {"datum": 0}, "color": shade}
    promised = [{"from": limit + 0.5} for limit in limits]
    rule = layer("rule", {"x": x}, promised, color=colour("alert"), strokeDash=[4, 3], aria=False)
    return spec(frame, 160, [layer("rect", encoding, values), *([rule] if limits else [])])


def _bar(index: int, label: str, count: int, said: str) -> dict[str, Any]:
    told = said.format(days=label, count=f"{count:,}")
    return {"from": index - 0.4, "to": index + 0.4, "value": count, "said": told}


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
        spec=_flow_spec(came, decided, frame),
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


def _flow_spec(came: Sequence[int], decided: Sequence[int], frame: Frame) -> dict[str, Any]:
    def said(index: int) -> str:
        return frame.language.say(
            "{day}: {came} handed in, {decided} decided",
            day=day(frame.date(index), frame.language),
            came=f"{came[index]:,}",
            decided=f"{decided[index]:,}",
        )

    bars = bars_by_day(frame, frame.language.say("applications a day"), came, said)
    lines = levels_by_day(frame, [count or None for count in decided])
    return spec(frame, 170, [bands(frame, frame.closed), bars, lines, *deadline_layers(frame)])


def _backlog(flow: Mapping[str, Any], frame: Frame) -> Chart:
    say, backlog = frame.language.say, flow["backlog"]
    return Chart(
        name="review-backlog",
        topic="review",
        title=_largest(backlog, frame),
        caption=say("Applications handed in and not decided by the end of each day."),
        spec=_backlog_spec(backlog, frame),
        table=Table.of(
            (say("date"), say("applications in review")), [(str(frame.date(i)), n) for i, n in enumerate(backlog)]
        ),
        keys=(Key(say("in review at the end of the day"), "soft"), *_season_keys(frame)),
    )


def _backlog_spec(backlog: Sequence[int], frame: Frame) -> dict[str, Any]:
    values = [
        {"from": frame.ms(0), "value": 0},
        *({"from": frame.ms(i + 1), "value": count} for i, count in enumerate(backlog)),
    ]
    edge = {"color": colour("data"), "strokeWidth": 1.5, "aria": False}
    encoding = {"x": dates(frame), "y": amounts(frame.language.say("applications in review"))}
    area = layer("area", encoding, values, color=colour("soft"), line=edge, aria=False)
    return spec(frame, 170, [bands(frame, frame.closed), area, *deadline_layers(frame)])


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
