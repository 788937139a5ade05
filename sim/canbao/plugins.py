"""Plugins: how they are found, what they may register, and what is registered.

A plugin is a module with functions marked `@hookimpl`. Built-in plugins come in through the same door as anybody's:
the entry-point group `canbao`, or a single file in a folder given by `--plugins-dir`. `CANBAO_NO_PLUGINS=1` leaves
outsiders' out.

What is registered may be a thing, or its address, `"package.module:Thing"`: then it is imported when it is first used.
A plugin with nothing but addresses is made by `by_reference`; so are the built-in ones, because every scenario uses
few of them.

Hooks are called at the start and the end of a run only, never while it goes on.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pluggy

from canbao.errors import PluginError

if TYPE_CHECKING:
    from canbao.runs import Run

__all__ = ["KINDS", "Hooks", "Plugins", "Registered", "by_reference", "hookimpl", "load_plugins", "outsiders"]

GROUP = "canbao"
NO_PLUGINS = "CANBAO_NO_PLUGINS"

hookimpl = pluggy.HookimplMarker(GROUP)
_hookspec = pluggy.HookspecMarker(GROUP)

Register = Callable[[str, Any], None]


class Hooks:
    """The hooks. Each `register_…` hook is handed a function `register(name, thing)`."""

    @_hookspec
    def register_channels(self, register: Register) -> None:
        """Register ways to enrol: a settings class with `build(name, district)` that gives a Part."""

    @_hookspec
    def register_formalities(self, register: Register) -> None:
        """Register formalities: a settings class with `place` and `build(name, district, onward)` that gives a Part."""

    @_hookspec
    def register_demands(self, register: Register) -> None:
        """Register arrival processes: a settings class with `arrivals(district, channels)`."""

    @_hookspec
    def register_families(self, register: Register) -> None:
        """Register populations: a settings class with `count(horizon)` and `columns(luck, count, horizon)`."""

    @_hookspec
    def register_policies(self, register: Register) -> None:
        """Register region policies: a settings class with the collection period and the rules for newborns."""

    @_hookspec
    def register_choices(self, register: Register) -> None:
        """Register choices of channel: a settings class with `weights(channels, district)` and a `rule`."""

    @_hookspec
    def register_distributions(self, register: Register) -> None:
        """Register distributions of durations: a settings class with `build()` that gives a Distribution."""

    @_hookspec
    def register_disciplines(self, register: Register) -> None:
        """Register queue disciplines: a function of (priority, service_s) that gives a key; the smallest goes first."""

    @_hookspec
    def register_reporters(self, register: Register) -> None:
        """Register reporters: a function of (summary, folder) that writes a file and gives its path."""

    @_hookspec
    def register_targets(self, register: Register) -> None:
        """Register targets of load tests: a function of settings that gives a Target."""

    @_hookspec
    def register_commands(self, register: Register) -> None:
        """Register commands: a click command."""

    @_hookspec
    def run_started(self, run: Run) -> None:
        """Hear that a run begins."""

    @_hookspec
    def run_finished(self, run: Run) -> None:
        """Hear that a run is stored."""


KINDS = tuple(name.removeprefix("register_") for name in vars(Hooks) if name.startswith("register_"))
"""What can be registered: channels, demands, families and so on."""


@dataclass(frozen=True)
class Registered:
    """One thing that a plugin registered, or its address."""

    kind: str
    name: str
    given: Any
    plugin: str
    origin: str

    @cached_property
    def thing(self) -> Any:
        """The thing itself; PluginError if its address leads nowhere."""
        if not isinstance(self.given, str):
            return self.given
        module, _, attribute = self.given.partition(":")
        try:
            return getattr(importlib.import_module(module), attribute)
        except (Exception, SystemExit) as error:
            raise PluginError(
                f"plugin {self.plugin!r} ({self.origin}) registered {self.kind} {self.name!r} at {self.given!r}, "
                f"which could not be loaded: {_said(error)}"
            ) from error


class _Things(Mapping[str, Any]):
    """The things of one kind by name, each imported when it is taken out."""

    def __init__(self, table: Mapping[str, Registered]) -> None:
        self._table = table

    def __getitem__(self, name: str) -> Any:
        return self._table[name].thing

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)


def by_reference(**kinds: Mapping[str, str]) -> SimpleNamespace:
    """Make a plugin that registers addresses: `by_reference(channels={"office": "canbao_plugins.office:Office"})`."""

    def hook(addresses: Mapping[str, str]) -> Callable[[Register], None]:
        def implementation(register: Register) -> None:
            for name, address in addresses.items():
                register(name, address)

        return hookimpl(implementation)

    return SimpleNamespace(**{f"register_{kind}": hook(addresses) for kind, addresses in kinds.items()})


@dataclass(frozen=True)
class Plugins:
    """All plugins of one process: the pluggy manager, and what they registered by kind and name."""

    manager: pluggy.PluginManager
    origins: Mapping[str, str]
    """Where each plugin comes from: a distribution and its version, or a file."""
    tables: Mapping[str, Mapping[str, Registered]] = field(default_factory=dict)

    def things(self, kind: str) -> Mapping[str, Any]:
        """Give the registered things of a kind by name."""
        return _Things(self.tables[kind])

    def __iter__(self) -> Iterator[Registered]:
        for table in self.tables.values():
            yield from table.values()


class _Manager(pluggy.PluginManager):
    """Looks for hooks among what can be called only: a look at a module that waits to be imported would import it."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        found = inspect.getattr_static(plugin, name, None)
        return super().parse_hookimpl_opts(plugin, name) if callable(found) else None


def load_plugins(folder: Path | None = None, environment: Mapping[str, str] = os.environ) -> Plugins:
    """Find all plugins, check their hooks and let them register.

    Parameters
    ----------
    folder
        A folder of plugin files, as `--plugins-dir` gives it.
    environment
        Where `CANBAO_NO_PLUGINS` is looked up.

    Raises
    ------
    PluginError
        A plugin that cannot be imported, a misspelt hook, two plugins or things of one name; it names the plugins.
    """
    manager = _Manager(GROUP)
    manager.add_hookspecs(Hooks)
    origins: dict[str, str] = {}
    for name, origin, load in [*_installed(environment), *_files(folder)]:
        if name in origins:
            raise PluginError(f"two plugins are named {name!r}: {origins[name]} and {origin}; rename or remove one")
        origins[name] = origin
        try:
            manager.register(load(), name=name)
        except (Exception, SystemExit) as error:
            raise PluginError(f"plugin {name!r} ({origin}) could not be loaded: {_said(error)}") from error
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise _unknown_hook(error, manager.get_name(error.plugin) or "?", origins) from error
    plugins = Plugins(manager, origins, {kind: {} for kind in KINDS})
    for kind in KINDS:
        _register_all(plugins, kind)
    return plugins


def outsiders(environment: Mapping[str, str] = os.environ) -> list[importlib.metadata.EntryPoint]:
    """List the entry points of plugins that did not come with canbao."""
    return [point for point in _entry_points(environment) if not _built_in(point)]


def _hooks() -> list[str]:
    return [name for name in vars(Hooks) if not name.startswith("_")]


def _unknown_hook(error: pluggy.PluginValidationError, plugin: str, origins: Mapping[str, str]) -> PluginError:
    said = str(error).partition(" in plugin ")[0]
    origin = origins.get(plugin, "?")
    return PluginError(f"plugin {plugin!r} ({origin}) has an {said}; hooks are {', '.join(_hooks())}")


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _entry_points(environment: Mapping[str, str]) -> list[importlib.metadata.EntryPoint]:
    """List the entry points that count, built-in plugins first. It reads a file of each installed distribution."""
    found = sorted(importlib.metadata.entry_points(group=GROUP), key=lambda point: (not _built_in(point), point.name))
    alone = environment.get(NO_PLUGINS, "") not in ("", "0")
    return [point for point in found if not alone or _built_in(point)]


def _built_in(point: importlib.metadata.EntryPoint) -> bool:
    return point.dist is not None and _name_and_version(point.dist)[0] == "canbao"


@cache
def _name_and_version(distribution: importlib.metadata.Distribution) -> tuple[str, str]:
    # Each look at one of them parses the metadata of the whole distribution anew.
    metadata = distribution.metadata
    return metadata["Name"], metadata["Version"]


_Found = tuple[str, str, Callable[[], Any]]


def _installed(environment: Mapping[str, str]) -> list[_Found]:
    points = _entry_points(environment)
    return [(p.name, " ".join(_name_and_version(p.dist)) if p.dist else p.value, p.load) for p in points]


def _files(folder: Path | None) -> list[_Found]:
    if folder is None:
        return []
    if not folder.is_dir():
        raise PluginError(f"--plugins-dir {folder}: there is no such folder")
    paths = sorted(path for path in folder.glob("*.py") if not path.name.startswith(("_", "test_", "conftest")))
    return [(path.stem, str(path), lambda path=path: _import_file(path)) for path in paths]  # type: ignore[misc]


def _import_file(path: Path) -> ModuleType:
    # A name of its own, so that `office.py` of somebody's folder hides no other module.
    name = f"canbao_plugin_file_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PluginError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _register_all(plugins: Plugins, kind: str) -> None:
    """Call one `register_…` hook of each plugin, so that an error can name the plugin."""
    table: dict[str, Registered] = plugins.tables[kind]  # type: ignore[assignment]
    for implementation in plugins.manager.hook.__getattribute__(f"register_{kind}").get_hookimpls():
        plugin = implementation.plugin_name

        def register(name: str, thing: Any, plugin: str = plugin) -> None:
            if name in table:
                raise PluginError(f"{kind} {name!r} is registered by plugin {table[name].plugin!r} and by {plugin!r}")
            table[name] = Registered(kind, name, thing, plugin, plugins.origins[plugin])

        try:
            implementation.function(register)
        except PluginError:
            raise
        except Exception as error:
            raise PluginError(
                f"plugin {plugin!r} ({plugins.origins[plugin]}) failed in register_{kind}: {_said(error)}"
            ) from error
