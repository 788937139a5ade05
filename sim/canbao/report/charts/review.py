"""The review: working days against the promise, and what flows through it from day to day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from canbao.report.charts.axes import (
    Days,
    Layer,
    amounts,
    bands,
    bars_by_day,
    classes,
    colour,
    dates,
    deadline_layers,
    layer,
    levels_by_day,
    spec,
)
from canbao.report.charts.chart import Chart, Key, Table
from canbao.report.palette import ENDINGS
from canbao.report.words import day, number, percent, threshold

__all__ = ["review_charts"]

_Promise = Mapping[str, Any]
_Line = tuple[str, str, Mapping[str, float | None]]
"""Name of a channel, its colour, and the share decided within each number of working days."""

_LINES = (ENDINGS[0], ENDINGS[3], ENDINGS[5], ENDINGS[4], ENDINGS[6], ENDINGS[2], ENDINGS[7])
"""Colours of channels; more channels than that begin again."""


def review_charts(summary: Mapping[str, Any], days: Days) -> Iterator[Chart]:
    """Show the review's charts; none if no application was handed in."""
    review = summary.get("review") or {}
    if not review.get("rounds"):
        return
    promises = [o for o in summary.get("objectives") or () if o["kind"] == "review"]
    yield _promise(review, promises, days)
    yield _working_days(review, promises, days)
    flow = review.get("flow") or {}
    if flow.get("handed_in"):
        yield _flow(flow, days)
        yield _backlog(flow, days)


# ---------------------------------------------------------------------------------------------------------------------
# Against the promise
# ---------------------------------------------------------------------------------------------------------------------


def _promise(review: Mapping[str, Any], promises: Sequence[_Promise], days: Days) -> Chart:
    lines = _lines(review)
    limits = sorted(int(limit) for limit in review["within"])
    wanted = sorted({*(promise["wanted"]["within"] for promise in promises), limits[-1]} & {*limits})
    marks = {promise["held"] for promise in promises}
    return Chart(
        name="review-promise",
        topic="review",
        title=_promise_title(review["within"], wanted),
        caption=(
            "Share of applications decided within so many working days; the day of handing in does not count. "
            "Those handed in too late to be watched for so long are left out. "
            + ("Marks: what the objectives want." if promises else "The scenario states no objective for the review.")
        ),
        spec=_cumulative(lines, limits, promises, days),
        table=Table.of(
            ("within working days", *(name for name, _, _ in lines)),
            [(limit, *(_rounded(within[str(limit)]) for _, _, within in lines)) for limit in limits],
        ),
        keys=(
            *(Key(name, shade, "line") for name, shade, _ in lines),
            *((Key("promise held", "good", "dot"),) if True in marks else ()),
            *((Key("promise missed", "alert", "diamond"),) if False in marks else ()),
        ),
    )


def _promise_title(within: Mapping[str, float | None], limits: Sequence[int]) -> str:
    first, last = limits[0], limits[-1]
    said = f"{percent(within[str(first)] or 0.0)} of all applications are decided within {_days(first)}"
    return said if first == last else f"{said}, {percent(within[str(last)] or 0.0)} within {last}"


def _lines(review: Mapping[str, Any]) -> list[_Line]:
    channels = review.get("channels") or {}
    found = [(name, _LINES[i % len(_LINES)], one["within"]) for i, (name, one) in enumerate(channels.items())]
    return [*found, ("all applications", "ink", review["within"])] if len(found) != 1 else found


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def _cumulative(
    lines: Sequence[_Line], limits: Sequence[int], promises: Sequence[_Promise], days: Days
) -> dict[str, Any]:
    ticks = [n for n in (1, 2, 3, 4, 5, 10, 15, 20) if limits[0] <= n <= limits[-1]]
    x = {
        "field": "limit",
        "type": "quantitative",
        "scale": {"domain": [limits[0], limits[-1]], "nice": False, "zero": False},
        "axis": {"title": "working days", "values": ticks, "format": "d", "grid": False},
    }
    y = amounts("share decided", "share", whole=False, domain=[0, 1])
    y["axis"] = {**y["axis"], "format": "%"}
    values = [
        {"level": name, "limit": limit, "share": within[str(limit)]}
        for name, _, within in lines
        for limit in limits
        if within[str(limit)] is not None
    ]
    encoding = {"x": x, "y": y, "color": classes([Key(name, shade) for name, shade, _ in lines])}
    steps = layer("line", encoding, values, interpolate="step-after", strokeWidth=2, aria=False)
    return spec(days, 190, [steps, *_targets(promises, x, limits[-1])])


def _targets(promises: Sequence[_Promise], x: Mapping[str, Any], longest: int) -> Iterator[Layer]:
    y = {"field": "share", "type": "quantitative"}
    for held, shape, shade in ((True, "circle", "good"), (False, "diamond", "alert")):
        values = [_target(one) for one in promises if one["held"] is held and one["wanted"]["within"] <= longest]
        if values:
            look = {"filled": True, "size": 110, "shape": shape, "color": colour(shade), "opacity": 1}
            yield layer("point", {"x": x, "y": y}, values, **look)


def _target(promise: _Promise) -> dict[str, Any]:
    wanted = promise["wanted"]
    share, within = wanted["at_least"], wanted["within"]
    title = promise.get("title") or promise["name"]
    return {"limit": within, "share": share, "said": f"{title}: {threshold(share)} within {_days(within)} wanted"}


def _working_days(review: Mapping[str, Any], promises: Sequence[_Promise], days: Days) -> Chart:
    still_open, limits = review["open"], sorted({promise["wanted"]["within"] for promise in promises})
    bars = _bars(list(review.get("distribution") or [0]), still_open, limits)
    left = f", and {number(still_open)} were still open at the end" if still_open else ""
    return Chart(
        name="review-days",
        topic="review",
        title=f"{_took(review['working_days']['median'])}{left}",
        caption="Applications by working days from handing in to decision; “open”: without a decision at the end.",
        spec=_histogram(bars, [limit for limit in limits if limit < len(bars) - 2], days),
        table=Table.of(("working days", "applications"), bars),
        keys=(
            Key("decided", "data"),
            Key("still open", "soft"),
            *((Key("longest time that an objective allows", "alert", "dash"),) if limits else ()),
        ),
    )


def _bars(counts: Sequence[int], still_open: int, limits: Sequence[int]) -> list[tuple[str, int]]:
    """Give labels and counts: single working days, then all that took longer, then those without a decision."""
    last = max(3, min(20, max(len(counts) - 1, *limits, 0)))
    single = [(str(n), counts[n] if n < len(counts) else 0) for n in range(last + 1)]
    return [*single, (f">{last}", sum(counts[last + 1 :])), ("open", still_open)]


def _took(median: float | None) -> str:
    if median is None:
        return "No application was decided"
    if median < 1:
        return "Half of the decided applications took no further working day"
    return f"Half of the decided applications took {_days(median)} or less"


def _days(count: float) -> str:
    return f"{number(count)} working day{'' if count == 1 else 's'}"


def _histogram(bars: Sequence[tuple[str, int]], limits: Sequence[int], days: Days) -> dict[str, Any]:
    last = len(bars) - 1
    values = [_bar(index, label, count) for index, (label, count) in enumerate(bars)]
    ticks = [*range(0, last - 2, 5), last - 1, last] if days.narrow and last > 12 else list(range(last + 1))
    # A telephone has no room for the last label beside its neighbour.
    end = "['', 'open']" if days.narrow else "'open'"
    above = f"datum.value == {last - 1} ? '{bars[-2][0]}' : format(datum.value, 'd')"
    x = {
        "field": "from",
        "type": "quantitative",
        "scale": {"domain": [-0.6, last + 0.6], "nice": False, "zero": False},
        "axis": {
            "title": "working days",
            "values": ticks,
            "labelExpr": f"datum.value == {last} ? {end} : {above}",
            "grid": False,
        },
    }
    shade = {"condition": {"test": f"datum.from > {last - 1}", "value": colour("soft")}, "value": colour("data")}
    encoding = {"x": x, "x2": {"field": "to"}, "y": amounts("applications"), "y2": {"datum": 0}, "color": shade}
    promised = [{"from": limit + 0.5} for limit in limits]
    rule = layer("rule", {"x": x}, promised, color=colour("alert"), strokeDash=[4, 3], aria=False)
    return spec(days, 160, [layer("rect", encoding, values), *([rule] if limits else [])])


def _bar(index: int, label: str, count: int) -> dict[str, Any]:
    took = "still open" if label == "open" else f"{label} working days"
    return {"from": index - 0.4, "to": index + 0.4, "value": count, "said": f"{took}: {count:,} applications"}


# ---------------------------------------------------------------------------------------------------------------------
# Day by day
# ---------------------------------------------------------------------------------------------------------------------


def _flow(flow: Mapping[str, Any], days: Days) -> Chart:
    came, decided = flow["handed_in"], flow["decided"]
    return Chart(
        name="review-flow",
        topic="review",
        title=_throughput(flow.get("throughput_a_working_day") or {}),
        caption="Bars: applications handed in on each day, corrected ones again. Lines: those decided on that day.",
        spec=_flow_spec(came, decided, days),
        table=Table.of(
            ("date", "handed in", "decided"),
            [(str(days.date(i)), *pair) for i, pair in enumerate(zip(came, decided, strict=True))],
        ),
        keys=(Key("handed in", "data"), Key("decided", "ink", "line"), *_season_keys(days)),
    )


def _throughput(decided: Mapping[str, Any]) -> str:
    if decided.get("median") is None:
        return "What is handed in and what is decided, day by day"
    median, most = number(decided["median"]), number(decided["max"])
    return f"The review decides {median} applications on a working day (median), {most} at most"


def _season_keys(days: Days) -> tuple[Key, ...]:
    found = (Key("no working day", "closed"),)
    return found if days.deadline is None else (*found, Key("end of the deadline's day", "alert", "dash"))


def _flow_spec(came: Sequence[int], decided: Sequence[int], days: Days) -> dict[str, Any]:
    def said(index: int) -> str:
        return f"{day(days.date(index))}: {came[index]:,} handed in, {decided[index]:,} decided"

    bars = bars_by_day(days, "applications a day", came, said)
    lines = levels_by_day(days, [count or None for count in decided])
    return spec(days, 170, [bands(days, days.closed), bars, lines, *deadline_layers(days)])


def _backlog(flow: Mapping[str, Any], days: Days) -> Chart:
    backlog = flow["backlog"]
    values = [
        {"from": days.ms(0), "value": 0},
        *({"from": days.ms(i + 1), "value": count} for i, count in enumerate(backlog)),
    ]
    edge = {"color": colour("data"), "strokeWidth": 1.5}
    encoding = {"x": dates(days), "y": amounts("applications in review")}
    area = layer("area", encoding, values, color=colour("soft"), line=edge, aria=False)
    return Chart(
        name="review-backlog",
        topic="review",
        title=_largest(backlog, days),
        caption="Applications handed in and not decided by the end of each day.",
        spec=spec(days, 170, [bands(days, days.closed), area, *deadline_layers(days)]),
        table=Table.of(("date", "applications in review"), [(str(days.date(i)), n) for i, n in enumerate(backlog)]),
        keys=(Key("in review at the end of the day", "soft"), *_season_keys(days)),
    )


def _largest(backlog: Sequence[int], days: Days) -> str:
    most, left = max(backlog), backlog[-1]
    if not most:
        return "No application stays in review overnight"
    when = day(days.date(backlog.index(most)))
    rest = f"{number(left)} are left" if left else "none is left"
    return f"The backlog is largest on {when}: {number(most)} applications; {rest} on the last day"
