"""The conformance kit, both ways: the built-in plugins pass it, and it finds what is wrong in broken ones."""

from __future__ import annotations

import datetime as dt
import random
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from pydantic import BaseModel, Field

from canbao.arrays import FloatArray
from canbao.columns import Coded, Column
from canbao.distributions import Exponential
from canbao.district import CORRECT, GIVE_UP, HAND_IN, RESUBMIT, District, Part
from canbao.network import Delay, End, Go, Station, Step, Visit
from canbao.plugins import hookimpl, load_plugins
from canbao.scenario.durations import BUILT_IN
from canbao.scenario.models import Settings
from canbao.testing import (
    check_channel,
    check_choice,
    check_demand,
    check_distribution,
    check_formality,
    check_plugin,
    check_policy,
    check_population,
    check_reporter,
    small_district,
    small_scenario,
)
from canbao_plugins import choice, doors, families, policies, report, season

PLUGINS = load_plugins(environment={"CANBAO_NO_PLUGINS": "1"})
PERIOD = {"start": dt.date(2025, 12, 1), "deadline": dt.date(2025, 12, 20)}


# --- the built-in plugins ---------------------------------------------------------------------------------------------


SITES = {"sites": {"here": {"staff": 2}, "there": {"staff": 1, "catchment": 2.0}}}
LISTS = [{"opens": dt.date(2025, 12, 1), "closes": dt.date(2025, 12, 8)}]

TRIED: dict[tuple[str, str], list[dict[str, Any]]] = {
    ("channels", "office"): [
        {"sites": {"hall": {"staff": 2}}},
        {
            "sites": {"a": {"staff": 1, "room": 5, "closing": "send home"}, "b": {"staff": 2, "catchment": 3.0}},
            "choice_of_site": "fastest",
            "newborn_first": True,
            "baulk_at": 4,
            "incomplete": 0.2,
        },
    ],
    ("channels", "portal"): [{"slots": 4, "backlog": 10}, {"slots": 1, "maintenance": ["00:00-06:00"], "retry": 0.9}],
    ("channels", "app"): [{"slots": 2, "backlog": 10}],
    ("channels", "bank"): [SITES, {**SITES, "own_cards_only": True}],
    ("channels", "community"): [{**SITES, "hand_over": {"every": "2 working days"}}],
    ("channels", "hospital"): [SITES],
    ("channels", "hotline"): [{"staff": 2}],
    ("channels", "school"): [
        {"sites": {"primary": {"staff": 2, "pupils": 2.0}, "secondary": {"staff": 1}}, "lists": LISTS}
    ],
    ("formalities", "payment"): [{}, {"place": "before review"}],
    ("formalities", "card"): [SITES],
    ("formalities", "settlement"): [{"falls_ill": 0.5, **SITES}],
    ("families", "city"): [{"residents": 600, "births_per_thousand": 20.0}],
    ("demands", "season"): [{"school_start": {"date": dt.date(2025, 12, 3)}}],
    ("choices", "preference"): [{"online_share": 0.3, "popularity": {"portal": 2.0}}, {"distance": "30 min"}],
    ("choices", "queues"): [{"online_share": 0.3, "popularity": {"portal": 2.0}}, {"published": "30 min"}],
    ("policies", "collection"): [PERIOD],
    ("policies", "region"): [{"region": "national-2026", **PERIOD}],
}
"""What each built-in thing is tried with; some have more tests of their own."""

CHECKS = {
    "channels": check_channel,
    "formalities": check_formality,
    "families": check_population,
    "demands": check_demand,
    "choices": check_choice,
    "policies": check_policy,
}


@pytest.mark.parametrize(
    ("kind", "name", "settings"), [(*key, settings) for key, tried in TRIED.items() for settings in tried]
)
def test_everything_built_in_passes_the_kit(kind: str, name: str, settings: dict[str, Any]) -> None:
    """Each channel, formality, population, demand, choice and policy does what canbao relies on."""
    trace = CHECKS[kind](PLUGINS.tables[kind][name].thing, settings, plugins=PLUGINS)
    assert len(trace.families["family"]) > 50


def test_nothing_that_is_registered_is_left_out() -> None:
    """A new plugin needs an entry above; replay, the report and the load side have tests of their own."""
    commands = {("commands", name) for name in ("serve", "load", "target", "calibrate")}
    elsewhere = {("demands", "replay"), ("reporters", "html"), *commands}
    assert {(entry.kind, entry.name) for entry in PLUGINS} == set(TRIED) | elsewhere


def test_a_replayed_file_is_a_demand(tmp_path: Path) -> None:
    """Replay passes the kit; as many families come as the file has rows inside the horizon."""
    rows = [f"2025-12-{day:02d} 10:{minute:02d}:00" for day in range(1, 16) for minute in (0, 20, 40)]
    (tmp_path / "a.csv").write_text("\n".join(["arrival", *rows, "2024-01-01 10:00:00"]))
    trace = check_demand(season.Replay, {"file": str(tmp_path / "a.csv")}, plugins=PLUGINS)
    assert len(trace.families["family"]) == len(rows)


DURATIONS: dict[str, dict[str, Any]] = {
    "fixed": {"value": "8 min"},
    "exponential": {"mean": "8 min"},
    "lognormal": {"mean": "8 min", "cv": 0.6},
    "uniform": {"low": "2 min", "high": "10 min"},
    "triangular": {"low": "2 min", "mode": "5 min", "high": "10 min"},
    "erlang": {"mean": "8 min", "phases": 3},
    "gamma": {"mean": "8 min", "cv": 0.5},
    "weibull": {"scale": "8 min", "shape": 1.5},
}


@pytest.mark.parametrize("kind", BUILT_IN)
def test_every_duration_is_a_distribution(kind: str) -> None:
    """Each kind of random duration passes the kit."""
    check_distribution(BUILT_IN[kind], DURATIONS[kind], plugins=PLUGINS)


@pytest.mark.parametrize("name", doors.__all__)
def test_every_plugin_has_right_hooks(name: str) -> None:
    """The hooks of each built-in plugin exist, take what they are given, and register what the kit was shown above."""
    registered = check_plugin(getattr(doors, name))
    assert sum(map(len, registered.values())) > 0
    for kind, table in registered.items():
        assert {one: PLUGINS.tables[kind][one].thing for one in table} == table


def test_the_report_is_a_reporter(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reporter passes the kit: one file in the folder of the run, the same each time."""
    monkeypatch.setattr("canbao.report.render", lambda summary, manifest, *_: f"<p>{summary['seed']}</p>")
    assert check_reporter(report.write_report) == Path("report.html")


# --- the small district -----------------------------------------------------------------------------------------------


def test_the_small_scenario_takes_changes() -> None:
    """Changes are merged like a file that extends another; another kind, and channels, replace what was there."""
    file = small_scenario(
        {"population": {"residents": 50}, "channels": {"only": {"kind": "portal", "slots": 1}}}, PLUGINS
    )
    scenario: Any = file.scenario
    assert scenario.population.residents == 50
    assert list(scenario.channels) == ["only"]
    assert scenario.demand.opening_days == 3


def test_columns_of_the_small_district_cannot_be_changed() -> None:
    """A plugin that writes into what it was given is found out at once."""
    district = small_district(plugins=PLUGINS)
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(district.columns["children"])[0] = 7


# --- broken channels --------------------------------------------------------------------------------------------------


class Kiosk(Settings):
    """A channel without a fault, to be broken."""

    kind: Literal["kiosk"]
    machines: int = Field(3, description="How many machines.", ge=1)

    def build(self, name: str, district: District) -> Part:
        return Part([Station(name, servers=self.machines)], self._steps(name, district), queue=name)

    def _steps(self, name: str, district: District) -> list[Step]:
        return [
            Visit(name, Exponential(300.0), name="machine", patience=900.0, abandoned=GIVE_UP),
            Go(HAND_IN),
            Delay(86_400.0, name=CORRECT),
            Visit(name, Exponential(300.0), name="second visit", served=RESUBMIT),
        ]


def test_a_channel_without_a_fault_passes() -> None:
    """The channel from which the broken ones are made passes; its trace is there to be looked at."""
    trace = check_channel(Kiosk, {"machines": 2}, plugins=PLUGINS)
    station: Any = trace.visits["station"]
    assert {"one", "two"} <= set(station.labels)


class _Loose(BaseModel):
    kind: Literal["loose"]
    machines: int = 3

    def build(self, name: str, district: District) -> Part:
        return Part([Station(name, servers=self.machines)], [Visit(name, 60.0), Go(HAND_IN)], queue=name)


class _NoKind(Settings):
    machines: int = Field(3, description="How many.")


class _NoBuild(Settings):
    kind: Literal["nobuild"]


class _NoPart(Kiosk):
    def build(self, name: str, district: District) -> Any:
        return [Station(name)]


class _Raises(Kiosk):
    def build(self, name: str, district: District) -> Part:
        raise KeyError("skill")


class _OneStation(Kiosk):
    def build(self, name: str, district: District) -> Part:
        return replace(super().build("kiosk", district), queue="")


class _WrongQueue(Kiosk):
    def build(self, name: str, district: District) -> Part:
        return replace(super().build(name, district), queue="hall")


class _Nowhere(Kiosk):
    def _steps(self, name: str, district: District) -> list[Step]:
        return [Visit(name, 60.0, served="payment"), Go(HAND_IN)]


class _NobodyHandsIn(Kiosk):
    def _steps(self, name: str, district: District) -> list[Step]:
        return [Visit(name, 60.0), Go(GIVE_UP)]


class _FallsOff(Kiosk):
    def _steps(self, name: str, district: District) -> list[Step]:
        # Half a minute of patience, and nothing said of where those go who lose it.
        return [Visit(name, 4_000.0, patience=30.0), Go(HAND_IN)]


class _NeverCorrects(Kiosk):
    def _steps(self, name: str, district: District) -> list[Step]:
        return [Visit(name, 60.0), Go(HAND_IN), Delay(60.0, name=CORRECT), End("left")]


class _WithColumn(Kiosk):
    def _column(self, name: str, district: District) -> dict[str, Column]:
        raise NotImplementedError  # each toy below says which column

    def build(self, name: str, district: District) -> Part:
        return replace(super().build(name, district), columns=self._column(name, district))


class _OwnLuck(_WithColumn):
    def _column(self, name: str, district: District) -> dict[str, Column]:
        return {f"_{name} luck": np.array([random.random() for _ in range(district.families)])}


class _ByCrowd(_WithColumn):
    def _column(self, name: str, district: District) -> dict[str, Column]:
        return {f"_{name} rank": np.arange(district.families) / district.families}


class _ShortColumn(_WithColumn):
    def _column(self, name: str, district: District) -> dict[str, Column]:
        return {f"_{name} few": np.zeros(3)}


class _StolenColumn(_WithColumn):
    def _column(self, name: str, district: District) -> dict[str, Column]:
        return {"children": np.zeros(district.families)}


class _WritesColumns(Kiosk):
    def build(self, name: str, district: District) -> Part:
        district.number("digital_skill")[:] = 0.0
        return super().build(name, district)


class _Clock(Kiosk):
    def _steps(self, name: str, district: District) -> list[Step]:
        visit, *rest = super()._steps(name, district)
        assert isinstance(visit, Visit)
        return [replace(visit, service=100.0 + time.perf_counter() % 1.0), *rest]


class _WrongDays(Kiosk):
    online: ClassVar[Any] = "yes"

    def open_days(self, district: District) -> Any:
        return [0, 1, 2]


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (
            _Loose,
            r"model_config must have extra='forbid'.*\n.*frozen=True.*\n.*strict=True.*\n.*machines must have a descr",
        ),
        (_NoKind, r'it must have a field `kind: Literal\["\.\.\."\]`'),
        (_NoBuild, r"it lacks build; see canbao\.district\.Channel"),
        (_NoPart, r"build\(\) must give a canbao\.district\.Part, not list"),
        (_Raises, r"build\(name, district\) raised KeyError: 'skill'"),
        (_OneStation, r"would share station kiosk: put its own name in it"),
        (_WrongQueue, r"Part\.queue is 'hall', which is none of its stations \['one'\]"),
        (_Nowhere, r"a season with it raised NetworkError: (.|\n)*one/first: no step or journey is named 'payment'"),
        (_NobodyHandsIn, r"nobody handed in: .* 'application' \(HAND_IN\)"),
        (_FallsOff, r"exit that leads nowhere, as abandoned: each exit must lead to"),
        (_NeverCorrects, r"no returned application came back corrected: .*'correct' .*\(RESUBMIT\)"),
        (_OwnLuck, r"column '_one luck' must give the same when it is called again"),
        (_ByCrowd, r"column '_one rank' must not depend on how many other families there are"),
        (_ShortColumn, r"column '_one few' has 3 values for \d+ families"),
        (_StolenColumn, r"column 'children' is there already"),
        (_WritesColumns, r"raised ValueError: .*read-only"),
        (_Clock, r"two seasons of one seed differ in table families: column "),
        (_WrongDays, r"`online` must be True or False, not 'yes'(.|\n)*open_days\(district\) must give True or False"),
    ],
)
def test_a_broken_channel_is_told_what_to_change(model: type[Any], said: str) -> None:
    """Each fault of a channel is found, and the message says what must change."""
    with pytest.raises(AssertionError, match=said) as caught:
        check_channel(model, plugins=PLUGINS)
    assert str(caught.value).startswith(f"channels: {model.__name__} must change:\n- ")


def test_settings_that_are_not_valid_are_told() -> None:
    """What a scenario file would be told is told to the author: the key, and what is wrong."""
    with pytest.raises(AssertionError, match=r"its settings must be valid .*channels\.one\.machines: is too small"):
        check_channel(Kiosk, {"machines": 0}, plugins=PLUGINS)


def test_something_else_than_a_class_is_told() -> None:
    """An instance or a function in the place of the class is refused with what is wanted."""
    wrong: Any = Kiosk(kind="kiosk")
    with pytest.raises(
        AssertionError, match=r"it must be a class of settings: derive it from canbao\.scenario\.models"
    ):
        check_channel(wrong, plugins=PLUGINS)


# --- other broken parts -----------------------------------------------------------------------------------------------


class _City(families.City):
    kind: Literal["city"] = Field(description="As the city.")
    residents: int = Field(300, description="As the city.")


class _GrowingCity(_City):
    def columns(self, luck: Any, count: int, horizon: Any) -> dict[str, Column]:
        return {**super().columns(luck, count, horizon), "rank": np.arange(count) / count}


class _TakenName(_City):
    def columns(self, luck: Any, count: int, horizon: Any) -> dict[str, Column]:
        return {**super().columns(luck, count, horizon), "arrival": np.zeros(count)}


class _WordList(_City):
    def columns(self, luck: Any, count: int, horizon: Any) -> dict[str, Any]:
        return {**super().columns(luck, count, horizon), "name": ["李"] * count}


class _NoFamilies(_City):
    def count(self, horizon: Any) -> int:
        return 0


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (_GrowingCity, r"column 'rank' must depend on seed and index, not on how many families there are"),
        (_TakenName, r"column 'arrival' has a name that canbao uses itself"),
        (_WordList, r"column 'name' must be a Coded or an array of numbers"),
        (_NoFamilies, r"count\(horizon\) must give a number of families above 0, not 0"),
    ],
)
def test_a_broken_population_is_told_what_to_change(model: type[Any], said: str) -> None:
    """Each fault of a population is found, and the message says what must change."""
    with pytest.raises(AssertionError, match=said):
        check_population(model, plugins=PLUGINS)


class _Season(season.Season):
    kind: Literal["season"] = Field(description="As the season.")


class _EarlySeason(_Season):
    def arrivals(self, district: District, preferred: Coded, channels: Any) -> FloatArray:
        return super().arrivals(district, preferred, channels) - 10 * 86_400.0


class _ShortSeason(_Season):
    def arrivals(self, district: District, preferred: Coded, channels: Any) -> FloatArray:
        return super().arrivals(district, preferred, channels)[:5]


class _RandomSeason(_Season):
    def arrivals(self, district: District, preferred: Coded, channels: Any) -> FloatArray:
        return np.random.default_rng().uniform(0.0, 86_400.0, district.families)


class _Queue(_Season):
    def arrivals(self, district: District, preferred: Coded, channels: Any) -> FloatArray:
        return np.linspace(0.0, 864_000.0, district.families)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (_EarlySeason, r"arrivals\(\) must lie inside the horizon"),
        (_ShortSeason, r"arrivals\(\) must give an array with one time a family"),
        (_RandomSeason, r"arrivals\(\) must give the same when it is called again"),
        (_Queue, r"arrivals\(\) must not depend on how many other families there are"),
    ],
)
def test_a_broken_demand_is_told_what_to_change(model: type[Any], said: str) -> None:
    """Each fault of a demand is found, and the message says what must change."""
    with pytest.raises(AssertionError, match=said):
        check_demand(model, plugins=PLUGINS)


class _Choice(choice.Preference):
    kind: Literal["preference"] = Field(description="As the preference.")


class _OneChannel(_Choice):
    def weights(self, channels: Any, district: District) -> dict[str, FloatArray]:
        return {"portal": np.ones(district.families)}


class _Negative(_Choice):
    def weights(self, channels: Any, district: District) -> dict[str, FloatArray]:
        return dict.fromkeys(channels, -np.ones(district.families))


class _Nothing(_Choice):
    def weights(self, channels: Any, district: District) -> dict[str, FloatArray]:
        return dict.fromkeys(channels, np.zeros(district.families))


class _BadRule(_Choice):
    @property
    def rule(self) -> Any:
        return "cheapest"


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (_OneChannel, r"weights\(\) must give the channels \['office', 'portal'\] in this order, not \['portal'\]"),
        (_Negative, r"weights\(\)\['office'\] must be an array with a number of 0 or more"),
        (_Nothing, r"weights\(\) must leave each family at least one channel"),
        (_BadRule, r"`rule` must be one of weight, shortest, fastest, not 'cheapest'"),
    ],
)
def test_a_broken_choice_is_told_what_to_change(model: type[Any], said: str) -> None:
    """Each fault of a choice is found, and the message says what must change."""
    with pytest.raises(AssertionError, match=said):
        check_choice(model, plugins=PLUGINS)


class _Policy(policies.Collection):
    kind: Literal["collection"] = Field(description="As the collection.")


class _Backwards(_Policy):
    def period_s(self, horizon: Any) -> tuple[float, float]:
        return (86_400.0, 0.0)


class _NoDeadline(_Policy):
    def deadline_s(self, columns: Any, horizon: Any) -> FloatArray:
        return super().deadline_s(columns, horizon) * np.nan


class _OneForAll(_Policy):
    def insured_from_birth_until_s(self, columns: Any, horizon: Any) -> Any:
        return 7_776_000.0


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (_Backwards, r"period_s\(horizon\) must give a start before its end"),
        (_NoDeadline, r"deadline_s\(columns, horizon\) must be inf, not nan, where there is none"),
        (_OneForAll, r"insured_from_birth_until_s\(columns, horizon\) must give an array"),
    ],
)
def test_a_broken_policy_is_told_what_to_change(model: type[Any], said: str) -> None:
    """Each fault of a policy is found, and the message says what must change."""
    with pytest.raises(AssertionError, match=said):
        check_policy(model, PERIOD, plugins=PLUGINS)


class _Duration(Settings):
    kind: Literal["odd"]

    def build(self) -> Any:
        return self

    mean: ClassVar[float] = 300.0

    def ppf(self, u: FloatArray) -> FloatArray:
        return -300.0 * np.log1p(-u)


class _Falling(_Duration):
    def ppf(self, u: FloatArray) -> FloatArray:
        return -300.0 * np.log(u)


class _BelowZero(_Duration):
    def ppf(self, u: FloatArray) -> FloatArray:
        return u - 0.5


class _WrongMean(_Duration):
    mean: ClassVar[float] = 5.0


class _Together(_Duration):
    def ppf(self, u: FloatArray) -> FloatArray:
        return np.sort(super().ppf(u)) * len(u) / 200_000


class _NoDistribution(_Duration):
    def build(self) -> Any:
        return 300.0


def test_a_distribution_without_a_fault_passes() -> None:
    """The distribution from which the broken ones are made passes."""
    check_distribution(_Duration, plugins=PLUGINS)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (_Falling, r"ppf\(u\) must rise with u"),
        (_BelowZero, r"ppf\(u\) must give seconds of 0 or more"),
        (_WrongMean, r"mean must be a number, the mean of ppf over u, which is about 300, not 5\.0"),
        (_Together, r"ppf\(u\) must give each value whatever else is asked with it"),
        (_NoDistribution, r"build\(\) must give a distribution with ppf\(u\) and mean"),
    ],
)
def test_a_broken_distribution_is_told_what_to_change(model: type[Any], said: str) -> None:
    """Each fault of a distribution is found, and the message says what must change."""
    with pytest.raises(AssertionError, match=said):
        check_distribution(model, plugins=PLUGINS)


# --- broken plugins and reporters -------------------------------------------------------------------------------------


def _plugin(**hooks: Any) -> ModuleType:
    module = ModuleType("kiosk")
    for name, hook in hooks.items():
        setattr(module, name, hook)
    return module


def test_a_plugin_without_a_fault_gives_what_it_registers() -> None:
    """The kit gives what a plugin registers, by kind and name."""
    plugin = _plugin(register_channels=hookimpl(lambda register: register("kiosk", Kiosk)))
    assert check_plugin(plugin) == {"channels": {"kiosk": Kiosk}}


@pytest.mark.parametrize(
    ("hooks", "said"),
    [
        ({}, r"it has no hook"),
        (
            {"register_chanels": hookimpl(lambda register: None)},
            r"there is no hook 'register_chanels'; hooks are .*register_channels",
        ),
        ({"register_channels": lambda register: None}, r"register_channels must be marked with @hookimpl"),
        ({"register_channels": hookimpl(lambda: None)}, r"register_channels must take \(register\), not \(\)"),
        ({"run_started": hookimpl(lambda plan: None)}, r"run_started must take \(run\), not \(plan\)"),
        ({"register_channels": hookimpl(lambda register: None)}, r"register_channels registers nothing"),
        (
            {"register_channels": hookimpl(lambda register: register("kiosk", 3))},
            r"must register a class or a function as 'kiosk'",
        ),
        ({"register_channels": hookimpl(lambda register: register(Kiosk, Kiosk))}, r"by a name that is text"),
        (
            {"register_channels": hookimpl(lambda register: [register("a", Kiosk), register("a", Kiosk)])},
            r"registers 'a' twice",
        ),
        ({"register_channels": hookimpl(lambda register: 1 / 0)}, r"register_channels raised ZeroDivisionError"),
    ],
)
def test_a_broken_plugin_is_told_what_to_change(hooks: Mapping[str, Any], said: str) -> None:
    """Each fault of a plugin's hooks is found, and the message says what must change."""
    with pytest.raises(AssertionError, match=said):
        check_plugin(_plugin(**hooks))


def _elsewhere(summary: dict[str, Any], folder: Path) -> Path:
    path = folder.parent / "elsewhere.txt"
    path.write_text("")
    return path


def _changing(summary: dict[str, Any], folder: Path) -> Path:
    summary["seed"] = 0
    return _counting(summary, folder)


def _counting(summary: dict[str, Any], folder: Path) -> Path:
    path = folder / "count.txt"
    path.write_text(str(1 + int(path.read_text() if path.exists() else 0)))
    return path


def _nothing(summary: dict[str, Any], folder: Path) -> None:
    return None


@pytest.mark.parametrize(
    ("reporter", "said"),
    [
        (_elsewhere, r"it must write into the folder of the run"),
        (_changing, r"it must not change the summary"),
        (_counting, r"it must write the same file for the same run"),
        (_nothing, r"it raised TypeError"),
    ],
)
def test_a_broken_reporter_is_told_what_to_change(reporter: Any, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each fault of a reporter is found, and the message says what must change."""
    monkeypatch.setattr("canbao.report.render", lambda summary, manifest, *_: "")
    with pytest.raises(AssertionError, match=said):
        check_reporter(reporter)


def test_all_faults_are_told_at_once() -> None:
    """Faults that do not hide one another come in one message."""

    class Bad(_WrongDays, _OneStation):
        pass

    with pytest.raises(AssertionError) as caught:
        check_channel(Bad, plugins=PLUGINS)
    assert all(f"\n- {said}" in str(caught.value) for said in ("two of its kind", "`online` must", "open_days("))
