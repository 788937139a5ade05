"""`canbao report`: render a stored run again."""

from __future__ import annotations

from pathlib import Path

import click

from canbao.cli.arguments import chosen_language, epilog, json_option, lang_option, loaded_plugins
from canbao.cli.output import print_json

__all__ = ["command"]


@click.command(
    "report",
    epilog=epilog(
        "canbao report results/city-season/20261121-214800-seed1",
        "canbao report results/city-season     # the newest run of a scenario",
        "canbao report results                 # the newest run of all",
        "canbao report results --lang zh       # in Chinese",
    ),
)
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@lang_option
@json_option
@click.pass_context
def command(context: click.Context, run: Path, lang: str, as_json: bool) -> None:
    """Render the report of a stored run again and print its path.

    RUN is the folder of a run, or a folder with runs in it, for the newest of them. Nothing is simulated.
    """
    plugins = loaded_plugins(context)
    from canbao.runs import render_again

    rendered = render_again(run, plugins, chosen_language(context, lang))
    if as_json:
        print_json({"folder": rendered.folder, "report": rendered.report})
    else:
        click.echo(rendered.report)
