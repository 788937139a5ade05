"""The command `canbao` itself: finds its commands when they are asked for, and turns errors into exit codes."""

from __future__ import annotations

import gc
import importlib
import io
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click

from canbao import __version__
from canbao.cli.arguments import epilog, loaded_plugins
from canbao.errors import CanbaoError, PluginError, ScenarioError, TargetError

__all__ = ["INTERRUPTED", "main", "program"]

INTERRUPTED = 130
"""What a shell expects after Ctrl-C: 128 and the number of the signal."""

_TERMINATED = 143
_GARBAGE = 50_000
"""Objects until the next look for garbage: imports make many that stay, and looking at them takes 5 % of a start."""
_DEBUG = "CANBAO_DEBUG"

_BUILT_IN = {
    "run": "canbao.cli.run",
    "compare": "canbao.cli.compare",
    "plan": "canbao.cli.plan",
    "sweep": "canbao.cli.sweep",
    "scenario": "canbao.cli.scenario",
    "report": "canbao.cli.report",
    "export": "canbao.cli.export",
    "plugins": "canbao.cli.plugins",
    "verify": "canbao.cli.verify",
}
"""The modules of the commands, in the order in which help lists them; each holds `command`."""


class _Terminated(SystemExit):
    """Somebody asked the process to end."""


class _Commands(click.Group):
    """Imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        try:
            return [*_BUILT_IN, *sorted(_of_plugins(ctx))]
        except PluginError as error:  # help must not fail because of somebody's plugin
            click.echo(f"Warning: {error}", err=True)
            return [*_BUILT_IN]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _BUILT_IN:
            command: click.Command = importlib.import_module(_BUILT_IN[cmd_name]).command
            return command
        return _of_plugins(ctx).get(cmd_name)

    def main(self, *args: Any, **extra: Any) -> Any:
        sys.exit(self._exit_code(super().main, *args, **extra))

    def _exit_code(self, run: Callable[..., Any], *args: Any, **extra: Any) -> int:
        try:
            code = run(*args, **{**extra, "standalone_mode": False})
        except click.ClickException as error:
            error.show()
            return error.exit_code
        except (click.Abort, KeyboardInterrupt):
            return self._interrupted()
        except CanbaoError as error:
            _say(error)
            return error.exit_code
        except Exception as error:
            return self._unexpected(error)
        return code if isinstance(code, int) else 0

    def _interrupted(self) -> int:
        click.echo("interrupted; what was not finished is gone", err=True)
        return INTERRUPTED

    def _unexpected(self, error: Exception) -> int:
        match _signal_behind(error):
            case KeyboardInterrupt():
                return self._interrupted()
            case _Terminated():
                return _TERMINATED
        _say_unexpected(error)
        return 1


def _signal_behind(error: BaseException | None) -> KeyboardInterrupt | _Terminated | None:
    """Give the signal that an error came of: compiled functions, and threads about to start, hide it behind theirs."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt | _Terminated):
            return error
        error = error.__cause__ or error.__context__
    return None


def _of_plugins(context: click.Context) -> dict[str, click.Command]:
    """Give the commands of plugins, those that came with canbao among them."""
    commands = loaded_plugins(context).things("commands")
    return {name: command for name, command in commands.items() if name not in _BUILT_IN}


def _say(error: CanbaoError) -> None:
    from canbao.cli.output import on_one_line, print_faults

    _show_where(error)
    if isinstance(error, ScenarioError | TargetError):
        print_faults(error.faults)
    else:
        click.echo("\n".join(on_one_line(line) for line in f"Error: {error}".splitlines()), err=True)


def _say_unexpected(error: Exception) -> None:
    _show_where(error)
    first_line = next(iter(str(error).splitlines()), "")
    said = f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__
    click.echo(
        f"Error: canbao failed unexpectedly: {said}; with {_DEBUG}=1 in the environment it shows where", err=True
    )


def _show_where(error: Exception) -> None:
    if os.environ.get(_DEBUG):
        import traceback

        traceback.print_exception(error)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=epilog(
        "canbao scenario new my-district",
        "canbao run my-district.toml",
        "canbao run scenarios/city-season.toml --set population.scale=0.1",
        "canbao report results/city-season",
    ),
)
@click.option(
    "--plugins-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    envvar="CANBAO_PLUGINS_DIR",
    is_eager=True,
    help="A folder with plugins, one Python file each.",
)
@click.version_option(__version__, prog_name="canbao")
def program(plugins_dir: Path | None) -> None:
    """Tell whether enrolment holds at the peak, and what would make it hold.

    canbao simulates a season in which families enrol their children in medical insurance: halls and a portal with their
    queues, and the review behind them. A scenario file goes in; an answer and a report come out.
    """


def _terminated(*_: object) -> NoReturn:
    raise _Terminated(_TERMINATED)


def main() -> int:
    """Run the command line; give the exit code."""
    gc.set_threshold(_GARBAGE)
    # Plugins of pydantic have no part in a scenario; to look for them reads a file of each installed distribution.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    signal.signal(signal.SIGTERM, _terminated)  # so that a run clears up behind itself
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows no Chinese is no reason to fail
    try:
        program.main(prog_name="canbao")
    except KeyboardInterrupt:  # while an error was being told
        return INTERRUPTED
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    finally:
        gc.freeze()  # the process ends: no last look through all that it imported
    return 0
