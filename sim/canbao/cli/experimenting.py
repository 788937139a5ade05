"""What `compare`, `sweep` and `plan` share beside what all commands of experiments do: options, numbers in tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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
    "amount",
    "change",
    "executor_options",
    "folder_options",
    "made_executor",
    "measure_option",
    "reading_bar",
    "replication_options",
    "spread",
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


# --- numbers ----------------------------------------------------------------------------------------------------------

_NONE = "–"


def amount(value: float | None, unit: str, language: Language) -> str:
    """Write a number in its unit; `–` for none."""
    from canbao.report import words

    if value is None:
        return _NONE
    if unit == "share":
        return words.percent(value, language)
    if unit in ("s", "h"):
        return words.duration(_rounded_s(value * (3_600 if unit == "h" else 1)), language)
    if unit == "yuan":
        return words.yuan(value, language, whole=abs(value) >= 100)
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"


def _rounded_s(seconds: float) -> float:
    """Round a length to what can be read: seconds below an hour, minutes above."""
    if abs(seconds) < 1:
        return float(f"{seconds:.2g}")
    step = 60.0 if abs(seconds) >= 3_600 else 1.0 if abs(seconds) >= 60 else 0.1
    return round(seconds / step) * step


def spread(value: float, unit: str, language: Language) -> str:
    """Write a size of a difference: shares in percentage points."""
    from canbao.report import words

    return words.points(value, language) if unit == "share" else amount(value, unit, language)


def change(difference: Mapping[str, Any], unit: str, language: Language) -> str:
    """Write a difference with its sign and half-width, `+2 h 3 min ± 4 min`."""
    mean, half_width = difference["mean"], difference["half_width"]
    if mean is None:
        return _NONE
    if not mean and not half_width:
        return "0"
    sign = "+" if mean > 0 else "−" if mean < 0 else ""
    said = f"{sign}{spread(abs(mean), unit, language)}"
    return said if half_width is None else f"{said} ± {spread(half_width, unit, language)}"
