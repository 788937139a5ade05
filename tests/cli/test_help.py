"""Help: it is there for every command, shows examples, and costs nothing heavy."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable

import click
import pytest
from click.testing import Result

from canbao.cli import program

Invoke = Callable[..., Result]

HEAVY = ("numpy", "scipy", "pydantic", "pyarrow", "rich", "simpy", "jinja2", "faker", "PIL", "tomli_w")


def _commands(group: click.Group, above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    context = click.Context(group)
    found = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        found.append((*above, name))
        if isinstance(command, click.Group):
            found += _commands(command, (*above, name))
    return found


ALL = [(), *_commands(program)]


def test_every_command_is_there() -> None:
    """The commands are those that the documentation promises."""
    assert {" ".join(path) for path in ALL} == {
        "",
        "run",
        "compare",
        "sweep",
        "plan",
        "report",
        "export",
        "plugins",
        "verify",
        "serve",
        "load",
        "target",
        "target check",
        "target schema",
        "calibrate",
        "scenario",
        "scenario new",
        "scenario check",
        "scenario show",
        "scenario schema",
    }


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_help_has_examples(canbao: Invoke, path: tuple[str, ...]) -> None:
    """Each help text ends with examples that call this very command, or for groups one of its commands."""
    result = canbao(*path, "--help")
    assert result.exit_code == 0
    text, _, examples = result.output.partition("Examples:")
    assert f"Usage: canbao {' '.join(path)}".strip() in text.replace("program", "canbao")
    lines = [line.strip() for line in examples.strip().splitlines()]
    assert lines
    called = re.compile(rf"^(CANBAO_\w+=\S+ )?canbao (--plugins-dir \S+ )?{' '.join(path)}")
    assert all(called.match(line) for line in lines)


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_option_is_explained(path: tuple[str, ...]) -> None:
    """Each option of each command says what it does."""
    command: click.Command = program
    for name in path:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), name)
        assert found is not None
        command = found
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    assert [option.name for option in options if not option.help] == []


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["run", "--help"], ["scenario", "check", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    """Help and version come without numpy, pydantic, rich and the like, which take long to import."""
    code = (
        "import sys\n"
        "from canbao.cli import main\n"
        f"sys.argv = ['canbao', *{arguments!r}]\n"
        "code = main()\n"
        f"print('HEAVY', sorted(set(sys.modules) & set({HEAVY!r})), code)"
    )
    environment = {"CANBAO_NO_PLUGINS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=_with(environment)
    )
    assert done.stdout.splitlines()[-1] == "HEAVY [] 0"


def _with(more: dict[str, str]) -> dict[str, str]:
    import os

    return {**os.environ, **more}


def test_help_fits_a_terminal(canbao: Invoke) -> None:
    """No line of any help text is longer than a hundred characters."""
    for path in ALL:
        assert max(map(len, canbao(*path, "--help").output.splitlines())) <= 100


def test_a_misspelt_command_is_wrong_usage(canbao: Invoke) -> None:
    """A command that does not exist is exit code 2 with a message on stderr."""
    result = canbao("simulate")
    assert result.exit_code == 2
    assert "No such command 'simulate'" in result.stderr
    assert result.stdout == ""


def test_a_missing_argument_is_wrong_usage(canbao: Invoke) -> None:
    """A command without its argument is exit code 2 and says which is missing."""
    result = canbao("run")
    assert result.exit_code == 2
    assert "SCENARIO" in result.stderr


def test_the_version_is_printed(canbao: Invoke) -> None:
    """`--version` prints the version of canbao."""
    from canbao import __version__

    assert canbao("--version").output.strip() == f"canbao, version {__version__}"
