"""`canbao serve`: start the reference service."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from canbao.cli.arguments import epilog, loaded_plugins, set_option
from canbao.cli.output import print_json
from canbao.errors import InputError, StorageError

if TYPE_CHECKING:
    from canbao.plugins import Plugins
    from canbao.scenario.scenario import ScenarioFile
    from canbao_loadtests.service.serving import Listening, Settings, Speed

__all__ = ["command"]

_TOWN = Path(__file__).with_name("town.toml")


@click.command(
    "serve",
    epilog=epilog(
        "canbao serve",
        "canbao serve scenarios/deadline-rush.toml --working-day '10 min' --from 2025-12-29",
        "CANBAO_REVIEWER_CODE=... canbao serve --reviews people --data my-town",
        "canbao serve --database postgresql://canbao@127.0.0.1/enrolment",
        "canbao serve --openapi > openapi.json",
    ),
)
@click.argument("scenario", metavar="[SCENARIO]", type=click.Path(path_type=Path), required=False)
@set_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8780, show_default=True, help="0 takes a free one.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("results/service"),
    show_default=True,
    help="The folder of papers and database; what is in it goes on.",
)
@click.option("--database", metavar="URL", help="PostgreSQL, postgresql://user@host/name; a SQLite file if not given.")
@click.option(
    "--synchronous",
    type=click.Choice(["full", "normal"]),
    default="full",
    show_default=True,
    help="SQLite: normal may lose the last moments when the power fails.",
)
@click.option("--working-day", metavar="TIME", help="How long a working day takes; nights take no time.  [1 min]")
@click.option("--day", metavar="TIME", help="How long a day of 24 hours takes, nights and weekends included.")
@click.option(
    "--from",
    "start",
    metavar="DATE",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]),
    help="When the clock starts.",
)
@click.option(
    "--reviews",
    type=click.Choice(["clerks", "people"]),
    default="clerks",
    show_default=True,
    help="Who reviews: the scenario's clerks, or people over HTTP.",
)
@click.option(
    "--pay", type=click.Choice(["before", "after"]), help="Pay before or after the review; as the scenario says."
)
@click.option(
    "--password-cost",
    type=click.IntRange(1, 20),
    default=14,
    show_default=True,
    help="Work of a log-in: 14 is 40 ms of a core, each step less halves it.",
)
@click.option("--openapi", is_flag=True, help="Print the OpenAPI document and end.")
@click.option("--json", "as_json", is_flag=True, help="Print where it listens as JSON.")
@click.pass_context
def command(context: click.Context, /, openapi: bool, host: str, port: int, as_json: bool, **options: Any) -> None:
    """Start the reference service: enrolment over HTTP.

    A real implementation of the whole flow, small enough to be read, with invented people only.

    Dates, clerks, fee and the order of payment and review come from SCENARIO; without one it is a small town. Nothing
    that was confirmed is lost when it is killed and started again on the same data.
    """
    _need_extra()
    if openapi:
        print_json(_document())
        return
    from canbao_loadtests.service.serving import serve

    settings = _settings(loaded_plugins(context), **options)
    if not _is_loopback(host):
        click.echo(f"Warning: {host} lets other machines in, and the service knows no TLS.", err=True)

    def ready(there: Listening) -> None:
        if as_json:
            print_json({**there._asdict(), "data": settings.folder, "pid": os.getpid()})
        else:
            click.echo(f"Serving on {there.url}, described at {there.url}/openapi.json; Ctrl-C ends it.")
            click.echo(_clock_says(settings, there))

    try:
        serve(settings, host, port, ready)
    except KeyboardInterrupt:
        click.echo("stopped; all that was confirmed is stored", err=True)


def _need_extra() -> None:
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise StorageError("canbao serve needs more packages: pip install 'canbao[load]'") from error


def _document() -> dict[str, Any]:
    from canbao_loadtests.service.openapi import document
    from canbao_loadtests.service.operations import Limits
    from canbao_loadtests.service.routes import OPERATIONS

    return document(OPERATIONS, Limits())


def _settings(plugins: Plugins, *, scenario: Path | None, overrides: tuple[str, ...], **options: Any) -> Settings:
    from canbao.scenario.scenario import load_scenario
    from canbao_loadtests.service.operations import Limits
    from canbao_loadtests.service.rules import rules_of
    from canbao_loadtests.service.serving import REVIEWER_CODE, Settings

    file = load_scenario(scenario or _TOWN, plugins, overrides)
    return Settings(
        rules=rules_of(file, pay=f"{options['pay']} review" if options["pay"] else None),  # type: ignore[arg-type]
        folder=options["data"],
        database=options["database"],
        synchronous=options["synchronous"].upper(),
        speed=_speed(options["working_day"], options["day"]),
        start=_start(file, options["start"]),
        reviews=options["reviews"],
        limits=Limits(password_cost=options["password_cost"]),
        reviewer_code=os.environ.get(REVIEWER_CODE),
    )


def _speed(working_day: str | None, day: str | None) -> Speed:
    from canbao.scenario.quantities import MisfitError, parse_duration
    from canbao_loadtests.service.serving import Speed

    if working_day and day:
        raise click.UsageError("--working-day and --day exclude each other")
    option, text = ("--day", day) if day else ("--working-day", working_day or "1 min")
    try:
        seconds = parse_duration(text)
    except MisfitError as error:
        raise InputError(f"{option} {text!r} {error}") from error
    if not seconds > 0:
        raise InputError(f"{option} must be longer than 0, given {text!r}")
    return Speed(seconds, "all" if day else "working")


def _start(file: ScenarioFile, moment: Any) -> float | None:
    if moment is None:
        return None
    seconds = file.horizon.seconds(moment)
    if not 0 <= seconds < file.horizon.end_s:
        raise InputError(f"--from {moment:%Y-%m-%d}: allowed: {file.horizon.start} to {file.horizon.end}")
    return seconds


def _clock_says(settings: Settings, there: Listening) -> str:
    from canbao.scenario.quantities import format_duration

    shown, end = there.now[:16].replace("T", " "), settings.rules.horizon.end
    if there.left_s <= 0:
        return f"Its clock shows {shown} and stands still: the scenario ended on {end}."
    left = format_duration(max(round(there.left_s), 1))
    return f"Its clock shows {shown} and runs until the end of {end}, for {left}."


def _is_loopback(host: str) -> bool:
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
