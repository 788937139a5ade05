"""What is measured in a load test, against counts by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.loadtests.load.conftest import DAY_S, coded, job, parts_of

from canbao.calendar import Calendar
from canbao.scenario.scenario import ScenarioFile
from canbao.trace import Trace
from canbao_loadtests.load.measures import traffic
from canbao_loadtests.load.measures.applications import applications, decisions
from canbao_loadtests.load.measures.comparison import compared
from canbao_loadtests.load.measures.period import Period
from canbao_loadtests.load.measures.validity import broke_first, validity

NAN = math.nan
ALWAYS = Calendar.from_intervals([(0.0, 62 * DAY_S)], 62)

Round = tuple[int, float, float]
"""Family, handed in, decided."""


def trace_of(rounds: Sequence[Round], outcomes: Sequence[str], until: float = 2 * DAY_S) -> Trace:
    """Make the trace of families that do nothing but hand in; `outcomes` has one for each family."""
    count = len(outcomes)
    ordered = sorted(rounds)
    enter = np.array([submitted for _, submitted, _ in ordered])
    leave = np.array([decided for _, _, decided in ordered])
    return Trace(
        until=until,
        families={
            "family": np.arange(count),
            "outcome": coded(outcomes),
            "last_channel": coded(["portal"] * count),
            "first_channel": coded(["portal"] * count),
        },
        visits={
            "family": np.array([family for family, _, _ in ordered], dtype=np.int64),
            "station": coded(["review.intake"] * len(ordered), "review.intake"),
            "enter": enter,
            "leave": leave,
        },
        stations={"station": coded(["review.intake", "portal"]), "group": coded(["review", "portal"])},
    )


ROUNDS: list[Round] = [
    (0, 100.0, 200.0),  # issued
    (1, 110.0, 300.0),  # returned, handed in again,
    (1, 400.0, DAY_S + 5.0),  # and issued
    (2, 120.0, NAN),  # in review
    (3, 130.0, 140.0),  # rejected
    (4, 150.0, 160.0),  # returned and withdrawn
    (5, 170.0, 180.0),  # returned, and still with the family
]
OUTCOMES = ["enrolled", "inside", "inside", "rejected", "withdrawn", "inside"]
STANDS = {5: "returned"}


def test_each_round_of_review_went_as_its_family_did() -> None:
    """A round that another one follows was returned; the last one is told by the outcome, or by what the test knows."""
    found = decisions(trace_of(ROUNDS, OUTCOMES), ALWAYS, STANDS)
    assert found.verdict.tolist() == [1, 2, 1, 0, 3, 2, 2]
    assert found.round.tolist() == [0, 0, 1, 0, 0, 0, 0]


def test_applications_are_counted_as_by_hand(file: ScenarioFile) -> None:
    """In all, in the bins of real time, and by date."""
    period = Period.of(job(), 2 * DAY_S)
    found = applications(file, trace_of(ROUNDS, OUTCOMES), period, STANDS)
    counts = {name: found[name] for name in ("submitted", "corrected", "decided", "issued", "returned", "rejected")}
    assert counts == {"submitted": 6, "corrected": 1, "decided": 6, "issued": 2, "returned": 3, "rejected": 1}
    assert found["in_review"] == 1
    # In turn 1 to 4 at once; then 5 for ten seconds after 130, 5 and again 5 with those of 150 and 170.
    assert found["longest_backlog"] == 4
    assert [day["handed_in"] for day in found["days"]] == [7, 0]
    assert [day["decided"] for day in found["days"]] == [5, 1]
    assert [day["backlog"] for day in found["days"]] == [2, 1]
    assert sum(found["bins"]["handed_in"]) == 7
    assert found["bins"]["backlog"][-1] == found["in_review"]


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 50), st.one_of(st.none(), st.integers(0, 50))), max_size=40)
)
def test_the_longest_backlog_is_the_largest_of_all_moments(
    file: ScenarioFile, drawn: list[tuple[int, int, int | None]]
) -> None:
    """It is what counting at every second finds; whoever leaves at a moment makes room for whoever comes at it."""
    rounds = [(family, float(at), NAN if took is None else float(at + took)) for family, at, took in set(drawn)]
    unique = list({(family, at): (family, at, end) for family, at, end in rounds}.values())
    found = applications(file, trace_of(unique, ["inside"] * 21), Period.of(job(), 2 * DAY_S))
    inside = [sum(at <= t and not end <= t for _, at, end in unique) for t in range(102)]
    # Who is decided at the moment of handing in is never seen in review.
    assert found["longest_backlog"] >= max(inside, default=0)
    assert found["longest_backlog"] <= max(inside, default=0) + sum(at == end for _, at, end in unique)
    assert found["submitted"] + found["corrected"] == len(unique)
    assert found["decided"] + found["in_review"] == len(unique)
    assert found["issued"] + found["returned"] + found["rejected"] == found["decided"]


def test_a_working_day_counts_only_when_it_was_seen_as_a_whole(file: ScenarioFile) -> None:
    """Of two days and a half with decisions two count, and their mean is theirs."""
    rounds = [(family, 10.0, 10.0 + 0.3 * DAY_S * family) for family in range(9)]
    period = Period.of(job(), 2.5 * DAY_S)
    found = applications(file, trace_of(rounds, ["enrolled"] * 9, 2.5 * DAY_S), period)
    assert [day["whole"] for day in found["days"]] == [True, True, False]
    assert found["a_working_day"]["count"] == 2
    assert found["a_working_day"]["mean"] == (4 + 3) / 2


@given(st.floats(0.5, 10_000_000.0))
def test_bins_cover_the_whole_period_and_are_few(seconds: float) -> None:
    """There are 120 of them at most, and the last one reaches the end."""
    period = Period.of(job(speed=1.0), seconds)
    assert 1 <= period.bins <= 120
    assert period.moments()[-1] >= seconds - 1e-6
    assert period.moments()[-2] < seconds


# --- requests and journeys --------------------------------------------------------------------------------------------

REQUESTS = [
    ("enrol", 1_000.0, 1_000.1, 200, ""),
    ("enrol", 1_001.0, 1_001.3, 201, ""),
    ("enrol", 1_002.0, 1_007.0, 0, "timeout"),
    ("pay", 1_010.0, 1_010.2, 402, ""),
    ("pay", 1_011.0, 1_011.2, 429, ""),
    ("pay", 1_012.0, 1_012.2, 503, ""),
    ("?progress", 1_020.0, 1_020.05, 200, ""),
]


def test_requests_are_counted_as_by_hand() -> None:
    """Looks apart; failed are those without an answer and from 500 on; 429 has a count of its own."""
    found = traffic.requests(parts_of(REQUESTS))
    mine = {name: found["all"][name] for name in ("count", "failed", "throttled", "sent_bytes", "received_bytes")}
    assert mine == {"count": 6, "failed": 2, "throttled": 1, "sent_bytes": 600, "received_bytes": 1_200}
    assert found["looks"]["count"] == 1
    took = [
        ended - began for name, began, ended, status, _ in REQUESTS if not name.startswith("?") and 0 < status < 500
    ]
    assert found["all"]["in_time_share"] == pytest.approx(sum(seconds <= traffic.IN_TIME_S for seconds in took) / 6)
    by_operation = {(one["operation"], one["looks"]): one for one in traffic.operations(parts_of(REQUESTS))}
    assert set(by_operation) == {("enrol", False), ("pay", False), ("progress", True)}
    assert by_operation["enrol", False]["failed"] == 1
    assert by_operation["enrol", False]["max_s"] == pytest.approx(0.3)


def test_errors_are_told_by_operation_and_kind() -> None:
    """Also those that are a deployment's way to say no, which do not count as failed."""
    found = {(one["operation"], one["kind"], one["failed"]): one["count"] for one in traffic.errors(parts_of(REQUESTS))}
    assert found == {
        ("enrol", "timeout", True): 1,
        ("pay", "status 402", False): 1,
        ("pay", "status 429", False): 1,
        ("pay", "status 503", True): 1,
    }


def test_response_time_counts_from_the_moment_at_which_a_family_was_to_come() -> None:
    """A family that waits two seconds for its turn has two seconds more of response time than of service time."""
    parts = parts_of(journeys=[(0, 1_000.0, 1_000.0, 1_001.0), (1, 1_000.0, 1_002.0, 1_003.0), (2, 1_001.0, NAN, NAN)])
    found = traffic.journeys(parts, trace_of([], ["enrolled"] * 3))
    assert found["service"]["max_s"] == pytest.approx(1.0)
    assert found["response"]["max_s"] == pytest.approx(3.0)
    assert found["response"]["count"] == found["service"]["count"] == 2
    assert found["by"]["first_channel"]["portal"]["response"] == found["response"]


@given(st.lists(st.floats(0.001, 100.0), min_size=1, max_size=60))
def test_percentiles_are_those_of_the_sorted_times(seconds: list[float]) -> None:
    """Each is the time at its rank, or at the rank below where that is no whole number, to three digits."""
    found = traffic.times(np.array(seconds))
    ordered = sorted(seconds)
    for share in (50, 90, 95, 99):
        rank = share / 100 * len(ordered)
        low, high = (ordered[max(round_(rank) - 1, 0)] for round_ in (math.floor, math.ceil))
        assert low * 0.998 <= found[f"p{share}_s"] <= high * 1.002
    assert found["count"] == len(seconds)


def test_arrivals_that_were_meant_and_that_came_are_counted_apart() -> None:
    """By bin of real time, and in all."""
    parts = parts_of(journeys=[(0, 1_000.5, 1_000.5, 1_001.0), (1, 1_001.5, 1_003.5, 1_004.0), (2, 1_099.0, NAN, NAN)])
    found = traffic.arrivals(parts, Period.of(job(), DAY_S), 4)
    assert (found["intended"], found["started"], found["not_injected"], found["unrecorded"]) == (4, 2, 1, 1)
    assert found["bins"]["width_s"] == 1.0
    assert found["bins"]["intended"][:4] == [1, 1, 0, 0]
    assert found["bins"]["started"][:4] == [1, 0, 0, 1]
    assert sum(found["bins"]["intended"]) == 3


def test_times_over_time_leave_out_failures_and_looks() -> None:
    """A bin without a good answer has no percentile."""
    found = traffic.over_time(parts_of(REQUESTS), Period.of(job(), DAY_S))
    assert found["requests"][0:8] == [1, 1, 0, 0, 0, 0, 0, 1]
    assert found["failed"][7] == 1
    assert found["p95_s"][7] is None
    assert found["p95_s"][1] == pytest.approx(0.3, rel=2e-3)
    assert sum(found["requests"]) == 6


# --- validity, and what gave way --------------------------------------------------------------------------------------

GOOD = {"dispatch": {"p99_s": 0.01}, "intended": 100, "started": 100, "dropped": 0, "not_injected": 0}
FINISHED = ({"reason": "finished"},)


@pytest.mark.parametrize(
    ("changed", "ends", "kinds"),
    [
        ({}, FINISHED, []),
        ({"dispatch": {"p99_s": 0.06}}, FINISHED, ["late"]),
        ({"dispatch": {"p99_s": None}}, FINISHED, []),
        ({"dropped": 1}, FINISHED, []),
        ({"dropped": 2}, FINISHED, ["lost"]),
        ({"not_injected": 50}, ({"reason": "interrupted"},), []),
        ({"not_injected": 50}, ({"reason": "error budget"},), ["errors"]),
        ({"started": 0}, FINISHED, ["nobody"]),
        ({}, ({"reason": "finished", "part": 0}, {"reason": "error", "said": "no disk", "part": 1}), ["broken"]),
        ({}, ({"reason": "error budget", "part": 0}, {"reason": "finished", "part": 0}), []),
    ],
)
def test_a_run_is_invalid_for_a_reason(changed: dict[str, Any], ends: Any, kinds: list[str]) -> None:
    """A late generator, lost families, a spent budget and a failure are reasons; one lost of a hundred is none."""
    found = validity(job(), {**GOOD, **changed}, ends)
    assert [reason["kind"] for reason in found["reasons"]] == kinds
    assert found["valid"] is (not kinds)


def over_time(**changed: list[Any]) -> dict[str, Any]:
    """Give three quiet bins of ten seconds, with changes."""
    return {"width_s": 10.0, "requests": [100] * 3, "failed": [0] * 3, "p95_s": [0.1] * 3, **changed}


def days(*backlogs: int) -> dict[str, Any]:
    """Give working days that decide 50 each, with these backlogs at their ends."""
    return {
        "days": [
            {"working": True, "backlog": backlog, "decided": 50, "ends_s": 15.0 * (n + 1), "date": f"2025-12-0{n + 1}"}
            for n, backlog in enumerate(backlogs)
        ]
    }


@pytest.mark.parametrize(
    ("series", "applied", "kind"),
    [
        (over_time(), days(0, 50), None),
        (over_time(failed=[0, 0, 5]), days(0, 0), "failing"),
        (over_time(failed=[0, 0, 4]), days(0, 0), None),
        (over_time(p95_s=[None, 4.0, 0.1]), days(0, 0), "slow"),
        (over_time(), days(0, 51), "behind"),
        (over_time(failed=[0, 0, 100]), days(60, 0), "behind"),
        (over_time(failed=[0, 100, 100], p95_s=[0.1, 0.1, 9.0]), days(0, 51), "failing"),
        (over_time(requests=[19] * 3, failed=[19] * 3), days(0, 0), None),
    ],
)
def test_what_gave_way_first_is_the_first_in_time(
    series: dict[str, Any], applied: dict[str, Any], kind: str | None
) -> None:
    """Failures, slow pages and a review that falls behind; a bin with few requests says nothing."""
    found = broke_first(series, applied, [{"operation": "pay", "kind": "status 500", "failed": True}])
    assert (found and found["kind"]) == kind


def counted(days: float = 1.0, **changed: Any) -> dict[str, Any]:
    """Give a summary as far as it is compared."""
    names = ("submitted", "decided", "issued", "rejected", "in_review", "longest_backlog")
    numbers = {**dict.fromkeys(names, 1_000), "a_working_day": {"mean": 100.0, "count": 9}, **changed}
    return {"load": {"applications": numbers}, "review": {"working_days": {"mean": days, "count": 800}}}


@given(st.integers(0, 3_000))
def test_a_prediction_holds_within_a_tenth_or_chance(number: int) -> None:
    """Of 1,000 that were predicted 100 more or less is near enough; of few, what chance explains."""
    rows = {row["measure"]: row for row in compared(counted(submitted=number), counted())}
    assert rows["submitted"]["held"] is (abs(number - 1_000) <= max(100, 3 * math.sqrt(max(number, 1_000))))
    assert all(row["held"] for name, row in rows.items() if name != "submitted")


@pytest.mark.parametrize(
    ("changed", "measure", "held"),
    [
        ({"a_working_day": {"mean": 110.0, "count": 9}}, "a_working_day", True),
        ({"a_working_day": {"mean": 111.0, "count": 9}}, "a_working_day", False),
        ({"a_working_day": {"mean": 111.0, "count": 5}}, "a_working_day", True),  # 3 √(111 / 5) = 14
        ({"days": 1.14}, "working_days", True),  # 3 √(1.14 · 2.14 / 800) = 0.17
        ({"days": 1.2}, "working_days", False),
    ],
)
def test_means_hold_within_a_tenth_or_their_chance(changed: dict[str, Any], measure: str, held: bool) -> None:
    """The fewer days or applications they rest on, the more is allowed."""
    rows = {row["measure"]: row for row in compared(counted(**changed), counted())}
    assert rows[measure]["held"] is held


def test_what_is_not_known_is_not_judged() -> None:
    """Without a whole working day there is no throughput to compare."""
    rows = {row["measure"]: row for row in compared(counted(a_working_day={"mean": None, "count": 0}), counted())}
    assert rows["a_working_day"]["held"] is None
