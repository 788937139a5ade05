"""From a scenario to a network: everybody's part, joined by the three labels that `district` names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from canbao.arrays import FloatArray
from canbao.arrivals import At
from canbao.assembly.review import ReviewPart, build_review
from canbao.calendar import Calendar
from canbao.columns import Coded, Column
from canbao.district import CORRECT, GIVE_UP, Channel, District, Part
from canbao.errors import CanbaoError, InputError, PluginError
from canbao.luck import Luck
from canbao.network import (
    AppointmentBook,
    Batch,
    Before,
    Check,
    Choose,
    Delay,
    End,
    Journey,
    Network,
    Option,
    Return,
    Step,
    Stream,
)
from canbao.plan import Plan
from canbao.planning import make_plan
from canbao.scenario.scenario import Behaviour, ScenarioFile

__all__ = ["assemble", "make_district", "scenario_plan"]

_TYPICAL = 10_000
_OFFICE = "office days"
"""The calendar of working days, whatever the hours of any place."""


def scenario_plan(file: ScenarioFile, seed: int | None = None) -> Plan:
    """Make a scenario concrete for a seed; its own if none is given."""
    chosen = file.scenario.seed if seed is None else seed
    return make_plan(assemble(file, chosen), until=file.horizon.end_s, seed=chosen)


def make_district(file: ScenarioFile, seed: int) -> District:
    """Give what parts may know: dates, families, policy."""
    scenario, luck, horizon = file.scenario, Luck(seed), file.horizon
    with _asking("population", scenario.population):
        expected = scenario.population.count(horizon)
    with _asking("demand", scenario.demand):
        count = scenario.demand.families(expected)
    if count < 1:
        raise InputError(f"scenario {file.name!r} has no families: the population or its scale is 0")
    columns, typical = (_known(file, luck, number) for number in (count, _TYPICAL))
    with _asking("policy", scenario.policy):
        columns["deadline_s"] = scenario.policy.deadline_s(columns, horizon)
        columns["newborn_until_s"] = scenario.policy.insured_from_birth_until_s(columns, horizon)
    return District(horizon, file.working, file.saturdays, count, columns, typical, scenario.policy, luck)


def _known(file: ScenarioFile, luck: Luck, count: int) -> dict[str, Column]:
    """Give what the population knows of its first families; their numbers, if it knows nothing else."""
    with _asking("population", file.scenario.population):
        return {"_number": np.arange(count), **file.scenario.population.columns(luck, count, file.horizon)}


@contextmanager
def _asking(what: str, thing: object) -> Iterator[None]:
    """Name the plugin if one raises while it is asked for its part."""
    try:
        yield
    except (CanbaoError, MemoryError):
        raise
    except Exception as error:
        kind, module = getattr(thing, "kind", "?"), type(thing).__module__
        raise PluginError(f"{what} of kind {kind!r} ({module}) failed: {type(error).__name__}: {error}") from error


def assemble(file: ScenarioFile, seed: int) -> Network:
    """Build the whole network of a scenario for a seed.

    Raises
    ------
    InputError
        When a part does not fit, or a plugin raises; the message names it.
    """
    scenario, district = file.scenario, make_district(file, seed)
    parts = {name: _build(name, channel, district) for name, channel in scenario.channels.items()}
    with _asking("choice", scenario.choice):
        weights = scenario.choice.weights(scenario.channels, district)
    preferred = _preferred(weights, district)
    with _asking("demand", scenario.demand):
        arrivals = scenario.demand.arrivals(district, preferred, scenario.channels)
    review = build_review(scenario.review, district)
    columns = {**district.columns, **_weight_columns(weights, preferred), **review.columns}
    for part in parts.values():
        columns.update(part.columns)
    start = _start(parts, scenario.choice.rule)
    return Network(
        stations=[station for part in parts.values() for station in part.stations] + list(review.stations),
        journeys=[start, *_channel_journeys(parts), review.journey, _again(parts, scenario.behaviour)],
        streams=[Stream(start.name, At(arrivals), columns=columns)],
        calendars=_calendars(parts, review, district),
        batches=_all_batches(parts),
        books=_all_books(parts),
    )


def _build(name: str, channel: Channel, district: District) -> Part:
    with _asking(f"channel {name!r}", channel):
        part: Any = channel.build(name, district)
    if not isinstance(part, Part):
        raise PluginError(f"channel {name!r}: build() must give a Part, but gave {type(part).__name__}")
    if not part.steps:
        raise PluginError(f"channel {name!r}: build() must give a Part with steps, but gave none")
    first = replace(part.steps[0], name=part.steps[0].name or "first")
    grouped = [replace(station, group=station.group or name) for station in part.stations]
    return replace(part, stations=grouped, steps=[first, *part.steps[1:]])


def _entry(name: str, part: Part) -> str:
    """Label a channel's first step so that no step elsewhere can be meant, whatever the channel is called."""
    return f"{name}/{part.steps[0].name}"


# --- which channel ----------------------------------------------------------------------------------------------------


def _preferred(weights: Mapping[str, FloatArray], district: District) -> Coded:
    """Draw the channel that each family would use, in proportion to its weights."""
    total = np.cumsum(np.stack(list(weights.values())), axis=0)
    mark = district.luck.uniforms("preferred channel", district.families) * total[-1]
    codes = np.minimum((mark >= total).sum(axis=0), len(weights) - 1)
    return Coded(codes.astype(np.int8), tuple(weights))


def _weight_columns(weights: Mapping[str, FloatArray], preferred: Coded) -> dict[str, Column]:
    columns: dict[str, Column] = {}
    for code, (name, values) in enumerate(weights.items()):
        columns[f"_weight of {name}"] = values
        columns[f"_prefers {name}"] = (preferred.codes == code).astype(np.float64)
    return columns


def _start(parts: Mapping[str, Part], rule: Any) -> Journey:
    """Begin with the preferred channel, or with the one whose queue promises most."""
    options = [
        Option(_entry(name, part), weight=f"_prefers {name}", station=part.queue) for name, part in parts.items()
    ]
    return Journey("start", [Choose(options, rule=rule, name="channel")], channel=False)


def _again(parts: Mapping[str, Part], behaviour: Behaviour) -> Journey:
    """Try again after a bad experience: later, here or elsewhere, or never."""
    elsewhere = [
        Option(_entry(name, part), weight=f"_weight of {name}", station=part.queue) for name, part in parts.items()
    ]
    steps: list[Step] = [
        Check(behaviour.persist, name="persists", failed="gave up"),
        Check(0.0, name="tries", failed="later", limit=behaviour.tries, exceeded="gave up"),
        Delay(behaviour.come_back.build(), name="later"),
        Before("deadline_s", name="deadline", late="too late"),
        Check(behaviour.switch, name="switches", passed="elsewhere", failed="same channel"),
        Choose(elsewhere, others=True, name="elsewhere"),
        Return(name="same channel"),
        End("gave up", name="gave up"),
        End("too late", name="too late"),
    ]
    return Journey(GIVE_UP, steps, channel=False)


def _channel_journeys(parts: Mapping[str, Part]) -> list[Journey]:
    return [Journey(name, _with_correction(part.steps)) for name, part in parts.items()]


def _with_correction(steps: Sequence[Step]) -> list[Step]:
    """Add a plain way to correct where the channel has none: a working day later, begin again."""
    if any(step.name == CORRECT for step in steps):
        return list(steps)
    correction = Delay(1.0, name=CORRECT, unit="working days", calendar=_OFFICE, then=steps[0].name)
    return [*steps, End("done"), correction]


# --- the rest ---------------------------------------------------------------------------------------------------------


def _calendars(parts: Mapping[str, Part], review: ReviewPart, district: District) -> dict[str, Calendar]:
    days = np.flatnonzero(district.working) * 86_400.0
    office = Calendar.from_intervals([(start, start + 86_400.0) for start in days.tolist()], district.horizon.days)
    calendars = {_OFFICE: office, **review.calendars}
    for part in parts.values():
        calendars.update(part.calendars)
    return calendars


def _all_batches(parts: Mapping[str, Part]) -> list[Batch]:
    return [replace(batch, group=batch.group or name) for name, part in parts.items() for batch in part.batches]


def _all_books(parts: Mapping[str, Part]) -> list[AppointmentBook]:
    return [book for part in parts.values() for book in part.books]
