"""`canbao scenario`: begin, check, show scenario files, and the schema of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from canbao.cli.arguments import epilog, json_option, loaded_plugins, scenario_argument, set_option
from canbao.cli.output import print_faults, print_json
from canbao.errors import Fault, InputError, ScenarioError, StorageError

if TYPE_CHECKING:
    from canbao.plugins import Plugins

__all__ = ["command"]

_STARTER = "starter.toml"
_STARTER_TITLE = 'title = "A district\'s season"'


@click.group(
    "scenario",
    epilog=epilog(
        "canbao scenario new my-district",
        "canbao scenario check my-district.toml scenarios/*.toml",
        "canbao scenario show scenarios/deadline-rush.toml",
        "canbao scenario schema --out scenario.schema.json",
    ),
)
def command() -> None:
    """Begin, check and show scenario files."""


@command.command(
    "new",
    epilog=epilog("canbao scenario new my-district", "canbao scenario new scenarios/my-district.toml --force"),
)
@click.argument("name", metavar="NAME", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Overwrite a file that is there.")
def new(name: Path, force: bool) -> None:
    """Write a commented scenario file to begin with.

    NAME is the name of the file, with or without its ending .toml. Every number in it says how good its evidence is.
    """
    path = name if name.suffix == ".toml" else name.with_name(f"{name.name}.toml")
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(_starter(path.stem))
    except FileExistsError:
        raise InputError(f"{path} is there already; choose another name, or overwrite it with --force") from None
    except (OSError, ValueError) as error:
        raise StorageError(f"{path} cannot be written: {getattr(error, 'strerror', None) or error}") from error
    click.echo(path)
    click.echo(f"Edit it, then: canbao run {path}", err=True)


def _starter(stem: str) -> str:
    from importlib.resources import files

    import tomli_w

    words = stem.replace("-", " ").replace("_", " ").encode(errors="replace").decode()
    title = tomli_w.dumps({"title": words[:1].upper() + words[1:200]}).rstrip("\n")
    return (files(__package__) / _STARTER).read_text(encoding="utf-8").replace(_STARTER_TITLE, title)


@command.command(
    "check",
    epilog=epilog(
        "canbao scenario check my-district.toml",
        "canbao scenario check scenarios/*.toml --json",
        "canbao scenario check my-district.toml --set population.scale=0.1",
    ),
)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@set_option
@json_option
@click.pass_context
def check(context: click.Context, files: tuple[Path, ...], overrides: tuple[str, ...], as_json: bool) -> None:
    """Check scenario files and name all their faults at once.

    Each fault comes with file, line and key, what was given, what is allowed and what to do. The exit code is 2 if
    there is any.
    """
    plugins = loaded_plugins(context)
    found = {str(path): _faults(path, plugins, overrides) for path in files}
    if as_json:
        print_json(
            [{"file": path, "ok": not faults, "faults": list(map(asdict, faults))} for path, faults in found.items()]
        )
    else:
        for path, faults in found.items():
            _print_checked(path, faults)
    context.exit(InputError.exit_code if any(found.values()) else 0)


def _faults(path: Path, plugins: Plugins, overrides: Sequence[str]) -> tuple[Fault, ...]:
    from canbao.scenario.scenario import load_scenario

    try:
        load_scenario(path, plugins, overrides)
    except ScenarioError as error:
        return error.faults
    except InputError as error:
        return (Fault(str(path), None, "", str(error)),)
    return ()


def _print_checked(path: str, faults: Sequence[Fault]) -> None:
    if not faults:
        click.echo(f"{path}: ok")
        return
    print_faults(faults)
    click.echo(f"{path}: {len(faults)} {'fault' if len(faults) == 1 else 'faults'}", err=True)


@command.command(
    "show",
    epilog=epilog(
        "canbao scenario show scenarios/deadline-rush.toml",
        "canbao scenario show my-district.toml --set population.scale=0.1 --json",
    ),
)
@scenario_argument
@set_option
@json_option
def show(scenario: Path, overrides: tuple[str, ...], as_json: bool) -> None:
    """Show a scenario with all that it extends put together.

    A comment behind each value says from which file and line it comes. Values are not checked; `check` does that.
    """
    from canbao.scenario.faults import dotted
    from canbao.scenario.resolved import resolved_text
    from canbao.scenario.source import read_scenario

    source = read_scenario(scenario, overrides)
    if not as_json:
        click.echo(resolved_text(source, places=True), nl=False)
        return
    places = {dotted(path): {"file": place.file, "line": place.line} for path, place in source.places.items() if path}
    print_json({"name": source.name, "files": source.files, "scenario": source.data, "places": places})


@command.command(
    "schema",
    epilog=epilog("canbao scenario schema", "canbao scenario schema --out scenarios/scenario.schema.json"),
)
@click.option("--out", type=click.Path(path_type=Path), help="Write it to this file.")
@click.pass_context
def schema(context: click.Context, out: Path | None) -> None:
    """Give the JSON Schema of scenario files, so that editors complete and check.

    What plugins registered is in it.
    """
    import json

    plugins = loaded_plugins(context)
    from canbao.scenario.scenario import scenario_schema

    text = json.dumps(scenario_schema(plugins), ensure_ascii=False, indent=2) + "\n"
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{out} cannot be written: {error.strerror}") from error
    click.echo(out)
