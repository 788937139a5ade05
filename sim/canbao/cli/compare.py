"""`canbao compare`: hold scenarios, stored runs or stored experiments side by side."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
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
    set_option,
)
from canbao.cli.executing import executor_options, experiment_bar, keeping, print_failures, report_writer
from canbao.cli.experimenting import (
    folder_options,
    made_executor,
    measure_option,
    print_places,
    replication_options,
)
from canbao.cli.output import console, print_json, print_table
from canbao.languages import noted

if TYPE_CHECKING:
    from canbao.experiments import Failure, Results, Variant
    from canbao.experiments.comparing import Notice
    from canbao.experiments.experiment import Experiment, Progress
    from canbao.experiments.meaning import Meanings
    from canbao.languages import Language
    from canbao.plugins import Plugins
    from canbao.scenario.scenario import ScenarioFile

__all__ = ["command"]

_HEADS = (noted("measure"), noted("difference"), noted("p (Holm)"), noted("same luck"))

_GROUPS = {
    "hours": noted("hours"),
    "trips": noted("trips"),
    "enrolled_share": noted("enrolled"),
    "missed_deadline_share": noted("missed the deadline"),
}
"""What the table of groups shows; the answer has all."""


_VERDICTS = {
    "better": noted("better"),
    "worse": noted("worse"),
    "gains": noted("gain"),
    "loses": noted("lose"),
    "more": noted("more"),
    "less": noted("less"),
    "unclear": noted("not told apart"),
    "same": noted("the same"),
}

_RACE = (noted("variant"), noted("replications"), noted("mean"), noted("behind the best"))


@dataclass(frozen=True)
class _Asked:
    """The options of a call."""

    changes: tuple[str, ...]
    overrides: tuple[str, ...]
    replications: int
    seed: int | None
    level: float
    base: str | None
    measures: tuple[str, ...]
    best: bool
    indifference: float | None
    maximise: bool | None
    budget: int
    engine: str
    executor: str | None
    workers: int | None
    scheduler: str | None
    out: Path
    resume: Path | None
    as_json: bool
    quiet: bool

    def check(self, stored: bool) -> None:
        """See that the options go together."""
        if stored and (self.changes or self.best or self.overrides or self.resume):
            raise click.UsageError("what is stored is compared as it is: without --change, --set, --best and --resume")
        if self.best and (len(self.measures) != 1 or self.indifference is None):
            raise click.UsageError(
                "--best needs one --measure, and --indifference: the smallest difference worth knowing"
            )
        if not self.best and (self.indifference is not None or self.maximise is not None):
            raise click.UsageError("--indifference, --maximise and --minimise belong to --best")
        if self.best and self.base is not None:
            raise click.UsageError("--best holds all against each other; leave out --base")

    def question(self, seed: int) -> dict[str, Any]:
        """Say what the experiment asks beside its variants: what must be the same to go on with it."""
        asked = asdict(self)
        race = ("indifference", "maximise", "level", "measures") if self.best else ()
        return {"first_seed": seed, **{name: asked[name] for name in ("best", *race)}}

    @property
    def goal(self) -> dict[str, Any]:
        """How far it is to go; an experiment that goes on may go further."""
        return {"budget": self.budget} if self.best else {"replications": self.replications}


@click.command(
    "compare",
    epilog=epilog(
        "canbao compare scenarios/online-first.toml scenarios/offline-only.toml",
        "canbao compare my-district.toml --change channels.office.sites.hall.staff=3",
        "canbao compare a.toml b.toml c.toml --base b --measure hall-wait",
        "canbao compare a.toml b.toml c.toml --best --measure hall-wait --indifference 60",
        "canbao compare results/a/20261121-214800-seed1 results/b/20261121-214801-seed1",
        "canbao compare results/deadline-rush/20261122-110000-seed1",
    ),
)
@click.argument("things", metavar="SCENARIO|FOLDER...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--change",
    "changes",
    metavar="PATH=VALUE",
    multiple=True,
    help="One more variant: the first scenario with another value for one key; repeatable.",
)
@set_option
@replication_options(10)
@click.option("--base", metavar="NAME", help="What the others are held against; the first by default.")
@measure_option
@click.option("--best", is_flag=True, help="Select the best in one measure, by the procedure of Kim and Nelson.")
@click.option(
    "--indifference",
    type=click.FloatRange(0, min_open=True),
    help="For --best: the smallest difference worth knowing, in the measure's unit.",
)
@click.option("--maximise/--minimise", default=None, help="For --best: which way is better, where nobody knows.")
@click.option(
    "--budget",
    type=click.IntRange(2, 10**6),
    default=1_000,
    show_default=True,
    help="For --best: replications of one variant at most.",
)
@engine_option("auto", "What simulates: auto, simpy, compiled, or both, compared.")
@executor_options
@folder_options
@lang_option
@json_option
@click.option("--quiet", "-q", is_flag=True, help="Print the folder of the experiment and nothing else.")
@click.pass_context
def command(context: click.Context, /, things: tuple[Path, ...], lang: str, **options: Any) -> None:
    """Hold scenarios side by side, on the same families with the same luck.

    Prints for each measure the difference with its interval, how often luck alone would show one as large, adjusted for
    all measures at once (Holm), and how much the same luck on both sides was worth; then which families gain and which
    lose. Folders of stored runs, or of stored experiments, are compared as they are. A load test is held against its
    prediction, or against the simulation that is named with it: where the two differ by more than chance, and which
    assumption is off.
    """
    language, asked = chosen_language(context, lang), _Asked(**options)
    stored = [path for path in things if path.is_dir()]
    if stored and len(stored) < len(things):
        raise click.UsageError("compare scenarios with scenarios, and what is stored with what is stored")
    asked.check(bool(stored))
    if stored:
        if not _predicted(context, things, asked, language):
            _show(None, _stored(things, asked), asked, language)
        return
    plugins = loaded_plugins(context)
    files = _files(things, plugins, asked)
    _check_objectives(files, asked)
    variants = _variants(files, context.find_root().params.get("plugins_dir"), asked)
    seed = files[0].file.scenario.seed if asked.seed is None else asked.seed
    with experiment_bar(not (asked.as_json or asked.quiet), language) as watch:
        opened = _opened(variants, seed, asked, watch, language)
        with opened as experiment, keeping(experiment, language):
            answer, failures = _answer(experiment, variants, _meanings(files), seed, asked)
            experiment.conclude(answer)
    _show(opened.folder, answer, asked, language)
    print_failures(failures, language)
    context.exit(1 if failures else 0)


# --- what is compared -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Named:
    """A scenario of the comparison, with its name there."""

    name: str
    file: ScenarioFile
    overrides: tuple[str, ...]


def _files(things: Sequence[Path], plugins: Plugins, asked: _Asked) -> list[_Named]:
    """Read the scenarios, and the first of them once more for each change."""
    from canbao.scenario.scenario import load_scenario

    stems = [path.stem for path in things]
    wanted: list[tuple[Path, tuple[str, ...], str]] = [(path, (), "") for path in things]
    wanted += [(things[0], (text,), text.replace("/", "|")) for text in asked.changes]
    found = []
    for path, more, name in wanted:
        overrides = (*asked.overrides, *more)
        file = load_scenario(path, plugins, overrides)
        # Two files of one name are told apart by their folders.
        own = file.name if stems.count(path.stem) < 2 else f"{path.absolute().parent.name} {file.name}"
        found.append(_Named(name or own, file, overrides))
    if len(found) < 2:
        raise click.UsageError("a comparison needs two scenarios, or one and a --change")
    names = [each.name for each in found]
    if asked.base is not None and asked.base not in names:
        raise click.UsageError(f"there is no variant {asked.base!r} to compare with; there are: {', '.join(names)}")
    return found


def _variants(files: Sequence[_Named], plugins_dir: Path | None, asked: _Asked) -> list[Variant]:
    from canbao.experiments import ScenarioModel, Variant

    models = [ScenarioModel.of(each.file, each.overrides, asked.engine, plugins_dir) for each in files]
    return [Variant(each.name, model) for each, model in zip(files, models, strict=True)]


def _check_objectives(files: Sequence[_Named], asked: _Asked) -> None:
    from canbao.experiments.asking import check_objectives

    check_objectives(asked.measures, [name for each in files for name in each.file.scenario.objectives])


def _meanings(files: Sequence[_Named]) -> Meanings:
    from canbao.experiments.meaning import objective_meanings

    objectives = (each.file.scenario.objectives for each in files)
    return {name: meaning for some in objectives for name, meaning in objective_meanings(some).items()}


def _opened(
    variants: Sequence[Variant], seed: int, asked: _Asked, watch: Progress | None, language: Language
) -> Experiment:
    from canbao.experiments import open_experiment

    return open_experiment(
        asked.out,
        variants[0].name,
        "compare",
        variants,
        made_executor(asked.executor, asked.workers, asked.scheduler, language),
        resume=asked.resume,
        progress=watch,
        settings=asked.question(seed),
        goal=asked.goal,
        report=report_writer(language),
    )


def _answer(
    experiment: Experiment, variants: Sequence[Variant], meanings: Meanings, seed: int, asked: _Asked
) -> tuple[dict[str, Any], tuple[Failure, ...]]:
    """Give the answer, and the replications that failed."""
    from canbao.experiments.asking import check_measures
    from canbao.experiments.best import select_best
    from canbao.experiments.comparing import compare

    check_measures(experiment, variants, seed, asked.measures)
    if asked.best and asked.indifference is not None:
        best = select_best(
            experiment,
            variants,
            asked.measures[0],
            indifference=asked.indifference,
            first_seed=seed,
            level=asked.level,
            maximise=asked.maximise,
            portion=asked.workers or os.cpu_count() or 1,
            budget=asked.budget,
            meanings=meanings,
        )
        return {"kind": "best", **best.as_data()}, ()
    results = experiment.replicate(variants, range(seed, seed + asked.replications))
    found = compare(results, base=asked.base, measures=asked.measures, level=asked.level, known_meanings=meanings)
    return {"kind": "against base", **found.as_data()}, found.failures


def _predicted(context: click.Context, folders: Sequence[Path], asked: _Asked, language: Language) -> bool:
    """Hold a prediction against a load test, where one is among the folders; tell whether there was one."""
    from canbao.cli.predicting import compare_with_measured
    from canbao.experiments.predicting import prediction_of
    from canbao.experiments.stored import is_experiment

    pair = None if any(map(is_experiment, folders)) else prediction_of(folders)
    if pair is None:
        return False
    if asked.base is not None:
        raise click.UsageError("a load test is held against its prediction; leave out --base")
    chosen: dict[str, Any] = {name: getattr(asked, name) for name in ("measures", "level", "as_json", "quiet")}
    compare_with_measured(pair, loaded_plugins(context), language, **chosen)
    return True


def _stored(folders: Sequence[Path], asked: _Asked) -> dict[str, Any]:
    from canbao.experiments.comparing import compare
    from canbao.experiments.stored import is_experiment

    experiments = [path for path in folders if is_experiment(path)]
    if experiments and len(experiments) < len(folders):
        raise click.UsageError("compare runs with runs, and experiments with experiments")
    results, notices, meanings = _of_experiments(folders) if experiments else _of_runs(folders)
    found = compare(
        results, base=asked.base, measures=asked.measures, level=asked.level, known_meanings=meanings, notices=notices
    )
    return {"kind": "stored", **found.as_data()}


_Stored = tuple["Results", "tuple[Notice, ...]", "Meanings"]


def _of_experiments(folders: Sequence[Path]) -> _Stored:
    from canbao.experiments.stored import joined, meanings_of_experiment, results_of_experiment

    results = joined([(path.name, results_of_experiment(path)) for path in folders])
    meanings = [meanings_of_experiment(path).items() for path in folders]
    return results, (), dict(item for items in meanings for item in items)


def _of_runs(folders: Sequence[Path]) -> _Stored:
    from canbao.experiments.stored import meanings_of_run, results_of_runs
    from canbao.runs import read_run

    runs = [read_run(path) for path in folders]
    results, notices = results_of_runs(runs)
    return results, notices, {name: meaning for run in runs for name, meaning in meanings_of_run(run).items()}


# --- what is printed --------------------------------------------------------------------------------------------------


def _show(folder: Path | None, answer: Mapping[str, Any], asked: _Asked, language: Language) -> None:
    if asked.as_json:
        print_json({"folder": folder, "answer": answer})
        return
    if asked.quiet:
        click.echo(folder or "")
        return
    if answer["kind"] == "best":
        _print_best(answer, language)
    else:
        _print_comparison(answer, language, groups=not asked.measures)
    if folder is not None:
        print_places(folder, language)


def _print_comparison(answer: Mapping[str, Any], language: Language, *, groups: bool) -> None:
    """Print verdicts and tables; the groups of families only where no measure was named, since they are many lines."""
    from rich.text import Text

    from canbao.experiments.verdicts import comparison_verdicts, notices_said

    screen = console()
    for sentence in notices_said(answer, language):
        screen.print(Text(sentence, style="yellow"))
    for sentence in comparison_verdicts(answer, language):
        screen.print(Text(sentence, style="bold"))
    for variant in answer["others"]:
        screen.print()
        _print_measures(answer, variant, language)
        rows = [row for row in answer["groups"] if row["variant"] == variant]
        if rows and groups:
            screen.print()
            _print_groups(rows, language)
    for measure, names in answer["absent"].items():
        text = language.say("{measure} is not in {names}.", measure=measure, names=", ".join(names))
        screen.print(Text(text, style="yellow"))
    screen.print()


def _print_measures(answer: Mapping[str, Any], variant: str, language: Language) -> None:
    rows = [row for row in answer["measures"] if row["variant"] == variant]
    heads = [language.say(head) for head in _HEADS]
    heads = [heads[0], answer["base"], variant, *heads[1:], ""]
    print_table(heads, (_measure_line(row, language) for row in rows), ("bold",))


def _measure_line(row: Mapping[str, Any], language: Language) -> tuple[str, ...]:
    from canbao.experiments.verdicts import times
    from canbao.report.experiments.values import NONE, amount, change, p_value

    ratio, p = row["variance_ratio"], row["p_adjusted"]
    return (
        row["measure"],
        amount(row["base"]["mean"], row["unit"], language),
        amount(row["other"]["mean"], row["unit"], language),
        change(row["difference"], row["unit"], language),
        NONE if row["verdict"] == "same" else p_value(p),
        NONE if ratio is None else f"× {times(ratio)}",
        "" if row["verdict"] == "unknown" else language.say(_VERDICTS[row["verdict"]]),
    )


def _print_groups(groups: Sequence[Mapping[str, Any]], language: Language) -> None:
    """Print one line for each group of families; what luck may explain stands in parentheses."""
    cells = {(row["kind"], row["label"], row["what"]): row for row in groups}
    names = dict.fromkeys((row["kind"], row["label"]) for row in groups)
    shown = [what for what in _GROUPS if any(row["what"] == what for row in groups)]
    heads = (language.say("families"), *(language.say(_GROUPS[what]) for what in shown))
    lines = (
        (f"{kind}: {label}", *(_group_cell(cells.get((kind, label, what)), language) for what in shown))
        for kind, label in names
    )
    print_table(heads, lines, ("bold",))


def _group_cell(row: Mapping[str, Any] | None, language: Language) -> str:
    from canbao.report.experiments.values import NONE, change

    if row is None:
        return NONE
    said = change(row["difference"], row["unit"], language)
    if row["change"] in ("gains", "loses"):
        return f"{said} {language.say(_VERDICTS[row['change']])}"
    return said if row["change"] in ("more", "less", "same") else f"({said})"


def _print_best(answer: Mapping[str, Any], language: Language) -> None:
    from rich.text import Text

    from canbao.experiments.verdicts import best_verdict

    console().print(Text(best_verdict(answer, language), style="bold" if answer["guaranteed"] else "yellow"))
    console().print()
    heads = [language.say(head) for head in _RACE]
    print_table(heads, _candidates(answer, language), ("bold",))
    console().print()


def _candidates(answer: Mapping[str, Any], language: Language) -> Iterator[tuple[str, ...]]:
    from canbao.report.experiments.values import NONE, amount, change

    for row in answer["candidates"]:
        mean = amount(row["mean"]["mean"], answer["unit"], language)
        behind = NONE if row["variant"] == answer["best"] else change(row["behind"], answer["unit"], language)
        yield row["variant"], f"{row['replications']:,}", mean, behind
