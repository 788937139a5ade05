"""The report of a sensitivity analysis: which inputs the measures hang on, and which of these are guesses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from canbao.experiments.verdicts import sensitivity_verdict
from canbao.report.answer import Figure
from canbao.report.charts.chart import Chart, Key, Table
from canbao.report.charts.plot import Dot, Line, Mark, Plot, Space, Text
from canbao.report.experiments.findings import Findings, Kind
from canbao.report.experiments.forest import Row, forest
from canbao.report.experiments.sheet import Look, Sheet, text_px, value_axis
from canbao.report.experiments.study import Study
from canbao.report.experiments.values import Scale, scale_of, spread
from canbao.report.tables import Listing
from canbao.report.words import number

__all__ = ["SENSITIVITY"]

_Ranking = Mapping[str, Any]
_Effect = Mapping[str, Any]

_MEASURES = 6
"""How many measures are drawn; the table has all."""
_INPUTS = 12
"""How many inputs of each are drawn, the most important first."""

_GUESSED, _KNOWN = Look("alert", "diamond"), Look("ink", "circle")


def _findings(study: Study) -> Findings:
    say, answer = study.language.say, study.answer
    told = [_verdict(ranking, study) for ranking in _moved(answer)] or [say("No measure hangs on any of the inputs.")]
    guessed = sum(one["grade"] == "E" for one in answer["inputs"])
    return Findings(
        kind=say("Sensitivity analysis"),
        question=say("Which inputs does the answer hang on, and how well are they known?"),
        headline=told[0],
        held=None,
        sentences=told[1:_MEASURES],
        figures=[
            Figure(number(len(answer["inputs"])), say("inputs varied")),
            Figure(number(guessed), say("of them are estimates (grade E)")),
            Figure(number(answer["points"]), say("points simulated")),
        ],
        listings=list(_listings(study)),
        method=[_method(study), say("Each point's value is the mean over {n} seeds.", n=len(answer["seeds"]))],
    )


def _moved(answer: Mapping[str, Any]) -> list[_Ranking]:
    return [ranking for ranking in answer["rankings"] if any(effect["importance"] for effect in ranking["effects"])]


def _verdict(ranking: _Ranking, study: Study) -> str:
    named = {**ranking, "measure": f"“{study.name(ranking['measure'])}”"}
    return sensitivity_verdict(named, study.answer["inputs"], study.language)


def _is_morris(study: Study) -> bool:
    return bool(study.answer["method"] == "morris")


def _method(study: Study) -> str:
    samples = study.answer["samples"]
    if _is_morris(study):
        return study.language.say(
            "Elementary effects of Morris (Technometrics 33, 1991), improved by Campolongo, Cariboni and Saltelli "
            "(Environmental Modelling and Software 22, 2007), by SALib, with {n} trajectories. µ* is how far the "
            "measure moves on average for the whole range of an input; σ is large where that depends on other inputs. "
            "Intervals are by bootstrap.",
            n=samples,
        )
    return study.language.say(
        "Sobol's indices as estimated by Saltelli and others (Computer Physics Communications 181, 2010), by SALib, "
        "with {n} base samples. The total index is the share of the variance that would be gone if the input were "
        "known, the first index the share that it explains by itself. Intervals are by bootstrap.",
        n=samples,
    )


# --- tables -----------------------------------------------------------------------------------------------------------


def _listings(study: Study) -> Iterator[Listing]:
    say, answer = study.language.say, study.answer
    ranges = [(one["path"], _range(one), one["grade"] or "–") for one in answer["inputs"]]
    yield Listing(
        say("What was varied"),
        Table.of((say("input"), say("values"), say("grade")), ranges),
        say("Grade E marks an estimate; × stands before a factor on what the scenario says."),
        folded=True,
    )
    if answer["left_out"]:
        yield Listing(
            say("Estimates that could not be varied"),
            Table.of((say("input"), say("why")), list(answer["left_out"].items())),
            say("They are as the scenario says."),
            folded=True,
        )


def _range(one: Mapping[str, Any]) -> str:
    if "levels" in one:
        levels = one["levels"]
        return ", ".join(levels) if len(levels) <= 6 else f"{levels[0]} … {levels[-1]}"
    said = f"{one['low']:g} … {one['high']:g}"
    return f"{one['unit']} {said}" if one["unit"] == "×" else f"{said} {one['unit']}".rstrip()


def _table(ranking: _Ranking, study: Study) -> Table:
    say = study.language.say
    grades = {one["path"]: one["grade"] or "–" for one in study.answer["inputs"]}
    if _is_morris(study):
        header = (say("input"), say("grade"), "µ*", "±", "µ", "σ")
    else:
        header = (say("input"), say("grade"), say("total index"), "±", say("first index"), "")
    rows = [
        (effect["path"], grades.get(effect["path"], "–"),
         *(_written(effect[key], ranking, study) for key in ("importance", "half_width", "direct", "spread")))
        for effect in ranking["effects"]
    ]  # fmt: skip
    return Table.of(header, rows)


def _written(value: float | None, ranking: _Ranking, study: Study) -> str:
    if value is None:
        return ""
    if not _is_morris(study):
        return f"{value:.2f}".replace("-", "−")
    return ("−" if value < 0 else "") + spread(abs(value), ranking["unit"], study.language)


# --- charts -----------------------------------------------------------------------------------------------------------


def _charts(study: Study, sheet: Sheet) -> Iterator[Chart]:
    for number_, ranking in enumerate(_moved(study.answer)[:_MEASURES], start=1):
        yield _bars(f"ranking-{number_}", ranking, study, sheet)
        if _is_morris(study):
            yield _plane(f"effects-{number_}", ranking, study, sheet)


def _scale(ranking: _Ranking, study: Study) -> Scale:
    if not _is_morris(study):
        return Scale(1.0, "")
    values = [effect["importance"] for effect in ranking["effects"]]
    return scale_of(ranking["unit"], values, study.language, difference=True)


def _looks(effects: Sequence[_Effect], study: Study) -> dict[str, Look]:
    guessed = {one["path"] for one in study.answer["inputs"] if one["grade"] == "E"}
    return {effect["path"]: _GUESSED if effect["path"] in guessed else _KNOWN for effect in effects}


def _keys(effects: Sequence[_Effect], study: Study) -> Iterator[Key]:
    looks = _looks(effects, study).values()
    if _GUESSED in looks:
        yield Key(study.language.say("an estimate (grade E)"), _GUESSED.colour, _GUESSED.shape)
    if _KNOWN in looks:
        yield Key(study.language.say("better known"), _KNOWN.colour, _KNOWN.shape)


def _bars(name: str, ranking: _Ranking, study: Study, sheet: Sheet) -> Chart:
    say, scale = study.language.say, _scale(ranking, study)
    effects = [effect for effect in ranking["effects"] if effect["importance"]][:_INPUTS]
    looks = _looks(effects, study)
    drawn = [_row(effect, looks[effect["path"]], ranking, scale, study) for effect in effects]
    title = say("moves it by (µ*)") if _is_morris(study) else say("total index: share of the variance")
    return Chart(
        name=name,
        topic="ranking",
        title=say(
            "{measure}: {input} moves it most", measure=study.name(ranking["measure"]), input=effects[0]["path"]
        ),
        caption=say("How much “{measure}” hangs on each input, the most important first; bars are intervals.",
                    measure=study.name(ranking["measure"])),
        plot=forest(drawn, sheet, scale.titled(title, study.language), zero=True),
        table=_table(ranking, study),
        keys=tuple(_keys(effects, study)),
    )  # fmt: skip


def _row(effect: _Effect, look: Look, ranking: _Ranking, scale: Scale, study: Study) -> Row:
    middle, half_width = effect["importance"], effect["half_width"]
    ends = (None, None) if half_width is None else (max(0.0, middle - half_width), middle + half_width)
    said = _written(middle, ranking, study)
    return Row(effect["path"], scale.of(middle), scale.of(ends[0]), scale.of(ends[1]), look, said)


def _plane(name: str, ranking: _Ranking, study: Study, sheet: Sheet) -> Chart:
    """Draw µ* against σ: below the line an effect is nearly the same everywhere, above it depends on other inputs."""
    say, scale = study.language.say, _scale(ranking, study)
    effects = [effect for effect in ranking["effects"] if effect["importance"]][:_INPUTS]
    return Chart(
        name=name,
        topic="effects",
        title=say("{measure}: how evenly inputs act", measure=study.name(ranking["measure"])),
        caption=say(
            "To the right: more important. Up: the effect depends on other inputs, or is no straight line. The line is "
            "σ = µ*; far below it an input acts the same way everywhere."
        ),
        plot=_plane_plot(effects, scale, study, sheet),
        table=_table(ranking, study),
        keys=tuple(_keys(effects, study)),
    )


def _plane_plot(effects: Sequence[_Effect], scale: Scale, study: Study, sheet: Sheet) -> Plot:
    say, looks = study.language.say, _looks(effects, study)
    found = [(effect["path"], effect["importance"] * scale.factor, (effect["spread"] or 0.0) * scale.factor)
             for effect in effects]  # fmt: skip
    x_title, y_title = (scale.titled(say(text), study.language) for text in ("µ*", "σ"))
    x = value_axis([x for _, x, _ in found], x_title, 5 if sheet.narrow else 8, zero=True)
    y = value_axis([*(y for _, _, y in found), 0.25 * x.high], y_title, 5, zero=True)
    end = min(x.high, y.high)
    marks: list[Mark] = [Line(((0.0, 0.0), (end, end)), "muted", 1, dashed=True)]
    for place, (path, across, up) in enumerate(found):
        look = looks[path]
        marks.append(Dot(across, up, look.colour, 4.5, look.shape, "" if sheet.narrow else path))
        if place < 3:  # more names would cover each other; the others say theirs, and stand in the table
            right = across > 0.6 * x.high
            marks.append(Text(across, up, path, align="end" if right else "start", right=-8 if right else 8, down=-6))
    left = 14 + max(34, *(round(text_px(tick.label[0])) for tick in y.ticks))
    return Plot(sheet.width - left - 20, 220, x, y, tuple(marks), Space(left, 20, 26, 40))


SENSITIVITY = Kind(_findings, _charts)
