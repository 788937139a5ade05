"""How much memory a run needs, how much there is, and that what does not fit is told before it starts."""

from __future__ import annotations

import re
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canbao import Exponential, Journey, Network, Poisson, Station, Stream, Visit, simulate, simulation
from canbao.assembly import count_families, scenario_plan
from canbao.engines.memory import ANY_SIZE, Need, available, check_memory, need_of_families, need_of_run
from canbao.errors import TooLargeError
from canbao.plan import Plan
from canbao.planning import make_plan
from canbao.plugins import Plugins, load_plugins
from canbao.runs import memory, run_scenario
from canbao.scenario.scenario import ScenarioFile
from canbao.testing import small_scenario
from canbao.testing.district import registered_also

GB = 10**9


def _network(visits: int, rate: float = 1.0) -> Network:
    steps = [Visit("desk", Exponential(0.5), name=f"visit {number}") for number in range(visits)]
    return Network([Station("desk")], [Journey("office", steps)], [Stream("office", Poisson(rate))])


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """Find the plugins once."""
    return load_plugins(environment={"CANBAO_NO_PLUGINS": "1"})


@pytest.fixture(scope="module")
def file(plugins: Plugins) -> ScenarioFile:
    """Give a small scenario."""
    return small_scenario({}, plugins)


@pytest.fixture(scope="module")
def plan(file: ScenarioFile) -> Plan:
    """Give its plan."""
    return scenario_plan(file)


# --- what is needed ---------------------------------------------------------------------------------------------------


def test_the_plan_of_a_scenario_needs_what_was_said_before_it_was_made(file: ScenarioFile, plan: Plan) -> None:
    """The number of families is known without making them, and the guess of their bytes is near what they take."""
    assert count_families(file) == plan.families
    guessed = need_of_families(plan.families).total
    assert 0.3 * guessed < need_of_run(plan, ["simpy"]).parts["plan"] < guessed


@given(st.integers(1, 9), st.sampled_from([["simpy"], ["compiled"]]))
def test_twice_the_families_need_twice_the_memory(visits: int, engines: list[str]) -> None:
    """The estimate is a sum over families, in each of its parts."""
    one, two = (make_plan(_network(visits, rate), until=2000.0, seed=1) for rate in (1.0, 2.0))
    needs = [need_of_run(plan, engines) for plan in (one, two)]
    for name, part in needs[0].parts.items():
        assert needs[1].parts[name] / part == pytest.approx(two.families / one.families)
    assert needs[0].families == one.families


def test_what_runs_more_needs_more(plan: Plan) -> None:
    """Both engines need more than either, measures and tables more than none, SimPy more than machine code."""
    need = {names: need_of_run(plan, names.split()).total for names in ("simpy", "compiled", "simpy compiled")}
    assert need["compiled"] < need["simpy"] < need["simpy compiled"] < need["simpy"] + need["compiled"]
    assert need_of_run(plan, ["simpy"], measured=False).total < need["simpy"]
    assert need_of_run(plan, ["compiled"], tables=False).total < need["compiled"]


MEASURE = """
import sys
from pathlib import Path
from canbao.engines import engine_named
from canbao.engines.memory import need_of_run
from canbao.planning import make_plan
from canbao import *

network = Network(
    [Station("desk", servers=9, room=50)],
    [Journey("office", [Visit("desk", Exponential(1.0), name=str(n)) for n in range(6)])],
    [Stream("office", Poisson(1.0))],
)

def memory(name):
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition(f"{name}:")[2].split()[0])

name = sys.argv[1]
engine = engine_named(name)
engine.run(make_plan(network, until=100.0, seed=1))
Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far, which is that of the compiler
before = memory("VmRSS")
plan = make_plan(network, until=float(sys.argv[2]), seed=1)
engine.run(plan)
print((memory("VmHWM") - before) / need_of_run(plan, [name], measured=False).total)
"""


@pytest.mark.parametrize(("engine", "until"), [("simpy", 15_000), ("compiled", 20_000)])
def test_the_estimate_is_of_the_size_that_is_met(engine: str, until: int) -> None:
    """What a process grows by while it runs a plan lies between a third and all of what was estimated."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, engine, str(until)], capture_output=True, text=True, check=True
    )
    assert 1 / 3 < float(done.stdout) < 1.0


# --- what is available ------------------------------------------------------------------------------------------------


def _machine(root: Path, files: Mapping[str, object]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{content}\n")
    return root


def _meminfo(available_kb: int) -> str:
    return f"MemTotal:       99999999 kB\nMemFree:            1234 kB\nMemAvailable:   {available_kb} kB"


V2 = "sys/fs/cgroup"
V1 = "sys/fs/cgroup/memory"
NO_LIMIT = 9223372036854771712
"""What version 1 says where there is no limit."""

MACHINES: Sequence[tuple[dict[str, object], int]] = [
    ({}, 8 * GB),
    # a container that sees its own group as the root
    ({"proc/self/cgroup": "0::/", f"{V2}/memory.max": 5 * GB, f"{V2}/memory.current": GB}, 4 * GB),
    # files that were read and can be forgotten count as available
    (
        {
            "proc/self/cgroup": "0::/",
            f"{V2}/memory.max": 5 * GB,
            f"{V2}/memory.current": 4 * GB,
            f"{V2}/memory.stat": f"anon {GB}\ninactive_file {2 * GB}\nactive_file 77",
        },
        3 * GB,
    ),
    # a job without a limit, in a group with one
    (
        {
            "proc/self/cgroup": "0::/jobs/one",
            f"{V2}/jobs/one/memory.max": "max",
            f"{V2}/jobs/one/memory.current": GB,
            f"{V2}/jobs/memory.max": 3 * GB,
            f"{V2}/jobs/memory.current": GB,
        },
        2 * GB,
    ),
    # a limit above what the machine has
    ({"proc/self/cgroup": "0::/", f"{V2}/memory.max": 50 * GB, f"{V2}/memory.current": GB}, 8 * GB),
    # version 1, among other controllers, under its own path and without limit
    (
        {
            "proc/self/cgroup": "5:cpu,cpuacct:/a\n4:memory:/a\n1:name=systemd:/",
            f"{V1}/a/memory.limit_in_bytes": 6 * GB,
            f"{V1}/a/memory.usage_in_bytes": 5 * GB,
            f"{V1}/a/memory.stat": f"inactive_file 1\ntotal_inactive_file {GB}",
            f"{V1}/memory.limit_in_bytes": NO_LIMIT,
            f"{V1}/memory.usage_in_bytes": 5 * GB,
        },
        2 * GB,
    ),
    # a container whose path is one of the machine outside
    (
        {
            "proc/self/cgroup": "4:memory:/docker/0123",
            f"{V1}/memory.limit_in_bytes": 4 * GB,
            f"{V1}/memory.usage_in_bytes": GB,
        },
        3 * GB,
    ),
    # both versions are there, and only one of them counts memory
    ({"proc/self/cgroup": "4:memory:/\n0::/", f"{V1}/memory.limit_in_bytes": GB, f"{V1}/memory.usage_in_bytes": 0}, GB),
    # damaged
    ({"proc/self/cgroup": "0::/", f"{V2}/memory.max": "", f"{V2}/memory.current": "?"}, 8 * GB),
]


@pytest.mark.parametrize(("files", "expected"), MACHINES)
def test_what_is_available_is_the_least_of_system_and_groups(
    tmp_path: Path, files: Mapping[str, object], expected: int
) -> None:
    """The system's own figure, or what a control group of either version leaves, whichever is less."""
    system = {"proc/meminfo": _meminfo(8 * GB // 1024)}
    found = available(_machine(tmp_path, {**system, **files}))
    assert found is not None
    assert abs(found - expected) < 1024


def test_a_machine_that_tells_nothing_has_what_it_has(tmp_path: Path) -> None:
    """Without /proc it is the memory of the machine."""
    found = available(tmp_path)
    assert found is not None
    assert found >= available(Path("/"))


def test_a_limit_on_addresses_counts() -> None:
    """What `ulimit -v` leaves is all that is available."""
    code = "from canbao.engines.memory import available; print(available())"
    limit = 3 * GB
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )
    assert 0 < int(done.stdout) < limit


# --- what does not fit ------------------------------------------------------------------------------------------------


@given(st.integers(0, 10 * GB), st.integers(0, 10 * GB))
def test_what_fits_is_let_through_and_nothing_else(needed: int, there: int) -> None:
    """The least that is more than there is, is refused, with both figures; where nothing is known, nothing is."""
    need = Need(7, {"plan": needed / 2, "simpy": needed / 2})
    check_memory(need, [], None, {})
    check_memory(need, [], there, {ANY_SIZE: "1"})
    if needed <= there:
        check_memory(need, [], there, {})
        return
    with pytest.raises(TooLargeError, match=r"this needs about .* of memory for 7 families .*plan .*, simpy .*"):
        check_memory(need, [], there, {})


def test_the_message_says_what_to_do() -> None:
    """Parts, what is available, remedies in their order, and how to insist, on one line."""
    need = Need(2_000_000, {"plan": GB, "simpy": 24.1 * GB, "tables": 600e6})
    with pytest.raises(TooLargeError) as caught:
        check_memory(need, ["sell the car", "or the house"], 21 * GB, {})
    assert str(caught.value) == (
        "this needs about 25.7 GB of memory for 2,000,000 families (plan 1.0 GB, simpy 24.1 GB, tables 600 MB), but "
        "21.0 GB are available; sell the car; or the house; CANBAO_ANY_SIZE=1 in the environment starts it all the same"
    )


def test_simulate_refuses_what_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one call from Python looks as well, before anything is simulated."""
    monkeypatch.setattr(simulation, "available", lambda: 1000)
    with pytest.raises(TooLargeError, match="but 0 MB are available; take fewer families"):
        simulate(_network(2), until=100.0)


@pytest.fixture
def quiet(plugins: Plugins) -> Plugins:
    """Give plugins that write no report."""
    return registered_also(plugins, "reporters", "html", lambda summary, folder: None)


@pytest.mark.parametrize(
    ("asked", "there", "remedies"),
    [
        ("simpy", 1000, ["population.scale"]),
        ("simpy", 1_000_000, ["population.scale", "--engine compiled"]),
        ("both", 1_000_000, ["population.scale", "--engine compiled"]),
        ("compiled", 1_000_000, ["population.scale"]),
        ("simpy", -5, []),
    ],
)
def test_a_run_that_does_not_fit_is_refused_before_it_starts(
    file: ScenarioFile,
    quiet: Plugins,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: str,
    there: int,
    remedies: list[str],
) -> None:
    """Whether the plan is too much already or the engine, nothing is simulated, and no file is left."""
    monkeypatch.setattr(memory, "available", lambda: there)
    stages: list[str] = []
    with pytest.raises(TooLargeError) as caught:
        run_scenario(file, quiet, engine=asked, out=tmp_path, progress=lambda stage, share: stages.append(stage))
    assert set(stages) == {"plan"}
    assert list(tmp_path.iterdir()) == []
    assert [word for word in ("population.scale", "--engine compiled") if word in str(caught.value)] == remedies
    assert "\n" not in str(caught.value)


def test_the_scale_that_is_suggested_fits(
    quiet: Plugins, plugins: Plugins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the message says to do helps, and uses most of what is there."""
    there = 2_000_000
    monkeypatch.setattr(memory, "available", lambda: there)
    with pytest.raises(TooLargeError) as caught:
        run_scenario(small_scenario({}, plugins), quiet, engine="simpy", out=tmp_path)
    found: Any = re.search(r"population\.scale=(\S+);", str(caught.value))
    file = small_scenario({"population": {"scale": float(found[1])}}, plugins)
    assert run_scenario(file, quiet, engine="simpy", out=tmp_path).summary
    assert need_of_run(scenario_plan(file), ["simpy"]).total > 0.8 * there


def test_no_array_of_a_plan_is_counted_as_nothing(plan: Plan) -> None:
    """The part of the plan is at least its largest column."""
    largest = max(np.asarray(getattr(column, "codes", column)).nbytes for column in plan.columns.values())
    assert need_of_run(plan, ["compiled"]).parts["plan"] > largest
