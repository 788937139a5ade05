"""`canbao export`: write a stored run in the form of another program."""

from __future__ import annotations

from pathlib import Path

import click

from canbao.cli.arguments import epilog, json_option, lang_option
from canbao.cli.output import print_json, progress_bar

__all__ = ["FORMS", "command"]

FORMS = ("xes", "csv", "vidigi", "charts", "tables")
"""Those of `canbao.exports`, which takes long to import."""


@click.command(
    "export",
    epilog=epilog(
        "canbao export results/city-season --as xes --out city.xes.gz",
        "canbao export results/city-season --as csv --every-moment",
        "canbao export results/city-season/20261121-214800-seed1 --as vidigi --out animation",
        "canbao export results --as charts --force    # the newest run of all",
    ),
)
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--as", "form", required=True, type=click.Choice(FORMS), help="The form.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The file (xes, csv) or folder (all others); in RUN/exports if not given. *.gz is compressed.",
)
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
@click.option(
    "--every-moment", is_flag=True, help="In xes and csv: schedule, start and complete of a visit are three events."
)
@lang_option
@json_option
def command(  # noqa: PLR0913, PLR0917 - its options
    run: Path, form: str, out: Path | None, force: bool, every_moment: bool, lang: str, as_json: bool
) -> None:
    """Write a stored run for other programs and print where it is.

    RUN is the folder of a run, or a folder with runs in it, for the newest of them.

    \b
    xes     an event log for process mining, as XML
    csv     the same as CSV
    vidigi  an event log that vidigi animates, and where to draw
    charts  the data of each chart of the report as CSV
    tables  the tables of the run as CSV
    """  # noqa: D301 - click's mark for lines that stay as they are
    from canbao.exports import export_run
    from canbao.languages import language_named
    from canbao.runs import read_run

    language = language_named(lang)
    with progress_bar(not as_json, language) as watch:
        stored = read_run(run)
        written = export_run(
            stored, form, out, force=force, every_moment=every_moment, language=language, progress=watch
        )
    if as_json:
        print_json({"run": stored.folder, "as": form, "path": written.path, "files": written.files})
    else:
        click.echo(written.path)
