"""The report of a search for the capacity: times and the review against the rate, and the trials in their order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from canbao.languages import Language, noted
from canbao.report.answer import Figure
from canbao.report.charts.axes import EDGES, numbers_axis
from canbao.report.charts.chart import Chart, Key, Table
from canbao.report.charts.plot import Axis, Box, Dot, Line, Mark, Plot, Space, Text
from canbao.report.experiments.findings import Findings, Kind
from canbao.report.experiments.sheet import Look, Sheet, text_px, value_axis
from canbao.report.experiments.study import Study
from canbao.report.loads.capacity import (
    curve_cells,
    curve_header,
    found_said,
    headline,
    is_sure,
    medians,
    outcome,
    rate_said,
    why_said,
)
from canbao.report.tables import Listing
from canbao.report.words import duration, percent

__all__ = ["CAPACITY"]

_One = Mapping[str, Any]

_HEIGHT, _LOW_HEIGHT = 240, 200
_TITLE_PX = 26
_HELD, _FAILED, _NOTHING = Look("good", "circle"), Look("alert", "diamond"), Look("muted", "ring")


# --- what is said -----------------------------------------------------------------------------------------------------


def _findings(study: Study) -> Findings:
    say, answer, language = study.language.say, study.answer, study.language
    return Findings(
        kind=say("Where it saturates"),
        question=say("How many families a second does the deployment hold?"),
        headline=headline(answer, language),
        held=None,
        sentences=found_said(answer, language),
        figures=list(_figures(answer, language)),
        listings=[_curve(answer, language), _trials(answer, language)],
        method=_method(answer, language),
        beside=say(
            "Beside this report, capacity.json holds every trial, and a folder each the load tests, with reports of "
            "their own."
        ),
    )


def _figures(answer: _One, language: Language) -> Iterator[Figure]:
    for end, label in _ENDS.items():
        known = answer[end] is None or is_sure(end, answer)
        yield Figure(rate_said(answer[end]), language.say(label if known else _UNDECIDED[end]))
    yield Figure(str(len(answer["trials"])), language.say("load tests were made"))


_ENDS = {"low": noted("families a second still hold"), "high": noted("families a second do not hold any more")}
_UNDECIDED = {
    "low": noted("families a second perhaps still hold; not decided by repetition"),
    "high": noted("families a second perhaps do not hold any more; not decided by repetition"),
}
"""What is said of the two ends of the knee, as `capacity.json` names them."""


def _method(answer: _One, language: Language) -> list[str]:
    say, rules, bounds = language.say, answer["rules"], answer["bounds"]
    return [
        say(
            "Each trial is a load test of {time} with families of the same period and other luck. A rate holds if at "
            "most {failed} of the requests fail, 19 of 20 are answered within {slow}, and no objective about the "
            "review is missed.",
            time=duration(answer["trial_s"], language),
            failed=percent(bounds["failed_share"], language),
            slow=duration(bounds["p95_s"], language),
        ),
        say(
            "The knee is bracketed by doubling, with one trial a rate, and the bracket is halved until its ends are "
            "{share} apart. Then both ends are tried again until one answer leads the other by {lead}: Wald's "
            "sequential test (Annals of Mathematical Statistics 16, 1945) of “holds 4 times of 5” against “once of "
            "5”. What chose a rate is no evidence about it and does not count.",
            share=percent(rules["tolerance"], language),
            lead=rules["lead"],
        ),
        say(
            "Trials in which the load generator was late say nothing, and bound the search. Between the two rates lies "
            "the knee itself: there the same rate holds today and fails tomorrow."
        ),
    ]


# --- tables -----------------------------------------------------------------------------------------------------------


def _curve(answer: _One, language: Language) -> Listing:
    table = Table.of(curve_header(language), [curve_cells(point, language) for point in answer["curve"]])
    note = language.say("Medians over the trials of a rate that say something.")
    return Listing(language.say("Rate by rate"), table, note)


def _trials(answer: _One, language: Language) -> Listing:
    note = language.say("In their order. Each is a load test with a folder and a report of its own.")
    return Listing(language.say("Trial by trial"), _trial_table(answer, language), note, folded=True)


def _trial_table(answer: _One, language: Language) -> Table:
    say = language.say
    header = (say("trial"), say("families a second"), say("result"), say("why"), say("load test"))
    rows = [
        (
            number,
            rate_said(trial["rate"]),
            outcome(trial, language),
            "; ".join(why_said(trial, answer, language)),
            Path(trial["run"]).name,
        )
        for number, trial in enumerate(answer["trials"], start=1)
    ]
    return Table.of(header, rows)


# --- charts -----------------------------------------------------------------------------------------------------------


def _charts(study: Study, sheet: Sheet) -> Iterator[Chart]:
    answer = study.answer
    if not answer["trials"]:
        return
    for figure, title in _AGAINST.items():
        if any(value for _, value in medians(answer, figure)):  # where nothing was decided, the review has no time
            yield _against(figure, title, answer, sheet)
    yield _in_order(answer, sheet)


_AGAINST = {
    "p95_s": noted("Time of 19 of 20 requests"),
    "in_time_share": noted("Requests answered in time"),
    "response_p95_s": noted("Time of 19 of 20 first sessions, from the moment at which a family was to come"),
    "review_working_days": noted("Working days in review"),
}
"""What is drawn against the rate."""

_UNITS = {
    "p95_s": noted("seconds"),
    "in_time_share": noted("per cent"),
    "response_p95_s": noted("seconds"),
    "review_working_days": noted("working days"),
}
_FACTORS = {"in_time_share": 100.0}
_IN_TIME = 0.95
"""Of the requests are in time where 19 of 20 are."""


def _against(figure: str, title: str, answer: _One, sheet: Sheet) -> Chart:
    say, language = sheet.language.say, sheet.language
    return Chart(
        name=f"capacity-{figure}",
        topic="knee",
        title=_seen(figure, title, answer, language),
        caption=say(_DECIDED_CAPTION if _is_decided(answer) else _UNDECIDED_CAPTION),
        plot=_plot_against(figure, answer, sheet),
        table=Table.of(curve_header(language), [curve_cells(point, language) for point in answer["curve"]]),
        keys=_keys(answer, language),
    )


_DECIDED_CAPTION = noted(
    "A dot is a trial, the line goes through the medians of the rates. Between the upright dashed lines lies the knee; "
    "a level one is the bound."
)
_UNDECIDED_CAPTION = noted(
    "A dot is a trial, the line goes through the medians of the rates. Upright dashed lines stand at the highest "
    "rate that held and the lowest that did not, as far as the search came; a level one is the bound."
)


def _is_decided(answer: _One) -> bool:
    """Say whether repetition decided both ends of the knee."""
    return is_sure("low", answer) and is_sure("high", answer)


def _seen(figure: str, title: str, answer: _One, language: Language) -> str:
    """Say what a chart shows: the figure at both ends of the knee."""
    by_rate = dict(medians(answer, figure))
    low, high = (by_rate.get(answer[end]) for end in ("low", "high"))
    if low is None or high is None:
        return language.say(title)
    return language.say(
        _DECIDED_TITLE if _is_decided(answer) else _UNDECIDED_TITLE,
        what=language.say(title),
        there=_told(figure, low, language),
        beyond=_told(figure, high, language),
        low=rate_said(answer["low"]),
        high=rate_said(answer["high"]),
    )


_DECIDED_TITLE = noted("{what}: {there} where it holds, {beyond} where it does not")
_UNDECIDED_TITLE = noted("{what}: {there} at {low} families a second, {beyond} at {high}")


def _told(figure: str, value: float, language: Language) -> str:
    if figure.endswith("_share"):
        return percent(value, language)
    return duration(float(f"{value:.2g}"), language) if figure.endswith("_s") else f"{value:.2g}"


def _plot_against(figure: str, answer: _One, sheet: Sheet) -> Plot:
    language, factor = sheet.language, _FACTORS.get(figure, 1.0)
    trials = [trial for trial in answer["trials"] if figure in trial["figures"]]
    bound = {**answer["bounds"], "in_time_share": factor * _IN_TIME}.get(figure)
    within = (0.0, 100.0) if figure == "in_time_share" else (0.0, float("inf"))
    values = [factor * trial["figures"][figure] for trial in trials]
    y = value_axis([*values, bound], language.say(_UNITS[figure]), 5, zero=figure != "in_time_share", within=within)
    x = numbers_axis(language.say("families a second"), _most(answer), 4 if sheet.narrow else 8)
    marks: list[Mark] = [*_knee(answer, sheet)]
    if bound is not None:
        marks.append(Line(((EDGES[0], bound), (EDGES[1], bound)), "alert", 1.2, dashed=True))
    line = tuple((rate, factor * value) for rate, value in medians(answer, figure))
    marks += [Line(line, "ink", 1.5)] if len(line) > 1 else []
    marks += [_dot(trial["rate"], factor * trial["figures"][figure], trial, sheet) for trial in trials]
    return Plot(*_shape(sheet, y, _HEIGHT), x, y, tuple(marks), _space(y, sheet))


def _most(answer: _One) -> float:
    return 1.08 * float(max(trial["rate"] for trial in answer["trials"]))


def _knee(answer: _One, sheet: Sheet) -> Iterator[Mark]:
    """Shade what lies between the two ends, and mark these."""
    low, high = answer["low"], answer["high"]
    if low is not None and high is not None:
        yield Box((low, high), EDGES, "closed", _stretch(answer, sheet.language))
    for rate, colour in ((low, "good"), (high, "alert")):
        if rate is not None:
            yield Line(((rate, EDGES[0]), (rate, EDGES[1])), colour, 1.2, dashed=True)
            said = rate_said(rate) if sheet.narrow else _confirmed(rate, answer, sheet.language)
            yield Text(rate, EDGES[1], said, colour, "end" if rate == low else "start", down=-5)


def _stretch(answer: _One, language: Language) -> str:
    return language.say("the knee") if _is_decided(answer) else language.say("perhaps the knee")


def _confirmed(rate: float, answer: _One, language: Language) -> str:
    """Write a rate, and how many of its trials held."""
    point = next(point for point in answer["curve"] if point["rate"] == rate)
    told = {"rate": rate_said(rate), "held": point["held"], "trials": point["valid"]}
    return language.say("{rate}: {held} of {trials} held", **told)


def _dot(x: float, y: float, trial: _One, sheet: Sheet) -> Dot:
    look = _look(trial)
    said = "" if sheet.narrow else f"{rate_said(trial['rate'])}: {outcome(trial, sheet.language)}"
    return Dot(x, y, look.colour, 4.5, look.shape, said)


def _look(trial: _One) -> Look:
    if not trial["valid"]:
        return _NOTHING
    return _HELD if trial["held"] else _FAILED


def _in_order(answer: _One, sheet: Sheet) -> Chart:
    say, language, trials = sheet.language.say, sheet.language, answer["trials"]
    return Chart(
        name="capacity-trials",
        topic="trials",
        title=language.plural("{n} load test, one after the other", "{n} load tests, one after the other", len(trials)),
        caption=say(
            "First the rate is doubled until it does not hold, then the bracket is halved, then its two ends are tried "
            "again until one answer leads by {lead}.",
            lead=answer["rules"]["lead"],
        ),
        plot=_plot_in_order(trials, answer, sheet),
        table=_trial_table(answer, language),
        keys=_keys(answer, language),
    )


def _plot_in_order(trials: Sequence[_One], answer: _One, sheet: Sheet) -> Plot:
    language, dots = sheet.language, list(enumerate(trials, start=1))
    y = value_axis([trial["rate"] for trial in trials], language.say("families a second"), 5, zero=True)
    x = numbers_axis(language.say("trial"), len(trials) + 0.6, 4 if sheet.narrow else 10)
    marks: list[Mark] = [
        Line(((EDGES[0], answer[end]), (EDGES[1], answer[end])), colour, 1.2, dashed=True)
        for end, colour in (("low", "good"), ("high", "alert"))
        if answer[end] is not None
    ]
    marks += [Line(tuple((float(number), trial["rate"]) for number, trial in dots), "soft", 1.2)]
    marks += [_dot(number, trial["rate"], trial, sheet) for number, trial in dots]
    return Plot(*_shape(sheet, y, _LOW_HEIGHT), x, y, tuple(marks), _space(y, sheet))


def _space(y: Axis, sheet: Sheet) -> Space:
    left = 14 + max(34, *(round(text_px(tick.label[0])) for tick in y.ticks))
    return Space(left, 20 if sheet.narrow else 70, _TITLE_PX, 40)


def _shape(sheet: Sheet, y: Axis, height: int) -> tuple[int, int]:
    space = _space(y, sheet)
    return sheet.width - space.left - space.right, height


def _keys(answer: _One, language: Language) -> tuple[Key, ...]:
    names = (
        (_HELD, language.say_as("of a rate", "holds")),
        (_FAILED, language.say_as("of a rate", "does not hold")),
        (_NOTHING, language.say("says nothing")),
    )
    shown = {_look(trial) for trial in answer["trials"]}
    return tuple(Key(label, look.colour, look.shape) for look, label in names if look in shown)


CAPACITY = Kind(_findings, _charts)
