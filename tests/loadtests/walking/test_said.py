"""The built-in plugins say what a family asks a deployment for, step by step; the engines do not heed it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import canbao
from canbao.assembly import scenario_plan
from canbao.engines.simpy_engine import SimpyEngine
from canbao.plan import CheckStep, MarkStep, Plan, VisitStep
from canbao.planning import make_plan
from canbao.scenario.scenario import ScenarioFile
from canbao.trace import same_tables
from canbao_loadtests.flow import FLOW


def _said(plan: Plan) -> dict[str, tuple[str, ...]]:
    """Give the calls of each step that has any."""
    named = zip(plan.step_names, plan.steps, strict=True)
    return {name: calls for name, step in named if (calls := getattr(step, "calls", ()))}


def test_a_portal_says_what_each_page_asks_for(online: Plan) -> None:
    """Registering, logging in, form, papers, progress and correction; paying and handing in besides."""
    said = {name: calls for name, calls in _said(online).items() if not name.startswith("app/")}
    assert said == {
        "portal/register": ("register",),
        "portal/log in": ("log_in",),
        "portal/form": ("enrol",),
        "portal/papers": ("upload_paper",),
        "portal/result: progress": ("progress",),
        "portal/correct: progress": ("progress",),
        "portal/correction": ("correct", "upload_paper"),
        **{f"payment/{way}: debit": ("choose_payment", "pay") for way in _ways(online)},
        "review/resubmitted": ("submit",),
    }


def _ways(plan: Plan) -> list[str]:
    return [name.split("/")[1].split(":")[0] for name in plan.step_names if name.endswith(": debit")]


@pytest.mark.parametrize(
    ("pages", "said"),
    [
        (["enter"], {"enter": ("log_in", "enrol", "upload_paper")}),
        (["enter", "all"], {"enter": ("log_in",), "all": ("enrol", "upload_paper")}),
        (
            ["enter", "form", "more", "papers"],
            {"enter": ("log_in",), "form": ("enrol",), "papers": ("upload_paper",)},
        ),
    ],
)
def test_however_many_pages_there_are_each_call_is_said_once(
    load: Callable[..., ScenarioFile], pages: list[str], said: dict[str, tuple[str, ...]]
) -> None:
    """A session of one page does all on it; of several, the form is the second and the papers are the last."""
    settings = ("population.scale=0.001", f"channels.portal.pages={pages!r}".replace("'", '"'))
    plan = scenario_plan(load("online-first", *settings))
    found = {name: calls for name, calls in _said(plan).items() if name.removeprefix("portal/") in pages}
    assert found == {f"portal/{name}": calls for name, calls in said.items()}


def test_cards_and_bills_are_asked_for_where_they_are_marked(load: Callable[..., ScenarioFile]) -> None:
    """To order, collect and activate a card are events, and the deployment is asked when they happen."""
    said = _said(scenario_plan(load("card-rush", "population.scale=0.001")))
    calls = {call for one in said.values() for call in one}
    assert {"order_card", "collect_card", "activate_card", "credential"} <= calls


def test_every_call_is_a_step_of_the_flow(load: Callable[..., ScenarioFile]) -> None:
    """No built-in plugin asks for something that no target can have."""
    for scenario in ("online-first", "card-rush", "newborns", "portal-outage"):
        for name, calls in _said(scenario_plan(load(scenario, "population.scale=0.001"))).items():
            assert set(calls) <= set(FLOW), name


def test_engines_do_not_heed_calls(online: Plan) -> None:
    """The trace of a simulation is the same with and without what its steps say."""
    steps: Any = [replace(step, calls=()) if hasattr(step, "calls") else step for step in online.steps]
    with_calls, without = SimpyEngine().run(online), SimpyEngine().run(replace(online, steps=tuple(steps)))
    for name in ("families", "visits", "stations"):
        assert same_tables(getattr(with_calls, name), getattr(without, name)) == ""


def test_a_network_carries_calls_into_its_plan() -> None:
    """Visits, checks and marks of one's own keep what they say, in order; without a word they say nothing."""
    way = canbao.Journey(
        "way",
        [
            canbao.Visit("desk", 1.0, calls=("b", "a")),
            canbao.Check(1.0, calls=("c",), failed="way"),
            canbao.Mark("event", calls=("d",)),
            canbao.Visit("desk", 1.0),
        ],
    )
    network = canbao.Network([canbao.Station("desk")], [way], [canbao.Stream("way", canbao.At([1.0]))])
    visit, check, mark, other, *_ = make_plan(network, until=10.0, seed=1).steps
    assert isinstance(visit, VisitStep)
    assert isinstance(check, CheckStep)
    assert isinstance(mark, MarkStep)
    assert isinstance(other, VisitStep)
    assert (visit.calls, check.calls, mark.calls, other.calls) == (("b", "a"), ("c",), ("d",), ())
