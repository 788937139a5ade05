"""`canbao run`: simulate a scenario, store the run, print the answer."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from canbao.cli.answering import print_answer
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
from canbao.cli.executing import PERCENT, executor_options
from canbao.cli.output import print_json, progress_bar
from canbao.cli.replicating import Asked, replicated

if TYPE_CHECKING:
    from canbao.report import Answer
    from canbao.runs import Run

__all__ = ["MISSED", "command"]

MISSED = 3
"""The exit code of a run that missed an objective."""


@click.command(
    "run",
    epilog=epilog(
        "canbao run scenarios/city-season.toml",
        "canbao run scenarios/city-season.toml --seed 7 --set population.scale=0.1",
        "canbao run my-district.toml --set channels.office.sites.centre.staff=8 --out /tmp/tries",
        "canbao run my-district.toml --json > answer.json",
        "canbao run my-district.toml --engine both",
        "canbao run my-district.toml --replications 20",
        "canbao run my-district.toml --precision 5% --measure waits.channels.office.p90 --budget 200",
        "canbao run my-district.toml --replications 100 --executor dask --scheduler tcp://host:8786",
        "canbao run my-province.toml --tables none",
        "canbao run my-district.toml --lang zh",
    ),
)
@scenario_argument
@click.option(
    "--seed", type=click.IntRange(0, 10**9), help="All luck follows from it; the scenario's own if not given."
)
@set_option
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("results"), show_default=True, help="Where runs are stored."
)
@engine_option("auto", "What simulates: auto (compiled wherever it can), simpy, compiled, or both, compared.")
@click.option(
    "--tables",
    type=click.Choice(["all", "none"]),
    default="all",
    show_default=True,
    help="none counts visits instead of keeping them, for seasons of millions of families.",
)
@click.option("--replications", type=click.IntRange(1, 10**6), metavar="N", help="Run it with N seeds, and tell means.")
@click.option(
    "--precision",
    type=PERCENT,
    metavar="SHARE",
    help="Run it with as many seeds as it takes for intervals within SHARE of their mean, as 5%.",
)
@click.option(
    "--measure",
    "measures",
    metavar="NAME",
    multiple=True,
    help="What to tell, and make precise; an objective or a measure of the summary; can be given several times.",
)
@click.option("--budget", type=click.IntRange(3, 10**6), help="Most replications for a precision.  [default: 100]")
@executor_options
@lang_option
@json_option
@click.option("--quiet", "-q", is_flag=True, help="Print the path of the report and nothing else.")
@click.pass_context
def command(  # noqa: PLR0913, PLR0917 - its options
    context: click.Context,
    /,
    scenario: Path,
    seed: int | None,
    overrides: tuple[str, ...],
    out: Path,
    engine: str,
    tables: str,
    lang: str,
    as_json: bool,
    quiet: bool,
    **experiment: Any,
) -> None:
    """Simulate a scenario, store the run and print the answer.

    The run goes to OUT/<scenario>/<run>/: tables, summary and report. The exit code is 3 if an objective was missed.

    With --replications or --precision it is an experiment: runs with the seeds S, S + 1, ..., each on a core of its
    own. It goes to OUT/experiments/<scenario>/, where all measures are kept and no tables; what is killed goes on with
    --resume. The exit code is 3 if an objective was missed in any replication, and 1 if a replication failed.
    """
    plugins_dir = context.find_root().params.get("plugins_dir")
    asked = Asked(seed, overrides, out, engine, plugins_dir, **experiment)
    asked.check()
    plugins = loaded_plugins(context)
    from canbao.runs import run_scenario
    from canbao.scenario.scenario import load_scenario

    language = chosen_language(context, lang)
    file = load_scenario(scenario, plugins, overrides)
    if asked.replicating:
        if tables == "none":
            raise click.UsageError("replications keep no tables; leave out --tables")
        context.exit(replicated(file, asked, language, as_json=as_json, quiet=quiet))
    with progress_bar(not (as_json or quiet), language) as watch:
        run = run_scenario(
            file,
            plugins,
            seed=seed,
            engine=engine,
            tables=tables == "all",
            out=out,
            overrides=overrides,
            progress=watch,
            language=language,
        )
    from canbao.report import answer

    said = answer(run.summary, language)
    if as_json:
        print_json(_for_machines(run, said))
    elif quiet:
        click.echo(run.report)
    else:
        from canbao.report import trust

        ran = language.say("Engine: {engine}", engine=trust.engine(run.manifest, language))
        print_answer(run, said, (*said.sentences.values(), said.trust), language, ending=ran)
    context.exit(MISSED if said.held is False else 0)


def _for_machines(run: Run, said: Answer) -> dict[str, Any]:
    return {
        "run": run.manifest["run"],
        "scenario": run.manifest["scenario"],
        "seed": run.manifest["seed"],
        **{key: value for key, value in run.manifest.items() if key.startswith("engine")},
        "held": said.held,
        "answer": asdict(said),
        "objectives": run.summary["objectives"],
        "folder": run.folder,
        "report": run.report,
        "manifest": run.manifest,
    }
