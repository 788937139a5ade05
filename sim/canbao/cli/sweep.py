"""`canbao sweep`: a scenario at many points, or ranked by what its measures hang on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
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
from canbao.cli.executing import executor_options, experiment_bar, keeping, print_failures, report_writer
from canbao.cli.experimenting import (
    folder_options,
    made_executor,
    measure_option,
    print_places,
    reading_bar,
    replication_options,
)
from canbao.cli.output import console, print_json, print_table
from canbao.languages import noted

if TYPE_CHECKING:
    from canbao.arrays import IntArray
    from canbao.experiments import Experiment, Results, Variant
    from canbao.experiments.executors import Executor
    from canbao.experiments.experiment import Progress
    from canbao.experiments.points import Point
    from canbao.experiments.sensitivity import Design
    from canbao.experiments.sweeping import Kind
    from canbao.experiments.varying import Input
    from canbao.languages import Language
    from canbao.scenario.scenario import ScenarioFile

__all__ = ["command"]

_SHOWN = 40
"""Points in the table that is printed; the file has all."""
_RANKED = 8
"""Inputs of a ranking that are printed; the answer has all."""


@dataclass(frozen=True)
class _Asked:
    """The options of a call."""

    scenario: Path
    vary: tuple[str, ...]
    lhs: int | None
    sensitivity: str | None
    samples: int | None
    within: float
    among: tuple[str, ...]
    overrides: tuple[str, ...]
    replications: int
    seed: int | None
    level: float
    measures: tuple[str, ...]
    dry_run: bool
    engine: str
    executor: str | None
    workers: int | None
    scheduler: str | None
    out: Path
    resume: Path | None
    as_json: bool
    quiet: bool

    def check(self) -> None:
        """See that the options go together."""
        if self.sensitivity is None and (self.samples is not None or self.among):
            raise click.UsageError("--samples and --among belong to --sensitivity")
        if self.sensitivity is not None and self.lhs is not None:
            raise click.UsageError("--sensitivity has a design of its own; leave out --lhs")
        if self.among and self.vary:
            raise click.UsageError("--among chooses among the estimates; leave it out where --vary names the inputs")
        if self.sensitivity is None and not self.vary:
            raise click.UsageError(
                "nothing is varied; add --vary PATH=VALUES, or rank the estimates by --sensitivity morris"
            )

    def question(self, seed: int) -> dict[str, Any]:
        """Say what the experiment asks beside its variants: what must be the same to go on with it."""
        asked = asdict(self)
        names = ("vary", "lhs", "sensitivity", "samples", "within", "among")
        return {"first_seed": seed, **{name: asked[name] for name in names}}


@dataclass(frozen=True)
class _Study:
    """What is to be simulated."""

    file: ScenarioFile
    seed: int
    inputs: tuple[Input, ...]
    points: tuple[Point, ...]
    kind: Kind = "grid"
    design: Design | None = None
    which: IntArray | None = None
    left_out: Mapping[str, str] | None = None


@click.command(
    "sweep",
    epilog=epilog(
        "canbao sweep my.toml --vary review.first.staff=6..20",
        "canbao sweep my.toml --vary review.first.staff=6..20:2 --vary choice.online_share=0.3:0.9:7",
        'canbao sweep my.toml --vary "review.first.service.mean=2 min:6 min:5"',
        "canbao sweep my.toml --vary review.first.staff=6..20 --vary choice.online_share=0.3:0.9 --lhs 50",
        "canbao sweep my.toml --sensitivity morris --among 'review.*'",
        "canbao sweep my.toml --sensitivity sobol --vary review.precheck=0.1:0.5 --dry-run",
    ),
)
@scenario_argument
@click.option(
    "--vary",
    metavar="PATH=VALUES",
    multiple=True,
    help="A key and its values: 6..20, 6..20:2, 0.3:0.9:7 (seven), 0.3:0.9 (a range), or 4,8,16; repeatable.",
)
@click.option("--lhs", type=click.IntRange(2), metavar="N", help="N points of a Latin hypercube instead of a grid.")
@click.option(
    "--sensitivity",
    type=click.Choice(["morris", "sobol"]),
    help="Rank the inputs; without --vary the estimates (grade E) of the scenario.",
)
@click.option("--samples", type=click.IntRange(2), help="Of the sensitivity analysis: 10 for morris, 64 for sobol.")
@click.option(
    "--within",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.25,
    show_default=True,
    help="How far an estimate may be off, as a share of it.",
)
@click.option("--among", metavar="PATTERN", multiple=True, help="Only estimates such as review.*; repeatable.")
@set_option
@replication_options(3)
@measure_option
@click.option("--dry-run", is_flag=True, help="Check all values, say how many replications it takes, and stop.")
@engine_option("auto", "What simulates: auto, simpy, compiled, or both, compared.")
@executor_options
@folder_options
@lang_option
@json_option
@click.option("--quiet", "-q", is_flag=True, help="Print the folder of the experiment and nothing else.")
@click.pass_context
def command(context: click.Context, /, lang: str, **options: Any) -> None:
    """Look at a scenario at many points, or rank what its measures hang on.

    Every value is checked by the scenario before anything runs. All points meet the same families with the same luck.
    The experiment has the table as Parquet: sweep.parquet with one row a point and seed, or ranking.parquet.
    """
    language, asked = chosen_language(context, lang), _Asked(**options)
    asked.check()
    loud = not (asked.as_json or asked.quiet)
    study = _study(context, asked)
    executor = made_executor(asked.executor, asked.workers, asked.scheduler, language)
    click.echo(_size(study, asked, executor.workers, language), err=True)
    if asked.dry_run:
        click.echo(_guess(context, study, asked, executor.workers, language), err=True)
        return
    with reading_bar(loud, language, len(study.points)) as watch:
        variants = _variants(context, study, asked, watch)
    with experiment_bar(loud, language) as progress:
        opened = _opened(variants, executor, study, asked, progress, language)
        with opened as experiment, keeping(experiment, language):
            results = _results(experiment, variants, study, executor, asked, language)
            answer = _answer(experiment.folder, results, study, asked)
            experiment.conclude(answer)
    _show(opened.folder, answer, asked, language)
    print_failures(results.failures, language)
    context.exit(1 if results.failures else 0)


# --- what is simulated ------------------------------------------------------------------------------------------------


def _study(context: click.Context, asked: _Asked) -> _Study:
    from canbao.experiments.asking import check_objectives
    from canbao.experiments.points import grid, latin_hypercube, points_of
    from canbao.experiments.sensitivity import make_design
    from canbao.experiments.suspects import estimated_inputs
    from canbao.experiments.varying import check_inputs, read_vary
    from canbao.scenario.scenario import load_scenario

    plugins = loaded_plugins(context)

    def load(more: Sequence[str]) -> ScenarioFile:
        return load_scenario(asked.scenario, plugins, (*asked.overrides, *more))

    file, left_out = load(()), {}
    check_objectives(asked.measures, file.scenario.objectives)
    seed = file.scenario.seed if asked.seed is None else asked.seed
    inputs: tuple[Input, ...] = tuple(read_vary(text) for text in asked.vary)
    if inputs:
        check_inputs(inputs, load)
    else:
        suspects = estimated_inputs(file, load, asked.within, asked.among)
        inputs, left_out = suspects.inputs, dict(suspects.left_out)
    if asked.sensitivity is not None:
        design = make_design(asked.sensitivity, [one.path for one in inputs], asked.samples, seed)
        points, which = points_of(inputs, design.shares)
        return _Study(file, seed, inputs, points, design=design, which=which, left_out=left_out)
    if asked.lhs is not None:
        return _Study(file, seed, inputs, latin_hypercube(inputs, asked.lhs, seed), "latin hypercube")
    return _Study(file, seed, inputs, grid(inputs))


def _size(study: _Study, asked: _Asked, workers: int, language: Language) -> str:
    return language.plural(
        "{points} points × {n} seed = {runs} replications, {workers} at a time",
        "{points} points × {n} seeds = {runs} replications, {workers} at a time",
        asked.replications,
        points=f"{len(study.points):,}",
        runs=f"{len(study.points) * asked.replications:,}",
        workers=workers,
    )


def _variants(
    context: click.Context, study: _Study, asked: _Asked, watch: Callable[[int], None] | None = None
) -> tuple[Variant, ...]:
    from canbao.experiments import ScenarioModel
    from canbao.experiments.points import variants_of
    from canbao.scenario.scenario import load_scenario

    plugins, plugins_dir = loaded_plugins(context), context.find_root().params.get("plugins_dir")

    def build(more: Sequence[str]) -> ScenarioModel:
        overrides = (*asked.overrides, *more)
        file = load_scenario(asked.scenario, plugins, overrides)
        return ScenarioModel.of(file, overrides, asked.engine, plugins_dir)

    return variants_of(study.points, build, told=study.design is None, progress=watch)


def _guess(context: click.Context, study: _Study, asked: _Asked, workers: int, language: Language) -> str:
    """Say how long it would take, by one season in this process after a first one that may compile the engine."""
    import time

    (variant,) = _variants(context, replace(study, points=study.points[:1]), asked)
    variant.model.replicate(study.seed)
    began = time.perf_counter()
    variant.model.replicate(study.seed)
    runs = len(study.points) * asked.replications
    return _about((time.perf_counter() - began) * runs / workers, language)


def _about(seconds: float, language: Language) -> str:
    from canbao.report.words import rough

    return language.say("This takes about {time}.", time=rough(max(1.0, float(round(seconds))), language))


def _opened(  # noqa: PLR0913, PLR0917 - what a sweep consists of
    variants: Sequence[Variant],
    executor: Executor,
    study: _Study,
    asked: _Asked,
    watch: Progress | None,
    language: Language,
) -> Experiment:
    from canbao.experiments import open_experiment

    return open_experiment(
        asked.out,
        study.file.name,
        "sweep",
        variants,
        executor,
        resume=asked.resume,
        progress=watch,
        settings=asked.question(study.seed),
        goal={"replications": asked.replications},
        report=report_writer(language),
    )


def _results(  # noqa: PLR0913, PLR0917 - what a sweep consists of
    experiment: Experiment,
    variants: Sequence[Variant],
    study: _Study,
    executor: Executor,
    asked: _Asked,
    language: Language,
) -> Results:
    from canbao.experiments.asking import check_measures
    from canbao.experiments.rehearsal import rehearse

    seeds = range(study.seed, study.seed + asked.replications)
    check_measures(experiment, variants[:1], study.seed, asked.measures)
    # What is there already takes no time, and would spoil the estimate.
    seconds = None if asked.resume else rehearse(experiment, variants, seeds, executor.workers)
    if seconds is not None:
        click.echo(_about(seconds, language), err=True)
    return experiment.replicate(variants, seeds)


# --- what is found ----------------------------------------------------------------------------------------------------


def _answer(folder: Path, results: Results, study: _Study, asked: _Asked) -> dict[str, Any]:
    from canbao.experiments.folder import write_atomically
    from canbao.experiments.meaning import objective_meanings
    from canbao.experiments.ranking import rank
    from canbao.experiments.sweeping import sweep
    from canbao.runs.tables import table_bytes

    meanings = objective_meanings(study.file.scenario.objectives)
    if study.design is not None and study.which is not None:
        ranking = rank(
            results,
            study.inputs,
            study.design,
            study.which,
            measures=asked.measures,
            level=asked.level,
            grades=study.file.grades() | dict.fromkeys(study.file.estimates(), "E"),
            left_out=study.left_out,
            meanings=meanings,
        )
        write_atomically(folder / "ranking.parquet", table_bytes(ranking.table()))
        return {"kind": "sensitivity", **ranking.as_data()}
    found = sweep(
        results,
        study.inputs,
        study.points,
        design=study.kind,
        measures=asked.measures,
        level=asked.level,
        meanings=meanings,
    )
    write_atomically(folder / "sweep.parquet", table_bytes(found.table()))
    return {"kind": "sweep", **found.as_data()}


def _show(folder: Path, answer: Mapping[str, Any], asked: _Asked, language: Language) -> None:
    if asked.as_json:
        print_json({"folder": folder, "answer": answer})
        return
    if asked.quiet:
        click.echo(folder)
        return
    if answer["kind"] == "sensitivity":
        _print_rankings(answer, language)
    else:
        _print_points(answer, asked, language)
    print_places(folder, language)


def _print_points(answer: Mapping[str, Any], asked: _Asked, language: Language) -> None:
    objectives = [each for each in answer["measures"] if each["measure"].startswith("objectives.")]
    shown = answer["measures"] if asked.measures else objectives or answer["measures"]
    heads = [one["path"] for one in answer["inputs"]] + [each["measure"] for each in shown]
    print_table(heads, _point_lines(answer, shown, language), ("bold",) * len(answer["inputs"]))
    more = len(answer["points"]) - _SHOWN
    if more > 0:
        click.echo(language.plural("{n} more point is in the file.", "{n} more points are in the file.", more))
    click.echo()


def _point_lines(
    answer: Mapping[str, Any], shown: Sequence[Mapping[str, Any]], language: Language
) -> Iterator[tuple[str, ...]]:
    from canbao.report.experiments.values import interval

    for point in answer["points"][:_SHOWN]:
        settings = (str(value) for value in point["settings"].values())
        found = ((point["measures"][each["measure"]], each["unit"]) for each in shown)
        yield (*settings, *(interval(one, unit, language) for one, unit in found))


_HEADS = {
    "morris": (noted("input"), noted("grade"), noted("moves it by"), noted("direction"), noted("depends on others")),
    "sobol": (noted("input"), noted("grade"), noted("share of the variance, in all"), noted("by itself")),
}


def _print_rankings(answer: Mapping[str, Any], language: Language) -> None:
    from rich.text import Text

    from canbao.experiments.verdicts import moving, sensitivity_verdict

    screen, heads = console(), [language.say(head) for head in _HEADS[answer["method"]]]
    grades = {one["path"]: one["grade"] for one in answer["inputs"]}
    for ranking in answer["rankings"]:
        screen.print(Text(sensitivity_verdict(ranking, answer["inputs"], language), style="bold"))
        shown = moving(ranking)[:_RANKED]
        if shown:
            line = _morris if answer["method"] == "morris" else _sobol
            print_table(heads, (line(effect, grades, ranking["unit"], language) for effect in shown))
        if ranking["dropped"]:
            text = noted("{n} of {all} samples had no value somewhere and were left out.")
            screen.print(Text(language.say(text, n=ranking["dropped"], all=answer["samples"]), style="yellow"))
        screen.print()


def _morris(effect: Mapping[str, Any], grades: Mapping[str, str], unit: str, language: Language) -> tuple[str, ...]:
    from canbao.report.experiments.values import change

    size = change({"mean": effect["importance"], "half_width": effect["half_width"]}, unit, language)
    way = effect["direct"] / effect["importance"]
    direction = noted("up") if way > 0.5 else noted("down") if way < -0.5 else noted("both")
    # Below 0.1 nearly a straight line, to 0.5 still in one direction (Garcia Sanchez et al. 2014, section 2.3).
    bends = effect["spread"] / effect["importance"]
    said = noted("hardly") if bends < 0.1 else noted("somewhat") if bends < 0.5 else noted("strongly")
    return effect["path"], grades[effect["path"]], size[1:], language.say(direction), language.say(said)


def _sobol(effect: Mapping[str, Any], grades: Mapping[str, str], unit: str, language: Language) -> tuple[str, ...]:
    total = f"{effect['importance']:.2f} ± {effect['half_width']:.2f}"
    return effect["path"], grades[effect["path"]], total, f"{effect['direct']:.2f}"
