"""`canbao report`: render a stored run or experiment again, or draw its figures for a paper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from canbao.cli.arguments import chosen_language, epilog, json_option, lang_option, loaded_plugins
from canbao.cli.output import print_json

if TYPE_CHECKING:
    from canbao.languages import Language
    from canbao.report.charts import Chart

__all__ = ["command"]


@click.command(
    "report",
    epilog=epilog(
        "canbao report results/city-season/20261121-214800-seed1",
        "canbao report results/city-season     # the newest run of a scenario",
        "canbao report results                 # the newest run of all",
        "canbao report results --lang zh       # in Chinese",
        "canbao report results/experiments/town/20261122-083000-sweep",
        "canbao report results/experiments/town/20261122-083000-sweep --figures paper",
    ),
)
@click.argument("folder", metavar="FOLDER", type=click.Path(path_type=Path))
@click.option(
    "--figures",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Draw each chart as an SVG file there, with its numbers as CSV beside it, instead of the report.",
)
@click.option(
    "--width",
    type=click.FloatRange(60, 400),
    default=174,
    show_default=True,
    metavar="MM",
    help="For --figures: how wide they are, in millimetres.",
)
@click.option("--titles", is_flag=True, help="For --figures: write the title over each.")
@lang_option
@json_option
@click.pass_context
def command(  # noqa: PLR0913, PLR0917 - its options
    context: click.Context, folder: Path, figures: Path | None, width: float, titles: bool, lang: str, as_json: bool
) -> None:
    """Render the report of a stored run or experiment again and print its path.

    FOLDER is that of a run or of an experiment, or one with runs in it, for the newest of them. Nothing is simulated.

    With --figures the charts are drawn for a paper: in millimetres, with text as text.
    """
    language = chosen_language(context, lang)
    if figures is not None:
        from canbao.report.experiments import write_figures

        paths = write_figures(_charts(folder, width, language), figures, titled=titles)
        if as_json:
            print_json({"folder": folder, "figures": paths})
        for path in paths if not as_json else ():
            click.echo(path)
        return
    place, report = _rendered(context, folder, language)
    if as_json:
        print_json({"folder": place, "report": report})
    else:
        click.echo(report)


def _rendered(context: click.Context, folder: Path, language: Language) -> tuple[Path, Path]:
    """Write the report again; give the folder, and the report."""
    plugins = loaded_plugins(context)
    from canbao.experiments.stored import is_experiment

    if is_experiment(folder):
        from canbao.report.experiments import write_experiment_report

        return folder, write_experiment_report(folder, language)
    from canbao.runs import render_again

    run = render_again(folder, plugins, language)
    return run.folder, run.report


def _charts(folder: Path, width: float, language: Language) -> list[Chart]:
    """Give the charts of an experiment, or of a run."""
    from canbao.experiments.stored import is_experiment
    from canbao.report.experiments import experiment_charts, read_study, width_px

    if is_experiment(folder):
        return experiment_charts(read_study(folder, language), width_px(width))
    from canbao.report.charts import charts
    from canbao.runs import read_run

    return charts(read_run(folder).summary, width_px(width), language)
