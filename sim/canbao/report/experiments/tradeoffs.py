"""The trade-off of a staffing plan: what more or less money gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from canbao.report.charts.chart import Chart, Key, Table
from canbao.report.experiments.curves import Place, Series, curves
from canbao.report.experiments.sheet import Look, Sheet, minus, value_axis
from canbao.report.experiments.study import Study
from canbao.report.experiments.values import Scale, ends, interval, scale_of
from canbao.report.terms import term
from canbao.report.words import threshold, yuan

__all__ = ["servers_said", "tradeoff_charts"]

_Point = Mapping[str, Any]

_PLANS, _THE_PLAN, _NOW = Look("data", "circle"), Look("good", "square"), Look("ink", "triangle")


def servers_said(servers: int, study: Study) -> str:
    """Say how many servers more or less a plan has than the plan: `−2`, `+4`."""
    return minus(f"{servers:+d}") if servers else study.language.say("the plan")


def tradeoff_charts(study: Study, sheet: Sheet) -> Iterator[Chart]:
    """Give cost against the share of seasons that hold, and against each objective."""
    yield _chance(study, sheet)
    for number, objective in enumerate(study.answer["objectives"], start=1):
        yield _promise(f"tradeoff-{number}", objective, study, sheet)


def _points(study: Study) -> list[_Point]:
    return sorted(study.answer["curve"], key=lambda point: float(point["yuan"]))


def _money(study: Study) -> Scale:
    costs = [point["yuan"] for point in (*_points(study), study.answer["as_it_is"])]
    return scale_of("yuan", costs, study.language)


def _chance(study: Study, sheet: Sheet) -> Chart:
    say, answer = study.language.say, study.answer
    wanted = threshold(answer["probability"], study.language)

    def place(point: _Point, label: str) -> Place:
        share, cost = point["share"], _money(study).factor * point["yuan"]
        held = say("{held} of {n}", held=point["held"], n=point["n"])
        low, high = (100 * share[key] for key in ("low", "high"))
        return Place(cost, 100 * share["share"], low, high, f"{label}: {held}", label)

    return _chart(
        "tradeoff",
        say("Cost against the chance that a season holds every objective"),
        say("Dashed: the wanted {share}. Bars: intervals of the chance.", share=wanted),
        place,
        say("seasons in which every objective holds (%)"),
        100 * answer["probability"],
        (0.0, 100.0),
        study,
        sheet,
    )


def _promise(name: str, objective: Mapping[str, Any], study: Study, sheet: Sheet) -> Chart:
    say, unit = study.language.say, objective["unit"]
    title, wanted = term("scenario", objective["title"], study.language), objective["wanted"]
    found = [point["objectives"][objective["name"]] for point in (*_points(study), study.answer["as_it_is"])]
    limit = wanted.get("at_least", wanted.get("at_most"))
    scale = scale_of(unit, [limit, *(each["mean"] for each in found)], study.language)

    def place(point: _Point, label: str) -> Place | None:
        estimate = point["objectives"][objective["name"]]
        middle, low, high = ends(estimate, scale)
        said = f"{label}: {interval(estimate, unit, study.language)}"
        return None if middle is None else Place(_money(study).factor * point["yuan"], middle, low, high, said, label)

    return _chart(
        name,
        say("Cost against “{objective}”", objective=title),
        say("Dashed: what is promised. Dots are means over seasons, with their intervals."),
        place,
        scale.titled(title, study.language),
        scale.of(limit),
        scale.within,
        study,
        sheet,
    )


def _chart(  # noqa: PLR0913, PLR0917 - the parts of one chart
    name: str,
    title: str,
    caption: str,
    place: Any,
    y_title: str,
    limit: float | None,
    within: tuple[float, float],
    study: Study,
    sheet: Sheet,
) -> Chart:
    say, points = study.language.say, _points(study)
    around = [place(point, servers_said(point["servers"], study)) for point in points]
    plan = [place(point, say("the plan")) for point in points if not point["servers"]]
    now = [place(study.answer["as_it_is"], say("as it is"))]
    series = [
        _series(say("plans with more or fewer servers"), around, _PLANS),
        _series(say("the plan"), plan, _THE_PLAN, joined=False),
        _series(say("the staff as it is"), now, _NOW, joined=False),
    ]
    drawn = [each for each in series if each.places]
    money = _money(study)
    x = value_axis(
        [each.x for one in drawn for each in one.places],
        money.titled(say("cost of the staff"), study.language),
        4 if sheet.narrow else 8,
    )
    return Chart(
        name=name,
        topic="tradeoff",
        title=title,
        caption=caption + " " + say("Numbers say how many servers more or fewer there are than in the plan."),
        plot=curves(drawn, sheet, x, y_title, limit=limit, within=within),
        table=_table(points, study),
        keys=(
            *(Key(each.name, each.look.colour, each.look.shape) for each in drawn),
            Key(say("what is wanted"), "alert", "dash"),
        ),
    )


def _series(name: str, places: Sequence[Place | None], look: Look, *, joined: bool = True) -> Series:
    known = tuple(each for each in places if each is not None)
    return Series(name, known, look, joined, 4.0 if joined else 5.5)


def _table(points: Sequence[_Point], study: Study) -> Table:
    say = study.language.say
    named = [(servers_said(point["servers"], study), point) for point in points]
    named.append((say("as it is"), study.answer["as_it_is"]))
    titles = [term("scenario", each["title"], study.language) for each in study.answer["objectives"]]
    rows = [
        (
            name,
            yuan(point["yuan"], study.language),
            say("{held} of {n}", held=point["held"], n=point["n"]),
            *(
                interval(point["objectives"][each["name"]], each["unit"], study.language)
                for each in study.answer["objectives"]
            ),
        )
        for name, point in named
    ]
    return Table.of((say("servers"), say("cost"), say("held"), *titles), rows)
