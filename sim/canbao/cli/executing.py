"""What commands of experiments share: who carries replications out, how far it is, what failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from canbao.cli.output import console, on_one_line
from canbao.languages import ENGLISH, Language

if TYPE_CHECKING:
    from canbao.experiments import Experiment, Failure
    from canbao.experiments.executors import Notice
    from canbao.experiments.experiment import Progress

__all__ = [
    "PERCENT",
    "executor_options",
    "experiment_bar",
    "keeping",
    "notices",
    "print_failures",
    "report_writer",
]

_Function = TypeVar("_Function", bound=Callable[..., Any])


class _Percent(click.ParamType[float]):
    """A share above 0, as `5%` or `0.05`."""

    name = "percent"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = str(value).strip()
        try:
            share = float(text.removesuffix("%")) / (100.0 if text.endswith("%") else 1.0)
        except ValueError:
            share = 0.0
        if not 0.0 < share < 1.0:
            self.fail(f"{value!r} is no share between 0 and 1; write for example 5% or 0.05", param, ctx)
        return share


PERCENT = _Percent()
"""The type of an option that takes `5%` or `0.05`."""


def executor_options(function: _Function) -> _Function:
    """Add `--workers`, `--executor`, `--scheduler` and `--resume`."""
    options = (
        click.option(
            "--workers", type=click.IntRange(1, 4096), help="Replications at a time; one for each core by default."
        ),
        click.option(
            "--executor",
            metavar="NAME",
            help="Who carries replications out: local (processes on this machine, the default), serial, or dask.",
        ),
        click.option("--scheduler", metavar="ADDRESS", help="The Dask scheduler, as tcp://host:8786."),
        click.option(
            "--resume",
            type=click.Path(path_type=Path),
            metavar="FOLDER",
            help="Go on with the experiment in this folder; what is finished there is not repeated.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


@contextmanager
def experiment_bar(show: bool, language: Language = ENGLISH) -> Iterator[Progress | None]:
    """Show on stderr how many replications are finished and how long the rest will take, on a terminal."""
    screen = console(stderr=True)
    if not (show and screen.is_terminal):
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        TextColumn(language.say("left")),
    )
    with Progress(*columns, console=screen, transient=True, speed_estimate_period=600.0) as bar:
        task = bar.add_task(language.say("replications"), total=None)

        def watch(finished: int, wanted: int) -> None:
            bar.update(task, completed=finished, total=wanted)

        yield watch


def notices(language: Language = ENGLISH) -> Notice:
    """Give what tells a user on stderr what nothing fails of."""

    def tell(text: str, /, **values: object) -> None:
        click.echo(on_one_line(language.say("Note: {text}", text=language.say(text, **values))), err=True)

    return tell


def report_writer(language: Language = ENGLISH) -> Callable[[Path], None]:
    """Give what writes the report of an experiment that has an answer."""

    def write(folder: Path) -> None:
        from canbao.report.experiments import write_experiment_report

        write_experiment_report(folder, language)

    return write


@contextmanager
def keeping(experiment: Experiment, language: Language = ENGLISH) -> Iterator[Experiment]:
    """Say at an early end what is kept, and how to go on."""
    try:
        yield experiment
    except BaseException:  # Ctrl-C too
        if kept := experiment.kept:
            said = language.plural(
                "{n} replication is kept in {folder}; to go on, call the same with --resume {folder}",
                "{n} replications are kept in {folder}; to go on, call the same with --resume {folder}",
                kept,
                folder=experiment.folder,
            )
            click.echo(said, err=True)
        raise


def print_failures(failures: Sequence[Failure], language: Language = ENGLISH) -> None:
    """Say on stderr which replications failed, and how each is repeated alone."""
    for failure in failures:
        said = language.say(
            "{variant}, seed {seed}, failed: {problem}",
            variant=failure.variant,
            seed=failure.seed,
            problem=failure.problem,
        )
        click.echo(click.style(on_one_line(said), fg="red"), err=True)
        click.echo(
            "    " + on_one_line(language.say("to repeat it alone: {command}", command=failure.command)), err=True
        )
