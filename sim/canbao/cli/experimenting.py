"""What `compare`, `sweep` and `plan` share beside what all commands of experiments do: options, a bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from canbao.cli.executing import executor_options, notices
from canbao.cli.output import console

if TYPE_CHECKING:
    from canbao.experiments.executors import Executor
    from canbao.languages import Language

__all__ = [
    "executor_options",
    "folder_options",
    "made_executor",
    "measure_option",
    "print_places",
    "reading_bar",
    "replication_options",
]

_Function = TypeVar("_Function", bound=Callable[..., Any])


# --- options ----------------------------------------------------------------------------------------------------------


def replication_options(default: int) -> Callable[[_Function], _Function]:
    """Add `--replications`, `--seed` and `--level`."""

    def added(function: _Function) -> _Function:
        for option in (
            click.option(
                "--level",
                type=click.FloatRange(0, 1, min_open=True, max_open=True),
                default=0.95,
                show_default=True,
                help="How often intervals cover the truth.",
            ),
            click.option(
                "--seed",
                type=click.IntRange(0, 10**9),
                help="Of the first replication; the scenario's own if not given.",
            ),
            click.option(
                "--replications",
                type=click.IntRange(1, 10**6),
                metavar="N",
                default=default,
                show_default=True,
                help="Of each variant, all on the same N seeds.",
            ),
        ):
            function = option(function)
        return function

    return added


def folder_options(function: _Function) -> _Function:
    """Add `--out`."""
    return click.option(
        "--out",
        type=click.Path(path_type=Path),
        default=Path("results"),
        show_default=True,
        help="Experiments go to OUT/experiments.",
    )(function)


def measure_option(function: _Function) -> _Function:
    """Add `--measure`."""
    return click.option(
        "--measure",
        "measures",
        metavar="NAME",
        multiple=True,
        help="What is looked at, as portal-review or waits.channels.office.p90; repeatable.",
    )(function)


def made_executor(name: str | None, workers: int | None, scheduler: str | None, language: Language) -> Executor:
    """Make the executor that was asked for; what it has to tell goes to stderr."""
    from canbao.experiments.executors import make_executor

    return make_executor(name or ("dask" if scheduler else "local"), workers, scheduler, notices(language))


@contextmanager
def reading_bar(show: bool, language: Language, total: int) -> Iterator[Callable[[int], None] | None]:
    """Show on stderr how many variants are read."""
    screen = console(stderr=True)
    if not (show and screen.is_terminal):
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=screen, transient=True
    ) as bar:
        task = bar.add_task(language.say("reading"), total=total)
        yield lambda number: bar.update(task, completed=number)


def print_places(folder: Path, language: Language) -> None:
    """Say where an experiment is kept and where its report is."""
    from canbao.experiments.folder import REPORT

    click.echo(language.say("Experiment: {path}", path=folder))
    click.echo(language.say("Report: {path}", path=folder / REPORT))
