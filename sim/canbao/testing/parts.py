"""Checks of populations, demands, choices, policies and distributions.

Parameters and errors are those of `check_channel`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from canbao.columns import Coded
from canbao.district import Choice, Demand, District, Policy, Population
from canbao.luck import Luck
from canbao.plugins import Plugins
from canbao.testing.findings import is_array, same_values
from canbao.testing.trial import ALONE, PURE, Trial, begin, first_of
from canbao.trace import Trace

__all__ = ["check_choice", "check_demand", "check_distribution", "check_policy", "check_population"]

Settings = Mapping[str, Any] | None

_TRACE_COLUMNS = ("family", "arrival", "first_channel", "last_channel", "trips", "effort_s", "outcome")
_TRACE_MOMENTS = ("submitted", "reviewed", "finished", "deadline_s", "newborn_until_s")


def check_population(model: type[Any], settings: Settings = None, *, plugins: Plugins | None = None) -> Trace:
    """Check a population; settings with some hundred families make it quick."""
    trial = begin("families", model, settings, plugins, lambda table: {"population": table})
    people, horizon = trial.file().scenario.population, trial.file().horizon
    trial.behaves(people, Population)
    with trial.findings.calling("count(horizon)"):
        count: Any = people.count(horizon)
    counted = isinstance(count, int) and count > 0
    trial.expect(counted, f"count(horizon) must give a number of families above 0, not {count!r}")
    with trial.findings.calling("columns(luck, count, horizon)"):
        some, again, more = (people.columns(Luck(1), number, horizon) for number in (50, 50, 80))
    trial.insist(hasattr(some, "items") and some, "columns() must give a dict with at least one column")
    for name, column in some.items():
        trial.expect(
            name not in (*_TRACE_COLUMNS, *_TRACE_MOMENTS), f"column {name!r} has a name that canbao uses itself"
        )
        shaped = isinstance(column, Coded) or is_array(column, (50,))
        if trial.expect(shaped, f"column {name!r} must be a Coded or an array of numbers, one value for each family"):
            trial.expect(same_values(column, again[name]), f"column {name!r} {PURE}")
            alone = same_values(column, first_of(more[name], 50))
            trial.expect(alone, f"column {name!r} must depend on seed and index, not on how many families there are")
    return trial.season()


def check_demand(model: type[Any], settings: Settings = None, *, plugins: Plugins | None = None) -> Trace:
    """Check a demand between an office and a portal."""
    trial = begin("demands", model, settings, plugins, lambda table: {"demand": table})
    scenario, district = trial.file().scenario, trial.district()
    demand = scenario.demand
    trial.behaves(demand, Demand)
    with trial.findings.calling("families(expected)"):
        counts: Any = [demand.families(expected) for expected in (300, 200)]
    trial.expect(
        all(isinstance(count, int) and count >= 0 for count in counts),
        f"families(expected) must give a number of families, not {counts[0]!r}",
    )
    with trial.findings.calling("arrivals(district, preferred, channels)"):
        times, again, fewer = (
            demand.arrivals(place, _taking_turns(place), scenario.channels)
            for place in (district, district, trial.smaller())
        )
    if trial.expect(is_array(times, (district.families,)), "arrivals() must give an array with one time a family"):
        inside = np.isnan(times) | ((times >= 0) & (times < district.horizon.end_s))
        trial.expect(inside.all(), "arrivals() must lie inside the horizon, from 0 to before horizon.end_s, or be nan")
        trial.expect(same_values(times, again), f"arrivals() {PURE}")
        one_by_one = counts[0] == counts[1]  # as in a file: their number is no matter of the population
        trial.expect(one_by_one or same_values(times[: len(fewer)], fewer), f"arrivals() {ALONE}")
    return trial.season()


def _taking_turns(district: District) -> Coded:
    return Coded(np.arange(district.families) % 2, ("office", "portal"))


def check_choice(model: type[Any], settings: Settings = None, *, plugins: Plugins | None = None) -> Trace:
    """Check a choice between an office and a portal."""
    trial = begin("choices", model, settings, plugins, lambda table: {"choice": table})
    scenario, district = trial.file().scenario, trial.district()
    choice, channels = scenario.choice, scenario.channels
    trial.behaves(choice, Choice)
    rules = ("weight", "shortest", "fastest")
    trial.expect(choice.rule in rules, f"`rule` must be one of {', '.join(rules)}, not {choice.rule!r}")
    with trial.findings.calling("weights(channels, district)"):
        weights, again, fewer = (choice.weights(channels, place) for place in (district, district, trial.smaller()))
    named = list(weights) == list(channels)
    trial.insist(named, f"weights() must give the channels {list(channels)} in this order, not {list(weights)}")
    for name, values in weights.items():
        right = is_array(values, (district.families,)) and np.all(np.isfinite(values)) and np.all(values >= 0)
        trial.insist(right, f"weights()[{name!r}] must be an array with a number of 0 or more for each family")
        trial.expect(same_values(values, again[name]), f"weights()[{name!r}] {PURE}")
        alone = same_values(values[: len(fewer[name])], fewer[name])
        trial.expect(alone, f"weights()[{name!r}] {ALONE}")
    total = np.sum(list(weights.values()), axis=0)
    trial.expect(np.all(total > 0), "weights() must leave each family at least one channel with a weight above 0")
    return trial.season()


def check_policy(model: type[Any], settings: Settings = None, *, plugins: Plugins | None = None) -> Trace:
    """Check a region policy; its dates must fit December 2025."""
    trial = begin("policies", model, settings, plugins, lambda table: {"policy": table})
    policy, horizon = trial.file().scenario.policy, trial.file().horizon
    trial.behaves(policy, Policy)
    people = trial.file().scenario.population.columns(Luck(1), 200, horizon)
    with trial.findings.calling("period_s(horizon)"):
        start, end = policy.period_s(horizon)
    trial.expect(start < end, f"period_s(horizon) must give a start before its end, not {start} and {end}")
    for name in ("deadline_s", "insured_from_birth_until_s"):
        ask = getattr(policy, name)
        with trial.findings.calling(f"{name}(columns, horizon)"):
            values, again = ask(dict(people), horizon), ask(dict(people), horizon)
        if trial.expect(
            is_array(values, (200,)), f"{name}(columns, horizon) must give an array with one moment a family"
        ):
            trial.expect(same_values(values, again), f"{name}(columns, horizon) {PURE}")
            known = name != "deadline_s" or not np.isnan(values).any()
            trial.expect(known, "deadline_s(columns, horizon) must be inf, not nan, where there is none")
    return trial.season()


def check_distribution(model: type[Any], settings: Settings = None, *, plugins: Plugins | None = None) -> Trace:
    """Check a distribution of durations: it becomes the service time of an office."""
    trial = begin("distributions", model, settings, plugins, _at_the_window)
    office: Any = trial.file().scenario.channels["office"]
    with trial.findings.calling("build()"):
        one, again = office.service.build(), office.service.build()
    built = hasattr(one, "ppf") and hasattr(one, "mean")
    trial.insist(built, "build() must give a distribution with ppf(u) and mean, such as those of canbao.distributions")
    u = (np.arange(200_000) + 0.5) / 200_000
    with trial.findings.calling("ppf(u)"):
        values, other, few = one.ppf(u.copy()), again.ppf(u.copy()), one.ppf(u[::1000].copy())
    right = is_array(values, u.shape) and np.all(np.isfinite(values)) and np.all(values >= 0)
    trial.insist(right, "ppf(u) must give seconds of 0 or more for each u between 0 and 1, in an array of that shape")
    trial.expect(np.all(np.diff(values) >= 0), "ppf(u) must rise with u: it is the inverse of the distribution")
    trial.expect(same_values(values, other), f"ppf(u) {PURE}")
    trial.expect(same_values(values[::1000].copy(), few), "ppf(u) must give each value whatever else is asked with it")
    _expect_mean(trial, one.mean, float(np.mean(values)))
    return trial.season()


def _expect_mean(trial: Trial, stated: Any, found: float) -> None:
    # 5 %, because the middle points of 200,000 bins miss some of a long tail.
    right = isinstance(stated, float | int) and math.isclose(stated, found, rel_tol=0.05, abs_tol=1e-9)
    trial.expect(right, f"mean must be a number, the mean of ppf over u, which is about {found:.4g}, not {stated!r}")


def _at_the_window(table: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"channels": {"office": {"kind": "office", "service": table, "sites": {"hall": {"staff": 2}}}}}
