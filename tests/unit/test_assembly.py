"""From a scenario to a network: channels, review and what families do after a bad experience, joined into one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from pydantic import Field

from canbao.arrays import BoolArray
from canbao.assembly import assemble, make_district, scenario_plan
from canbao.calendar import Calendar
from canbao.columns import Coded, Column, numbers_of
from canbao.district import CORRECT, GIVE_UP, HAND_IN, District, Part
from canbao.engines.compiled_engine import CompiledEngine
from canbao.errors import InputError, PluginError
from canbao.luck import Luck
from canbao.network import AppointmentBook, Batch, Delay, End, Gather, Go, Station, Step, Visit
from canbao.plugins import Plugins, load_plugins
from canbao.scenario.models import Settings
from canbao.testing import small_scenario
from canbao.testing.district import registered_also
from canbao.trace import Trace

DAY_S = 86_400.0
AT_ONCE = {"kind": "fixed", "value": "0 s"}
CERTAIN = {
    "precheck": 0.0,
    "incomplete": 0.0,
    "mismatch": 0.0,
    "refused": 0.0,
    "duplicate": 0.0,
    "drop_out": 0.0,
    "acceptance": {"staff": 5},
    "first": {"staff": 5},
    "second": {"staff": 5},
}
"""A review that passes everything."""
SMOOTH = {
    "kind": "portal",
    "slots": 50,
    **dict.fromkeys(("wanders_off", "new_accounts", "locked_out", "incomplete"), 0.0),
    "notices": {"SMS": 1.0},
    "credential": False,
}
"""A portal on which nothing goes wrong."""
STUCK = {
    "kind": "office",
    "incomplete": 0.0,
    "patience": {"kind": "fixed", "value": "10 min"},
    "sites": {"hall": {"staff": 0, "travel": AT_ONCE}},
}
"""An office in which nobody is ever served."""


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """Find the plugins once."""
    return load_plugins()


def _replay(folder: Path, moments: Sequence[dt.datetime]) -> dict[str, Any]:
    """Make the demand that brings a family at each of some moments."""
    path = folder / "arrivals.csv"
    path.write_text("arrival\n" + "".join(f"{moment}\n" for moment in moments), encoding="utf-8")
    return {"kind": "replay", "file": str(path)}


def _run(changes: Mapping[str, Any], plugins: Plugins) -> Trace:
    return CompiledEngine().run(scenario_plan(small_scenario(changes, plugins)))


def _words(table: Mapping[str, Column], name: str) -> list[str]:
    column = table[name]
    assert isinstance(column, Coded)
    return column.words()


def _stations_of(trace: Trace, family: int) -> list[str]:
    """Name the stations that a family visited, in order."""
    mine = np.asarray(trace.visits["family"]) == family
    return [station for station, own in zip(_words(trace.visits, "station"), mine, strict=True) if own]


def _is_newborn(trace: Trace) -> Any:
    kind = trace.families["kind"]
    assert isinstance(kind, Coded)
    return kind.has("newborn")


MONDAY = dt.datetime(2025, 12, 8, 9)


# --- the way through ---


def test_a_family_that_passes_everything_goes_from_desk_to_desk(tmp_path: Path, plugins: Plugins) -> None:
    """Channel, intake, acceptance, first and second review in this order, then enrolled, each later than the last."""
    moments = [MONDAY + dt.timedelta(minutes=minute) for minute in range(0, 300, 5)]
    changes = {"demand": _replay(tmp_path, moments), "review": CERTAIN, "channels": {"portal": SMOOTH}}
    trace = _run(changes, plugins)
    review = ["review.intake", "review.acceptance", "review.first", "review.second"]
    for family in range(len(moments)):
        assert _stations_of(trace, family) == ["portal"] * 3 + [*review, "notice.portal.SMS"]
    assert set(_words(trace.families, "outcome")) == {"enrolled"}
    arrival, submitted, reviewed, finished = (
        np.asarray(trace.families[name]) for name in ("arrival", "submitted", "reviewed", "finished")
    )
    assert (arrival < submitted).all()
    assert (submitted < reviewed).all()
    np.testing.assert_allclose(finished - reviewed, 600.0)  # ten minutes to the credential, unless said otherwise


def test_what_is_checked_beforehand_skips_acceptance(tmp_path: Path, plugins: Plugins) -> None:
    """The automatic check accepts its share of applications, and no clerk of acceptance sees these."""
    moments = [MONDAY + dt.timedelta(seconds=30 * number) for number in range(1000)]
    changes = {
        "demand": _replay(tmp_path, moments),
        "review": {**CERTAIN, "precheck": 0.3},
        "channels": {"portal": SMOOTH},
    }
    stations = _words(_run(changes, plugins).visits, "station")
    assert stations.count("review.first") == stations.count("review.second") == 1000
    assert abs(stations.count("review.acceptance") - 700) < 5 * np.sqrt(1000 * 0.3 * 0.7)


@pytest.mark.parametrize(
    ("settings", "desks", "outcome"),
    [
        ({"mismatch": 1.0, "corrections": 2}, {"acceptance": 3, "first": 3}, "rejected"),
        ({"mismatch": 1.0, "corrections": 0}, {"acceptance": 1, "first": 1}, "rejected"),
        ({"incomplete": 1.0, "corrections": 1}, {"acceptance": 2}, "rejected"),
        ({"refused": 1.0, "corrections": 1}, {"acceptance": 2, "first": 2, "second": 2}, "rejected"),
        ({"refused": 1.0, "drop_out": 1.0}, {"acceptance": 1, "first": 1, "second": 1}, "withdrawn"),
        ({"duplicate": 1.0}, {}, "already enrolled"),
    ],
)
@pytest.mark.parametrize("channel", ["office", "portal"])
def test_returned_applications_come_back_until_the_limit(
    settings: dict[str, Any], desks: dict[str, int], outcome: str, channel: str, tmp_path: Path, plugins: Plugins
) -> None:
    """Returned, corrected and handed in again as often as allowed, through the channel that they came by."""
    hour = {"kind": "fixed", "value": "1 h"}
    site = {"staff": 9, "travel": AT_ONCE}  # nobody finds it closed on arrival
    office = {"kind": "office", "incomplete": 0.0, "sites": {"hall": site}, "fetch": hour}
    portal = {**SMOOTH, "correct": hour}
    moments = [MONDAY + dt.timedelta(minutes=minute) for minute in range(20)]
    changes = {
        "demand": _replay(tmp_path, moments),
        "review": {**CERTAIN, **settings},
        "channels": {channel: office if channel == "office" else portal},
    }
    trace = _run(changes, plugins)
    assert set(_words(trace.families, "outcome")) == {outcome}
    rounds = max(desks.values(), default=1)
    for family in range(len(moments)):
        stations = _stations_of(trace, family)
        assert stations.count("review.intake") == rounds
        counts = {desk: stations.count(f"review.{desk}") for desk in ("acceptance", "first", "second")}
        assert counts == {"acceptance": 0, "first": 0, "second": 0, **desks}
        corrections = stations.count("office.hall") - 1 if channel == "office" else stations.count("portal") - 3
        assert corrections == rounds - 1
    reviewed, submitted = np.asarray(trace.families["reviewed"]), np.asarray(trace.families["submitted"])
    assert (reviewed >= submitted).all()


# --- the deadline ---


def test_late_families_are_told_so_and_newborns_have_no_deadline(tmp_path: Path, plugins: Plugins) -> None:
    """Who comes after the last day is too late, unless a newborn's family; nobody who is late hands anything in."""
    late = [dt.datetime(2025, 12, 22, 9) + dt.timedelta(minutes=minute) for minute in range(200)]
    changes = {
        "demand": _replay(tmp_path, late),
        "review": CERTAIN,
        "channels": {"portal": SMOOTH},
        "population": {"births_per_thousand": 300.0},
    }
    trace = _run(changes, plugins)
    newborn = _is_newborn(trace)
    assert 10 < newborn.sum() < 190
    outcome = np.array(_words(trace.families, "outcome"))
    assert set(outcome[newborn]) == {"enrolled"}
    assert set(outcome[~newborn]) == {"too late"}
    assert np.isnan(np.asarray(trace.families["submitted"])[~newborn]).all()


def test_a_correction_may_come_after_the_deadline(tmp_path: Path, plugins: Plugins) -> None:
    """The deadline is for handing in, not for handing in again."""
    last_day = [dt.datetime(2025, 12, 20, 10)] * 20
    slow = {**SMOOTH, "correct": {"kind": "fixed", "value": "4 days"}}
    changes = {
        "demand": _replay(tmp_path, last_day),
        "review": {**CERTAIN, "mismatch": 0.5, "corrections": 50},
        "channels": {"portal": slow},
    }
    trace = _run(changes, plugins)
    assert set(_words(trace.families, "outcome")) <= {"enrolled", "inside"}
    assert _words(trace.visits, "station").count("review.intake") > 20
    deadline = 20 * DAY_S
    assert (np.asarray(trace.families["submitted"]) <= deadline).all()
    assert (np.asarray(trace.families["reviewed"]) > deadline).any()


# --- after a bad experience ---


def _stuck(tmp_path: Path, behaviour: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Bring thirty families to an office in which nobody is served."""
    return {
        "demand": _replay(tmp_path, [MONDAY] * 30),
        "review": CERTAIN,
        "behaviour": {"come_back": {"kind": "fixed", "value": "1 day"}, **behaviour},
        "choice": {"online_share": 0.0},
        "channels": {"office": STUCK},
        **more,
    }


@pytest.mark.parametrize("tries", [0, 1, 4])
def test_who_persists_tries_again_up_to_the_limit(tries: int, tmp_path: Path, plugins: Plugins) -> None:
    """After the first time, as often as allowed; then the family has given up."""
    trace = _run(_stuck(tmp_path, {"persist": 1.0, "switch": 0.0, "tries": tries}), plugins)
    assert set(_words(trace.families, "outcome")) == {"gave up"}
    visits = np.bincount(np.asarray(trace.visits["family"]))
    ended = trace.visits["ended"]
    assert isinstance(ended, Coded)
    assert visits.tolist() == [tries + 1] * 30
    assert ended.has("abandoned").all()


def test_who_does_not_persist_gives_up_at_once(tmp_path: Path, plugins: Plugins) -> None:
    """One visit, and never again."""
    trace = _run(_stuck(tmp_path, {"persist": 0.0}), plugins)
    assert set(_words(trace.families, "outcome")) == {"gave up"}
    assert np.bincount(np.asarray(trace.visits["family"])).tolist() == [1] * 30


def test_who_switches_goes_to_another_channel(tmp_path: Path, plugins: Plugins) -> None:
    """From the office to the portal, where the family enrols; the trace knows both channels."""
    behaviour = {"persist": 1.0, "switch": 1.0}
    trace = _run(_stuck(tmp_path, behaviour, channels={"office": STUCK, "portal": SMOOTH}), plugins)
    assert set(_words(trace.families, "first_channel")) == {"office"}
    assert set(_words(trace.families, "last_channel")) == {"portal"}
    assert set(_words(trace.families, "outcome")) == {"enrolled"}
    assert _stations_of(trace, 0)[:2] == ["office.hall", "portal"]


def test_who_cannot_switch_comes_back_to_the_same_channel(tmp_path: Path, plugins: Plugins) -> None:
    """Where there is one channel only, there is no other."""
    trace = _run(_stuck(tmp_path, {"persist": 1.0, "switch": 1.0, "tries": 1}), plugins)
    assert set(_words(trace.families, "last_channel")) == {"office"}
    assert np.bincount(np.asarray(trace.visits["family"])).tolist() == [2] * 30


def test_who_comes_back_after_the_deadline_is_too_late(tmp_path: Path, plugins: Plugins) -> None:
    """Except newborns' families, who may go on trying."""
    behaviour = {"persist": 1.0, "switch": 0.0, "tries": 2, "come_back": {"kind": "fixed", "value": "13 days"}}
    trace = _run(_stuck(tmp_path, behaviour, population={"births_per_thousand": 300.0}), plugins)
    newborn = _is_newborn(trace)
    assert newborn.any()
    outcome = np.array(_words(trace.families, "outcome"))
    assert set(outcome[~newborn]) == {"too late"}
    assert set(outcome[newborn]) == {"gave up"}


@pytest.mark.parametrize(("settings", "share"), [({"persist": 0.3}, 0.3), ({"persist": 1.0, "switch": 0.7}, 0.7)])
def test_shares_of_behaviour_are_met(settings: dict[str, Any], share: float, tmp_path: Path, plugins: Plugins) -> None:
    """Of many families, as many persist or switch as the scenario says."""
    families = 2000
    changes = _stuck(tmp_path, {"switch": 1.0, **settings, "tries": 1}, channels={"office": STUCK, "portal": SMOOTH})
    trace = _run({**changes, "demand": _replay(tmp_path, [MONDAY] * families)}, plugins)
    moved = _words(trace.families, "last_channel").count("portal")
    assert abs(moved - families * share) < 5 * np.sqrt(families * share * (1 - share))


# --- which channel ---


def test_families_are_shared_out_by_the_weights_of_the_choice(plugins: Plugins) -> None:
    """As many prefer each channel as its weights say, and each starts at the one that it prefers."""
    channels = {"a": SMOOTH, "b": SMOOTH, "c": {**SMOOTH, "kind": "portal"}}
    changes = {
        "channels": channels,
        "choice": {"popularity": {"a": 1.0, "b": 3.0, "c": 0.0}},
        "population": {"residents": 9000},
        "review": CERTAIN,
    }
    plan = scenario_plan(small_scenario(changes, plugins))
    prefers = np.array([numbers_of(plan.columns[f"_prefers {name}"]) for name in channels])
    assert (prefers.sum(axis=0) == 1).all()
    count = plan.families
    assert abs(prefers[0].sum() - count / 4) < 5 * np.sqrt(count * 3 / 16)
    assert prefers[2].sum() == 0
    trace = CompiledEngine().run(plan)
    first = np.array(_words(trace.families, "first_channel"))
    wanted = np.array(list(channels))[prefers.argmax(axis=0)][np.asarray(trace.families["family"])]
    assert first.tolist() == wanted.tolist()


NAMES = [
    "later",
    "channel",
    "elsewhere",
    "deadline",
    "gave up",
    "persists",
    "same channel",
    "session",
    "办事大厅",
    "a b",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_channel_may_have_the_name_of_a_step(name: str, tmp_path: Path, plugins: Plugins) -> None:
    """Whatever a channel is called, families who prefer it and families who switch arrive at it."""
    behaviour = {"persist": 1.0, "switch": 1.0}
    trace = _run(_stuck(tmp_path, behaviour, channels={"office": STUCK, name: SMOOTH}), plugins)
    assert set(_words(trace.families, "last_channel")) == {name}
    assert set(_words(trace.families, "outcome")) == {"enrolled"}
    changes = {"demand": _replay(tmp_path, [MONDAY] * 5), "review": CERTAIN, "channels": {name: SMOOTH}}
    assert set(_words(_run(changes, plugins).families, "first_channel")) == {name}


# --- channels of others ---


class Kiosk(Settings):
    """A machine at which a family hands in; it knows no way to correct."""

    kind: Literal["kiosk"]
    gives: str = Field("a part", description="What its build() does, for tests.")

    def build(self, name: str, district: District) -> Part:
        """Give the machine and the way through it, or something that is wrong."""
        if self.gives == "an error":
            raise ValueError("no power")
        if self.gives == "none":
            return None  # type: ignore[return-value]
        steps: list[Step] = [] if self.gives == "no steps" else [Visit(name, 60.0), Go(HAND_IN)]
        return Part([Station(name, servers=20)], steps)


class Postbox(Settings):
    """A box that is emptied at noon, with everything that a part can have."""

    kind: Literal["postbox"]

    def build(self, name: str, district: District) -> Part:
        """Give a batch, a book, a calendar and a column."""
        noons = [day * DAY_S + 43_200.0 for day in range(district.horizon.days)]
        return Part(
            stations=[Station(f"{name}.slot", group="letters"), Station(f"{name}.clerk")],
            steps=[
                Gather(name, name="box"),
                Visit(f"{name}.clerk", f"_{name} time", abandoned=GIVE_UP),
                Go(HAND_IN),
                Delay(1.0, name=CORRECT, unit="working days", calendar=name),
                End("lost"),
            ],
            calendars={name: Calendar.always(district.horizon.days)},
            columns={f"_{name} time": np.full(district.families, 60.0)},
            batches=[Batch(name, releases=noons)],
            books=[AppointmentBook(name, noons)],
        )


def test_a_channel_without_a_way_to_correct_gets_one(tmp_path: Path, plugins: Plugins) -> None:
    """A returned application begins anew a working day later: from Monday to Tuesday, over the weekend to Monday."""
    more = registered_also(plugins, "channels", "kiosk", Kiosk)
    friday = dt.datetime(2025, 12, 12, 9)
    changes = {
        "demand": _replay(tmp_path, [MONDAY, friday]),
        "review": {**CERTAIN, "mismatch": 1.0, "corrections": 1, "notice": "0 s"},
        "channels": {"kiosk": {"kind": "kiosk"}},
    }
    trace = _run(changes, more)
    review = ["review.intake", "review.acceptance", "review.first"]
    returned = "failure.data mismatch"  # the second time it is too much, and a rejection
    kiosk = np.array(_words(trace.visits, "station")) == "kiosk"
    for family, days in enumerate([1, 3]):
        assert _stations_of(trace, family) == ["kiosk", *review, returned, "kiosk", *review]
        mine = np.asarray(trace.visits["family"]) == family
        first_round, second_round = np.asarray(trace.visits["enter"])[mine & kiosk]
        assert second_round // DAY_S - first_round // DAY_S == days
    assert _words(trace.families, "outcome") == ["rejected", "rejected"]


def test_who_begins_anew_after_the_deadline_was_in_time(tmp_path: Path, plugins: Plugins) -> None:
    """Handed in on the last day, returned, handed in again after it: the deadline was met the first time."""
    more = registered_also(plugins, "channels", "kiosk", Kiosk)
    changes = {
        "demand": _replay(tmp_path, [dt.datetime(2025, 12, 19, 9), dt.datetime(2025, 12, 22, 9)]),
        "review": {**CERTAIN, "mismatch": 1.0, "corrections": 1},
        "channels": {"kiosk": {"kind": "kiosk"}},
        "population": {"births_per_thousand": 0.0},
    }
    trace = _run(changes, more)
    assert _words(trace.families, "outcome") == ["rejected", "too late"]
    assert _stations_of(trace, 0).count("review.intake") == 2
    assert np.asarray(trace.visits["enter"])[:-1].max() > 20 * DAY_S


def test_everything_that_a_part_has_becomes_part_of_the_network(plugins: Plugins) -> None:
    """Stations, calendars, columns, batches and books are there; what has no group belongs to the channel."""
    more = registered_also(plugins, "channels", "postbox", Postbox)
    network = assemble(small_scenario({"channels": {"box": {"kind": "postbox"}}}, more), 1)
    groups = {station.name: station.group for station in network.stations}
    assert groups["box.slot"] == "letters"
    assert groups["box.clerk"] == "box"
    assert {batch.name: batch.group for batch in network.batches} == {"box": "box"}
    assert [book.name for book in network.books] == ["box"]
    assert "box" in network.calendars
    assert "_box time" in network.streams[0].columns
    trace = _run({"channels": {"box": {"kind": "postbox"}}, "review": CERTAIN}, more)
    assert "enrolled" in _words(trace.families, "outcome")


@pytest.mark.parametrize(
    ("gives", "said"),
    [
        ("none", r"channel 'kiosk': build\(\) must give a Part, but gave NoneType"),
        ("no steps", r"channel 'kiosk': build\(\) must give a Part with steps"),
        ("an error", r"channel 'kiosk' of kind 'kiosk' \(test_assembly\) failed: ValueError: no power"),
    ],
)
def test_a_channel_that_cannot_be_built_is_named(gives: str, said: str, plugins: Plugins) -> None:
    """Whatever a plugin does wrong, the message says which channel it was, and it is no traceback."""
    more = registered_also(plugins, "channels", "kiosk", Kiosk)
    file = small_scenario({"channels": {"kiosk": {"kind": "kiosk", "gives": gives}}}, more)
    with pytest.raises(PluginError, match=said.replace("test_assembly", Kiosk.__module__.replace(".", r"\."))):
        assemble(file, 1)


class Crowd(Settings):
    """Families of which nothing is known but how many they are."""

    kind: Literal["crowd"]
    families: int = Field(description="How many.")

    def count(self, horizon: Any) -> int:
        """Give the number of families."""
        return self.families

    def columns(self, luck: Luck, count: int, horizon: Any) -> dict[str, Column]:
        """Give nothing."""
        if self.families > 1000:
            raise KeyError("too many")
        return {}


def test_a_population_need_not_know_anything(plugins: Plugins) -> None:
    """Without kinds, children or births the season still runs: nobody is newborn, and all are alike."""
    more = registered_also(plugins, "families", "crowd", Crowd)
    changes = {"population": {"kind": "crowd", "families": 300}}
    plan = scenario_plan(small_scenario(changes, more))
    trace = CompiledEngine().run(plan)
    assert plan.families == 300
    assert np.isfinite(np.asarray(trace.families["deadline_s"])).all()
    assert np.isnan(np.asarray(trace.families["newborn_until_s"])).all()
    assert _words(trace.families, "outcome").count("enrolled") > 200


def test_a_population_that_raises_is_named(plugins: Plugins) -> None:
    """The message tells the kind of the part and what it said."""
    more = registered_also(plugins, "families", "crowd", Crowd)
    with pytest.raises(PluginError, match=r"population of kind 'crowd' .* failed: KeyError: 'too many'"):
        make_district(small_scenario({"population": {"kind": "crowd", "families": 1001}}, more), 1)


def test_a_scenario_of_nobody_is_refused(plugins: Plugins) -> None:
    """Nobody to enrol is a slip, and is said as one."""
    with pytest.raises(InputError, match="has no families: the population or its scale is 0"):
        assemble(small_scenario({"population": {"residents": 0}}, plugins), 1)


def test_the_seed_of_the_file_holds_unless_another_is_given(plugins: Plugins) -> None:
    """A plan is a function of file and seed."""
    file = small_scenario({"seed": 5}, plugins)
    assert scenario_plan(file).luck.seed == 5
    np.testing.assert_array_equal(scenario_plan(file).arrival, scenario_plan(file, 5).arrival)
    assert not np.array_equal(scenario_plan(file).arrival, scenario_plan(file, 6).arrival, equal_nan=True)


# --- channels that are not for everybody ------------------------------------------------------------------------------


class _ForSome(Kiosk):
    """A kiosk that only some families can use."""

    def serves(self, district: District) -> BoolArray:
        return np.asarray(np.arange(district.families) % 2 == 0)


def _first_channels(plugins: Plugins, channels: Mapping[str, Any], online_share: float = 0.5) -> list[Any]:
    """Give the first channels of families with even and with odd numbers."""
    changes = {
        "population": {"residents": 4_000},
        "channels": channels,
        "choice": {"kind": "preference", "online_share": online_share, "skill_effect": 0.0},
    }
    trace = CompiledEngine().run(scenario_plan(small_scenario(changes, plugins)))
    first: Any = trace.families["first_channel"]
    even = np.asarray(trace.families["family"]) % 2 == 0
    return [first.take(even), first.take(~even)]


def test_who_cannot_use_a_channel_takes_another_of_its_sort(plugins: Plugins) -> None:
    """The share that goes online is the same whether or not an offline channel is for a family."""
    more = registered_also(plugins, "channels", "kiosk", _ForSome)
    channels = {
        "some": {"kind": "kiosk"},
        "office": {"kind": "office", "sites": {"hall": {"staff": 20}}},
        "portal": {"kind": "portal", "slots": 50},
    }
    served, others = _first_channels(more, channels)
    assert not others.has("some").any()
    assert 0.2 < served.has("some").mean() < 0.3
    sigma = (0.25 / len(others)) ** 0.5
    assert abs(served.has("portal").mean() - 0.5) < 4 * sigma
    assert abs(others.has("portal").mean() - 0.5) < 4 * sigma


def test_who_can_use_no_channel_of_its_sort_takes_one_of_the_other(plugins: Plugins) -> None:
    """Offline there is only a channel for some: the others all go online."""
    more = registered_also(plugins, "channels", "kiosk", _ForSome)
    channels = {"some": {"kind": "kiosk"}, "portal": {"kind": "portal", "slots": 50}}
    _, others = _first_channels(more, channels, 0.1)
    assert others.has("portal").all()


def test_a_family_for_whom_there_is_no_channel_is_an_error(plugins: Plugins) -> None:
    """It says how many there are, and which channels."""
    more = registered_also(plugins, "channels", "kiosk", _ForSome)
    with pytest.raises(InputError, match=r"\d+ families have no channel: none of some is for them; add one that is"):
        _first_channels(more, {"some": {"kind": "kiosk"}})
