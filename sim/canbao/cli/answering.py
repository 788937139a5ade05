"""The answer of a run on the screen: of a simulation, and of a load test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from canbao.cli.output import console

if TYPE_CHECKING:
    from canbao.languages import Language
    from canbao.report import Answer
    from canbao.runs import Run

__all__ = ["print_answer"]

_STYLES = {True: "green", False: "bold red", None: "yellow"}


def print_answer(run: Run, said: Answer, sentences: Sequence[str], language: Language, ending: str = "") -> None:
    """Print what came out of a run, and where its report is.

    Parameters
    ----------
    run
        The run.
    said
        Its answer: title, doubt, headline and verdicts are printed.
    sentences
        What happened, below the verdicts.
    language
        The language of the words around them.
    ending
        A line before the path of the report.
    """
    from rich.text import Text

    screen, seed = console(), language.say("seed {seed}", seed=run.manifest["seed"])
    screen.print(Text(f"{said.title} · {said.period} · {seed}"))
    if said.doubt:
        screen.print(Text(said.doubt, style="bold red"))
    screen.print(Text(said.headline, style=f"bold {_STYLES[said.held]}"))
    screen.print()
    _print_verdicts(said, language)
    for sentence in sentences:
        screen.print(Text(sentence))
    screen.print()
    if ending:
        screen.print(Text(ending))
    click.echo(language.say("Report: {path}", path=run.report))


def _print_verdicts(said: Answer, language: Language) -> None:
    from rich.cells import cell_len, set_cell_size
    from rich.padding import Padding
    from rich.text import Text

    from canbao.report.verdicts import MARKS

    screen = console()
    # A Chinese sign is as wide as two Latin ones.
    wide = max(cell_len(language.say(mark)) for mark in MARKS.values())
    for verdict in said.objectives:
        mark = (f"  {set_cell_size(verdict.mark, wide)} ", _STYLES[verdict.held])
        screen.print(Text.assemble(mark, (verdict.title, "bold")))
        screen.print(Padding(Text(verdict.sentence), (0, 0, 0, wide + 3), expand=False))
    if said.objectives:
        screen.print()
