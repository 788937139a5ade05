"""The report of a sweep: how measures answer to the inputs, and where every objective holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from canbao.report.answer import Figure
from canbao.report.charts.chart import Chart, Key, Table
from canbao.report.charts.plot import Plot
from canbao.report.experiments.curves import Place, Series, curves
from canbao.report.experiments.findings import Findings, Kind
from canbao.report.experiments.grids import grid, grid_keys
from canbao.report.experiments.inputs import Varied, varied
from canbao.report.experiments.sheet import LOOKS, ORDER, Sheet
from canbao.report.experiments.study import Study
from canbao.report.experiments.values import Scale, amount, ends, interval, scale_of
from canbao.report.tables import Listing
from canbao.report.words import joined, number, percent, threshold

__all__ = ["SWEEP"]

_Point = Mapping[str, Any]
_Measure = Mapping[str, Any]

_MOST = 6
"""How many measures are drawn: objectives first, then in the order of the answer; the table has all."""
_LINES = len(ORDER)
_TOLD = 3


def _findings(study: Study) -> Findings:
    say, answer = study.language.say, study.answer
    inputs = joined([one["path"] for one in answer["inputs"]], study.language)
    held = [(point, study.held(point["name"])) for point in answer["points"]]
    good = [point for point, share in held if share == 1]
    judged = any(share is not None for _, share in held)
    return Findings(
        kind=say("Sweep"),
        question=say("How does the season answer to {inputs}?", inputs=inputs),
        headline=_headline(study, len(good)) if judged else _range(_drawn(study)[0], study),
        held=bool(good) if judged else None,
        sentences=[*_where(good, study), *(_range(each, study) for each in _drawn(study)[: _TOLD + 1])],
        figures=[
            Figure(number(len(answer["points"])), say("points")),
            Figure(number(len(answer["seeds"])), say("seeds at each point, the same at all")),
        ],
        listings=[_listing(study)],
        method=[
            say(
                "All points meet the same families with the same luck. Each interval is Student's t over the seeds of "
                "a point, at {level}; differences between points are known better than that.",
                level=threshold(answer["level"], study.language),
            )
        ],
    )


def _headline(study: Study, good: int) -> str:
    say, points = study.language.say, len(study.answer["points"])
    if not good:
        return say("At none of {all} points did every objective hold on every seed.", all=points)
    return say("At {n} of {all} points every objective held on every seed.", n=good, all=points)


def _where(good: Sequence[_Point], study: Study) -> Iterator[str]:
    if not good or len(good) == len(study.answer["points"]):
        return
    inputs = varied(study.answer["inputs"], study.answer["points"])
    said = ["; ".join(f"{one.path} = {one.label(point)}" for one in inputs) for point in good[:_TOLD]]
    more, points = len(good) - _TOLD, " / ".join(said)
    if more > 0:
        yield study.language.say("They hold at {points}, and at {n} more.", points=points, n=more)
    else:
        yield study.language.say("They hold at {points}.", points=points)


def _range(measure: _Measure, study: Study) -> str:
    found = [(point["measures"][measure["measure"]]["mean"], point) for point in study.answer["points"]]
    known = [(mean, point) for mean, point in found if mean is not None]
    say, name = study.language.say, study.name(measure["measure"])
    if not known:
        return say("“{measure}” was never measured.", measure=name)
    (low, low_point), (high, high_point) = (pick(known, key=lambda each: each[0]) for pick in (min, max))
    values = {
        "measure": name,
        "low": amount(low, measure["unit"], study.language),
        "high": amount(high, measure["unit"], study.language),
    }
    if low == high:
        return say("“{measure}” is {low} at every point.", **values)
    inputs = varied(study.answer["inputs"], study.answer["points"])
    at = [", ".join(f"{one.path} = {one.label(point)}" for one in inputs) for point in (low_point, high_point)]
    return say("“{measure}” lies between {low} (at {first}) and {high} (at {last}).", **values, first=at[0], last=at[1])


def _ends(measure: _Measure, study: Study) -> str:
    """Say from where to where a measure reaches."""
    found = [point["measures"][measure["measure"]]["mean"] for point in study.answer["points"]]
    known = [mean for mean in found if mean is not None]
    if not known:
        return study.name(measure["measure"])
    low, high = (amount(end, measure["unit"], study.language) for end in (min(known), max(known)))
    values = {"measure": study.name(measure["measure"]), "low": low, "high": high}
    return study.language.say("{measure}: from {low} to {high}", **values)


def _drawn(study: Study) -> list[_Measure]:
    """Choose the measures that are drawn: those that vary, objectives first; the first one where none does."""
    measures = study.answer["measures"]
    varying = [each for each in measures if _varies(each["measure"], study.answer["points"])]
    ordered = sorted(varying, key=lambda each: not each["measure"].startswith("objectives."))
    return list(ordered[:_MOST] or measures[:1])


def _varies(measure: str, points: Sequence[_Point]) -> bool:
    return len({point["measures"][measure]["mean"] for point in points} - {None}) > 1


def _listing(study: Study) -> Listing:
    say = study.language.say
    held = [study.held(point["name"]) for point in study.answer["points"]]
    table = _table(_drawn(study), study)
    if any(share is not None for share in held):
        header = (*table.header, say("every objective held"))
        shares = ["–" if share is None else percent(share, study.language) for share in held]
        table = Table.of(header, [(*row, share) for row, share in zip(table.rows, shares, strict=True)])
    return Listing(say("All points"), table, say("All measures stand in sweep.parquet, one row a point and seed."))


def _table(measures: Sequence[_Measure], study: Study) -> Table:
    inputs = varied(study.answer["inputs"], study.answer["points"])
    header = [*(one.title for one in inputs), *(study.name(each["measure"]) for each in measures)]
    rows = [
        [
            *(one.label(point) for one in inputs),
            *(interval(point["measures"][each["measure"]], each["unit"], study.language) for each in measures),
        ]
        for point in study.answer["points"]
    ]
    return Table.of(header, rows)


# --- charts -----------------------------------------------------------------------------------------------------------


def _charts(study: Study, sheet: Sheet) -> Iterator[Chart]:
    inputs = varied(study.answer["inputs"], study.answer["points"])
    gridded = study.answer["design"] == "grid"
    if gridded and len(inputs) <= 2:
        yield from _held(inputs, study, sheet)
    for number_, measure in enumerate(_drawn(study), start=1):
        if gridded and len(inputs) == 1:
            yield _line(f"response-{number_}", measure, inputs[0], study, sheet)
        elif gridded and len(inputs) == 2:
            yield _lines(f"response-{number_}", measure, inputs, study, sheet)
            yield _cells(f"grid-{number_}", measure, inputs, study, sheet)
        else:
            yield from _each(f"response-{number_}", measure, inputs, study, sheet)


def _scale(measure: _Measure, study: Study) -> Scale:
    means = [point["measures"][measure["measure"]]["mean"] for point in study.answer["points"]]
    return scale_of(measure["unit"], means, study.language)


def _places(measure: _Measure, one: Varied, points: Sequence[_Point], scale: Scale, study: Study) -> tuple[Place, ...]:
    found = [(one.at(point), point["measures"][measure["measure"]]) for point in points]
    known = [(x, interval_, ends(interval_, scale)) for x, interval_ in found if interval_["mean"] is not None]
    return tuple(
        Place(x, middle, low, high, interval(interval_, measure["unit"], study.language))
        for x, interval_, (middle, low, high) in sorted(known, key=lambda each: each[0])
        if middle is not None
    )


def _response(  # noqa: PLR0913, PLR0917 - the parts of one chart
    name: str, measure: _Measure, series: Sequence[Series], one: Varied, study: Study, sheet: Sheet
) -> Plot:
    scale, limit = _scale(measure, study), study.limit(measure["measure"])
    title = scale.titled(study.name(measure["measure"]), study.language)
    return curves(series, sheet, one.axis(sheet), title, limit=scale.of(limit), named=True, within=scale.within)


def _limit_keys(measure: _Measure, study: Study) -> tuple[Key, ...]:
    if study.limit(measure["measure"]) is None:
        return ()
    return (Key(study.language.say("what was promised"), "alert", "dash"),)


def _line(name: str, measure: _Measure, one: Varied, study: Study, sheet: Sheet) -> Chart:
    say = study.language.say
    places = _places(measure, one, study.answer["points"], _scale(measure, study), study)
    look = LOOKS[0]
    return Chart(
        name=name,
        topic="responses",
        title=_ends(measure, study),
        caption=say("The mean over the seeds of each point, with its interval."),
        plot=_response(name, measure, [Series("", places, look)], one, study, sheet),
        table=_table([measure], study),
        keys=(Key(say("mean with its interval"), look.colour, look.shape), *_limit_keys(measure, study)),
    )


def _lines(name: str, measure: _Measure, inputs: Sequence[Varied], study: Study, sheet: Sheet) -> Chart:
    """Draw the response to the first input, with a line for some levels of the second."""
    say, (one, other) = study.language.say, inputs
    scale, levels = _scale(measure, study), _some(len(other.labels))
    series = []
    for look, level in zip(ORDER[-len(levels) :], levels, strict=True):
        points = [point for point in study.answer["points"] if other.level[point["name"]] == level]
        series.append(Series(other.labels[level], _places(measure, one, points, scale, study), look))
    caption = say("One line for each level of {input}; the mean over seeds with its interval.", input=other.title)
    return Chart(
        name=name,
        topic="responses",
        title=_ends(measure, study),
        caption=caption,
        plot=_response(name, measure, [each for each in series if each.places], one, study, sheet),
        table=_table([measure], study),
        keys=(
            *(Key(f"{other.path} = {each.name}", each.look.colour, each.look.shape) for each in series),
            *_limit_keys(measure, study),
        ),
    )


def _some(count: int) -> list[int]:
    """Choose at most `_LINES` levels, the first and the last among them."""
    if count <= _LINES:
        return list(range(count))
    return [round(number_ * (count - 1) / (_LINES - 1)) for number_ in range(_LINES)]


def _cells(name: str, measure: _Measure, inputs: Sequence[Varied], study: Study, sheet: Sheet) -> Chart:
    say, scale = study.language.say, _scale(measure, study)
    means = {point["name"]: point["measures"][measure["measure"]]["mean"] for point in study.answer["points"]}
    known = {key: mean for key, mean in means.items() if mean is not None}
    values = {key: (mean, f"{mean * scale.factor:,.4g}") for key, mean in known.items()}
    ends_ = (min(known.values()), max(known.values()))
    texts = [amount(end, measure["unit"], study.language) for end in ends_]
    return Chart(
        name=name,
        topic="responses",
        title=say(
            "{measure}, at every point",
            measure=scale.titled(study.name(measure["measure"]), study.language),
        ),
        caption=say("The mean over the seeds of each point; stronger colours are higher."),
        plot=_grid(inputs, values, sheet, ends_),
        table=_table([measure], study),
        keys=grid_keys(*texts),
    )


def _grid(
    inputs: Sequence[Varied], values: Mapping[str, tuple[float, str]], sheet: Sheet, shades: tuple[float, float]
) -> Plot:
    """Give a grid with one cell a point."""
    one, other = inputs
    cells = {(one.level[name], other.level[name]): value for name, value in values.items()}
    return grid(cells, one.labels, other.labels, sheet, one.title, other.title, shades)


def _each(name: str, measure: _Measure, inputs: Sequence[Varied], study: Study, sheet: Sheet) -> Iterator[Chart]:
    """Draw every point against each input by itself."""
    say, scale = study.language.say, _scale(measure, study)
    look = LOOKS[1]
    for number_, one in enumerate(inputs, start=1):
        places = _places(measure, one, study.answer["points"], scale, study)
        series = [Series("", places, look, joined=False)]
        yield Chart(
            name=f"{name}-{number_}",
            topic="responses",
            title=say("{measure} against {input}", measure=study.name(measure["measure"]), input=one.path),
            caption=say("Each dot is one point of the design, all other inputs are mixed."),
            plot=_response(name, measure, series, one, study, sheet),
            table=_table([measure], study),
            keys=(
                Key(say("a point, with the interval of its mean"), look.colour, look.shape),
                *_limit_keys(measure, study),
            ),
        )


def _held(inputs: Sequence[Varied], study: Study, sheet: Sheet) -> Iterator[Chart]:
    """Draw on which share of the seeds every objective held."""
    shares = {point["name"]: study.held(point["name"]) for point in study.answer["points"]}
    known = {name: share for name, share in shares.items() if share is not None}
    if len(set(known.values())) < 2:
        return
    say, texts = study.language.say, {name: f"{100 * share:.0f} %" for name, share in known.items()}
    points = [point for point in study.answer["points"] if point["name"] in known]
    title = say("seeds on which every objective held (%)")
    if len(inputs) == 2:
        plot = _grid(inputs, {name: (share, texts[name]) for name, share in known.items()}, sheet, (0.0, 1.0))
    else:
        found = sorted((inputs[0].at(point), 100 * known[point["name"]], texts[point["name"]]) for point in points)
        places = tuple(Place(x, share, said=text) for x, share, text in found)
        plot = curves([Series("", places)], sheet, inputs[0].axis(sheet), title, shown=(0.0, 100.0))
    yield Chart(
        name="held",
        topic="held",
        title=_headline(study, sum(share == 1 for share in known.values())).rstrip(".。"),
        caption=say("The share of seeds on which every objective held."),
        plot=plot,
        table=Table.of(
            (*(one.title for one in inputs), title),
            [(*(one.label(point) for one in inputs), texts[point["name"]]) for point in points],
        ),
        keys=grid_keys("0 %", "100 %") if len(inputs) == 2 else (),
    )


SWEEP = Kind(_findings, _charts)
