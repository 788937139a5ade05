"""The scenarios that come with canbao, at a tenth of their size: each runs, keeps all laws and shows what it is for."""

from __future__ import annotations

import datetime as dt
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from canbao.assembly import scenario_plan
from canbao.engines.compiled_engine import CompiledEngine
from canbao.measures.summary import summarise
from canbao.plugins import load_plugins
from canbao.scenario.scenario import load_scenario

ROOT = Path(__file__).parents[2]
SCENARIOS = sorted((ROOT / "scenarios").glob("*.toml"))
FAILURES = (ROOT / "docs" / "flow.md").read_text(encoding="utf-8").partition("## Failures")[2].partition("\n## ")[0]
SHOWN = re.findall(r"^\| ([a-z ]+) \| `[^`]+` \| `([a-z-]+)` \|", FAILURES, flags=re.MULTILINE)

# What each scenario is about, as a place in the summary where something must have happened.
ABOUT: dict[str, tuple[str, ...]] = {
    "card-rush": ("card.agency", "card.bank", "settlement.hospital"),
    "city-season": ("office.centre", "portal", "review.second"),
    "deadline-rush": ("office.centre", "portal", "review.second"),
    "make-up-saturday": ("office.centre",),
    "newborns": ("hospital.maternity", "hospital.county"),
    "offline-only": ("bank.market", "community.garden", "payment.counter.savings", "payment.alipay"),
    "online-first": ("app", "portal", "hotline"),
    "portal-outage": ("app", "portal"),
    "portal-overload": ("portal",),
    "school-start": ("school.primary", "school.kindergartens"),
    "two-districts": ("hill-office.hill", "hill-office.valley"),
}


@cache
def _summary(name: str) -> dict[str, Any]:
    file = load_scenario(ROOT / "scenarios" / f"{name}.toml", load_plugins(), ["population.scale=0.1"])
    plan = scenario_plan(file)
    return summarise(file, plan, CompiledEngine().run(plan))


def test_each_scenario_is_tried_here() -> None:
    """A new file needs an entry above."""
    assert [path.stem for path in SCENARIOS] == sorted(ABOUT)


@pytest.mark.parametrize("name", ABOUT)
def test_a_scenario_runs_keeps_all_laws_and_shows_what_it_is_for(name: str) -> None:
    """No law is broken, families are enrolled and served where the scenario wants to look; its failures happen."""
    summary = _summary(name)
    assert [law for law in summary["trust"]["laws"] if not law["holds"]] == []
    assert summary["families"]["enrolled"] > 0.8 * summary["families"]["arrived"]
    starts = {station["name"]: station["starts"] for station in summary["stations"]}
    assert {place: starts[place] > 0 for place in ABOUT[name]} == dict.fromkeys(ABOUT[name], True)
    for failure in (failure for failure, scenario in SHOWN if scenario == name):
        assert summary["failures"][failure]["times"] > 0, failure


def test_a_refund_is_shown() -> None:
    """Where families pay first, somebody is rejected and gets the fee back."""
    fees = _summary("offline-only")["money"]["fees"]
    assert 0.0 < fees["refunded_yuan"] < fees["paid_yuan"]


def test_on_the_make_up_saturday_the_halls_serve_and_on_a_plain_sunday_they_do_not() -> None:
    """28 February 2026 is a Saturday on which offices work; 22 February is a Sunday of the Spring Festival."""
    summary = _summary("make-up-saturday")
    served = summary["hours"]["office.centre"]["busy"]
    start = dt.date(2025, 11, 30)
    by_day = [sum(served[24 * day : 24 * day + 24]) for day in range(len(served) // 24)]
    saturday, sunday = ((dt.date(2026, 2, day) - start).days for day in (28, 22))
    assert by_day[saturday] > 0.0 == by_day[sunday]
    assert summary["calendar"]["deadline"] == "2026-02-28"


def test_in_the_outage_families_go_to_the_halls_and_the_portal_serves_nobody() -> None:
    """In the hour that lies wholly in the outage no request is worked on, and more come to the halls than usual."""
    hit, calm = _summary("portal-outage"), _summary("deadline-rush")
    hour = 24 * (31 - 15) + 9  # 09:00 on 31 December of a horizon that begins on the 15th
    assert hit["hours"]["portal"]["busy"][hour] == 0.0 < calm["hours"]["portal"]["busy"][hour]


def test_without_a_portal_families_spend_more_hours_and_trips() -> None:
    """The same families, all of them on their way."""
    offline, city = _summary("offline-only")["spent"], _summary("city-season")["spent"]
    assert offline["trips"]["all"]["mean"] > 2 * city["trips"]["all"]["mean"]
    assert offline["hours"]["total"] > city["hours"]["total"]
