"""An outsider's plugin: found in a folder, used by a scenario, named when something is wrong with it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from canbao.cli import program
from canbao.scenario.source import to_toml
from canbao.testing import SMALL

KIOSK = """
from typing import Literal

from canbao.district import GIVE_UP, HAND_IN, Part
from canbao.network import Go, Station, Visit
from canbao.plugins import hookimpl
from canbao.scenario.models import Settings
from pydantic import Field

class Kiosk(Settings):
    kind: Literal["kiosk"]
    machines: int = Field(description="How many machines.", ge=1)

    def build(self, name, district):
        visit = Visit(name, 300.0, patience=900.0, abandoned=GIVE_UP)
        return Part([Station(name, servers=self.machines)], [visit, Go(HAND_IN)], queue=name)

@hookimpl
def register_channels(register):
    register("kiosk", Kiosk)
"""

THREE_LINES = """
from canbao.testing import check_channel
from kiosk import Kiosk
def test_kiosk(): check_channel(Kiosk, {"machines": 2})
"""

Invoke = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with the kiosk in it."""
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "kiosk.py").write_text(KIOSK)
    return tmp_path / "plugins"


@pytest.fixture
def mall(tmp_path: Path) -> Path:
    """Give a scenario that uses it."""
    channels = {"mall": {"kind": "kiosk", "machines": 2}, "portal": {"kind": "portal", "slots": 2}}
    people = {"kind": "city", "residents": 300}
    (tmp_path / "mall.toml").write_text(to_toml({**SMALL, "population": people, "channels": channels}))
    return tmp_path / "mall.toml"


@pytest.fixture
def canbao(monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Give a function that calls canbao, with a report that takes no time."""
    monkeypatch.setattr("canbao.report.render", lambda summary, manifest, language: "")
    monkeypatch.setenv("CANBAO_NO_PLUGINS", "")

    def invoke(*arguments: object) -> Result:
        result = CliRunner().invoke(program, [str(argument) for argument in arguments])
        assert "Traceback" not in result.output
        return result

    return invoke


# --- used -------------------------------------------------------------------------------------------------------------


def test_a_file_of_a_dozen_lines_adds_a_channel(canbao: Invoke, folder: Path, mall: Path, tmp_path: Path) -> None:
    """A scenario can use a channel from a single file in a folder, and its families go there."""
    assert len([line for line in KIOSK.splitlines() if line.strip()]) <= 18
    result = canbao("--plugins-dir", folder, "run", mall, "--json", "--out", tmp_path)
    assert result.exit_code in (0, 3), result.output
    summary = json.loads((Path(json.loads(result.stdout)["folder"]) / "summary.json").read_text())
    assert "mall" in summary["waits"]["channels"]
    assert summary["families"]["outcomes_by"]["channel"]["mall"]["enrolled"] > 0


def test_the_manifest_names_the_plugin_and_how_to_find_it(
    canbao: Invoke, folder: Path, mall: Path, tmp_path: Path
) -> None:
    """A run with an outsider's plugin says which it was, and its command finds it again."""
    result = canbao("--plugins-dir", folder, "run", mall, "--json", "--out", tmp_path)
    manifest = json.loads(result.stdout)["manifest"]
    assert {"name": "kiosk", "origin": str(folder / "kiosk.py")} in manifest["plugins"]
    assert manifest["command"].startswith(f"canbao --plugins-dir {folder} run {mall}")


def test_without_its_folder_the_channel_is_not_known(canbao: Invoke, mall: Path) -> None:
    """A scenario whose plugin is not there is told so with its line and the kinds that are."""
    result = canbao("scenario", "check", mall)
    assert result.exit_code == 2
    assert "channels.mall.kind: there is no such kind" in result.stderr
    assert '"office"' in result.stderr


def test_settings_of_the_plugin_are_checked_like_any(canbao: Invoke, folder: Path, mall: Path) -> None:
    """A fault in the plugin's part of a file is told with its place; a misspelt key comes with the nearest one."""
    result = canbao("--plugins-dir", folder, "scenario", "check", mall, "--set", "channels.mall.machins=2")
    assert result.exit_code == 2
    assert "channels.mall.machins: there is no such key here" in result.stderr
    assert "did you mean machines?" in result.stderr


def test_the_schema_holds_the_plugins_part(canbao: Invoke, folder: Path) -> None:
    """Editors complete what a plugin added, because the JSON Schema has it."""
    schema = json.loads(canbao("--plugins-dir", folder, "scenario", "schema").stdout)
    assert schema["$defs"]["channels.kiosk"]["properties"]["machines"]["description"] == "How many machines."
    assert schema["$defs"]["channels"]["discriminator"]["mapping"]["kiosk"] == "#/$defs/channels.kiosk"


def test_plugins_are_listed_with_their_files(canbao: Invoke, folder: Path) -> None:
    """The list of plugins says that the kiosk comes from this file."""
    said = json.loads(canbao("--plugins-dir", folder, "plugins", "--json").stdout)
    assert said[-1] == {
        "name": "kiosk",
        "origin": str(folder / "kiosk.py"),
        "registers": [{"kind": "channels", "name": "kiosk"}],
    }


def test_a_test_of_three_lines_passes(folder: Path) -> None:
    """An outsider's test of three lines runs under pytest and passes; test files in the folder are no plugins."""
    (folder / "test_kiosk.py").write_text(THREE_LINES)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_a_plugins_command_is_a_command(canbao: Invoke, folder: Path) -> None:
    """A command that a plugin registers is listed in help and runs; the built-in ones cannot be replaced."""
    (folder / "hello.py").write_text(
        "import click\n"
        "from canbao.plugins import hookimpl\n"
        "@click.command('hello')\n"
        "def hello():\n"
        "    'Say hello.'\n"
        "    click.echo('你好')\n"
        "@hookimpl\n"
        "def register_commands(register):\n"
        "    register('hello', hello)\n"
        "    register('run', hello)\n"
    )
    assert "Say hello." in canbao("--plugins-dir", folder, "--help").output
    assert canbao("--plugins-dir", folder, "hello").output == "你好\n"
    assert "Simulate a scenario" in canbao("--plugins-dir", folder, "run", "--help").output
    assert canbao("hello").exit_code == 2


# --- wrong ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"bad": KIOSK.replace("register_channels", "register_chanels")}, ["register_chanels", "'bad'"]),
        ({"office": KIOSK}, ["two plugins are named 'office'", "canbao 0.1.0", "office.py"]),
        ({"other": KIOSK}, ["channels 'kiosk' is registered by plugin 'kiosk' and by 'other'"]),
        ({"bad": "import nothing_of_this_name"}, ["plugin 'bad'", "bad.py", "nothing_of_this_name"]),
        ({"bad": "def ("}, ["plugin 'bad'", "bad.py", "SyntaxError"]),
        ({"bad": "1 / 0"}, ["plugin 'bad'", "bad.py", "ZeroDivisionError"]),
        (
            {"bad": "from canbao.plugins import hookimpl\n@hookimpl\ndef register_channels(register): 1 / 0"},
            ["plugin 'bad'", "bad.py", "register_channels", "ZeroDivisionError"],
        ),
    ],
)
def test_a_bad_plugin_is_named(
    canbao: Invoke, folder: Path, mall: Path, files: dict[str, str], said: list[str]
) -> None:
    """A misspelt hook, a name twice, a plugin that raises: exit code 2, and a message that names plugin and file."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    result = canbao("--plugins-dir", folder, "scenario", "check", mall)
    assert (result.exit_code, result.stdout) == (2, "")
    assert all(word in result.stderr for word in said), result.stderr


def test_help_is_there_though_a_plugin_is_bad(canbao: Invoke, folder: Path) -> None:
    """A plugin that cannot be loaded is a warning in help, and the commands are listed all the same."""
    (folder / "bad.py").write_text("1 / 0")
    result = canbao("--plugins-dir", folder, "--help")
    assert result.exit_code == 0
    assert "Warning: plugin 'bad'" in result.stderr
    assert "scenario" in result.stdout


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("def build(self, name, district): return {}['x']", "channel 'mall' of kind 'kiosk'"),
        ("def build(self, name, district): return None", "channel 'mall': build() must give a Part"),
        ("def open_days(self, district): return 1 / 0", "ZeroDivisionError"),
        ("def build(self, name, district): return Part([], [Go('nowhere')])", "nowhere"),
    ],
)
def test_a_plugin_that_raises_in_a_run_is_named(
    canbao: Invoke, folder: Path, mall: Path, tmp_path: Path, line: str, said: str
) -> None:
    """What a plugin does wrong while a run is prepared is exit code 2 with its name, and nothing is stored."""
    text = KIOSK.replace(
        "    def build(", f"    {line}\n\n    def build(" if "build" not in line else "    def _build("
    )
    if "def build" in line:
        text = text.replace("    def _build(", f"    {line}\n\n    def _build(")
    (folder / "kiosk.py").write_text(text)
    result = canbao("--plugins-dir", folder, "run", mall, "--out", tmp_path / "out")
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert said in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_not_there_is_wrong_usage(canbao: Invoke, tmp_path: Path) -> None:
    """A folder of plugins that does not exist is told at once."""
    result = canbao("--plugins-dir", tmp_path / "nowhere", "plugins")
    assert result.exit_code == 2
    assert "nowhere" in result.stderr


# --- installed --------------------------------------------------------------------------------------------------------


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the kiosk as a package of somebody else's would be: a module and its entry point."""
    site = tmp_path / "site"
    (site / "mall_kiosk-2.5.dist-info").mkdir(parents=True)
    (site / "mall_kiosk.py").write_text(KIOSK)
    info = site / "mall_kiosk-2.5.dist-info"
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mall-kiosk\nVersion: 2.5\n")
    (info / "entry_points.txt").write_text("[canbao]\nkiosk = mall_kiosk\n")
    monkeypatch.syspath_prepend(str(site))


@pytest.mark.usefixtures("installed")
def test_an_installed_plugin_is_found(canbao: Invoke, mall: Path) -> None:
    """A plugin with an entry point is used without a word; its origin is its distribution and version."""
    assert canbao("scenario", "check", mall).exit_code == 0
    said = {entry["name"]: entry["origin"] for entry in json.loads(canbao("plugins", "--json").stdout)}
    assert said["kiosk"] == "mall-kiosk 2.5"


@pytest.mark.usefixtures("installed")
def test_outsiders_plugins_can_be_turned_off(canbao: Invoke, mall: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CANBAO_NO_PLUGINS=1 leaves installed outsiders' plugins out, and the built-in ones in."""
    monkeypatch.setenv("CANBAO_NO_PLUGINS", "1")
    names = {entry["name"] for entry in json.loads(canbao("plugins", "--json").stdout)}
    assert "kiosk" not in names
    assert {"office", "portal", "season"} <= names
    result = canbao("scenario", "check", mall)
    assert result.exit_code == 2
    assert "there is no such kind" in result.stderr
