"""The summary of whole runs: everything counted once, ready for JSON, also where hardly anybody came."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from pydantic import Field

from canbao.assembly import scenario_plan
from canbao.columns import Coded, Column
from canbao.district import CORRECT, GIVE_UP, HAND_IN, RESUBMIT, District, Part
from canbao.engines.compiled_engine import CompiledEngine
from canbao.luck import Luck
from canbao.measures.records import RECORDS
from canbao.measures.summary import summarise
from canbao.network import Delay, Go, Station, Visit
from canbao.plugins import Plugins, load_plugins
from canbao.scenario.models import Settings
from canbao.schedule import Schedule
from canbao.testing import small_scenario
from canbao.testing.district import registered_also
from canbao.trace import Trace

Summary = dict[str, Any]


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """Find the plugins once."""
    return load_plugins()


def _summary(changes: Mapping[str, Any], plugins: Plugins) -> tuple[Summary, Trace]:
    file = small_scenario(changes, plugins)
    plan = scenario_plan(file)
    trace = CompiledEngine().run(plan)
    return summarise(file, plan, trace), trace


# A hall too small for its families, so that there is something to say of waits.
BUSY: dict[str, Any] = {
    "title": "A busy season",
    "question": "Does it hold?",
    "population": {"residents": 3000, "births_per_thousand": 60.0},
    "choice": {"online_share": 0.3},
    "channels": {
        "office": {
            "kind": "office",
            "service": {"kind": "lognormal", "mean": "25 min", "cv": 0.6},
            "sites": {"east": {"staff": 2}, "west": {"staff": 2, "catchment": 2.0}},
        },
        "portal": {"kind": "portal", "slots": 4, "backlog": 20},
    },
    "objectives": {
        "deadline": {"kind": "deadline", "at_least": 0.5},
        "wait": {"kind": "wait", "channel": "office", "at_most": "30 min"},
        "review": {"kind": "review", "within": 3, "at_least": 0.9, "channels": ["portal"]},
    },
}


@pytest.fixture(scope="module")
def busy(plugins: Plugins) -> tuple[Summary, Trace]:
    """Give the summary of the busy season, and its trace."""
    return _summary(BUSY, plugins)


def test_a_summary_is_plain_data_without_nan(busy: tuple[Summary, Trace]) -> None:
    """What JSON gives back is what went in."""
    summary = busy[0]
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_a_summary_says_of_what_it_is(busy: tuple[Summary, Trace]) -> None:
    """Scenario, dates, seed and calendar."""
    summary = busy[0]
    assert summary["scenario"] == {"name": "small", "title": "A busy season", "question": "Does it hold?"}
    assert summary["horizon"] == {"start": "2025-12-01", "end": "2026-01-31", "days": 62}
    assert summary["seed"] == 1
    assert summary["calendar"]["deadline"] == "2025-12-20"
    assert summary["calendar"]["working"][:8] == [1, 1, 1, 1, 1, 0, 0, 1]
    assert len(summary["calendar"]["working"]) == 62
    assert [one["name"] for one in summary["objectives"]] == ["deadline", "wait", "review"]


def test_families_and_visits_are_counted_once(busy: tuple[Summary, Trace]) -> None:
    """Each account adds up to all families, or to all visits, whatever it tells apart."""
    summary, trace = busy
    families, visits = len(np.asarray(trace.families["family"])), len(np.asarray(trace.visits["family"]))
    assert summary["families"]["arrived"] == families
    assert summary["families"]["finished"] + summary["families"]["inside"] == families
    assert sum(summary["families"]["outcomes"].values()) == families
    station: Any = trace.visits["station"]
    # Visits of no length that stand in no queue.
    records = sum(name.partition(".")[0] in RECORDS for name in station.words())
    assert records > sum(one["times"] for one in summary["failures"].values()) > 0
    queues = visits - records
    for groups in (summary["abandonment"]["channels"], summary["abandonment"]["stations"]):
        assert sum(sum(one["endings"].values()) for one in groups.values()) == queues
    assert sum(sum(one["arrivals"]) for one in summary["hours"].values()) == queues
    assert (
        sum(one["starts"] for one in summary["stations"])
        == np.isfinite(np.asarray(trace.visits["start"])).sum() - records
    )
    channels = summary["review"]["channels"]
    assert sum(one["rounds"] for one in channels.values()) == summary["review"]["rounds"]
    deadline, newborn = summary["deadline"], summary["newborns"]
    assert deadline["families"] + deadline["undecided"] + newborn["families"] == families


def test_the_two_accounts_of_utilisation_agree(busy: tuple[Summary, Trace]) -> None:
    """From the server process and from visits; a station without a limit of servers has neither."""
    stations = {one["name"]: one for one in busy[0]["stations"]}
    for station in stations.values():
        if station["utilisation"] is not None:
            assert station["utilisation_from_visits"] == pytest.approx(station["utilisation"], abs=1e-9)
            assert 0 < station["utilisation"] <= 1
    assert stations["review.intake"]["utilisation"] is stations["review.intake"]["staffed_hours"] is None
    assert stations["office.east"]["group"] == "office"


def test_waits_by_channel_are_those_of_its_stations(busy: tuple[Summary, Trace]) -> None:
    """The channel's count is the sum of its stations'; its longest wait is the longest of them."""
    waits = busy[0]["waits"]
    halls = [waits["stations"][name] for name in ("office.east", "office.west")]
    assert waits["channels"]["office"]["count"] == sum(one["count"] for one in halls)
    assert waits["channels"]["office"]["max"] == max(one["max"] for one in halls)


def test_waits_by_kind_add_up_to_the_waits_of_the_channels(busy: tuple[Summary, Trace]) -> None:
    """Every family counts once, and all their waits together are those of the visits outside the review."""
    summary, trace = busy
    kinds, channels = summary["waits"]["families"]["kind"].values(), summary["waits"]["channels"]
    assert sum(one["count"] for one in kinds) == len(trace.families["family"])
    waited = sum(one["count"] * one["mean"] for name, one in channels.items() if name != "review")
    assert sum(one["count"] * one["mean"] for one in kinds) == pytest.approx(waited)


def test_the_bottleneck_is_where_most_hours_are_waited(busy: tuple[Summary, Trace]) -> None:
    """The station with the most hours of waiting while staffed, its worst day, and on it the worst hour."""
    summary = busy[0]
    bottleneck, stations = summary["bottleneck"], {one["name"]: one for one in summary["stations"]}
    worst = max(stations.values(), key=lambda one: one["wait_hours"])
    assert bottleneck["station"] == worst["name"]
    total = sum(one["wait_hours"] for one in stations.values())
    assert bottleneck["share_of_waiting"] == pytest.approx(worst["wait_hours"] / total)
    hours = summary["hours"][worst["name"]]
    waited = np.array([w if s else 0 for w, s in zip(hours["waiting"], hours["staff"], strict=True)]).reshape(-1, 24)
    day = (dt.date.fromisoformat(bottleneck["date"]) - dt.date(2025, 12, 1)).days
    assert waited[day].sum() == pytest.approx(waited.sum(axis=1).max(), abs=0.2)
    assert waited[day, bottleneck["hour"]] == pytest.approx(waited[day].max(), abs=0.01)
    assert bottleneck["arrivals_that_day"] == sum(hours["arrivals"][day * 24 : day * 24 + 24])


def test_laws_hold_and_estimates_are_listed(busy: tuple[Summary, Trace]) -> None:
    """The panel of trust has the laws that were checked and the inputs that are guesses."""
    trust = busy[0]["trust"]
    assert trust["laws"]
    assert all(law["holds"] for law in trust["laws"])
    assert "channels.office.patience" in trust["estimates"]
    assert trust["warnings"] == []


# --- seasons to which hardly anybody comes ---


def _replay(folder: Path, *moments: str) -> dict[str, Any]:
    path = folder / "arrivals.csv"
    path.write_text("arrival\n" + "".join(f"{moment}\n" for moment in moments), encoding="utf-8")
    return {"demand": {"kind": "replay", "file": str(path)}}


def test_a_season_of_one_family_is_told(tmp_path: Path, plugins: Plugins) -> None:
    """Most samples are empty, and all is still plain data."""
    summary, _ = _summary({**BUSY, **_replay(tmp_path, "2025-12-08 09:00:00")}, plugins)
    assert summary["families"]["arrived"] == 1
    assert summary["bottleneck"] is None or summary["bottleneck"]["share_of_waiting"] > 0
    json.dumps(summary, allow_nan=False)


def test_a_season_to_which_nobody_comes_is_told_with_a_warning(tmp_path: Path, plugins: Plugins) -> None:
    """All families lie outside the horizon: nothing is held or missed, and the summary says why."""
    summary, _ = _summary({**BUSY, **_replay(tmp_path, "2030-01-01 09:00:00", "2020-01-01 09:00:00")}, plugins)
    assert summary["families"]["arrived"] == 0
    assert [one["held"] for one in summary["objectives"]] == [None, None, None]
    assert summary["bottleneck"] is summary["deadline"] is summary["newborns"] is None
    assert summary["trust"]["warnings"] == ["none of 2 families comes between the start and the end of the horizon"]
    json.dumps(summary, allow_nan=False)


class Crowd(Settings):
    """Families of which nothing is known."""

    kind: Literal["crowd"]

    def count(self, horizon: Any) -> int:
        """Give the number of families."""
        return 200

    def columns(self, luck: Luck, count: int, horizon: Any) -> dict[str, Column]:
        """Give nothing."""
        return {}


@pytest.mark.parametrize("newborn_first", [False, True])
def test_a_population_without_newborns_and_children_is_told(newborn_first: bool, plugins: Plugins) -> None:
    """There are no newborns to speak of, and families are told apart by channel only."""
    more = registered_also(plugins, "families", "crowd", Crowd)
    changes = {
        "population": {"kind": "crowd"},
        "channels": {**BUSY["channels"]},
        "review": {"newborn_first": newborn_first},
    }
    changes["channels"]["office"] = {**BUSY["channels"]["office"], "newborn_first": newborn_first}
    summary, trace = _summary(changes, more)
    assert summary["newborns"] is None
    assert list(summary["families"]["outcomes_by"]) == ["channel"]
    assert summary["families"]["enrolled"] > 100
    assert list(trace.families)[10:] == ["enrolled", "deadline_s", "newborn_until_s"]
    json.dumps(summary, allow_nan=False)


class Party(Settings):
    """A hall that serves everybody at once on Saturday afternoons, and nobody at any other time."""

    kind: Literal["party"]
    hours: float = Field(2.0, description="How long each takes.")

    def build(self, name: str, district: District) -> Part:
        """Give a station with no limit of servers now and then."""
        days = np.flatnonzero(district.saturdays) * 86_400.0 + 14 * 3600.0
        times = np.sort(np.concatenate([[0.0], days, days + 4 * 3600.0]))
        servers = Schedule(times, np.concatenate([[0.0], np.tile([math.inf, 0.0], len(days))]))
        return Part(
            stations=[Station(name, servers=servers)],
            steps=[
                Visit(name, self.hours * 3600.0, abandoned=GIVE_UP),
                Go(HAND_IN),
                Delay(1.0, name=CORRECT),
                Go(RESUBMIT),
            ],
            queue=name,
        )


def test_a_bottleneck_without_a_limit_of_servers_is_plain_data(plugins: Plugins) -> None:
    """There is no number of staff to tell, and infinity is no JSON."""
    more = registered_also(plugins, "channels", "party", Party)
    summary, _ = _summary({"channels": {"hall": {"kind": "party"}}}, more)
    assert summary["bottleneck"]["station"] == "hall"
    assert summary["bottleneck"]["staff"] is None
    assert summary["hours"]["hall"]["staff"] is None
    json.dumps(summary, allow_nan=False)


# --- warnings ---


def test_what_makes_the_answer_doubtful_is_said(plugins: Plugins) -> None:
    """Families inside, applications in review, and a population that is not the stated one."""
    desks = {"acceptance": {"staff": 1, "hours": ["09:00-09:10"]}}
    summary, trace = _summary({"population": {"scale": 2.0}, "review": desks}, plugins)
    outcome = trace.families["outcome"]
    assert isinstance(outcome, Coded)
    inside, families = int(outcome.has("inside").sum()), len(outcome)
    assert inside > 0
    said = summary["trust"]["warnings"]
    assert [warning.partition(" ")[0] for warning in said] == [
        str(inside),
        str(summary["review"]["open"]),
        "population.scale",
    ]
    assert f"of {families} families are still inside" in said[0]
    assert "still in review" in said[1]
    assert "population.scale is 2" in said[2]


def test_endings_and_reviews_by_kind_add_up_to_all(busy: tuple[Summary, Trace]) -> None:
    """Each visit and each decided round belongs to one kind of family."""
    summary, trace = busy
    for by_kind in summary["abandonment"]["families"].values():
        assert sum(sum(one["endings"].values()) for one in by_kind.values()) == len(trace.visits["family"])
    decided = summary["review"]["working_days"]["count"]
    for by_kind in summary["review"]["families"].values():
        assert sum(one["count"] for one in by_kind.values()) == decided
