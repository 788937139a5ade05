"""Targets of plugins: found by name, or named by a folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.loadtests.targets.conftest import FAMILY, Bench, Told, reply

from canbao.errors import InputError, PluginError, TargetError
from canbao.plugins import Plugins, load_plugins
from canbao_loadtests.targets import ArazzoTarget, find_target, load_target

PLUGIN = """
from canbao.plugins import hookimpl
from canbao_loadtests.targets import Answer


class Session:
    def __init__(self, browser, memory):
        self.browser, self.memory = browser, dict(memory)

    def call(self, step, inputs):
        return Answer("done", {"step": step})


class Target:
    name, steps, papers = "by hand", {"enrol", "submit", "progress"}, {}

    def __init__(self, settings):
        self.settings = settings
        if settings.get("fails"):
            raise RuntimeError("oh dear")

    def session(self, browser, memory):
        return Session(browser, memory)


@hookimpl
def register_targets(register):
    register("by-hand", Target)
"""


@pytest.fixture
def plugins(tmp_path: Path) -> Plugins:
    """Load a plugin with a target."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "mine.py").write_text(PLUGIN, encoding="utf-8")
    return load_plugins(folder, {"CANBAO_NO_PLUGINS": "1"})


def test_a_plugins_target_is_found_by_name(plugins: Plugins) -> None:
    """A name that is no folder is the name of a plugin's target."""
    target = find_target("by-hand", plugins)
    assert target.session(Told([reply()]), {}).call("enrol", FAMILY).outputs == {"step": "enrol"}


def test_a_folder_can_name_a_plugins_target(plugins: Plugins, tmp_path: Path) -> None:
    """`plugin` in target.toml names it, and `[settings]` is what it is told."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "target.toml").write_text('name = "x"\nplugin = "by-hand"\n[settings]\ncity = "a"\n', encoding="utf-8")
    assert find_target(str(folder), plugins).settings == {"city": "a"}
    with pytest.raises(TargetError, match="is a plugin's target, 'by-hand', which has no documents"):
        load_target(folder)
    (folder / "target.toml").write_text('name = "x"\nplugin = "by-hand"\n[settings]\nfails = true\n', encoding="utf-8")
    with pytest.raises(PluginError, match="the target 'by-hand' of a plugin failed: RuntimeError: oh dear"):
        find_target(str(folder), plugins)


def test_a_folder_of_documents_is_found_as_well(plugins: Plugins, bench: Bench) -> None:
    """A folder without `plugin` is read as documents."""
    assert isinstance(find_target(str(bench.write()), plugins, sleep=bench.naps.append), ArazzoTarget)


def test_what_is_neither_is_told_with_the_nearest_name(plugins: Plugins) -> None:
    """Neither a folder nor a plugin's target: the known ones are named."""
    with pytest.raises(InputError, match=r"'by-hnd'.*targets: by-hand; did you mean 'by-hand'\?"):
        find_target("by-hnd", plugins)
