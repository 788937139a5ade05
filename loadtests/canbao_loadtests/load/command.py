"""`canbao load`: send the families of a scenario to a deployment, and tell whether it held."""

from __future__ import annotations

import inspect
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from canbao.cli.answering import print_answer
from canbao.cli.arguments import (
    chosen_language,
    epilog,
    json_option,
    lang_option,
    loaded_plugins,
    set_option,
)
from canbao.cli.output import print_json
from canbao.errors import InputError, StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from canbao.languages import Language
    from canbao.plugins import Plugins
    from canbao.report import Answer
    from canbao.runs import Run
    from canbao_loadtests.load.capacity import Trial
    from canbao_loadtests.load.ordering import LoadOrder
    from canbao_loadtests.load.telling import Fit, Telling

__all__ = ["INTERRUPTED", "INVALID", "MISSED", "exit_code", "load_command"]

MISSED = 3
"""The exit code of a load test in which an objective was missed."""
INVALID = 4
"""The exit code of a load test that says nothing about the deployment."""
INTERRUPTED = 130
"""The exit code of one that was stopped by Ctrl-C; its report is written all the same."""

_EXTRA = ("gevent", "geventhttpclient", "hdrh", "starlette", "uvicorn", "yaml")
"""Packages of the extra `load` without which there is no load test."""

_EXAMPLES = epilog(
    "canbao load scenarios/deadline-rush.toml",
    "canbao load scenarios/deadline-rush.toml --duration '2 min' --families 500",
    "canbao load my-district.toml --rate 20 --set load.start=2025-12-31",
    "canbao load my-district.toml --target my-target --host http://127.0.0.1:8000",
    "canbao load my-district.toml --target https-target --allow-host enrol.example.org --max-rate 50",
    "canbao load --resume results/my-district/20261121-214800-seed1",
    "canbao load my-district.toml --workers 4 --bind 0.0.0.0:5557",
    "canbao load --worker 192.0.2.7:5557",
    "canbao load my-district.toml --find-capacity",
)

_PARAMETERS = (
    click.argument("scenario", metavar="[SCENARIO]", type=click.Path(path_type=Path), required=False),
    click.option(
        "--target",
        metavar="DIR",
        help="The folder of a target, or the name of a plugin's; the reference service's if not given.",
    ),
    click.option(
        "--host",
        metavar="URL",
        help="The deployment, as http://127.0.0.1:8000; without it and a target the reference service is started.",
    ),
    click.option("--duration", metavar="TIME", help="How long the period takes in real time, as '10 min'."),
    click.option(
        "--rate", type=click.FloatRange(0, 10**6, min_open=True), metavar="N", help="Families a real second instead."
    ),
    click.option("--families", type=click.IntRange(1, 10**9), metavar="N", help="How many come, drawn by chance."),
    click.option(
        "--allow-host",
        "allow_hosts",
        metavar="HOST",
        multiple=True,
        help="A host other than this machine that may get load; together with --max-rate.",
    ),
    click.option("--max-rate", type=click.FloatRange(0, min_open=True), metavar="N", help="Requests a second at most."),
    click.option(
        "--workers", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes that send load."
    ),
    click.option(
        "--bind", metavar="ADDRESS", default="", help="Where workers of other machines are waited for, as 0.0.0.0:5557."
    ),
    click.option("--worker", metavar="ADDRESS", help="Be a worker of the load test at this address, and nothing else."),
    click.option(
        "--prometheus",
        "prometheus_port",
        type=click.IntRange(1, 65_535),
        metavar="PORT",
        help="Where Prometheus can read live figures, on this machine.",
    ),
    click.option(
        "--resume", type=click.Path(path_type=Path), metavar="RUN", help="Go on with the load test in a folder."
    ),
    click.option("--find-capacity", is_flag=True, help="Search the highest rate of arrivals at which all holds."),
    click.option(
        "--seed", type=click.IntRange(0, 10**9), help="All luck follows from it; the scenario's own if not given."
    ),
    set_option,
    click.option(
        "--out",
        type=click.Path(path_type=Path),
        default=Path("results"),
        show_default=True,
        help="Where runs are stored.",
    ),
    json_option,
    click.option("--quiet", "-q", is_flag=True, help="Print nothing but the path of the report."),
    lang_option,
)
"""What may be said, in the order in which the help has it."""


def load_command(fit: Fit | None = None) -> click.Command:
    """Give the command.

    Parameters
    ----------
    fit
        Holds the assumptions of a scenario against what was measured, at the end of each load test; None where nobody
        does.
    """

    @click.pass_context
    def called(context: click.Context, /, **options: Any) -> None:
        _load(context, fit, **options)

    for parameter in reversed(_PARAMETERS):
        called = parameter(called)
    return click.command("load", epilog=_EXAMPLES, help=inspect.getdoc(_load))(called)


def _load(context: click.Context, fit: Fit | None, /, *, as_json: bool, quiet: bool, lang: str, **options: Any) -> None:
    """Send the families of SCENARIO to a deployment, and tell whether it held.

    A period of the scenario, three days if it says nothing else, is compressed into minutes. Its families come at the
    moments at which they come in a simulation, and do the same for the same reasons. The simulation says before what
    will happen, and the report shows both.

    Exit codes: 0 all held, 3 an objective was missed, 4 the run says nothing (the load was not what it was meant to
    be), 130 stopped by Ctrl-C, with a report.
    """
    from canbao_loadtests.load.screen import load_screen

    _need_extra()
    if options["worker"]:
        context.exit(_worked(options["worker"]))
    _check(options)
    language, plugins = chosen_language(context, lang), loaded_plugins(context)
    with load_screen(plugins, language, show=not (as_json or quiet), fit=fit) as telling:
        if options["find_capacity"]:
            _searched(context, options, telling, as_json=as_json, quiet=quiet)
            return
        run = _carried_out(context, plugins, options, telling)
    _print(run, language, as_json=as_json, quiet=quiet)
    context.exit(exit_code(run.summary))


def exit_code(summary: Mapping[str, Any]) -> int:
    """Give the exit code that the summary of a load test stands for."""
    validity = summary["load"]["validity"]
    if validity["stopped"] in ("interrupted", "terminated"):
        return INTERRUPTED
    if not validity["valid"]:
        return INVALID
    return MISSED if any(objective["held"] is False for objective in summary["objectives"]) else 0


# --- what was asked for -----------------------------------------------------------------------------------------------


def _worked(address: str) -> int:
    from canbao_loadtests.driving.worker import main

    return main([address])


def _check(options: Mapping[str, Any]) -> None:
    if options["resume"] is not None:
        given = [
            name for name in ("scenario", "target", "host", "duration", "rate", "families", "seed") if options[name]
        ]
        if given or options["overrides"]:
            raise click.UsageError(
                "--resume goes on with what was asked for then; leave out " + ", ".join(given or ["--set"])
            )
        return
    if options["scenario"] is None:
        raise click.UsageError("name a scenario, such as scenarios/deadline-rush.toml, or a run with --resume")
    if options["find_capacity"] and options["families"]:
        raise click.UsageError("--find-capacity chooses how many families come; --rate says where it begins")
    if options["duration"] and options["rate"] and not options["find_capacity"]:
        raise click.UsageError("--duration and --rate exclude each other: the rate says how long it takes")


def _need_extra() -> None:
    from importlib.util import find_spec

    if missing := [name for name in _EXTRA if find_spec(name) is None]:
        raise StorageError(f"canbao load needs more packages ({missing[0]} is missing): pip install 'canbao[load]'")


def _carried_out(context: click.Context, plugins: Plugins, options: Mapping[str, Any], telling: Telling) -> Run:
    from canbao.scenario.scenario import load_scenario
    from canbao_loadtests.load.running import resume_load, run_load

    if options["resume"] is not None:
        return resume_load(options["resume"], telling)
    file = load_scenario(options["scenario"], plugins, options["overrides"])
    seed = file.scenario.seed if options["seed"] is None else options["seed"]
    return run_load(file, _order(context, options, seed), telling)


def _searched(
    context: click.Context, options: Mapping[str, Any], telling: Telling, *, as_json: bool, quiet: bool
) -> None:
    """Search the capacity, telling each trial, and print what was found."""
    from canbao.report.experiments.writing import write_capacity_report
    from canbao.report.loads.capacity import trial_said
    from canbao.scenario.scenario import load_scenario
    from canbao_loadtests.load.searching import BOUNDS, search_capacity

    file = load_scenario(options["scenario"], telling.plugins, options["overrides"])
    seed = file.scenario.seed if options["seed"] is None else options["seed"]
    language, order = telling.language, _order(context, options, seed)

    def watch(trial: Trial, number: int) -> None:
        if not quiet:
            click.echo(trial_said(asdict(trial), number, {"bounds": BOUNDS}, language), err=True)

    found = search_capacity(file, order, telling, watch)
    command = " ".join((*order.words, "--find-capacity"))
    scenario = {"name": file.name, "title": file.scenario.title, "seed": seed, "command": command}
    report = write_capacity_report(found.folder, found.answer, scenario, language)
    if as_json:
        print_json({**found.answer, "folder": found.folder, "report": report})
    elif quiet:
        click.echo(report)
    else:
        _print_capacity(found.answer, language)
        click.echo(language.say("Report: {path}", path=report))
    if found.capacity.ended == "stopped":
        context.exit(INTERRUPTED)


def _print_capacity(answer: Mapping[str, Any], language: Language) -> None:
    from canbao.cli.output import print_table
    from canbao.report.loads.capacity import curve_cells, curve_header, found_said, headline

    print_table(curve_header(language), [curve_cells(point, language) for point in answer["curve"]])
    click.echo()
    for sentence in (headline(answer, language), *found_said(answer, language)):
        click.echo(sentence)


def _order(context: click.Context, options: Mapping[str, Any], seed: int) -> LoadOrder:
    from canbao_loadtests.load.choosing import Wishes
    from canbao_loadtests.load.ordering import LoadOrder

    return LoadOrder(
        seed=seed,
        wishes=Wishes(options["families"], _seconds(options["duration"]), options["rate"]),
        target=options["target"],
        host=options["host"],
        allow_hosts=options["allow_hosts"],
        max_rate=options["max_rate"],
        workers=options["workers"],
        bind=options["bind"],
        prometheus_port=options["prometheus_port"] or 0,
        overrides=options["overrides"],
        out=options["out"],
        plugins_dir=context.find_root().params.get("plugins_dir"),
        words=_words(options, seed),
    )


def _seconds(text: str | None) -> float | None:
    from canbao.scenario.quantities import MisfitError, parse_duration

    if text is None:
        return None
    try:
        seconds = parse_duration(text)
    except MisfitError as error:
        hint = f"; {error.hint}" if error.hint else ""
        raise InputError(f"--duration {text!r} {error}; allowed: {error.allowed}{hint}") from error
    if not seconds > 0:
        raise InputError(f"--duration must be longer than 0, given {text!r}")
    return seconds


def _words(options: Mapping[str, Any], seed: int) -> tuple[str, ...]:
    """Give the command that does the same again."""
    words = ["canbao", "load", str(options["scenario"]), "--seed", str(seed)]
    for name in ("target", "host", "duration", "rate", "families", "max_rate"):
        if options[name] is not None:
            words += [f"--{name.replace('_', '-')}", str(options[name])]
    for name, values in (("--allow-host", options["allow_hosts"]), ("--set", options["overrides"])):
        words += [word for value in values for word in (name, value)]
    return (*words, *(["--workers", str(options["workers"])] if options["workers"] > 1 else []))


# --- what is printed --------------------------------------------------------------------------------------------------


def _print(run: Run, language: Language, *, as_json: bool, quiet: bool) -> None:
    from canbao.report import answer

    said = answer(run.summary, language)
    if as_json:
        print_json(_for_machines(run, said))
    elif quiet:
        click.echo(run.report)
    else:
        print_answer(run, said, tuple(said.sentences.values()), language, ending=_still_waiting(run, language))


def _for_machines(run: Run, said: Answer) -> dict[str, Any]:
    load = run.summary["load"]
    return {
        "run": run.manifest["run"],
        "scenario": run.manifest["scenario"],
        "seed": run.manifest["seed"],
        "valid": load["validity"]["valid"],
        "held": said.held,
        "answer": asdict(said),
        "objectives": run.summary["objectives"],
        "load": load,
        "waiting": run.manifest["load"]["waiting"],
        "folder": run.folder,
        "report": run.report,
        "manifest": run.manifest,
    }


def _still_waiting(run: Run, language: Language) -> str:
    waiting = run.manifest["load"]["waiting"]
    if not waiting:
        return ""
    return language.plural(
        "{n} application is in review still; to look again: canbao load --resume {folder}",
        "{n} applications are in review still; to look again: canbao load --resume {folder}",
        waiting,
        folder=run.folder,
    )
