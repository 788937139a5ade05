"""Models are the same everywhere, and give what a run gives."""

from __future__ import annotations

import os
import pickle
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from canbao import Constant, Exponential, Journey, Network, Poisson, Station, Stream, Visit
from canbao.errors import InputError
from canbao.experiments import NetworkModel, ScenarioModel, measures_of
from canbao.experiments.checksums import checksum_of
from canbao.plugins import Plugins
from canbao.runs import run_scenario
from canbao.scenario.scenario import load_scenario


def test_a_replication_measures_what_a_run_measures(village: Path, plugins: Plugins, tmp_path: Path) -> None:
    """The measures of a replication are the numbers of the summary of a stored run with that seed, to the last bit."""
    silent = replace(plugins, tables={**plugins.tables, "reporters": {}})
    file = load_scenario(village, plugins)
    run = run_scenario(file, silent, seed=5, engine="simpy", out=tmp_path / "out")
    found, wanted = ScenarioModel.of(file, engine="simpy").replicate(5), measures_of(run.summary)
    assert list(found) == list(wanted)
    assert np.array_equal(list(found.values()), list(wanted.values()), equal_nan=True)


def test_a_model_needs_no_file(village: Path, plugins: Plugins, tmp_path: Path) -> None:
    """A model that was sent elsewhere has its input files with it: it works where neither they nor the scenario are."""
    arrivals = tmp_path / "came.csv"
    arrivals.write_text("arrival\n" + "".join(f"2025-12-01 {hour:02d}:00:00\n" for hour in range(9, 17)))
    file = load_scenario(village, plugins, ['demand={kind="replay", file="came.csv"}'])
    sent = pickle.dumps(ScenarioModel.of(file, engine="simpy"))
    arrivals.unlink()
    village.unlink()
    assert pickle.loads(sent).replicate(1)["families.arrived"] == 8.0


def test_the_key_of_a_scenario_knows_what_matters(village: Path, plugins: Plugins, tmp_path: Path) -> None:
    """Neither seed, engine, path nor how a value was written changes the key; any value does."""

    def key(*overrides: str, path: Path = village, engine: str = "auto") -> str:
        return ScenarioModel.of(load_scenario(path, plugins, overrides), overrides, engine).key()

    other = tmp_path / "elsewhere" / "hamlet.toml"
    other.parent.mkdir()
    other.write_text("# The same.\n\n" + village.read_text())
    assert key() == key("seed=9") == key(engine="simpy") == key(path=other)
    different = [key(), key("channels.portal.slots=5"), key("channels.office.sites.hall.staff=3"), key("title='B'")]
    assert len(set(different)) == 4


def test_the_key_knows_the_content_of_input_files(village: Path, plugins: Plugins, tmp_path: Path) -> None:
    """Another content under the same name is another model."""
    keys = set()
    for hour in (9, 10):
        (tmp_path / "came.csv").write_text(f"arrival\n2025-12-01 {hour:02d}:00:00\n")
        file = load_scenario(village, plugins, ['demand={kind="replay", file="came.csv"}'])
        keys.add(ScenarioModel.of(file).key())
    assert len(keys) == 2


def test_the_key_knows_plugin_files(village: Path, tmp_path: Path) -> None:
    """A plugin file that was changed makes another model: results may depend on it."""
    from canbao.plugins import load_plugins

    keys = set()
    for number in (1, 2):
        folder = tmp_path / f"plugins{number}"
        folder.mkdir()
        (folder / "mine.py").write_text(f"NUMBER = {number}\n")
        file = load_scenario(village, load_plugins(folder))
        keys.add(ScenarioModel.of(file, plugins_dir=folder).key())
    assert len(keys) == 2


def test_the_command_repeats_a_replication(village: Path, plugins: Plugins) -> None:
    """The command names file, overrides, engine and seed, quoted for a shell."""
    overrides = ["title='two words'", "channels.portal.slots=5"]
    model = ScenarioModel.of(load_scenario(village, plugins, overrides), overrides, "simpy")
    words = shlex.split(model.command(12))
    assert words[:3] == ["canbao", "run", str(village)]
    assert words[3:] == ["--set", overrides[0], "--set", overrides[1], "--engine", "simpy", "--seed", "12"]


def test_an_unknown_engine_is_refused_at_once(village: Path, plugins: Plugins) -> None:
    """A misspelt engine is told before anything is replicated."""
    with pytest.raises(InputError, match="no engine 'simpi'"):
        ScenarioModel.of(load_scenario(village, plugins), engine="simpi")


# --- networks ---------------------------------------------------------------------------------------------------------

NETWORK = """
from canbao import *
from canbao.experiments import NetworkModel
def counted(trace):
    return {"families": len(trace.families["family"])}
def model(mean=480.0, servers=3, until=36000.0, measures=counted):
    return NetworkModel(Network(
        stations=[Station("windows", servers=servers)],
        journeys=[Journey("office", [Visit("windows", service=Exponential(mean))])],
        streams=[Stream("office", Poisson(rate=0.005))],
    ), until, measures, engine="simpy")
"""


def _key(expression: str, hash_seed: str = "0") -> str:
    code = f"{NETWORK}\nprint({expression}.key())"
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return done.stdout.strip()


def test_the_key_of_a_network_is_the_same_in_every_process() -> None:
    """Two processes give one key, whatever their hashes are; that is what resuming relies on."""
    assert _key("model()", "1") == _key("model()", "2")


def test_the_key_of_a_network_knows_what_matters() -> None:
    """Another station, service, horizon or measure is another model; an equal one built anew is not."""
    space: dict[str, object] = {}
    exec(NETWORK, space)
    model = space["model"]
    same = [model(), model(480.0, 3)]
    others = [
        model(481.0),
        model(servers=4),
        model(until=36001.0),
        model(measures=lambda trace: {"families": 1.0}),
        model(measures=lambda trace: {"families": 2.0}),
    ]
    assert same[0].key() == same[1].key()
    assert len({each.key() for each in [same[0], *others]}) == 6


def test_a_network_is_replicated_and_repeated() -> None:
    """The same seed gives the same numbers, another one others; the call that repeats it names seed and engine."""
    network = Network(
        stations=[Station("windows")],
        journeys=[Journey("office", [Visit("windows", service=Exponential(60.0))])],
        streams=[Stream("office", Poisson(rate=0.01))],
    )
    model = NetworkModel(network, 36_000.0, lambda trace: {"left": np.nansum(trace.visits["leave"])}, engine="simpy")
    assert model.replicate(1) == model.replicate(1) != model.replicate(2)
    assert model.command(7) == "canbao.simulate(network, until=36000.0, seed=7, engine='simpy')"


def test_things_that_differ_have_other_checksums() -> None:
    """Numbers of another type, other arrays, other constants of a function and other defaults are told apart."""
    things = [
        1,
        1.0,
        "1",
        True,
        None,
        (1,),
        [1],
        {"a": 1},
        {"a": 2},
        np.array([1, 2]),
        np.array([1.0, 2.0]),
        np.array([[1, 2]]),
        Constant(1.0),
        Constant(2.0),
        lambda x: x + 1,
        lambda x: x + 2,
        lambda x=1: x,
        lambda x=2: x,
        {1, 2},
        {1, 3},
    ]
    assert len({checksum_of(thing) for thing in things}) == len(things)
