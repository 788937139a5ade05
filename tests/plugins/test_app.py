"""The app: the portal's sessions with slots, pages, notices and outages of its own."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from canbao.assembly import scenario_plan
from canbao.columns import Coded, numbers_of
from canbao.engines.compiled_engine import CompiledEngine
from canbao.errors import ScenarioError
from canbao.plugins import Plugins, load_plugins
from canbao.testing import check_channel, small_scenario
from canbao.trace import Trace
from canbao_plugins.portal import App

MONDAY = dt.datetime(2025, 12, 8, 10)
CALM: dict[str, Any] = dict.fromkeys(("wanders_off", "new_accounts", "locked_out", "incomplete"), 0.0)
REVIEW = {
    **dict.fromkeys(("incomplete", "mismatch", "refused", "duplicate", "drop_out"), 0.0),
    **{desk: {"staff": 500} for desk in ("acceptance", "first", "second")},
}
OUTAGE = {"start": MONDAY, "lasts": "85 min"}


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """Find the plugins once."""
    return load_plugins()


def _fixed(value: str) -> dict[str, str]:
    return {"kind": "fixed", "value": value}


def _run(folder: Path, plugins: Plugins, app: dict[str, Any], portal: dict[str, Any]) -> Trace:
    """Let 400 families come within 200 seconds, half of them to the app and half to the portal."""
    path = folder / "arrivals.csv"
    moments = (MONDAY + dt.timedelta(seconds=0.5 * number) for number in range(400))
    path.write_text("arrival\n" + "".join(f"{moment}\n" for moment in moments), encoding="utf-8")
    changes = {
        "demand": {"kind": "replay", "file": str(path)},
        "channels": {"app": {"kind": "app", **CALM, **app}, "portal": {"kind": "portal", **CALM, **portal}},
        "review": REVIEW,
    }
    return CompiledEngine().run(scenario_plan(small_scenario(changes, plugins)))


def _visits(trace: Trace, station: str) -> dict[str, Any]:
    words = {name: np.array(column.words()) for name, column in trace.visits.items() if isinstance(column, Coded)}
    mine = words["station"] == station
    return {name: words.get(name, numbers_of(column))[mine] for name, column in trace.visits.items()}


def test_it_is_a_channel_as_the_kit_wants_it(plugins: Plugins) -> None:
    """Two apps side by side, with all that can go wrong."""
    settings = {"slots": 2, "backlog": 1, "maintenance": ["02:00-04:00"], "outages": [OUTAGE], "incomplete": 0.3}
    assert len(np.asarray(check_channel(App, settings, plugins=plugins).families["family"])) > 100


def test_an_app_has_fewer_pages_and_pushes_its_notices(plugins: Plugins, tmp_path: Path) -> None:
    """Two requests and a push where the portal needs three requests and a message; then both print the credential."""
    trace = _run(tmp_path, plugins, {"slots": 50, "notices": {"push": 1.0}}, {"slots": 50, "notices": {"SMS": 1.0}})
    first: Any = trace.families["first_channel"]
    for channel, pages in (("app", 2), ("portal", 3)):
        families = int(first.has(channel).sum())
        assert families > 150
        assert len(_visits(trace, channel)["family"]) == (pages + 1) * families
    assert len(_visits(trace, "notice.app.push")["family"]) == first.has("app").sum()
    assert len(_visits(trace, "notice.portal.SMS")["family"]) == first.has("portal").sum()


@pytest.mark.parametrize(("full", "free"), [("app", "portal"), ("portal", "app")])
def test_app_and_portal_have_capacities_of_their_own(full: str, free: str, plugins: Plugins, tmp_path: Path) -> None:
    """One of them may show nothing but error pages while the other serves every request at once."""
    small, large = {"slots": 1, "request": _fixed("5 s")}, {"slots": 200, "request": _fixed("5 s")}
    settings = {full: small, free: large}
    trace = _run(tmp_path, plugins, settings["app"], settings["portal"])
    ended = {name: Counter(_visits(trace, name)["ended"].tolist()) for name in (full, free)}
    assert ended[full]["full"] > 100
    assert set(ended[free]) == {"served"}
    visits = _visits(trace, free)
    np.testing.assert_array_equal(visits["enter"], visits["start"])


@pytest.mark.parametrize(("down", "up"), [("app", "portal"), ("portal", "app")])
def test_an_outage_of_one_leaves_the_other_up(down: str, up: str, plugins: Plugins, tmp_path: Path) -> None:
    """Its sister stays up: whoever does not wait finishes there."""
    settings = {down: {"slots": 50, "outages": [OUTAGE], "divert": 1.0}, up: {"slots": 50}}
    trace = _run(tmp_path, plugins, settings["app"], settings["portal"])
    first, last = (trace.families[f"{which}_channel"] for which in ("first", "last"))
    assert isinstance(first, Coded)
    assert isinstance(last, Coded)
    assert first.has(down).sum() > 150
    assert last.has(up).all()
    assert set(_visits(trace, down)["ended"].tolist()) == {"closed"}
    assert set(_visits(trace, up)["ended"].tolist()) == {"served"}


def test_pages_and_notices_of_an_app_are_checked_as_those_of_a_portal(plugins: Plugins) -> None:
    """Other defaults, the same rules."""
    table = {"kind": "app", "slots": 1, "pages": ["log in", "credential"], "notices": {"": 0.5}}
    with pytest.raises(ScenarioError) as refused:
        small_scenario({"channels": {"app": table}}, plugins)
    assert {fault.key for fault in refused.value.faults} == {"channels.app.pages.1", 'channels.app.notices.""'}
