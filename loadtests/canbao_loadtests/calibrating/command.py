"""`canbao calibrate`: what a load test says of its scenario's assumptions, and a scenario that has them right."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from canbao.cli.arguments import chosen_language, epilog, json_option, lang_option, loaded_plugins
from canbao.cli.output import console, print_json
from canbao.languages import noted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from canbao.languages import Language
    from canbao_loadtests.calibrating.calibration import Calibration, Watch

__all__ = ["command"]

_STAGES = {
    "reading": noted("reading the load test"),
    "slots": noted("fitting slots and requests"),
    "review": noted("fitting the review, by simulating the load test again"),
    "moves": noted("simulating with what is put right"),
    "chance": noted("simulating with other luck of the deployment"),
}


@click.command(
    "calibrate",
    epilog=epilog(
        "canbao calibrate results/deadline-rush/20261122-110000-seed1",
        "canbao calibrate results/deadline-rush --out measured.toml",
        "canbao calibrate results/deadline-rush --json",
    ),
)
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where the scenario goes; calibrated.toml in the folder of the load test if not given.",
)
@click.option(
    "--level",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="How often all intervals cover the truth at once.",
)
@lang_option
@json_option
@click.pass_context
def command(  # noqa: PLR0913, PLR0917 - its options
    context: click.Context, /, folder: Path, out: Path | None, level: float, lang: str, as_json: bool
) -> None:
    """Fit a scenario's portal and review to a load test.

    Finds how long a request takes and how many the deployment works on at once, how fast its review is and what it
    returns; says which of the scenario's assumptions is off, and by how much its prediction would move if it were put
    right. Writes what was fitted as a scenario that `canbao run` takes, and says what could not be identified and why.
    `canbao compare RUN` shows the same beside what was predicted and measured.
    """
    language, plugins = chosen_language(context, lang), loaded_plugins(context)
    from canbao.experiments.folder import write_atomically
    from canbao_loadtests.calibrating.calibration import calibrate, keep

    with _watched(not as_json, language) as watch:
        found = calibrate(folder, plugins, level=level, watch=watch)
    path = out or found.evidence.run.folder / "calibrated.toml"
    kept = keep(found)
    write_atomically(path, found.fragment(path.absolute()))
    if as_json:
        print_json({**found.as_data(), "folder": found.evidence.run.folder, "written": path, "kept": kept})
        return
    _print(found, language)
    click.echo(language.say("Scenario: {path}", path=path))


def _watched(show: bool, language: Language) -> AbstractContextManager[Watch | None]:
    from contextlib import contextmanager

    @contextmanager
    def spinner() -> Iterator[Watch | None]:
        screen = console(stderr=True)
        if not (show and screen.is_terminal):
            yield None
            return
        with screen.status(language.say(_STAGES["reading"])) as status:
            yield lambda what: status.update(language.say(_STAGES[what]))

    return spinner()


def _print(found: Calibration, language: Language) -> None:
    from rich.text import Text

    from canbao.cli.predicting import print_assumptions
    from canbao.experiments.forecast import assumptions_verdict

    screen, assumptions = console(), [one.as_data() for one in found.assumptions]
    screen.print(Text(assumptions_verdict(assumptions, language), style="bold"))
    if found.check is not None and not found.check.fits:
        text = noted(
            "A queue of slots does not explain the times of requests: at the same arrivals it gives a mean of {said} s "
            "and a 95th percentile of {late} s, measured are {mean} s and {p95} s."
        )
        (mean, p95), (said, late) = found.check.measured_s, found.check.replayed_s
        figures = {"said": said, "late": late, "mean": mean, "p95": p95}
        spoken = language.say(text, **{name: f"{value:.3g}" for name, value in figures.items()})
        screen.print(Text(spoken, style="yellow"))
    screen.print()
    print_assumptions(assumptions, language)
    screen.print()
