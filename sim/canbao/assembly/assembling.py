"""From a scenario to a network: everybody's part, joined by the three labels that `district` names."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from canbao.arrays import BoolArray, FloatArray
from canbao.arrivals import At
from canbao.assembly.asking import asking, checked_part
from canbao.assembly.formalities import build_procedure
from canbao.assembly.review import ReviewPart, build_review
from canbao.calendar import Calendar, Horizon
from canbao.columns import Coded, Column
from canbao.district import APPROVED, CORRECT, FAILURE, FEE, GIVE_UP, RESULT, Channel, Choice, District, Part, Policy
from canbao.errors import InputError
from canbao.luck import Luck
from canbao.network import (
    AppointmentBook,
    Batch,
    Before,
    Check,
    Choose,
    Delay,
    End,
    Go,
    Journey,
    Network,
    Option,
    Return,
    Station,
    Step,
    Stream,
    Visit,
)
from canbao.plan import Plan
from canbao.planning import make_plan
from canbao.scenario.scenario import Behaviour, ScenarioFile

__all__ = ["assemble", "count_families", "make_district", "scenario_plan"]

_TYPICAL = 10_000
_LEAST = 1e-12
"""The weight of a channel that nobody chooses, for families that have to go elsewhere."""
_MAY_SAY = ("fee_yuan", "subsidy_yuan", "papers_complete")
"""What a policy may say of each family: methods, and the columns that they become."""
_OFFICE = "office days"
"""The calendar of working days, whatever the hours of any place."""


def scenario_plan(file: ScenarioFile, seed: int | None = None) -> Plan:
    """Make a scenario concrete for a seed; its own if none is given."""
    chosen = file.scenario.seed if seed is None else seed
    return make_plan(assemble(file, chosen), until=file.horizon.end_s, seed=chosen)


def count_families(file: ScenarioFile) -> int:
    """Say how many families a scenario has, without making them."""
    scenario = file.scenario
    with asking("population", scenario.population):
        expected = scenario.population.count(file.horizon)
    with asking("demand", scenario.demand):
        count = scenario.demand.families(expected)
    if count < 1:
        raise InputError(f"scenario {file.name!r} has no families: the population or its scale is 0")
    return count


def make_district(file: ScenarioFile, seed: int) -> District:
    """Give what parts may know: dates, families, policy."""
    scenario, luck, horizon = file.scenario, Luck(seed), file.horizon
    count = count_families(file)
    columns, typical = (_known(file, luck, number) for number in (count, _TYPICAL))
    with asking("policy", scenario.policy):
        columns["deadline_s"] = scenario.policy.deadline_s(columns, horizon)
        columns["newborn_until_s"] = scenario.policy.insured_from_birth_until_s(columns, horizon)
        columns |= _ruled(scenario.policy, columns, horizon)
        typical |= _ruled(scenario.policy, typical, horizon)
    return District(
        horizon,
        file.working,
        file.saturdays,
        count,
        columns,
        typical,
        scenario.policy,
        luck,
        channels=scenario.channels,
        formalities=scenario.formalities,
    )


def _ruled(policy: Policy, columns: Mapping[str, Column], horizon: Horizon) -> dict[str, Column]:
    """Give what a policy may say of each family besides, by column; what it does not know is left out."""
    said = {name: getattr(policy, name)(columns, horizon) for name in _MAY_SAY if hasattr(policy, name)}
    return {name: column for name, column in said.items() if column is not None}


def _known(file: ScenarioFile, luck: Luck, count: int) -> dict[str, Column]:
    """Give what the population knows of its first families; their numbers, if it knows nothing else."""
    with asking("population", file.scenario.population):
        return {"_number": np.arange(count), **file.scenario.population.columns(luck, count, file.horizon)}


def assemble(file: ScenarioFile, seed: int) -> Network:
    """Build the whole network of a scenario for a seed.

    Raises
    ------
    InputError
        When a part does not fit, or a plugin raises; the message names it.
    """
    scenario, district = file.scenario, make_district(file, seed)
    channels = {name: _build(name, channel, district) for name, channel in scenario.channels.items()}
    procedure = build_procedure(scenario.formalities, district)
    with asking("choice", scenario.choice):
        weights = scenario.choice.weights(scenario.channels, district)
    weights = _for_whom(weights, scenario.channels, district)
    preferred = _preferred(weights, district)
    ways = _ways(scenario.choice, weights, preferred, scenario.channels, district)
    with asking("demand", scenario.demand):
        arrivals = scenario.demand.arrivals(district, preferred, scenario.channels)
    review = build_review(scenario.review, district)
    parts = [*channels.values(), *procedure.parts.values()]
    columns = {**district.columns, **_weight_columns(weights, preferred), **ways, **review.columns}
    for part in parts:
        columns.update(part.columns)
    again, start = _again(channels, scenario.behaviour), _start(channels, scenario.choice, ways)
    journeys = procedure.endings([start, *_channel_journeys(channels), *procedure.journeys, review.journey, again])
    stations = [station for part in parts for station in part.stations] + list(review.stations)
    return Network(
        stations=[*stations, *_records(journeys)],
        journeys=journeys,
        streams=[Stream(start.name, At(arrivals), columns=columns)],
        calendars=_calendars(parts, review, district),
        batches=_all_batches({**channels, **procedure.parts}),
        books=_all_books(parts),
    )


def _records(journeys: Sequence[Journey]) -> list[Station]:
    """Give the stations of no length that journeys mention: what fails by name, and the ledger of fees."""
    named = [step.station for journey in journeys for step in journey.steps if isinstance(step, Visit)]
    groups = {name: name.partition(".")[0] for name in dict.fromkeys(named)}
    return [Station(name, math.inf, group=group) for name, group in groups.items() if group in (FAILURE, FEE)]


def _build(name: str, channel: Channel, district: District) -> Part:
    with asking(f"channel {name!r}", channel):
        part = channel.build(name, district)
    return checked_part(f"channel {name!r}", part, name)


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


def _for_whom(
    weights: Mapping[str, FloatArray], channels: Mapping[str, Channel], district: District
) -> dict[str, FloatArray]:
    """Take away the weight of channels that are not for a family.

    Others of its sort, online or offline, take it over; where there is none, those of the other sort; a family whose
    weights are all gone takes any channel that is for it. No channel that is for it has no weight at all: who has to
    go elsewhere goes even to one that nobody would choose, and never to one that is not for them.
    """
    served = {name: _served(name, channels[name], district) for name in weights}
    mine: dict[str, FloatArray] = {}
    for online in (False, True):
        sort = [name for name in weights if bool(getattr(channels[name], "online", False)) is online]
        kept = {name: np.where(served[name], weights[name], 0.0) for name in sort}
        before = np.sum([weights[name] for name in sort], axis=0)
        after = np.sum(list(kept.values()), axis=0)
        factor = np.divide(before, after, out=np.ones(district.families), where=after > 0)
        mine |= {name: weight * factor for name, weight in kept.items()}
    lost = ~(np.sum(list(mine.values()), axis=0) > 0)
    nobody = lost & ~np.any(list(served.values()), axis=0)
    if nobody.any():
        raise InputError(
            f"{int(nobody.sum())} families have no channel: none of {', '.join(channels)} is for them; add one that is"
        )
    chosen = {name: np.where(lost, served[name].astype(np.float64), mine[name]) for name in weights}
    return {name: np.where(served[name], np.maximum(weight, _LEAST), 0.0) for name, weight in chosen.items()}


def _served(name: str, channel: Channel, district: District) -> BoolArray:
    serves = getattr(channel, "serves", None)
    if serves is None:
        return np.ones(district.families, dtype=np.bool_)
    with asking(f"channel {name!r}", channel):
        return np.asarray(serves(district), dtype=np.bool_)


def _weight_columns(weights: Mapping[str, FloatArray], preferred: Coded) -> dict[str, Column]:
    columns: dict[str, Column] = {}
    for code, (name, values) in enumerate(weights.items()):
        columns[f"_weight of {name}"] = values
        columns[f"_prefers {name}"] = (preferred.codes == code).astype(np.float64)
    return columns


def _ways(
    choice: Choice,
    weights: Mapping[str, FloatArray],
    preferred: Coded,
    channels: Mapping[str, Channel],
    district: District,
) -> dict[str, Column]:
    """Give what each channel costs each family besides the wait, where the choice weighs one against the other."""
    ways_s = getattr(choice, "ways_s", None)
    if choice.rule == "weight":
        return {}
    weights = {name: np.where(weight > _LEAST, weight, 0.0) for name, weight in weights.items()}
    if ways_s is None:  # no way costs anything, but nobody goes to a channel that is not for them
        return {f"_way to {name}": np.where(weight > 0.0, 0.0, math.inf) for name, weight in weights.items()}
    with asking("choice", choice):
        return {f"_way to {name}": way for name, way in ways_s(weights, preferred, channels, district).items()}


def _start(parts: Mapping[str, Part], choice: Choice, ways: Mapping[str, Column]) -> Journey:
    """Begin with the preferred channel, or with the one whose queue promises most."""
    published_s = float(getattr(choice, "published_s", 0.0))
    options = [
        Option(
            _entry(name, part),
            weight=f"_prefers {name}",
            station=part.queue,
            travel=f"_way to {name}" if ways else 0.0,
        )
        for name, part in parts.items()
    ]
    return Journey("start", [Choose(options, rule=choice.rule, name="channel", published_s=published_s)], channel=False)


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
    return [Journey(name, _with_ways_back(part.steps)) for name, part in parts.items()]


def _with_ways_back(steps: Sequence[Step]) -> list[Step]:
    """Add plain ways to go on after the review where the channel has none of its own.

    To correct, begin again a working day later; an approval needs nothing.
    """
    names, more = {step.name for step in steps}, list[Step]()
    if CORRECT not in names:
        more.append(Delay(1.0, name=CORRECT, unit="working days", calendar=_OFFICE, then=steps[0].name))
    if RESULT not in names:
        more.append(Go(APPROVED, name=RESULT))
    return [*steps, End("done"), *more] if more else list(steps)


# --- the rest ---------------------------------------------------------------------------------------------------------


def _calendars(parts: Sequence[Part], review: ReviewPart, district: District) -> dict[str, Calendar]:
    days = np.flatnonzero(district.working) * 86_400.0
    office = Calendar.from_intervals([(start, start + 86_400.0) for start in days.tolist()], district.horizon.days)
    calendars = {_OFFICE: office, **review.calendars}
    for part in parts:
        calendars.update(part.calendars)
    return calendars


def _all_batches(parts: Mapping[str, Part]) -> list[Batch]:
    return [replace(batch, group=batch.group or name) for name, part in parts.items() for batch in part.batches]


def _all_books(parts: Sequence[Part]) -> list[AppointmentBook]:
    return [book for part in parts for book in part.books]
