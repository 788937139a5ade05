"""What a report says of a load test."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

import pytest
from tests.loadtests.load.conftest import job, parts_of

from canbao.engines.simpy_engine import SimpyEngine
from canbao.languages import ENGLISH, language_named
from canbao.measures.summary import summarise
from canbao.plan import Plan
from canbao.report import answer, charts, render
from canbao.scenario.scenario import ScenarioFile
from canbao_loadtests.flow import FLOW
from canbao_loadtests.job import Job
from canbao_loadtests.load.choosing import Chosen, choose
from canbao_loadtests.load.measures.summarising import Measured, summarise_load, summarise_prediction
from canbao_loadtests.load.prediction import predicted_plan

DAY_S = 86_400.0
LEDGER = {
    "submitted": 3,
    "issued": 1,
    "rejected": 0,
    "in_review": 1,
    "returned": 0,
    "lost": {"<b>": 1},
    "balanced": True,
}
REQUESTS = [
    *(("enrol", 1_000.0 + n, 1_000.1 + n, 200, "") for n in range(60)),
    ("pay", 1_030.0, 1_030.1, 503, ""),
    ("pay", 1_031.0, 1_041.0, 0, "timeout"),
    ("?progress", 1_040.0, 1_040.1, 200, ""),
]


@pytest.fixture(scope="module")
def job_of_test(file: ScenarioFile, plan: Plan) -> tuple[Job, Chosen]:
    """Give a job of the busiest days, and who comes."""
    chosen = choose(file, plan)
    until_s = chosen.end_s + 3 * DAY_S
    return job(
        start_s=chosen.start_s, end_s=chosen.end_s, until_s=until_s, speed=chosen.speed, channels=("portal",)
    ), chosen


@pytest.fixture(scope="module")
def summary(file: ScenarioFile, plan: Plan, job_of_test: tuple[Job, Chosen]) -> dict[str, Any]:
    """Give the summary of a load test in which the families did what was predicted."""
    mine, chosen = job_of_test
    theirs = predicted_plan(plan, chosen, frozenset(FLOW), mine.until_s)
    trace = SimpyEngine().run(theirs)
    predicted = summarise_prediction(file, theirs, mine, trace)
    journeys = [(int(family), 1_000.0 + n, 1_000.1 + n, 1_002.0 + n) for n, family in enumerate(chosen.families)]
    journeys[0] = (journeys[0][0], 1_000.0, 1_000.1, math.nan)
    parts = parts_of(REQUESTS, journeys, [0.002] * 50)
    measured = Measured(trace, parts, LEDGER, {}, len(journeys))
    return summarise_load(file, theirs, mine, measured, predicted)


def changed(summary: Mapping[str, Any], **load: Any) -> dict[str, Any]:
    """Give a summary with other values in its part `load`."""
    return {**summary, "load": {**summary["load"], **load}}


class _Texts(HTMLParser):
    """Collects what a reader sees."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.feed(page)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.mark.parametrize("code", ["en", "zh"])
def test_the_page_holds_the_load_test(summary: dict[str, Any], code: str) -> None:
    """In each language it has the section with all charts, and what a deployment calls things is escaped."""
    page = render(summary, {}, language_named(code))
    assert '<section id="test">' in page
    assert "<b>" not in "".join(part for part in page.split("<h2") if "withdrawn" in part)
    names = [chart.name for chart in charts(summary, language=language_named(code)) if chart.topic == "test"]
    wanted = ["arrivals", "times", "operations", "errors", "backlog", "days"]
    assert names == [f"load-{name}" for name in wanted]


def test_a_simulation_has_no_such_section(file: ScenarioFile, plan: Plan) -> None:
    """Its report says nothing of a load."""
    page = render(summarise(file, plan, SimpyEngine().run(plan), laws=False), {}, ENGLISH)
    assert '<section id="test">' not in page
    assert "load" not in " ".join(_Texts(page).texts)


def test_a_prediction_s_report_is_that_of_a_simulation(
    file: ScenarioFile, plan: Plan, job_of_test: tuple[Job, Chosen]
) -> None:
    """What only a load test measures is not in it, though its summary has the applications."""
    mine, chosen = job_of_test
    theirs = predicted_plan(plan, chosen, frozenset(FLOW), mine.until_s)
    found = summarise_prediction(file, theirs, mine, SimpyEngine().run(theirs))
    assert '<section id="test">' not in render(found, {}, ENGLISH)


def test_the_answer_begins_with_what_the_review_cleared(summary: dict[str, Any]) -> None:
    """Then what gave way, whether the prediction held, and how long pages took; every sentence is one."""
    said = answer(summary)
    assert list(said.sentences)[:5] == ["cleared", "broke", "held", "pages", "load"]
    mean = summary["load"]["applications"]["a_working_day"]["mean"]
    assert f"{mean:.1f}".removesuffix(".0") in said.sentences["cleared"]
    assert "The prediction held" in said.sentences["held"]
    assert "Of 62 requests 2 failed" in said.sentences["pages"]
    assert all(sentence.endswith(".") for sentence in said.sentences.values())
    assert said.doubt is None


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ({"kind": "late", "p99_s": 0.12, "budget_s": 0.05}, "late by 0.1 s (99th percentile), and 50 ms are allowed"),
        ({"kind": "errors", "budget": 0.5}, "more than 50 % of the requests failed"),
        ({"kind": "lost", "families": 7, "of": 100}, "7 of 100 families were not sent"),
        ({"kind": "nobody"}, "no family was sent"),
        ({"kind": "broken", "said": "no disk"}, "the load generator failed: no disk"),
    ],
)
def test_a_run_that_says_nothing_says_so_first(summary: dict[str, Any], reason: dict[str, Any], words: str) -> None:
    """The reason stands above all else, in the page's head."""
    bad = changed(summary, validity={"valid": False, "reasons": [reason], "stopped": None})
    doubt = answer(bad).doubt
    assert doubt is not None
    assert doubt.startswith("This run says nothing about the deployment")
    assert words in doubt
    page = render(bad, {}, ENGLISH)
    assert page.index('class="doubt"') < page.index('class="objectives"')


@pytest.mark.parametrize(
    ("first", "words"),
    [
        (None, "Nothing gave way"),
        (
            {"kind": "failing", "at_s": 61.0, "share": 0.2, "operation": "pay", "error": "status 503"},
            "pay with status 503",
        ),
        ({"kind": "slow", "at_s": 5.0, "p95_s": 4.0}, "1 of 20 took longer than 4 s"),
        ({"kind": "behind", "at_s": 5.0, "date": "2025-12-31", "backlog": 900}, "900 applications left"),
    ],
)
def test_what_gave_way_is_told(summary: dict[str, Any], first: dict[str, Any] | None, words: str) -> None:
    """Requests, pages or the review."""
    assert words in answer(changed(summary, broke_first=first)).sentences["broke"]


def test_a_prediction_that_did_not_hold_is_told_with_both_numbers(summary: dict[str, Any]) -> None:
    """And with what to do about it."""
    rows = [{"measure": "decided", "measured": 10, "predicted": 90, "held": False}, *summary["load"]["comparison"]]
    said = answer(changed(summary, comparison=rows)).sentences["held"]
    assert "decisions 10, predicted 90" in said
    assert "`canbao calibrate`" in said


def test_a_load_test_in_which_nothing_was_answered_has_a_report_too(
    file: ScenarioFile, plan: Plan, job_of_test: tuple[Job, Chosen]
) -> None:
    """No request, no journey, no application: the page is written, and says that nobody came."""
    mine, chosen = job_of_test
    theirs = predicted_plan(plan, chosen, frozenset(FLOW), mine.start_s + 1.0)
    trace = SimpyEngine().run(theirs)
    nothing = {**LEDGER, "submitted": 0, "issued": 0, "in_review": 0, "lost": {}}
    found = summarise_load(file, theirs, mine, Measured(trace, parts_of(), nothing, {}, 40), None)
    page = render(found, {}, ENGLISH)
    assert "no family was sent" in page
