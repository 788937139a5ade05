"""Checks of a plugin as a whole, and of reporters."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from canbao.errors import PluginError
from canbao.plugins import Hooks, Registered, load_plugins
from canbao.runs import run_scenario
from canbao.testing.district import small_scenario
from canbao.testing.findings import Findings

__all__ = ["check_plugin", "check_reporter"]

_MARK = "canbao_impl"
"""The attribute that `@hookimpl` leaves on a function."""


def check_plugin(plugin: ModuleType | SimpleNamespace) -> dict[str, dict[str, Any]]:
    """Check the hooks of a plugin, a module or one made `by_reference`; give what it registers, by kind and name.

    Raises
    ------
    AssertionError
        With everything that must change: hooks that do not exist, lack `@hookimpl`, take other arguments; names twice.
    """
    findings = Findings(f"plugin {getattr(plugin, '__name__', 'by reference')}")
    hooks = {name for name in vars(Hooks) if not name.startswith("_")}
    found = {name: value for name, value in vars(plugin).items() if inspect.isfunction(value)}
    marked = {name for name, value in found.items() if hasattr(value, _MARK)}
    for name in sorted(marked - hooks):
        findings.expect(False, f"there is no hook {name!r}; hooks are {', '.join(sorted(hooks))}")
    for name in sorted((set(found) & hooks) - marked):
        findings.expect(False, f"{name} must be marked with @hookimpl of canbao.plugins, or it is never called")
    findings.expect(bool(marked & hooks), "it has no hook: mark a function such as register_channels with @hookimpl")
    registered: dict[str, dict[str, Any]] = {}
    for name in sorted(marked & hooks):
        if _has_right_arguments(name, found[name], findings) and name.startswith("register_"):
            registered[name.removeprefix("register_")] = _registered_by(name, found[name], findings)
    findings.settle()
    return registered


def _has_right_arguments(name: str, hook: Callable[..., Any], findings: Findings) -> bool:
    wanted = list(inspect.signature(getattr(Hooks, name)).parameters)[1:]
    given = list(inspect.signature(hook).parameters)
    return findings.expect(given == wanted, f"{name} must take ({', '.join(wanted)}), not ({', '.join(given)})")


def _registered_by(hook: str, function: Callable[..., Any], findings: Findings) -> dict[str, Any]:
    table: dict[str, Any] = {}

    def register(name: Any, thing: Any) -> None:
        right = isinstance(name, str) and bool(name)
        findings.expect(right, f"{hook} must register a thing by a name that is text, not {name!r}")
        findings.expect(name not in table, f"{hook} registers {name!r} twice")
        table[name] = _found(thing, f"{hook} must register", name, findings)

    with findings.calling(hook):
        function(register)
    findings.expect(bool(table), f"{hook} registers nothing: call register(name, thing) in it")
    return table


def _found(thing: Any, must: str, name: Any, findings: Findings) -> Any:
    """Give what is registered, or what its address leads to."""
    if isinstance(thing, str):
        entry = Registered("things", str(name), thing, "under test", "here")
        try:
            thing = entry.thing
        except PluginError as error:
            findings.expect(False, str(error))
            return None
    findings.expect(callable(thing), f"{must} a class or a function as {name!r}, or its address, not {thing!r}")
    return thing


def check_reporter(reporter: Callable[[Mapping[str, Any], Path], Path]) -> Path:
    """Check a reporter on the run of a small scenario; give the name of the file that it writes.

    Raises
    ------
    AssertionError
        When it writes no file into the folder of the run, changes the summary, or writes another file the next time.
    """
    findings = Findings(f"reporter {getattr(reporter, '__name__', reporter)!s}")
    plugins = load_plugins(environment={"CANBAO_NO_PLUGINS": "1"})
    with tempfile.TemporaryDirectory() as folder:
        run = run_scenario(small_scenario(plugins=plugins), plugins, out=folder)
        before, summary = repr(run.summary), run.summary
        with findings.calling("it"):
            path = reporter(summary, run.folder)
            written = Path(path).read_bytes()
            reporter(summary, run.folder)
        findings.expect(
            Path(path).parent == run.folder, f"it must write into the folder of the run, {run.folder}, not to {path}"
        )
        findings.expect(repr(summary) == before, "it must not change the summary: other reporters read it too")
        findings.expect(Path(path).read_bytes() == written, "it must write the same file for the same run")
    findings.settle()
    return Path(Path(path).name)
