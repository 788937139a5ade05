"""`canbao plugins`: list plugins, where each comes from and what it registers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from canbao.cli.arguments import epilog, json_option, loaded_plugins
from canbao.cli.output import print_json, print_table

if TYPE_CHECKING:
    from canbao.plugins import Plugins

__all__ = ["command"]


@click.command(
    "plugins",
    epilog=epilog(
        "canbao plugins",
        "canbao --plugins-dir my-plugins plugins",
        "CANBAO_NO_PLUGINS=1 canbao plugins    # only what came with canbao",
    ),
)
@json_option
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """List plugins: where each comes from and what it registers."""
    plugins = loaded_plugins(context)
    if as_json:
        print_json(
            [
                {
                    "name": name,
                    "origin": origin,
                    "registers": [{"kind": k, "name": n} for k, n in _registered(plugins, name)],
                }
                for name, origin in plugins.origins.items()
            ]
        )
        return
    rows = [(name, origin, _in_words(plugins, name)) for name, origin in plugins.origins.items()]
    print_table(("plugin", "from", "registers"), rows, ("bold",))


def _registered(plugins: Plugins, plugin: str) -> list[tuple[str, str]]:
    return [(entry.kind, entry.name) for entry in plugins if entry.plugin == plugin]


def _in_words(plugins: Plugins, plugin: str) -> str:
    by_kind: dict[str, list[str]] = {}
    for kind, name in _registered(plugins, plugin):
        by_kind.setdefault(kind, []).append(name)
    return "; ".join(f"{kind}: {', '.join(names)}" for kind, names in by_kind.items()) or "–"
