"""`canbao plan`: find the least staffing that holds every objective, and write it as a rota and as a scenario."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from canbao.cli.arguments import (
    chosen_language,
    engine_option,
    epilog,
    json_option,
    lang_option,
    loaded_plugins,
    scenario_argument,
    set_option,
)
from canbao.cli.executing import report_writer
from canbao.cli.experimenting import executor_options, folder_options, made_executor, print_places
from canbao.cli.output import console, print_json, print_table

if TYPE_CHECKING:
    from canbao.experiments.experiment import Progress
    from canbao.experiments.staffing import Order
    from canbao.experiments.staffing.answering import Asked
    from canbao.experiments.staffing.searching import Told
    from canbao.languages import Language
    from canbao.plugins import Plugins

__all__ = ["command"]

_NOTHING_HOLDS = 3
"""The exit code where no staffing is proved to hold."""

_PER_LEVER, _AT_LEAST = 24, 200
"""Seasons that a search takes: a first guess, for the time left."""


class _Most(click.ParamType):  # type: ignore[type-arg] # generic in the newest click only
    """`12`, or `PLACE=12`."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        place, _, number = str(value).rpartition("=")
        if not number.strip().isdecimal() or int(number) < 1:
            self.fail(f"{value!r} is not a number from 1, or PLACE=NUMBER, as channels.office.*=12", param, ctx)
        return place.strip(), int(number)


@dataclass(frozen=True)
class _Options:
    """The options of a call."""

    overrides: tuple[str, ...]
    probability: float
    confidence: float
    seasons: int
    levers: tuple[str, ...]
    objectives: tuple[str, ...]
    most: tuple[tuple[str, int], ...]
    blocks: float | None
    periods: int
    seed: int | None
    engine: str
    executor: str
    workers: int | None
    scheduler: str | None
    out: Path
    resume: Path | None
    write: Path | None
    as_json: bool
    quiet: bool

    @property
    def question(self) -> dict[str, Any]:
        """What the experiment asks: what must be the same to go on with it."""
        return {
            "probability": self.probability,
            "confidence": self.confidence,
            "seasons": self.seasons,
            "levers": list(self.levers),
            "objectives": list(self.objectives),
            "max": [list(pair) for pair in self.most],
            "blocks": self.blocks,
            "periods": self.periods,
            "seed": self.seed,
        }


@click.command(
    "plan",
    epilog=epilog(
        "canbao plan my-district.toml",
        "canbao plan my-district.toml --probability 0.95 --write plan.toml",
        "canbao plan my-district.toml --levers review --levers channels.office.sites.hall",
        "canbao plan my-district.toml --objective hall-wait --max windows=6 --blocks 2",
        "canbao plan my-district.toml --resume results/experiments/my-district/20261122-083000-plan",
    ),
)
@scenario_argument
@set_option
@click.option(
    "--probability",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.9,
    show_default=True,
    help="That a season holds every objective.",
)
@click.option(
    "--confidence",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="That the plan holds with this probability.",
)
@click.option(
    "--seasons",
    type=click.IntRange(1, 100_000),
    default=200,
    show_default=True,
    help="Fresh seasons that a proof may take at most.",
)
@click.option(
    "--levers",
    metavar="PLACE",
    multiple=True,
    help="Whose staff may change: windows, reviewers, slots, or a path such as channels.office.*; all by default.",
)
@click.option("--objective", "objectives", metavar="NAME", multiple=True, help="What must hold; all by default.")
@click.option(
    "--max", "most", metavar="[PLACE=]N", multiple=True, type=_Most(), help="The most at a place, or at each place."
)
@click.option(
    "--blocks",
    type=click.FloatRange(0.25, 24),
    metavar="HOURS",
    help="The longest stretch of a day with one number of windows; morning and afternoon by default.",
)
@click.option(
    "--periods",
    type=click.IntRange(1, 12),
    default=4,
    show_default=True,
    help="Periods of dates at each place, at most.",
)
@click.option("--seed", type=click.IntRange(0, 10**9), help="Of the first season; the scenario's own if not given.")
@engine_option("auto", "What simulates: auto, simpy, compiled, or both, compared.")
@click.option("--write", type=click.Path(path_type=Path), metavar="FILE", help="Write the plan as a scenario there.")
@executor_options
@folder_options
@lang_option
@json_option
@click.option("--quiet", "-q", is_flag=True, help="Print the folder of the experiment and nothing else.")
@click.pass_context
def command(context: click.Context, /, scenario: Path, lang: str, **options: Any) -> None:
    """Find the least staffing that holds every objective with a stated probability.

    Looks for the cheapest windows, reviewers and portal slots, by place, dates and hours of the day. Theory says where
    to begin, simulation on the same seasons for every staffing goes on from there, and fresh seasons prove that the
    plan holds and that one server less does not. Prints a rota and what a cheaper or dearer staffing would give, and
    writes the plan as a scenario for `canbao run`. The exit code is 3 if no staffing is proved to hold.
    """
    language, chosen, plugins = chosen_language(context, lang), _Options(**options), loaded_plugins(context)
    asked = _asked(scenario, chosen, plugins, context.find_root().params.get("plugins_dir"))
    folder, answer = _answered(asked, chosen, plugins, language)
    if chosen.as_json:
        print_json({"folder": folder, "answer": answer})
    elif chosen.quiet:
        click.echo(folder)
    else:
        _show(folder, answer, language)
    context.exit(0 if answer["holds"] else _NOTHING_HOLDS)


def _asked(scenario: Path, chosen: _Options, plugins: Plugins, plugins_dir: Path | None) -> Asked:
    from canbao.experiments import ScenarioModel
    from canbao.experiments.staffing.answering import Asked
    from canbao.scenario.scenario import load_scenario

    file = load_scenario(scenario, plugins, chosen.overrides)
    model = ScenarioModel.of(file, chosen.overrides, chosen.engine, plugins_dir)
    return Asked(file, model, chosen.overrides, _order(chosen, file.scenario.seed), chosen.write)


def _order(chosen: _Options, seed: int) -> Order:
    from canbao.experiments.staffing import Order, Wanted

    return Order(
        levers=chosen.levers,
        objectives=chosen.objectives,
        most=dict(chosen.most),
        periods=chosen.periods,
        blocks_h=chosen.blocks,
        wanted=Wanted(chosen.probability, chosen.confidence, chosen.seasons),
        seed=seed if chosen.seed is None else chosen.seed,
    )


def _answered(asked: Asked, chosen: _Options, plugins: Plugins, language: Language) -> tuple[Path, dict[str, Any]]:
    from canbao.experiments import open_experiment
    from canbao.experiments.staffing import first_variant
    from canbao.experiments.staffing.answering import answered

    with _search_bar(not (chosen.as_json or chosen.quiet), language) as (watch, told):
        experiment = open_experiment(
            chosen.out,
            asked.file.name,
            "plan",
            [first_variant(asked.model)],
            made_executor(chosen.executor, chosen.workers, chosen.scheduler, language),
            resume=chosen.resume,
            progress=watch,
            settings=chosen.question,
            report=report_writer(language),
        )
        with experiment:
            return experiment.folder, answered(experiment, asked, plugins, language, told)


@contextmanager
def _search_bar(show: bool, language: Language) -> Iterator[tuple[Progress | None, Told]]:
    """Show on stderr what the search does, how many seasons it took, and about how long it will take yet."""
    screen = console(stderr=True)
    if not (show and screen.is_terminal):
        yield None, lambda step: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    from canbao.experiments.staffing.sentences import STAGES

    seasons = TextColumn(language.say("{count} seasons", count="{task.completed:,.0f}"))
    columns = (TextColumn("{task.description}"), BarColumn(), seasons, TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True) as bar:
        task = bar.add_task(language.say("looking around"), total=None)
        done = before = 0

        def watch(finished: int, wanted: int) -> None:
            nonlocal done, before
            done += finished - (before if finished > before else 0)
            before = finished if finished < wanted else 0
            known = bar.tasks[0].total
            # Nobody knows how long a search will be; where it takes longer than was guessed, it is not nearly over.
            bar.update(task, completed=done, total=known and max(known, done / 0.9))

        def told(step: Any) -> None:
            said = f"{language.say(STAGES[step.stage])}: {step.yuan:,.0f}"
            known = bar.tasks[0].total or _AT_LEAST + _PER_LEVER * len(step.levels)
            bar.update(task, description=said, total=known)

        yield watch, told


# --- what is printed --------------------------------------------------------------------------------------------------


def _show(folder: Path, answer: Mapping[str, Any], language: Language) -> None:
    from rich.text import Text

    from canbao.experiments.staffing.sentences import cost_sentence, neighbour_sentence, plan_verdict

    screen = console()
    screen.print(Text(plan_verdict(answer, language), style="bold green" if answer["holds"] else "bold red"))
    if answer["possible"]:
        screen.print(Text(cost_sentence(answer, language)))
        _show_rota(answer["rota"], language)
        screen.print()
        screen.print(Text(neighbour_sentence(answer, language)))
        _show_neighbours(answer["neighbours"], language)
        screen.print()
        _show_curve(answer, language)
    screen.print()
    screen.print(Text(language.say("{count} seasons were simulated for it.", count=f"{answer['replications']:,}")))
    if "scenario" in answer:
        where = Path(answer["scenario"]) if "/" in answer["scenario"] else _beside(folder, answer["scenario"])
        click.echo(language.say("Scenario: {path}", path=where))
    print_places(folder, language)


def _beside(folder: Path, name: str) -> Path:
    return folder / name if (folder / name).exists() else Path(name)


def _show_rota(places: Sequence[Mapping[str, Any]], language: Language) -> None:
    """Print the rota, in one table for all places with the same hours."""
    from canbao.experiments.staffing.sentences import KINDS

    tables: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for place in places:
        hours = tuple(block["hours"] for block in max(place["periods"], key=lambda each: len(each["blocks"]))["blocks"])
        rows = tables.setdefault(hours, [])
        for number, period in enumerate(place["periods"]):
            counts = {block["hours"]: str(block["count"]) for block in period["blocks"]}
            name = f"{place['place']} ({language.say(KINDS[place['kind']])})" if not number else ""
            rows.append((name, _dates(period, language), *(counts.get(each, "–") for each in hours)))
    for hours, rows in tables.items():
        click.echo()
        print_table((language.say("place"), language.say("dates"), *hours), rows, ("bold",))


def _dates(period: Mapping[str, Any], language: Language) -> str:
    from canbao.report import words

    start, end = (dt.date.fromisoformat(period[key]) for key in ("start", "end"))
    return words.day(start, language) if start == end else f"{words.day(start, language)} – {words.day(end, language)}"


def _show_neighbours(neighbours: Sequence[Mapping[str, Any]], language: Language) -> None:
    from canbao.experiments.staffing.sentences import VERDICTS
    from canbao.report.experiments.values import amount

    heads = (language.say("one server less at"), language.say("saves"), language.say("held"), language.say("verdict"))
    rows = [
        (
            each["lever"],
            amount(each["saves_yuan"], "yuan", language),
            language.say("{held} of {n}", held=each["held"], n=each["n"]),
            language.say(VERDICTS[each["verdict"]]),
        )
        for each in neighbours
    ]
    if rows:
        print_table(heads, rows)


def _show_curve(answer: Mapping[str, Any], language: Language) -> None:
    """Print what cheaper and dearer plans would give."""
    from canbao.report.experiments.values import amount

    objectives = answer["objectives"]
    names = [each["name"] for each in objectives]
    heads = (language.say("servers"), language.say("cost"), language.say("held"), *names)
    points = [(_more(point["servers"], language), point) for point in answer["curve"]]
    points.append((language.say("as it is"), answer["as_it_is"]))
    rows = [
        (
            name,
            amount(point["yuan"], "yuan", language),
            language.say("{held} of {n}", held=point["held"], n=point["n"]),
            *(amount(point["objectives"][each["name"]]["mean"], each["unit"], language) for each in objectives),
        )
        for name, point in points
    ]
    print_table(heads, rows, ("bold",))


def _more(servers: int, language: Language) -> str:
    return f"{servers:+d}".replace("-", "−") if servers else language.say("the plan")
