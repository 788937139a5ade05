"""How a load test looks on a terminal while it goes on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from canbao.cli.output import console
from canbao.languages import Language, noted
from canbao.runs.storing import Stages
from canbao_loadtests.load.telling import Fit, Telling

if TYPE_CHECKING:
    from canbao.plugins import Plugins

__all__ = ["load_screen", "second_in_words"]

_NAMES = {
    "plan": noted("making the plan"),
    "compile": noted("compiling the engine, once (half a minute)"),
    "simulate": noted("predicting"),
    "load": noted("sending load"),
    "measure": noted("measuring"),
    "fit": noted("fitting the assumptions"),
    "store": noted("storing"),
    "report": noted("writing the report"),
}


@contextmanager
def load_screen(plugins: Plugins, language: Language, *, show: bool, fit: Fit | None = None) -> Iterator[Telling]:
    """Show on stderr how far a load test is and how it goes, where somebody looks at a terminal."""
    screen = console(stderr=True)
    if not (show and screen.is_terminal):
        yield Telling(plugins, language, fit=fit)
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<18}"),
        BarColumn(bar_width=20),
        TimeElapsedColumn(),
        TextColumn("{task.fields[figures]}"),
    )
    with Progress(*columns, console=screen, transient=True) as bar:
        task = bar.add_task(language.say("reading"), total=1.0, figures="")

        def stage(name: str, share: float) -> None:
            # Nobody knows how far a compiler is, nor when the last decision comes: the time beside the bar runs.
            total = None if name in ("compile", "load") else 1.0
            bar.update(task, description=language.say(_NAMES.get(name, name)), completed=share, total=total, figures="")

        def second(event: Mapping[str, Any]) -> None:
            bar.update(task, figures=second_in_words(event, language))

        yield Telling(plugins, language, Stages(stage), second, fit)


def second_in_words(event: Mapping[str, Any], language: Language) -> str:
    """Say in one line how a load test goes, from what its process says once a second."""
    said = language.say(
        "{arrived} came, {in_flight} in a session, {submitted} handed in, {in_review} in review, {rate} requests/s",
        arrived=f"{_count(event, 'arrived'):,}",
        in_flight=f"{_count(event, 'in_flight'):,}",
        submitted=f"{_count(event, 'submitted'):,}",
        in_review=f"{_count(event, 'in_review'):,}",
        rate=f"{event.get('requests_s') or 0.0:,.0f}",
    )
    errors = _count(event, "errors")
    if not errors:
        return said
    failed = language.plural("{n} request failed", "{n} requests failed", errors)
    return language.say("{sentence}, {next}", sentence=said, next=failed)


def _count(event: Mapping[str, Any], name: str) -> int:
    return int(event.get(name) or 0)
