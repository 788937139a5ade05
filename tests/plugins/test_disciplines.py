"""Queue disciplines from plugins, from the scenario file to the queue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import canbao
from canbao.errors import ScenarioError
from canbao.measures.laws import check_laws
from canbao.planning import make_plan
from canbao.plugins import load_plugins
from canbao.scenario.scenario import load_scenario, scenario_schema

CITY = Path(__file__).parents[2] / "scenarios" / "city-season.toml"

PLUGIN = """
from canbao.plugins import hookimpl

def longest_first(priority, service_s):
    return -service_s

@hookimpl
def register_disciplines(register):
    register("longest first", longest_first)
"""


def longest_first(priority: float, service: float) -> float:
    """Take the longest service first."""
    return -service


def test_a_function_decides_who_is_next() -> None:
    """Of three families who wait, the one with the longest service goes first, and the laws know it."""
    network = canbao.Network(
        stations=[canbao.Station("window", discipline=longest_first)],
        journeys=[canbao.Journey("office", [canbao.Visit("window", "minutes")])],
        streams=[canbao.Stream("office", canbao.At([0, 1, 2, 3]), columns={"minutes": [10.0, 2.0, 9.0, 5.0]})],
    )
    trace = canbao.simulate(network, until=100.0)
    starts: Any = trace.visits["start"]
    assert starts.tolist() == [0, 24, 10, 19]
    assert all(law.holds for law in check_laws(trace, make_plan(network, until=100.0, seed=0)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with the plugin in it."""
    (tmp_path / "mine.py").write_text(PLUGIN)
    return tmp_path


def _scenario(folder: Path, discipline: str) -> Path:
    file = folder / "variant.toml"
    file.write_text(f'extends = "{CITY}"\n[channels.office]\ndiscipline = "{discipline}"\n')
    return file


def test_a_scenario_names_a_discipline_of_a_plugin(folder: Path) -> None:
    """The name in the file becomes the plugin's function at the station; the schema knows it."""
    plugins = load_plugins(folder)
    office: Any = load_scenario(_scenario(folder, "longest first"), plugins).scenario.channels["office"]
    assert office.discipline(0.0, 7.0) == -7.0
    assert "longest first" in scenario_schema(plugins)["$defs"]["disciplines"]["enum"]


def test_an_unknown_discipline_is_a_fault_with_the_nearest_name(folder: Path) -> None:
    """The message names the file, the line and what is meant."""
    with pytest.raises(ScenarioError) as caught:
        load_scenario(_scenario(folder, "longest frst"), load_plugins(folder))
    (fault,) = caught.value.faults
    assert (fault.line, fault.key) == (3, "channels.office.discipline")
    assert "longest first" in fault.hint
