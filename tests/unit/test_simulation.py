"""One call from a network to its trace, and common random numbers: more staff changes waits and nobody's luck."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from canbao import Exponential, Journey, Network, Poisson, Station, Stream, Visit, simulate
from canbao.assembly import scenario_plan
from canbao.columns import numbers_of
from canbao.engines import engine_named, simpy_engine
from canbao.engines.choosing import CHOICES
from canbao.errors import InputError
from canbao.plan import Plan
from canbao.planning import make_plan
from canbao.plugins import Plugins, load_plugins
from canbao.scenario.scenario import load_scenario
from canbao.trace import Trace, same_tables

NETWORK = Network(
    stations=[Station("windows", servers=2)],
    journeys=[Journey("office", [Visit("windows", Exponential(4.0))])],
    streams=[Stream("office", Poisson(0.4))],
)
CITY = Path(__file__).parents[2] / "scenarios" / "city-season.toml"


def _same(one: Trace, other: Trace) -> bool:
    return not any(same_tables(getattr(one, name), getattr(other, name)) for name in ("families", "visits", "stations"))


@pytest.mark.parametrize("engine", CHOICES)
def test_the_same_network_horizon_and_seed_give_the_same_trace(engine: str) -> None:
    """A run is a function of what it is given, whatever the engine, and the one call is plan and engine together."""
    trace = simulate(NETWORK, until=500.0, seed=7, engine=engine)
    assert _same(trace, simulate(NETWORK, until=500.0, seed=7))
    assert _same(trace, engine_named("simpy").run(make_plan(NETWORK, until=500.0, seed=7)))
    assert not _same(trace, simulate(NETWORK, until=500.0, seed=8))
    assert trace.until == 500.0


def test_a_longer_horizon_changes_nothing_of_what_was_before() -> None:
    """Whatever was over by the first horizon is the same under a longer one."""
    short, long = (simulate(NETWORK, until=until, seed=7) for until in (200.0, 400.0))
    over = np.asarray(short.visits["leave"]) < 200.0
    count = len(over)
    for name in ("family", "enter", "start"):
        assert np.asarray(long.visits[name])[:count][over].tolist() == np.asarray(short.visits[name])[over].tolist()


@pytest.mark.parametrize("engine", CHOICES)
def test_progress_is_told_from_little_to_all(engine: str) -> None:
    """It rises, ends at 1, and asking for it changes nothing."""
    told: list[float] = []
    trace = simulate(NETWORK, until=50.0, seed=7, engine=engine, progress=told.append)
    assert told == sorted(told)
    assert 0 <= told[0] < told[-1] == 1.0
    assert _same(trace, simulate(NETWORK, until=50.0, seed=7))


def test_an_engine_that_does_not_exist_is_named_with_those_that_do() -> None:
    """A misspelt engine is wrong usage."""
    with pytest.raises(InputError, match=f"there is no engine 'simpi'; there are: {', '.join(CHOICES)}"):
        simulate(NETWORK, until=50.0, engine="simpi")


# --- common random numbers in a city's season ---

# A tight season: one window at the centre, whose services are long, and few clerks, so that queues and patience matter.
TIGHT = (
    "population.scale=0.02",
    'channels.office.service={kind="lognormal",mean="90 min",cv=0.6}',
    "channels.office.sites.centre.staff=1",
    "channels.office.sites.centre.shifts=[]",
    "review.mismatch=0.2",
    "review.acceptance.staff=1",
    "review.first.staff=1",
    "review.second.staff=1",
)
Checks = Mapping[tuple[int, str, int], int]


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """Find the plugins once."""
    return load_plugins()


def _city(plugins: Plugins, *changes: str) -> Plan:
    return scenario_plan(load_scenario(CITY, plugins, [*TIGHT, *changes]))


def _watched(plan: Plan) -> tuple[Trace, Checks]:
    """Run a plan and note where each check sends each family at each attempt."""
    told: dict[tuple[int, str, int], int] = {}
    check = simpy_engine._World._check

    def noted(world: Any, family: Any, step: Any) -> int:
        attempt = family.attempts.get(step.index, 0)
        onward = check(world, family, step)
        told[family.index, plan.step_names[step.index], attempt] = onward == step.passed
        return onward

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simpy_engine._World, "_check", noted)
        return simpy_engine.SimpyEngine().run(plan), told


def _services(trace: Trace) -> dict[tuple[int, str, int], float]:
    """Give the length of each service that was completed, by family, step and attempt."""
    visits: Any = trace.visits
    over = visits["ended"].has("served")
    keys = zip(
        visits["family"][over].tolist(),
        visits["step"].take(over).words(),
        visits["attempt"][over].tolist(),
        strict=True,
    )
    return dict(zip(keys, (visits["leave"] - visits["start"])[over].tolist(), strict=True))


@pytest.fixture(scope="module")
def as_it_is(plugins: Plugins) -> tuple[Plan, Trace, Checks]:
    """Give the season as it is, to be looked at only."""
    plan = _city(plugins)
    return plan, *_watched(plan)


@pytest.mark.parametrize("change", ["channels.office.sites.centre.staff=2", "review.first.staff=2"])
def test_families_keep_their_luck_when_somebody_more_serves(
    plugins: Plugins, as_it_is: tuple[Plan, Trace, Checks], change: str
) -> None:
    """One more at a window or a desk: same arrivals, same services, same checks, but other waits."""
    before, one, checks = as_it_is
    after = _city(plugins, change)
    two, other_checks = _watched(after)
    np.testing.assert_array_equal(before.arrival, after.arrival)
    services, other_services = _services(one), _services(two)
    both = services.keys() & other_services.keys()
    assert len(both) > 0.9 * len(services)
    # A length is told from two moments of a long season, each of which is rounded to some nanoseconds.
    np.testing.assert_allclose([services[k] for k in both], [other_services[k] for k in both], atol=1e-7)
    checked = checks.keys() & other_checks.keys()
    assert len(checked) > 0.9 * len(checks)
    assert all(checks[key] == other_checks[key] for key in checked)
    assert not all(checks[key] for key in checked)
    assert same_tables(one.visits, two.visits) != ""


def test_a_smaller_scale_keeps_the_first_families_as_they_are(plugins: Plugins) -> None:
    """With half the families, each of them comes at its time, with its columns, by its channel."""
    half, whole = _city(plugins, "population.scale=0.01"), _city(plugins)
    count = half.families
    assert count == pytest.approx(whole.families / 2, abs=1)
    np.testing.assert_array_equal(half.arrival, whole.arrival[:count])
    assert list(half.columns) == list(whole.columns)
    for name, column in half.columns.items():
        np.testing.assert_array_equal(numbers_of(column), numbers_of(whole.columns[name])[:count], err_msg=name)
    for one, two in zip(half.steps, whole.steps, strict=True):
        service, other = getattr(one, "service", None), getattr(two, "service", None)
        if service is not None and other is not None:
            np.testing.assert_array_equal(service.values(half.luck, 50), other.values(whole.luck, 50))
