"""What `canbao run` does with `--replications` or `--precision`: many runs of one scenario, and what they tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from canbao.cli.executing import experiment_bar, keeping, print_failures, report_writer
from canbao.cli.experimenting import made_executor
from canbao.cli.output import console, print_json, print_table

if TYPE_CHECKING:
    from canbao.experiments import Experiment, Variant
    from canbao.experiments.replications import Replicated, Row
    from canbao.languages import Language
    from canbao.scenario.scenario import ScenarioFile

__all__ = ["Asked", "replicated"]

_BUDGET = 100
_STYLES = {True: "green", False: "bold red", None: "yellow"}


@dataclass(frozen=True)
class Asked:
    """What was asked for on the command line."""

    seed: int | None
    overrides: tuple[str, ...]
    out: Path
    engine: str
    plugins_dir: Path | None
    replications: int | None
    precision: float | None
    measures: tuple[str, ...]
    budget: int | None
    workers: int | None
    executor: str | None
    scheduler: str | None
    resume: Path | None

    @property
    def replicating(self) -> bool:
        """Whether more than one run is asked for."""
        return self.replications is not None or self.precision is not None or self.resume is not None

    def check(self) -> None:
        """Raise a UsageError where options do not go together."""
        if self.replications is not None and self.precision is not None:
            raise click.UsageError("--replications says how many, --precision until when; give one of them")
        if self.budget is not None and self.replications is not None:
            raise click.UsageError("--budget bounds --precision; with --replications it has no meaning")
        alone = {
            "--measure": self.measures,
            "--budget": self.budget,
            "--workers": self.workers,
            "--executor": self.executor,
            "--scheduler": self.scheduler,
        }
        given = [name for name, value in alone.items() if value]
        if given and not self.replicating:
            raise click.UsageError(f"{given[0]} is for many replications; add --replications 20 or --precision 5%")


def replicated(file: ScenarioFile, asked: Asked, language: Language, *, as_json: bool, quiet: bool) -> int:
    """Replicate a scenario, print what it tells and give the exit code."""
    from canbao.experiments import ScenarioModel, Variant, open_experiment
    from canbao.experiments.folder import REPORT

    goal = _goal(asked)
    model = ScenarioModel.of(file, asked.overrides, asked.engine, asked.plugins_dir)
    variant = Variant(file.name, model)
    executor = made_executor(asked.executor, asked.workers, asked.scheduler, language)
    seed = file.scenario.seed if asked.seed is None else asked.seed
    with experiment_bar(not (as_json or quiet), language) as progress:
        opened = open_experiment(
            asked.out,
            file.name,
            "replications",
            [variant],
            executor,
            resume=asked.resume,
            progress=progress,
            settings={"first_seed": seed},
            goal=goal,
            report=report_writer(language),
        )
        with opened as experiment, keeping(experiment, language):
            found = _carried_out(experiment, variant, file, goal, seed)
            experiment.conclude(found.as_data())
    failures = found.results.failures
    if as_json:
        print_json(_for_machines(file, opened, found))
    elif quiet:
        click.echo(opened.folder / REPORT)
    else:
        _print(file, found, language)
        click.echo(language.say("Report: {path}", path=opened.folder / REPORT))
    print_failures(failures, language)
    return 1 if failures else 3 if found.held is False else 0


def _goal(asked: Asked) -> dict[str, Any]:
    """Say how far it is to go; a resumed experiment knows it, where nothing is said."""
    if asked.precision is not None:
        budget = _BUDGET if asked.budget is None else asked.budget
        return {"precision": asked.precision, "budget": budget, "measures": list(asked.measures)}
    if asked.replications is not None:
        return {"replications": asked.replications, "measures": list(asked.measures)}
    from canbao.experiments.folder import read_experiment

    assert asked.resume is not None  # else nothing is replicated
    goal: dict[str, Any] = read_experiment(asked.resume).get("goal", {})
    if not {"replications", "precision"} & set(goal):
        raise click.UsageError(f"{asked.resume} is no experiment of `canbao run`; resume it with the command it is of")
    return goal


def _carried_out(
    experiment: Experiment, variant: Variant, file: ScenarioFile, goal: Mapping[str, Any], seed: int
) -> Replicated:
    from canbao.experiments.replications import replicate, replicate_until
    from canbao.statistics.precision import Hoad

    more: Any = {"first_seed": seed, "measures": goal["measures"], "objectives": file.scenario.objectives}
    if "precision" in goal:
        rule = Hoad(precision=goal["precision"], budget=goal["budget"])
        return replicate_until(experiment, variant, rule, **more)
    return replicate(experiment, variant, goal["replications"], **more)


# --- what is printed --------------------------------------------------------------------------------------------------


def _for_machines(file: ScenarioFile, experiment: Experiment, found: Replicated) -> dict[str, Any]:
    from canbao.experiments.folder import REPORT, RESULTS, json_like

    return {
        "scenario": file.name,
        "title": file.scenario.title,
        "held": found.held,
        "answer": json_like(found.as_data()),
        "failures": [vars(failure) for failure in found.results.failures],
        "folder": experiment.folder,
        "results": experiment.folder / RESULTS,
        "report": experiment.folder / REPORT,
    }


def _print(file: ScenarioFile, found: Replicated, language: Language) -> None:
    from rich.text import Text

    screen, seeds = console(), found.seeds
    counted = language.plural("{n} replication", "{n} replications", len(seeds))
    said = language.say("seeds {first} to {last}", first=seeds[0], last=seeds[-1])
    screen.print(Text(f"{file.scenario.title} · {counted} · {said}"))
    screen.print(Text(_headline(found, language), style=f"bold {_STYLES[found.held]}"))
    for sentence in _on_precision(found, language):
        screen.print(Text(sentence))
    screen.print()
    level = language.say("{number} % interval", number=f"{100 * found.level:g}")
    promised = [row for row in found.rows if row.judged is not None]
    if promised:
        heads = [language.say("objective"), language.say("held in"), language.say("mean"), level, "n"]
        print_table(heads, (_promise(row, language) for row in promised), ("bold",))
        screen.print()
    others = [row for row in found.rows if row.judged is None]
    if others:
        heads = [language.say("measure"), language.say("mean"), level, "n"]
        print_table(heads, ((row.measure, *_interval(row, language)) for row in others), ("bold",))
        screen.print()


def _headline(found: Replicated, language: Language) -> str:
    judged = [row for row in found.rows if row.judged]
    if not judged:
        return language.say("No objective was judged: there is nothing to hold or to miss.")
    always = sum(row.held == row.judged for row in judged)
    return language.say("{held} of {all} objectives held in every replication.", held=always, all=len(judged))


def _on_precision(found: Replicated, language: Language) -> Iterator[str]:
    from canbao.report.words import percent, threshold

    if found.rule is None:
        return
    asked = threshold(found.rule.precision, language)
    short = [each for each in found.precise if not each.decision.reached]
    if not short:
        yield language.say("Every half-width is within {asked} of its mean.", asked=asked)
    for each in short:
        reached = percent(each.decision.precision, language) if each.decision.precision < 10 else "–"
        yield language.say(
            "{measure} is known within {reached} only, not {asked}: the budget of {budget} replications is spent.",
            measure=each.measure,
            reached=reached,
            asked=asked,
            budget=found.rule.budget,
        )


def _promise(row: Row, language: Language) -> tuple[str, ...]:
    title = str(row.objective["title"]) if row.objective else row.measure
    times = language.say("{held} of {all}", held=row.held, all=row.judged)
    return (title, times, *_interval(row, language))


def _interval(row: Row, language: Language) -> tuple[str, str, str]:
    """Write mean, interval and number of replications."""
    from canbao.report.experiments.values import amount

    interval = row.interval
    mean, low, high = (
        amount(value, row.meaning.unit, language) for value in (interval.mean, interval.low, interval.high)
    )
    return mean, low if low == high else language.say("{low} to {high}", low=low, high=high), str(interval.n)
