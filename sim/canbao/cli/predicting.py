"""What `canbao compare` does with a load test: what was predicted, what was measured, and which assumption is off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from canbao.cli.output import console, print_json, print_table
from canbao.languages import noted

if TYPE_CHECKING:
    from canbao.languages import Language
    from canbao.plugins import Plugins
    from canbao.runs import Run

__all__ = ["compare_with_measured", "print_assumptions"]

_HEADS = (noted("measure"), noted("predicted"), noted("measured"), noted("difference"), noted("p (Holm)"))
_MOVES = 2
"""Moves of an assumption that are printed; the answer has all."""


def compare_with_measured(  # noqa: PLR0913 - what was asked for
    pair: tuple[Run, Run],
    plugins: Plugins,
    language: Language,
    *,
    measures: Sequence[str],
    level: float,
    as_json: bool,
    quiet: bool,
) -> None:
    """Hold a simulation against a load test, write the report into the load test's folder, and print the answer."""
    from canbao.experiments.predicting import hold
    from canbao.report.experiments.writing import write_prediction_report

    predicted, measured = pair
    answer = hold(predicted, measured, plugins, measures=measures, level=level).as_data()
    report = write_prediction_report(measured, answer, language)
    if as_json:
        print_json({"folder": measured.folder, "report": report, "answer": answer})
    elif quiet:
        click.echo(report)
    else:
        _print(answer, measured.folder, language)
        click.echo(language.say("Report: {path}", path=report))


def _print(answer: Mapping[str, Any], folder: Path, language: Language) -> None:
    from rich.text import Text

    from canbao.experiments.forecast import assumptions_verdict, forecast_verdict, nothing_said, obstacles_said

    screen = console()
    for sentence in obstacles_said(answer, language):
        screen.print(Text(sentence, style="yellow"))
    if answer["comparable"]:
        screen.print(Text(forecast_verdict(answer, language), style="bold"))
    assumptions = answer["assumptions"]
    if assumptions is not None:
        screen.print(Text(assumptions_verdict(assumptions, language), style="bold"))
    elif answer["unfit"]:
        screen.print(Text(nothing_said([answer["unfit"]], language)))
    screen.print()
    print_table((*(language.say(head) for head in _HEADS), ""), _measure_lines(answer["measures"], language), ("bold",))
    screen.print()
    if assumptions is not None:
        print_assumptions(assumptions, language)
        screen.print()
    elif not answer["unfit"]:
        text = language.say("canbao calibrate {folder} says which assumption is off.", folder=folder)
        screen.print(Text(text))
        screen.print()


def _measure_lines(rows: Sequence[Mapping[str, Any]], language: Language) -> Iterator[tuple[str, ...]]:
    from canbao.experiments.forecast import VERDICTS
    from canbao.report.experiments.values import NONE, amount, change, interval, p_value

    for row in rows:
        yield (
            row["measure"],
            amount(row["predicted"], row["unit"], language),
            interval(row["measured"], row["unit"], language),
            change(row["difference"], row["unit"], language),
            NONE if row["verdict"] == "same" else p_value(row["p_adjusted"]),
            language.say(VERDICTS[row["verdict"]]),
        )


def print_assumptions(assumptions: Sequence[Mapping[str, Any]], language: Language) -> None:
    """Print a table of assumptions: stated, measured, and what would move if one were put right."""
    heads = (
        language.say("assumption"),
        language.say("stated"),
        language.say("grade"),
        language.say("measured"),
        language.say("verdict"),
        language.say("put right, it moves the prediction of"),
    )
    print_table(heads, (_assumption_line(one, language) for one in assumptions), ("bold",))


def _assumption_line(one: Mapping[str, Any], language: Language) -> tuple[str, ...]:
    from canbao.experiments.forecast import assumption_name
    from canbao.report.loads.assumptions import measured_said, moves_said, stated_said, verdict_of

    return (
        assumption_name(one, language),
        stated_said(one, language),
        one["grade"],
        measured_said(one, language),
        verdict_of(one, language),
        "; ".join(moves_said(one, language, _MOVES)),
    )
