"""Plugins: found, registered in tables by kind and name, and refused with their names where something is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from canbao.errors import PluginError
from canbao.plugins import KINDS, Hooks, Plugins, load_plugins, outsiders
from canbao_loadtests import doors as load_doors
from canbao_plugins import doors

NONE = {"CANBAO_NO_PLUGINS": "1"}


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """Give everything that comes with canbao."""
    return load_plugins(environment=NONE)


def _file(folder: Path, name: str, *lines: str) -> Path:
    path = folder / f"{name}.py"
    path.write_text("\n".join(["from canbao.plugins import hookimpl", *lines]) + "\n")
    return path


def test_every_kind_has_a_table_and_a_hook(plugins: Plugins) -> None:
    """For each kind of thing there is a `register_…` hook and a table, even where nothing is in it."""
    assert set(plugins.tables) == set(KINDS)
    assert {f"register_{kind}" for kind in KINDS} == {name for name in vars(Hooks) if name.startswith("register_")}


def test_built_in_plugins_come_through_the_same_door(plugins: Plugins) -> None:
    """The built-in plugins are entry points of the distribution canbao, and are named as such."""
    assert set(plugins.origins) == {*doors.__all__, *load_doors.__all__}
    assert len(set(plugins.origins.values())) == 1
    assert plugins.origins["office"].startswith("canbao ")


def test_each_thing_knows_its_plugin(plugins: Plugins) -> None:
    """Going through the plugins gives each registered thing once, with the plugin and where that comes from."""
    entries = list(plugins)
    assert len({(entry.kind, entry.name) for entry in entries}) == len(entries)
    season = plugins.tables["demands"]["season"]
    assert (season.plugin, season.origin) == ("season", plugins.origins["season"])
    assert plugins.things("demands")["season"] is season.thing


def test_two_loads_share_nothing(plugins: Plugins, tmp_path: Path) -> None:
    """Plugins are loaded anew each time: what a folder adds is not there the next time."""
    _file(tmp_path, "more", "@hookimpl", "def register_disciplines(register): register('oldest', min)")
    assert load_plugins(tmp_path, NONE).things("disciplines") == {"oldest": min}
    assert load_plugins(environment=NONE).things("disciplines") == {}
    assert plugins.things("disciplines") == {}


def test_files_are_loaded_in_order_and_some_are_left_out(tmp_path: Path) -> None:
    """Every Python file of the folder is a plugin, but for tests, conftest and names with an underscore in front."""
    for name in ("b", "a", "_hidden", "test_a", "conftest"):
        _file(tmp_path, name, "@hookimpl", f"def register_disciplines(register): register('{name}', min)")
    (tmp_path / "notes.txt").write_text("no Python")
    assert list(load_plugins(tmp_path, NONE).things("disciplines")) == ["a", "b"]


def test_a_file_hides_no_module(tmp_path: Path) -> None:
    """A plugin file called like a module of the standard library does not stand in its way."""
    _file(tmp_path, "json", "@hookimpl", "def register_disciplines(register): register('x', min)")
    load_plugins(tmp_path, NONE)
    import json

    assert json.loads("1") == 1


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            ["@hookimpl", "def register_discipline(register): pass"],
            "register_discipline.*hooks are register_channels, ",
        ),
        (["@hookimpl", "def run_start(run): pass"], "run_start"),
        (
            ["@hookimpl", "def register_channels(register, more): pass"],
            r"'bad' \(.*bad\.py\) could not be loaded: PluginVal",
        ),
        (["@hookimpl", "def register_channels(): pass"], r"'bad' \(.*bad\.py\) failed in register_channels: TypeError"),
        (["raise RuntimeError('no licence')"], r"'bad' \(.*bad\.py\) could not be loaded: RuntimeError: no licence"),
        (["import sys", "sys.exit(3)"], r"'bad' \(.*bad\.py\) could not be loaded: SystemExit"),
        (
            ["@hookimpl", "def register_channels(register): register()"],
            r"'bad' .* failed in register_channels: TypeError",
        ),
    ],
)
def test_a_bad_plugin_is_named_with_its_file(tmp_path: Path, lines: list[str], said: str) -> None:
    """Hooks that do not exist or take other arguments, and plugins that raise, are told with name and file."""
    _file(tmp_path, "bad", *lines)
    with pytest.raises(PluginError, match=said):
        load_plugins(tmp_path, NONE)


def test_two_things_of_one_name_are_an_error_that_names_both(tmp_path: Path) -> None:
    """Two plugins that register one name of one kind are both named."""
    _file(tmp_path, "mine", "@hookimpl", "def register_channels(register): register('office', object)")
    with pytest.raises(PluginError, match="channels 'office' is registered by plugin 'office' and by 'mine'"):
        load_plugins(tmp_path, NONE)


def test_one_name_may_stand_in_two_kinds(tmp_path: Path) -> None:
    """A name is taken within a kind only."""
    _file(tmp_path, "mine", "@hookimpl", "def register_disciplines(register): register('office', min)")
    assert load_plugins(tmp_path, NONE).things("disciplines") == {"office": min}


def test_two_plugins_of_one_name_are_an_error_that_names_both(tmp_path: Path) -> None:
    """A file called like a built-in plugin is refused, and both origins are named."""
    path = _file(tmp_path, "season")
    with pytest.raises(PluginError, match=rf"two plugins are named 'season': canbao .* and {path}"):
        load_plugins(tmp_path, NONE)


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """A folder of plugins must exist."""
    with pytest.raises(PluginError, match="there is no such folder"):
        load_plugins(tmp_path / "nowhere", NONE)


@pytest.mark.parametrize(("value", "found"), [("1", False), ("yes", False), ("0", True), ("", True)])
def test_outsiders_can_be_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, found: bool) -> None:
    """CANBAO_NO_PLUGINS leaves out whoever did not come with canbao, unless it is empty or 0."""
    info = tmp_path / "somebody-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: somebody\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[canbao]\nsomething = json\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    environment = {"CANBAO_NO_PLUGINS": value}
    assert [point.name for point in outsiders(environment)] == (["something"] if found else [])
    assert ("something" in load_plugins(environment=environment).origins) == found
