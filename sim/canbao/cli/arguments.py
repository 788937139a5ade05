"""What several commands share: arguments, options, examples, the plugins of this call."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from canbao.languages import LANGUAGES, preferred

if TYPE_CHECKING:
    from canbao.languages import Language
    from canbao.plugins import Plugins

__all__ = [
    "chosen_language",
    "engine_option",
    "epilog",
    "json_option",
    "lang_option",
    "loaded_plugins",
    "scenario_argument",
    "set_option",
]

_Function = TypeVar("_Function", bound=Callable[..., Any])


def epilog(*examples: str) -> str:
    """Give the examples at the end of a help text."""
    return "\b\nExamples:\n" + "\n".join(f"  {example}" for example in examples)


def scenario_argument(function: _Function) -> _Function:
    """Add the argument of a scenario file; whether it can be read is said by who reads it."""
    return click.argument("scenario", metavar="SCENARIO", type=click.Path(path_type=Path))(function)


def set_option(function: _Function) -> _Function:
    """Add `--set path=value`."""
    return click.option(
        "--set",
        "overrides",
        metavar="PATH=VALUE",
        multiple=True,
        help="Another value for one key, as population.scale=0.1; can be given several times.",
    )(function)


def engine_option(default: str, help_text: str) -> Callable[[_Function], _Function]:
    """Add `--engine`; whether there is one of this name is said by who uses it: to import the engines takes numpy."""
    return click.option("--engine", metavar="NAME", default=default, show_default=True, help=help_text)


def json_option(function: _Function) -> _Function:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for machines, and nothing else.")(function)


def lang_option(function: _Function) -> _Function:
    """Add `--lang`."""
    return click.option(
        "--lang",
        type=click.Choice(list(LANGUAGES)),
        default=lambda: preferred(os.environ),
        show_default="that of the locale",
        help="The language of what is written for people.",
    )(function)


def loaded_plugins(context: click.Context) -> Plugins:
    """Load all plugins, once a call."""
    from canbao.plugins import load_plugins

    root = context.find_root()
    if root.obj is None:
        root.obj = load_plugins(root.params.get("plugins_dir"))
    plugins: Plugins = root.obj
    return plugins


def chosen_language(context: click.Context, lang: str) -> Language:
    """Give the language of this call, with the catalogues that plugins bring."""
    from canbao.languages import language_named, with_catalogues

    return with_catalogues(
        language_named(lang), {getattr(entry.thing, "__module__", "") for entry in loaded_plugins(context)}
    )
