"""Reference pages say what the program is, all of it."""

from __future__ import annotations

import inspect
import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest

from canbao import testing
from canbao.assembly import scenario_plan
from canbao.cli import program
from canbao.district import Channel, Choice, Demand, Policy, Population
from canbao.engines import engine_named
from canbao.measures.laws import check_laws
from canbao.measures.summary import summarise
from canbao.network import Step
from canbao.plan import Plan
from canbao.plugins import Hooks, Plugins, load_plugins
from canbao.runs import run_scenario
from canbao.scenario.reference import reference
from canbao.scenario.scenario import ScenarioFile
from canbao.testing import small_scenario
from canbao.trace import ENDINGS, Trace

DOCS = Path(__file__).parents[2] / "docs"


def page(name: str) -> str:
    """Give the text of a page."""
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """Give the built-in plugins."""
    return load_plugins(environment={"CANBAO_NO_PLUGINS": "1"})


@pytest.fixture(scope="module")
def file(plugins: Plugins) -> ScenarioFile:
    """Give a scenario that runs in a second."""
    return small_scenario(plugins=plugins)


@pytest.fixture(scope="module")
def plan(file: ScenarioFile) -> Plan:
    """Give its plan."""
    return scenario_plan(file)


@pytest.fixture(scope="module")
def trace(plan: Plan) -> Trace:
    """Give what happened in it."""
    return engine_named("compiled").run(plan)


# --- the scenario file ------------------------------------------------------------------------------------------------


def test_the_reference_of_the_scenario_file_is_fresh(plugins: Plugins) -> None:
    """The page is what the generator writes from the models and the built-in plugins."""
    hint = "python -m canbao.scenario.reference > docs/reference-scenario.md   writes it anew"
    assert page("reference-scenario") == reference(plugins), hint


def test_the_reference_names_every_key_of_every_model(plugins: Plugins) -> None:
    """Each key of each model that the built-in plugins register stands in a row of its own."""
    text = reference(plugins)
    for kind in ("channels", "demands", "families", "policies", "choices"):
        for model in plugins.things(kind).values():
            assert [name for name in model.model_fields if f"\n| `{name}` | " not in text] == []


# --- commands ---------------------------------------------------------------------------------------------------------


def commands_of(group: click.Group, above: str) -> Iterator[str]:
    """Give the names of all commands below a group."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield f"{above} {name}"
        if isinstance(command, click.Group):
            yield from commands_of(command, f"{above} {name}")


def test_the_reference_of_commands_has_each_help_text() -> None:
    """Each command has a heading and its help text, which the examples' test compares; and there are no others."""
    shown = re.findall(r"^\$ (canbao.*) --help$", page("reference-commands"), flags=re.MULTILINE)
    headed = re.findall(r"^##+ (canbao.*)$", page("reference-commands"), flags=re.MULTILINE)
    commands = sorted(["canbao", *commands_of(program, "canbao")])
    assert sorted(shown) == commands
    assert sorted(headed) == commands


# --- tables and measures ----------------------------------------------------------------------------------------------


def test_the_reference_of_tables_has_each_column(trace: Trace) -> None:
    """Each column of each table has a row on the page."""
    cells = " ".join(re.findall(r"^\| (`.*?) \|", page("reference-tables"), flags=re.MULTILINE))
    named = set(re.findall(r"`([^`]+)`", cells))
    columns = {*trace.families, *trace.visits, *trace.stations}
    assert sorted(columns - named) == []


def test_the_reference_of_tables_has_each_ending_and_outcome(plan: Plan) -> None:
    """Each way in which a visit or a scenario's family can end is on the page."""
    implied = {"done", "abandoned", "baulked", "full", "closed", "failed", "exceeded", "late", "none left"}
    words = {*ENDINGS, *plan.outcomes} - implied
    assert sorted(word for word in words if f"`{word}`" not in page("reference-tables")) == []


def test_the_reference_of_tables_has_each_key_of_the_summary(file: ScenarioFile, plan: Plan, trace: Trace) -> None:
    """Each key of the summary has a row, and each key below it is named there."""
    text = page("reference-tables").partition("## summary.json")[2].partition("## manifest.json")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", text, flags=re.MULTILINE))
    summary = summarise(file, plan, trace)
    assert list(rows) == list(summary)
    by_name = {key: next(iter(summary[key].values())) for key in ("hours", "failures")}
    samples = {**summary, **by_name, "stations": summary["stations"][0], "equity": summary["equity"]["kind"]}
    for key, below in samples.items():
        names = below if isinstance(below, dict) else {}
        assert [name for name in names if f"`{name}`" not in rows[key]] == [], key


def test_the_reference_of_tables_has_each_file_and_each_key_of_the_manifest(
    file: ScenarioFile, plugins: Plugins, tmp_path: Path
) -> None:
    """A run has no file that the page does not list, and the manifest no key."""
    silent = replace(plugins, tables={**plugins.tables, "reporters": {}})  # the report takes longer than the run
    run = run_scenario(file, silent, out=tmp_path)
    text = page("reference-tables")
    names = [run.report.name, *(path.name for path in run.folder.iterdir())]
    assert [name for name in names if f"| `{name}" not in text] == []
    manifest = text.partition("## manifest.json")[2]
    assert [key for key in run.manifest if f"`{key}`" not in manifest] == []


# --- plugins ----------------------------------------------------------------------------------------------------------


def signature_of(function: Any) -> str:
    """Write a method as a plugin's author calls it: without self and annotations."""
    names = [name for name in inspect.signature(function).parameters if name != "self"]
    return f"{function.__name__}({', '.join(names)})"


def test_the_plugin_guide_has_each_hook_with_its_arguments() -> None:
    """The headings of the guide are the hooks, each with exactly the arguments that it is called with."""
    headings = re.findall(r"^### `(\w+\(.*\))`$", page("plugins"), flags=re.MULTILINE)
    hooks = [value for name, value in vars(Hooks).items() if not name.startswith("_")]
    assert headings == [signature_of(hook) for hook in hooks]


@pytest.mark.parametrize("protocol", [Channel, Choice, Demand, Policy, Population], ids=lambda p: p.__name__)
def test_the_plugin_guide_has_each_method_of_each_contract(protocol: type[Any]) -> None:
    """What a plugin's class must be able to do is on the page, with its arguments."""
    methods = [value for name, value in vars(protocol).items() if inspect.isfunction(value) and name[0] != "_"]
    assert methods
    assert [text for text in map(signature_of, methods) if f"`{text}`" not in page("plugins")] == []


def test_the_plugin_guide_has_the_whole_kit() -> None:
    """Each public check of the kit for plugins' tests is on the page."""
    checks = [name for name in testing.__all__ if name != "SMALL"]
    assert [name for name in checks if f"`{name}" not in page("plugins")] == []


# --- the specification ------------------------------------------------------------------------------------------------


def test_the_specification_has_each_step() -> None:
    """Each kind of step has a row in the table of steps."""
    steps = [step.__name__ for step in Step.__args__]
    assert [name for name in steps if f"\n| `{name}` | " not in page("engine")] == []


def test_the_page_on_verification_has_each_law(plan: Plan, trace: Trace) -> None:
    """The table of laws has the laws that are checked, in their order."""
    table = page("verification").partition("| law | says |")[2].partition("\n\n")[0]
    names = re.findall(r"^\| (\w[^|]*?) \|", table, flags=re.MULTILINE)
    assert names == [law.name for law in check_laws(trace, plan)]


# --- the design -------------------------------------------------------------------------------------------------------


def test_the_design_shows_the_layers_that_are_checked() -> None:
    """The picture of the layers has those that import-linter is given, from top to bottom."""
    settings = tomllib.loads((DOCS.parent / "pyproject.toml").read_text(encoding="utf-8"))
    layers = next(c for c in settings["tool"]["importlinter"]["contracts"] if c["id"] == "layers")["layers"]
    assert "```text\n" + "\n".join(layers) + "\n```\n" in page("design")


def test_the_design_has_a_reason_for_each_library() -> None:
    """Each library that canbao needs has a row in the table of libraries, and there are no others."""
    settings = tomllib.loads((DOCS.parent / "pyproject.toml").read_text(encoding="utf-8"))
    needed = {re.split(r"[<>=~! ]", text)[0].lower() for text in settings["project"]["dependencies"]}
    table = page("design").partition("## Why each library")[2].partition("\n\nLower bounds")[0]
    named = {name.lower() for name in re.findall(r"^\| ([\w-]+) \|", table, flags=re.MULTILINE)} - {"library"}
    assert named == needed
