"""How commands print: for people with rich, for machines as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from canbao.errors import Fault
from canbao.languages import ENGLISH, Language, noted

if TYPE_CHECKING:
    from rich.console import Console

    from canbao.runs import Watch

__all__ = ["console", "on_one_line", "print_faults", "print_json", "print_table", "progress_bar"]

_WIDE = 250
"""Columns of output that goes into a file or a pipe, where nothing need be wrapped."""


def console(*, stderr: bool = False) -> Console:
    """Give a console that prints plain text, with colours only on a terminal, and wraps only there."""
    from rich.console import Console

    probe = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if probe.is_terminal:
        return probe
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, width=_WIDE, soft_wrap=True)


def print_json(data: Any) -> None:
    """Print data as JSON on stdout; dates and paths become text."""
    click.echo(json.dumps(data, ensure_ascii=False, indent=2, default=str))


def print_table(heads: Sequence[str], rows: Iterable[Sequence[str]], styles: Sequence[str] = ()) -> None:
    """Print a table on stdout; `styles` are those of the columns."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for index, head in enumerate(heads):
        table.add_column(head, style=styles[index] if index < len(styles) else "", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    console().print(table)


def print_faults(faults: Iterable[Fault]) -> None:
    """Print what is wrong in a scenario on stderr: the place and the problem, then what was given and what to do."""
    for fault in faults:
        place = fault.file if fault.line is None else f"{fault.file}:{fault.line}"
        start = f"{place}: {fault.key}:" if fault.key else f"{place}:"
        said = f"{click.style(on_one_line(start), bold=True)} {click.style(on_one_line(fault.problem), fg='red')}"
        click.echo(said, err=True)
        for word, text in (("given", fault.given), ("allowed", fault.allowed), ("hint", fault.hint)):
            if text:
                click.echo(f"    {word + ':':<9}{on_one_line(text)}", err=True)


def on_one_line(text: str) -> str:
    """Escape what would break a line or command a terminal: file names and cells of a CSV may hold anything."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


_STAGES = {
    "plan": noted("making the plan"),
    "compile": noted("compiling the engine, once (half a minute)"),
    "simulate": noted("simulating"),
    "measure": noted("measuring"),
    "store": noted("storing"),
    "report": noted("writing the report"),
}


@contextmanager
def progress_bar(show: bool, language: Language = ENGLISH) -> Iterator[Watch | None]:
    """Show on stderr how far a run is, where somebody looks at a terminal."""
    screen = console(stderr=True)
    if not (show and screen.is_terminal):
        yield None
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description:<18}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=screen, transient=True) as bar:
        task = bar.add_task(language.say("reading"), total=1.0)

        def watch(stage: str, share: float) -> None:
            # How far a compiler is nobody knows: the bar moves to and fro, and the time beside it runs.
            total = None if stage == "compile" else 1.0
            bar.update(task, description=language.say(_STAGES.get(stage, stage)), completed=share, total=total)

        yield watch
