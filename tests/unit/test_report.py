"""The report: sentences, charts and the page agree with the summary, whatever is in it or missing from it."""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canbao.assembly import scenario_plan
from canbao.engines import engine_named
from canbao.languages import ENGLISH
from canbao.measures.summary import summarise
from canbao.report import Chart, answer, charts, render
from canbao.report.charts import NARROW, WIDE
from canbao.report.charts.axes import row_bar, shortened
from canbao.report.charts.plot import Box, Dot, Line, Mark, Text
from canbao.report.charts.queues import waiting_classes
from canbao.report.charts.stations import most_telling, stations_of
from canbao.report.page import TOPICS
from canbao.report.palette import COLOURS
from canbao.report.words import number, percent, points
from canbao.testing import small_scenario

M = TypeVar("M", bound=Mark)

DAYS = 10
"""Friday 26 December 2025 to Sunday 4 January 2026; offices are closed on 27 and 28 December and 1 to 3 January."""
WORKING = [1, 0, 0, 1, 1, 1, 0, 0, 0, 1]


# ---------------------------------------------------------------------------------------------------------------------
# Summaries
# ---------------------------------------------------------------------------------------------------------------------


def _sample(count: int = 10, mean: float | None = 60.0) -> dict[str, Any]:
    keys = ("mean", "median", "p90", "p95", "max")
    factors = (1.0, 0.5, 2.0, 3.0, 5.0)
    values = {key: None if mean is None else mean * factor for key, factor in zip(keys, factors, strict=True)}
    return {"count": count, **values}


def _staffed(servers: int, first: int = 8, after: int = 17) -> list[float]:
    return [servers if WORKING[hour // 24] and first <= hour % 24 < after else 0 for hour in range(24 * DAYS)]


def _station(name: str, group: str, *, servers: int, wait_hours: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give a station and its hours: 4 come and 1 waits in each staffed hour, 12 minutes each."""
    staff = _staffed(servers)
    open_hours = sum(map(bool, staff))
    hours = {
        "group": group,
        "arrivals": [4 if number else 0 for number in staff],
        "waiting": [wait_hours / open_hours if number else 0 for number in staff],
        "busy": [0.8 if number else 0 for number in staff],
        "staff": staff,
    }
    station = {
        "name": name,
        "group": group,
        "starts": 4 * open_hours,
        "staffed_hours": float(sum(staff)),
        "busy_hours": 0.8 * open_hours,
        "utilisation": 0.8 / servers,
        "utilisation_from_visits": 0.8 / servers,
        "longest_queue": wait_hours / open_hours,
        "longest_queue_at": "2025-12-26 08:00:00",
        "wait_hours": wait_hours,
    }
    return station, hours


def _stations() -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    made = [
        _station("office.hall", "office", servers=2, wait_hours=90.0),
        _station("review.acceptance", "review", servers=1, wait_hours=450.0),
        _station("review.first", "review", servers=3, wait_hours=180.0),
    ]
    stations, hours = [station for station, _ in made], {station["name"]: series for station, series in made}
    free = {"staffed_hours": None, "utilisation": None, "utilisation_from_visits": None, "wait_hours": 0.0}
    stations.append({**stations[0], **free, "name": "portal", "group": "portal", "longest_queue": 0.0})
    hours["portal"] = {**hours["office.hall"], "group": "portal", "waiting": [0] * (24 * DAYS), "staff": None}
    return stations, hours


def _objective(kind: str, value: float | None, held: bool | None, **wanted: Any) -> dict[str, Any]:
    unit = "s" if kind == "wait" else "share"
    name = f"{kind}-{len(wanted)}"
    return {"name": name, "title": name, "kind": kind, "wanted": wanted, "value": value, "unit": unit, "held": held}


def _review(rounds: int = 200) -> dict[str, Any]:
    within = {str(days): min(1.0, 0.5 + 0.05 * days) for days in range(1, 21)}
    times = {"rounds": rounds, "open": 20, "working_days": _sample(180, 2.0), "distribution": [40, 100, 40]}
    flow = {
        "handed_in": [20] * DAYS,
        "decided": [20 if day else 0 for day in WORKING],
        "backlog": [0, 20, 40, 40, 40, 40, 60, 80, 100, 100],
        "throughput_a_working_day": _sample(5, 20.0),
    }
    channels = {"office": {**times, "within": within}, "portal": {**times, "within": within}}
    return {**times, "within": within, "channels": channels, "flow": flow}


def _failure(families: int, median: float | None) -> dict[str, Any]:
    delay = None if median is None else {**_sample(families), "median": median}
    return {"times": families + 2, "families": families, "share": families / 1000, "delay_s": delay, "by": {}}


def _means(enrolled: float, online: float, hours: float) -> dict[str, float | None]:
    means = {"enrolled_share": enrolled, "online_share": online, "hours": hours, "trips": 1.25, "days_to_hand_in": 0.5}
    return {**means, "missed_deadline_share": None}


def _gap(lowest: str, highest: str, gap: float) -> dict[str, Any]:
    return {"lowest": lowest, "highest": highest, "gap": gap}


def _equity() -> dict[str, Any]:
    """Give two ways to tell families apart: the skill, by which they differ more, and the kind."""
    skill = {"low": _means(0.7, 0.2, 2.5), "high": _means(0.9, 0.8, 0.5)}
    kind = {"pupil": _means(0.8, 0.5, 1.5), "newborn": _means(0.75, 0.55, 1.0)}
    return {
        "skill": {
            "families": {"low": 400, "high": 600},
            "means": skill,
            "gaps": {
                "enrolled_share": _gap("low", "high", 0.2),
                "online_share": _gap("low", "high", 0.6),
                "hours": _gap("high", "low", 2.0),
            },
        },
        "kind": {
            "families": {"pupil": 971, "newborn": 29},
            "means": kind,
            "gaps": {"enrolled_share": None, "online_share": None, "hours": None},
        },
    }


def _money() -> dict[str, Any]:
    staff = {
        "office": {"hours": 100.0, "yuan": 6000.0, "enrolments": 500, "yuan_per_enrolment": 12.0},
        "review": {"hours": 150.0, "yuan": 9000.0, "enrolments": 800, "yuan_per_enrolment": 11.25},
    }
    families = {"pupil": {"families": 1000, "hours": 200.0, "trips": 1200, "yuan": 5000.0}}
    costs = {"staff": staff, "families": families, "total_yuan": 20_000.0, "yuan_per_enrolment": 25.0}
    fees = {"paid_yuan": 400_000.0, "refunded_yuan": 4_000.0, "subsidies_yuan": 560_000.0}
    return {"fees": fees, "costs": costs}


def make_summary(**changes: Any) -> dict[str, Any]:
    """Give the summary of a short season, with some of its parts changed."""
    stations, hours = _stations()
    outcomes = {"enrolled": 800, "too late": 120, "gave up": 50, "inside": 30}
    by_channel = {"office": {"enrolled": 500, "too late": 100}, "portal": {"enrolled": 300, "too late": 20}}
    summary = {
        "format": 1,
        "scenario": {"name": "short", "title": "A short season", "question": "Does it hold?"},
        "horizon": {"start": "2025-12-26", "end": "2026-01-04", "days": DAYS},
        "seed": 7,
        "objectives": [
            _objective("review", 0.913, False, within=3, at_least=0.95, channels=["portal"]),
            _objective("deadline", 0.99, True, at_least=0.98),
        ],
        "bottleneck": {
            "station": "review.acceptance",
            "group": "review",
            "share_of_waiting": 0.625,
            "date": "2025-12-31",
            "hour": 16,
            "waiting": 5200.0,
            "staff": 0.5,
            "arrivals_that_day": 36,
        },
        "families": {
            "arrived": 1000,
            "finished": 970,
            "inside": 30,
            "enrolled": 800,
            "outcomes": outcomes,
            "outcomes_by": {"channel": by_channel, "kind": {"pupil": outcomes}},
            "changed_channel": 3,
            "time_in_system_s": {"all": _sample(970, 86_400.0), "channel": {"office": _sample(600, 86_400.0)}},
        },
        "deadline": {
            "families": 900,
            "in_time": 730,
            "missed": 170,
            "in_time_share": 730 / 900,
            "enrolled_by_deadline": 700,
            "missed_by_outcome": {"too late": 120, "gave up": 49, "inside": 1},
            "missed_by": {"channel": {"office": {"missed": 120, "of": 600}, "portal": {"missed": 50, "of": 300}}},
        },
        "newborns": {
            "families": 40,
            "from_birth": 30,
            "later": 6,
            "in_process": 3,
            "not_enrolled": 1,
            "from_birth_share": 30 / 37,
        },
        "spent": {
            "hours": {"all": _sample(1000, 0.5), "total": 500.0, "channel": {"office": _sample(600, 0.7)}},
            "trips": {"all": _sample(1000, 1.2), "channel": {"office": _sample(600, 2.0)}},
        },
        "money": _money(),
        "failures": {
            "incomplete papers": _failure(80, 86_400.0),
            "duplicate": _failure(10, None),
            "portal full": {**_failure(0, None), "times": 0},
        },
        "equity": _equity(),
        "waits": {
            "stations": {"office.hall": _sample(180, 600.0), "review.acceptance": _sample(180, 9e4)},
            "channels": {"office": _sample(180, 600.0), "review": _sample(360, 9e4), "portal": _sample(400, 0.0)},
            "families": {"first_channel": {"office": _sample(180, 600.0)}, "kind": {"pupil": _sample(500, 30.0)}},
        },
        "abandonment": {
            "channels": {"office": {"endings": {"served": 170, "abandoned": 10}, "lost_share": 10 / 180}},
            "stations": {"office.hall": {"endings": {"served": 170, "abandoned": 10}, "lost_share": 10 / 180}},
        },
        "review": _review(),
        "stations": stations,
        "hours": hours,
        "calendar": {"working": WORKING, "deadline": "2025-12-31"},
        "trust": {
            "laws": [{"name": "arrived = finished + inside", "holds": True, "detail": "1,000 = 970 + 30"}],
            "replications": 1,
            "estimates": ["choice.online_share", "review.precheck"],
            "graded": {"population.residents": "D", "choice.online_share": "E"},
            "warnings": ["30 of 1000 families are still inside"],
        },
    }
    return {**copy.deepcopy(summary), **changes}


def by_name(summary: Mapping[str, Any], name: str) -> Chart:
    """Give the chart of a name."""
    return {chart.name: chart for chart in charts(summary)}[name]


def marks_of(chart: Chart, kind: type[M]) -> list[M]:
    """Give the marks of one kind that a chart draws."""
    return [mark for mark in chart.plot.marks if isinstance(mark, kind)]


def rows_of(chart: Chart) -> list[str]:
    """Name the rows of a chart, from the top."""
    return [tick.label[0] for tick in chart.plot.y.ticks]


# ---------------------------------------------------------------------------------------------------------------------
# Sentences
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("held", "headline"),
    [
        ([], "The scenario states no objective: there is nothing to hold or to miss."),
        ([True], "The season holds: its one objective is held."),
        ([False], "The season does not hold: its one objective is missed."),
        ([True, True], "The season holds: all 2 objectives are held."),
        ([True, False, True], "The season does not hold: 1 of 3 objectives is missed."),
        ([False, False, True, False, True], "The season does not hold: 3 of 5 objectives are missed."),
        ([None, None], "No answer: none of the 2 objectives could be judged."),
        (
            [True, None],
            "The season holds as far as it can be judged: 1 of 2 objectives is held. 1 found nothing to judge.",
        ),
        ([False, None], "The season does not hold: 1 of 2 objectives is missed. 1 found nothing to judge."),
    ],
)
def test_headline_counts_held_missed_and_unjudged_objectives(held: list[bool | None], headline: str) -> None:
    """The first words say whether the season holds, and by how many objectives."""
    objectives = [_objective("deadline", None if h is None else 0.9, h, at_least=0.5) for h in held]
    said = answer(make_summary(objectives=objectives))
    judged = [h for h in held if h is not None]
    assert said.headline == headline
    assert said.held == (all(judged) if judged else None)


@pytest.mark.parametrize(
    ("objective", "sentence"),
    [
        (
            _objective("review", 0.913, False, within=3, at_least=0.95, channels=["portal"]),
            "91.3 % of applications through the portal were decided within 3 working days; "
            "95 % wanted: missed, by 3.7 points.",
        ),
        (
            _objective("review", 1.0, True, within=1, at_least=1.0, channels=[]),
            "100 % of applications were decided within 1 working day; 100 % wanted: held.",
        ),
        (
            _objective("deadline", 0.99, True, at_least=0.98),
            "99.0 % of families handed in by the deadline, 31 December 2025; 98 % wanted: held, with 1 point to spare.",
        ),
        (
            _objective("wait", 2075.0, False, channel="office", share=0.9, at_most=1800.0),
            "90 % of visits to the office waited 34 min 35 s or less; at most 30 min wanted: missed, by 4 min 35 s.",
        ),
        (
            _objective("wait", 0.0, True, channel="office", share=0.9, at_most=1800.0),
            "90 % of visits to the office did not wait at all; at most 30 min wanted: held, with 30 min to spare.",
        ),
        (
            _objective("abandonment", 0.129, False, channel="office", at_most=0.05),
            "12.9 % of visits to the office ended without service, because patience or room ran out; "
            "at most 5 % wanted: missed, by 7.9 points.",
        ),
        (
            _objective("newborn", 0.9064, True, at_least=0.9),
            "90.6 % of newborns with a decision are insured from birth; 90 % wanted: held, with 0.6 points to spare.",
        ),
        (
            _objective("another", 0.2, True, at_most=0.25),
            "Another-1: 20.0 %; at most 25 % wanted: held, with 5 points to spare.",
        ),
    ],
)
def test_objective_says_what_was_found_what_was_wanted_and_the_margin(objective: dict[str, Any], sentence: str) -> None:
    """Each kind of objective has its own words, and one of a plugin's is still told."""
    (verdict,) = answer(make_summary(objectives=[objective])).objectives
    assert verdict.sentence == sentence
    assert verdict.mark == ("held" if objective["held"] else "missed")


@pytest.mark.parametrize(
    "objective",
    [
        _objective("review", None, None, within=3, at_least=0.95, channels=["bank"]),
        _objective("deadline", None, None, at_least=0.95),
        _objective("wait", None, None, channel="bank", share=0.9, at_most=1800.0),
        _objective("abandonment", None, None, channel="bank", at_most=0.05),
        _objective("newborn", None, None, at_least=0.9),
        _objective("another", None, None, at_most=0.05),
    ],
)
def test_objective_without_a_value_is_not_judged_and_claims_nothing(objective: dict[str, Any]) -> None:
    """Where nothing was there to judge, the sentence has only what was wanted."""
    (verdict,) = answer(make_summary(objectives=[objective])).objectives
    assert verdict.mark == "not judged"
    assert verdict.sentence.endswith("wanted: there was nothing to judge.")
    assert "None" not in verdict.sentence


# A share is a count of families by another: one in a thousand million is the least that can be missing.
@given(st.just(1.0) | st.floats(0, 1 - 1e-9), st.floats(0, 1))
def test_shares_that_differ_are_never_written_alike(share: float, limit: float) -> None:
    """94.96 % against 95 % is not written as 95.0 %, and 100 % is written of all and of nothing less."""
    text = percent(share, ENGLISH, limit)
    assert (float(text.removesuffix(" %")) == 100) == (share == 1.0)
    if abs(share - limit) > 1e-6:
        assert round(float(text.removesuffix(" %")) - 100 * limit, 5) != 0
        assert float(points(share - limit, ENGLISH).split()[0]) > 0


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (9.0, "9"), (3.42, "3.4"), (9.97, "10"), (35236.04, "35,236"), (1e6, "1,000,000")]
)
def test_numbers_have_separators_and_no_needless_decimals(value: float, text: str) -> None:
    """A planner reads 35,236 and 3.4."""
    assert number(value) == text


def test_bottleneck_names_place_time_queue_and_the_staff_of_that_day() -> None:
    """The staff is the most on duty on that day, because the mean of its last hour may be half a clerk."""
    said = answer(make_summary()).sentences["bottleneck"]
    assert said == (
        "Most waiting is at review.acceptance: on 31 December 2025 between 16:00 and 17:00, 5,200 applications waited, "
        "with at most 1 clerk on duty that day. It has 62.5 % of all hours of waiting while staff is on duty."
    )


def test_families_wait_where_no_application_does() -> None:
    """At a station of a channel families wait for servers; applications wait in the review alone."""
    worst = {**make_summary()["bottleneck"], "station": "office.hall", "group": "office"}
    said = answer(make_summary(bottleneck=worst)).sentences["bottleneck"]
    assert "5,200 families waited, with at most 2 servers on duty" in said


def test_place_without_a_limit_of_staff_is_named_without_one() -> None:
    """Where families wait and nobody serves, as in a batch, no number of servers is made up."""
    summary = make_summary()
    summary["bottleneck"] |= {"staff": None}
    summary["hours"]["review.acceptance"]["staff"] = None
    said = answer(summary).sentences["bottleneck"]
    assert "5,200 applications waited. It has" in said


def test_deadlines_that_are_yet_to_come_are_told_apart() -> None:
    """Families whose deadline lies beyond the horizon have neither met nor missed it."""
    deadline = {**make_summary()["deadline"], "undecided": 12}
    said = answer(make_summary(deadline=deadline)).sentences["deadline"]
    assert said.startswith("170 of 900 families (18.9 %) missed the deadline of 31 December 2025: 120 too late, ")
    assert said.endswith(" The deadline of 12 families still inside is yet to come.")


def test_no_waiting_is_said_to_be_none() -> None:
    """A run without a bottleneck says so."""
    assert answer(make_summary(bottleneck=None)).sentences["bottleneck"] == (
        "Nobody waited at a staffed station: there is no bottleneck."
    )


@given(arrived=st.integers(1, 10**6), shares=st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)))
def test_sentences_about_families_carry_the_counts_of_the_summary(
    arrived: int, shares: tuple[float, float, float]
) -> None:
    """Enrolled, inside and late families are counted as the summary counts them, every outcome with its number."""
    enrolled, inside, missed = (int(share * arrived) for share in shares)
    summary = make_summary()
    summary["families"] |= {"arrived": arrived, "enrolled": enrolled, "inside": inside}
    summary["deadline"] |= {
        "families": arrived,
        "missed": missed,
        "missed_by_outcome": {"too late": missed - missed // 3, "gave up": missed // 3},
    }
    said = answer(summary)
    assert said.sentences["enrolled"].startswith(f"{enrolled:,} of {arrived:,} famil")
    assert said.sentences["inside"].startswith(f"{inside:,} famil" if inside else "Nobody is still inside")
    assert said.sentences["deadline"].startswith(
        f"{missed:,} of {arrived:,} famil" if missed else f"All {arrived:,} famil"
    )
    late = [
        int(found.replace(",", ""))
        for found in re.findall(r"([\d,]+) (?:too late|gave up)", said.sentences["deadline"])
    ]
    assert sum(late) == missed


def test_newborns_hours_and_trips_are_told() -> None:
    """What became of newborns, and what enrolling cost families, stands among the sentences."""
    said = answer(make_summary())
    assert said.sentences["newborns"] == (
        "Of 40 newborns, 30 are insured from birth, 6 enrolled too late for that, 1 not enrolled "
        "and 3 still in process at the end."
    )
    assert said.sentences["spent"] == (
        "Enrolling took families 500 hours in all, at stations, on the way and in front of pages: 30 min on average, "
        "more than 1 h 30 min for one in twenty. They made 1,200 trips, 1.20 each on average."
    )


def test_failures_money_and_kinds_of_families_are_told() -> None:
    """The most frequent failure, fees and costs, and the widest gap in enrolment stand among the sentences."""
    said = answer(make_summary()).sentences
    assert said["failures"] == (
        "What goes wrong most often: incomplete papers, for 80 families (8.0 %); "
        "half of them go on after 1 day or less."
    )
    assert said["equity"] == "Enrolment differs most by skill: 70.0 % of low, 90.0 % of high."
    assert said["money"] == (
        "Families paid 400,000 yuan in fees, of which 4,000 yuan went back; the state adds 560,000 yuan. "
        "Staff and families' time cost 20,000 yuan, 25.00 yuan for each enrolment."
    )


def test_season_without_fees_and_failures_says_what_there_is() -> None:
    """Where a policy knows no fees, the costs are told; where no failure can happen, none is."""
    without_fees = {**_money(), "fees": None}
    said = answer(make_summary(money=without_fees, failures={})).sentences
    assert said["money"] == "Staff and families' time cost 20,000 yuan, 25.00 yuan for each enrolment."
    assert "failures" not in said
    never = {"portal full": {**_failure(0, None), "times": 0}}
    assert answer(make_summary(failures=never)).sentences["failures"] == "No family met a failure."


def test_broken_law_raises_doubt() -> None:
    """The answer of a run that broke a law begins with a warning; a run that broke none has none."""
    laws = [{"name": name, "holds": name != "b", "detail": ""} for name in "abc"]
    trust = {**make_summary()["trust"], "laws": laws}
    said = answer(make_summary(trust=trust))
    assert said.doubt == "Do not rely on this run: 1 of 3 laws that hold on every run is broken."
    assert said.trust.startswith("2 of 3 laws hold; one run with one seed, so no interval; 2 inputs are estimates")
    assert answer(make_summary()).doubt is None


# ---------------------------------------------------------------------------------------------------------------------
# Charts
# ---------------------------------------------------------------------------------------------------------------------


def test_charts_are_plain_data_with_tables_of_full_rows() -> None:
    """Each chart has a name of its own, a title, a caption, a plot in known colours and a table with full rows."""
    found = charts(make_summary())
    assert len({chart.name for chart in found}) == len(found)
    for chart in found:
        assert chart.title
        assert chart.caption.endswith(".")
        assert chart.plot.marks
        assert {mark.colour for mark in chart.plot.marks} <= set(COLOURS)
        assert {len(row) for row in chart.table.rows} == {len(chart.table.header)}
        assert {key.colour for key in chart.keys} <= set(COLOURS)


def test_narrow_charts_show_the_same_as_wide_ones() -> None:
    """Width changes the drawing, not the titles and not the tables."""
    wide, narrow = charts(make_summary()), charts(make_summary(), NARROW)
    assert [(chart.name, chart.title, chart.table) for chart in wide] == [
        (chart.name, chart.title, chart.table) for chart in narrow
    ]
    assert {chart.plot.size[0] for chart in wide} == {WIDE}
    assert {chart.plot.size[0] for chart in narrow} == {NARROW}


def test_wide_charts_tell_their_numbers_and_narrow_ones_have_no_pointer_to_tell_them_to() -> None:
    """The texts behind bars and cells are not even made for a telephone."""
    wide, narrow = (
        [mark.said for chart in charts(make_summary(), width) for mark in marks_of(chart, Box) if mark.said]
        for width in (WIDE, NARROW)
    )
    assert len(wide) > 2 * len(narrow)


def test_arrivals_stand_against_hours_of_staff_by_mean_service_time() -> None:
    """On a day with 18 hours of two servers, 90 visits of 12 minutes can be served; 36 came."""
    chart = by_name(make_summary(), "arrivals-office.hall")
    open_day, closed_day = chart.table.rows[0], chart.table.rows[1]
    assert open_day == ("2025-12-26", 36, 90, 18)
    assert closed_day == ("2025-12-27", 0, 0, 0)
    assert chart.title == "office.hall: on no open day did more visits come than could be served"


def test_days_with_more_arrivals_than_capacity_are_counted() -> None:
    """The title says on how many of the open days more came than could be served."""
    summary = make_summary()
    summary["hours"]["office.hall"]["arrivals"][10] += 55
    chart = by_name(summary, "arrivals-office.hall")
    assert chart.title == "office.hall: on 1 of 5 open days more visits came than could be served"


def test_closed_days_are_shaded_and_the_deadline_is_marked_at_its_end() -> None:
    """Shading covers exactly the days without staff, and the mark stands at the midnight that ends 31 December."""
    chart = by_name(make_summary(), "review-flow")
    bands = [mark.x for mark in marks_of(chart, Box) if mark.colour == "closed"]
    assert {day for first, after in bands for day in range(int(first), int(after))} == {
        day for day in range(DAYS) if not WORKING[day]
    }
    (mark,) = marks_of(chart, Text)
    assert (mark.x, mark.text) == (6, "deadline 31 Dec")
    assert [line.points[0][0] for line in marks_of(chart, Line) if line.dashed] == [6]


def test_days_are_marked_by_their_dates() -> None:
    """A short season has its days on the axis, one for each day's beginning."""
    ticks = by_name(make_summary(), "review-flow").plot.x.ticks
    assert ticks[0] == (0, ("26 Dec",))
    assert ticks[-1] == (9, ("4 Jan",))


@settings(max_examples=25)
@given(st.lists(st.sampled_from([0, 0, 0.5, 1, 3, 7, 20, 65, 150]), min_size=24 * DAYS, max_size=24 * DAYS))
def test_heat_map_covers_each_staffed_hour_once_in_its_class(waiting: list[float]) -> None:
    """Joined cells lose no hour of an open day, and the class of a cell is that of every hour in it."""
    summary = make_summary()
    summary["hours"]["office.hall"]["waiting"] = waiting
    summary["stations"][0]["longest_queue"] = max(1, *waiting)
    chart = by_name(summary, "queue-office.hall")
    bounds = waiting_classes(max(waiting))
    seen: Counter[int] = Counter()
    for cell in marks_of(chart, Box):
        if cell.colour != "closed":
            hours = [24 * int(cell.x[0]) + hour for hour in range(int(cell.y[0]), int(cell.y[1]))]
            seen.update(hours)
            level = [key.colour for key in chart.keys].index(cell.colour)
            assert {sum(waiting[hour] >= bound for bound in bounds) for hour in hours} == {level}
    assert seen == {24 * day + hour: 1 for day in range(DAYS) if WORKING[day] for hour in range(8, 17)}


@given(st.floats(0, 1e6))
def test_classes_of_queues_rise_and_reach_below_the_longest(most: float) -> None:
    """There are at most five above nobody, in rising order, and the last is not empty."""
    bounds = waiting_classes(most)
    assert 1 <= len(bounds) <= 5
    assert all(low < high for low, high in pairwise(bounds))
    assert len(bounds) == 1 or bounds[-1] < most


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 100)), max_size=8), st.integers(1, 5))
def test_no_group_is_hidden_by_a_second_station_of_another(places: list[tuple[str, float]], most: int) -> None:
    """The worst station of each group is shown before the second worst of any."""
    made = [
        _station(f"{group}.{index}", group, servers=1, wait_hours=wait) for index, (group, wait) in enumerate(places)
    ]
    summary = {"stations": [one for one, _ in made], "hours": {one["name"]: series for one, series in made}}
    chosen = most_telling(stations_of(summary), most)
    waiting = {group for group, wait in places if wait > 0}
    assert len({station.group for station in chosen}) == min(most, len(waiting))
    assert [station.wait_hours for station in chosen] == sorted((s.wait_hours for s in chosen), reverse=True)


def test_utilisation_of_a_week_is_busy_by_staffed_hours() -> None:
    """The first week of the test's season is from a Friday, the second from a Monday; without staff it is blank."""
    summary = make_summary()
    for hour in range(24 * 3, 24 * DAYS):
        summary["hours"]["review.first"]["staff"][hour] = 0
    chart = by_name(summary, "utilisation")
    assert chart.table.header == ("week from", "office.hall", "review.acceptance", "review.first")
    assert chart.table.rows == (("2025-12-26", 0.4, 0.8, 0.2667), ("2025-12-29", 0.4, 0.8, None))


def test_review_is_drawn_against_what_objectives_want() -> None:
    """Shares within each number of working days are the summary's; a missed promise stands where it was wanted."""
    summary = make_summary()
    chart = by_name(summary, "review-promise")
    assert [row[-1] for row in chart.table.rows] == [round(v, 4) for v in summary["review"]["within"].values()]
    (target,) = marks_of(chart, Dot)
    assert (target.x, target.y, target.shape) == (3, 0.95, "diamond")
    assert chart.title == "65.0 % of all applications are decided within 3 working days, 100 % within 20"


def test_working_days_of_the_review_add_up_to_all_applications() -> None:
    """Decided and open applications are all there, also those that took longer than the axis."""
    summary = make_summary()
    summary["review"]["distribution"] = list(range(60))
    chart = by_name(summary, "review-days")
    assert sum(int(str(row[1])) for row in chart.table.rows) == sum(range(60)) + summary["review"]["open"]
    assert chart.table.rows[-2:] == ((">20", sum(range(21, 60))), ("open", 20))


def test_outcomes_of_each_kind_fill_its_bar() -> None:
    """The segments of a row follow each other from nothing to all, largest told in words."""
    chart = by_name(make_summary(), "outcomes")
    assert rows_of(chart) == ["all families", "channel: office", "channel: portal", "kind: pupil"]
    for row in range(4):
        segments = [mark.x for mark in marks_of(chart, Box) if mark.y == row_bar(row)]
        assert segments[0][0] == 0
        assert segments[-1][1] == pytest.approx(1)
        assert all(one[1] == pytest.approx(two[0]) for one, two in pairwise(segments))


def test_more_outcomes_than_colours_share_the_last_one() -> None:
    """A dozen outcomes still have a bar and a key."""
    summary = make_summary()
    summary["families"]["outcomes"] = {"enrolled": 5, **{f"outcome {index}": 1 for index in range(12)}}
    chart = by_name(summary, "outcomes")
    assert [key.label for key in chart.keys][-1] == "others"
    assert len(marks_of(chart, Box)) >= 13


def test_failures_are_drawn_by_how_many_families_met_them() -> None:
    """The most frequent failure is the first bar; one that did not happen has none, but stands in the table below."""
    chart = by_name(make_summary(), "failures")
    assert rows_of(chart) == ["incomplete papers", "duplicate"]
    assert [bar.x for bar in marks_of(chart, Box)] == [(0, 80), (0, 10)]
    assert chart.title == "The most frequent failure: incomplete papers, of 8.0 % of the families"


def test_costs_add_up_to_their_total() -> None:
    """The bars of staff and families' time are all that enrolment costs."""
    chart = by_name(make_summary(), "costs")
    assert sum(bar.x[1] for bar in marks_of(chart, Box)) == 20_000
    assert chart.title == "An enrolment costs 25.00 yuan of staff and families' time"
    assert sum(float(row[2] or 0) for row in chart.table.rows) == pytest.approx(1)


def test_kinds_of_few_families_are_not_compared() -> None:
    """A kind of 29 families is left to the table; the title names the widest gap of all."""
    found = {chart.name: chart for chart in charts(make_summary())}
    rows = ["skill: low", "skill: high", "kind: pupil"]
    assert rows_of(found["equity-online"]) == rows
    assert found["equity-hours"].title == "Hours differ most by skill: 0.50 h for high, 2.50 h for low"
    assert found["equity-online"].title == "Going online differs most by skill: 20.0 % of low, 80.0 % of high"
    assert "newborn 29 75.0 % – 55.0 %" in _Page(render(make_summary(), {})).text


def test_labels_that_are_too_long_are_cut_by_their_width() -> None:
    """A Chinese sign is twice as wide as a Latin letter, and a label that fits stays whole."""
    assert shortened("review", 100) == "review"
    assert shortened("a" * 40, 100).endswith("a…")
    assert len(shortened("社" * 40, 100)) < len(shortened("a" * 40, 100)) / 1.6


# ---------------------------------------------------------------------------------------------------------------------
# The page
# ---------------------------------------------------------------------------------------------------------------------

MANIFEST = {
    "run": "20260105-100000-seed7",
    "scenario": "short",
    "created": "2026-01-05T10:00:00",
    "seed": 7,
    "engine": "simpy",
    "versions": {"canbao": "0.1.0", "python": "3.11"},
    "command": "canbao run scenarios/short.toml --seed 7",
    "plugins": [{"name": "office", "origin": "canbao 0.1.0"}],
    "overrides": ["population.scale=0.1"],
    "seconds": {"plan": 0.4, "engine": 20.04},
}


class _Page(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.open.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def values(self, name: str) -> Iterator[str]:
        return (value for _, found, value in self.attributes if found == name)


@pytest.fixture(scope="module")
def html() -> str:
    """Give the report of the short season."""
    return render(make_summary(), MANIFEST)


def test_page_says_the_whole_answer(html: str) -> None:
    """Headline, verdicts, sentences and figures stand on the page as the terminal has them."""
    said, text = answer(make_summary()), _Page(html).text
    for sentence in (said.headline, said.period, said.question, said.trust, *said.sentences.values()):
        assert sentence in text
    for verdict in said.objectives:
        assert f"{verdict.mark} {verdict.title} {verdict.sentence}" in text


def test_page_has_every_chart_in_two_widths_with_its_table(html: str) -> None:
    """Nothing is told by a picture alone: each is named, and its numbers stand below it."""
    page, found = _Page(html), charts(make_summary())
    assert page.tags["svg"] == 2 * len(found)
    assert Counter(value for tag, name, value in page.attributes if (tag, name) == ("svg", "role")) == {
        "img": 2 * len(found)
    }
    assert page.text.count("The numbers as a table") == len(found)
    for chart in found:
        assert Counter(page.values("aria-label"))[chart.title] == 2
        assert page.text.count(chart.title) >= 1


def test_page_fetches_nothing_and_runs_nothing(html: str) -> None:
    """It opens offline: no script, no address but its own anchors, and a policy that forbids both."""
    page = _Page(html)
    assert not page.tags.keys() & {"script", "link", "img", "iframe", "object", "embed", "base", "image", "use"}
    assert all(value.startswith("#") for name in ("href", "src", "xlink:href") for value in page.values(name))
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert all(reference.startswith("#") for reference in re.findall(r"url\(([^)]*)\)", html))
    assert "@import" not in html
    assert any(value.startswith("default-src 'none'") for value in page.values("content"))


def test_identifiers_are_unique_and_anchors_lead_somewhere(html: str) -> None:
    """Forty drawings on one page do not take each other's parts."""
    page = _Page(html)
    ids = Counter(page.values("id"))
    assert set(ids.values()) == {1}
    assert {value.removeprefix("#") for value in page.values("href")} <= set(ids)


def test_page_tells_how_far_to_trust_the_run(html: str) -> None:
    """Laws with their detail, grades of inputs, estimates by key, warnings, and the command that repeats the run."""
    text = _Page(html).text
    for part in (
        "held arrived = finished + inside 1,000 = 970 + 30",
        "D derived by arithmetic 1 E an estimate of ours 2",
        "choice.online_share review.precheck",
        "30 of 1000 families are still inside.",
        "Run it with other seeds",
        "canbao run scenarios/short.toml --seed 7",
        "Engine SimPy",
        "plan 0.4 s, engine 20.0 s",
        "office (canbao 0.1.0)",
        "population.scale=0.1",
    ):
        assert part in text


def test_broken_law_is_told_on_the_first_screen() -> None:
    """The warning stands above the objectives, and the panel says where the law breaks."""
    broken = {"name": "first come, first served", "holds": False, "detail": "office.hall: family 3 overtook"}
    trust = {**make_summary()["trust"], "laws": [broken]}
    text = _Page(render(make_summary(trust=trust, hours={}), {})).text
    assert text.index("Do not rely on this run") < text.index("Objectives")
    assert "broken first come, first served office.hall: family 3 overtook" in text


def test_same_arguments_give_the_same_page(html: str) -> None:
    """A stored run that is rendered again gives the same bytes."""
    assert render(make_summary(), copy.deepcopy(MANIFEST)) == html


EVIL = '<script>alert(\'"&]]>\x00")</script>'


def _renamed(found: Any) -> Any:
    """Put a hostile name in the place of names that a user gives."""
    if isinstance(found, dict):
        return {_renamed(key): _renamed(value) for key, value in found.items()}
    if isinstance(found, list):
        return [_renamed(value) for value in found]
    if isinstance(found, str):
        return re.sub(r"office(\.hall)?|too late|A short season|Does it hold\?|simpy", EVIL, found)
    return found


def test_names_of_users_are_text_and_never_markup() -> None:
    """A station, channel, outcome, title or command with a tag in its name is shown, not obeyed; in drawings too."""
    page = _Page(render(_renamed(make_summary()), {**_renamed(MANIFEST), "command": EVIL}))
    assert page.tags["script"] == 0
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert page.tags.keys() <= _Page(render(make_summary(), MANIFEST)).tags.keys()
    assert page.text.count("<script>alert(") > 20


PARTS = (
    "bottleneck",
    "families",
    "deadline",
    "newborns",
    "spent",
    "money",
    "failures",
    "equity",
    "waits",
    "abandonment",
    "review",
    "trust",
)


@pytest.mark.parametrize("part", [*PARTS, "objectives", "stations", "hours", "calendar", "scenario"])
def test_missing_part_leaves_the_rest(part: str) -> None:
    """Without one part of the summary, what the others hold is still said and drawn."""
    empty: dict[str, Any] = {"objectives": [], "stations": [], "hours": {}}
    summary = make_summary(**{part: empty.get(part)})
    assert answer(summary).headline
    assert charts(summary)
    assert _Page(render(summary, MANIFEST)).tags["svg"] == 2 * len(charts(summary))


def test_page_of_a_run_in_which_nothing_happened() -> None:
    """No family, no station, no objective and an empty manifest still make a page that says so."""
    nobody = {"arrived": 0, "finished": 0, "inside": 0, "enrolled": 0, "outcomes": {}, "outcomes_by": {}}
    families = {**nobody, "time_in_system_s": {"all": _sample(0, None)}}
    summary = make_summary(**{**dict.fromkeys(PARTS), "families": families, "objectives": [], "stations": []}, hours={})
    text = _Page(render(summary, {})).text
    assert "No family came." in text
    assert "nothing to hold or to miss" in text
    assert "No law was checked" in text
    assert charts(summary) == []


def test_groups_without_a_family_and_stations_without_a_visit_are_left_out() -> None:
    """Zero families in a channel and an idle station break nothing and get no empty rows."""
    summary = make_summary()
    summary["waits"]["channels"]["bank"] = _sample(0, None)
    summary["families"]["outcomes_by"]["channel"]["bank"] = {}
    idle = {"starts": 0, "busy_hours": 0.0, "utilisation": 0.0, "longest_queue": 0.0, "wait_hours": 0.0}
    for station in summary["stations"]:
        station.update(idle if station["staffed_hours"] else {})
        nothing = {key: [0] * (24 * DAYS) for key in ("arrivals", "waiting", "busy")}
        summary["hours"][station["name"]].update(nothing)
    found = {chart.name: chart for chart in charts(summary)}
    assert not [name for name in found if name.startswith("queue-")]
    assert not [row for row in found["waits-channels"].table.rows if "bank" in str(row[0])]
    assert "what could be served is not known" in found["arrivals-office.hall"].title


def _long(days: int) -> dict[str, Any]:
    """Stretch the short season's stations over more days, with a queue that is different in every hour."""
    summary = make_summary()
    hours = {
        f"{name}{copy_number}": {
            key: values if key in ("group",) or values is None else [(13 * i) % 97 for i in range(24 * days)]
            for key, values in series.items()
        }
        for name, series in summary["hours"].items()
        for copy_number in range(3)
    }
    summary["hours"] = hours
    summary["stations"] = [
        {**station, "name": f"{station['name']}{n}"} for station in summary["stations"] for n in range(3)
    ]
    summary["horizon"] |= {"days": days}
    summary["calendar"] |= {"working": [1] * days}
    summary["review"]["flow"] |= {key: list(range(days)) for key in ("handed_in", "decided", "backlog")}
    return summary


def test_page_of_a_whole_season_stays_below_three_megabytes() -> None:
    """A dozen stations over a year, no two neighbouring hours alike, are the worst that can be drawn."""
    assert len(render(_long(366), MANIFEST).encode()) < 3_000_000


def test_no_two_light_colours_are_alike() -> None:
    """The style sheet finds colours in drawings by their value to give them their dark twin."""
    assert len({light for light, _ in COLOURS.values()}) == len(COLOURS)


def test_report_fits_what_a_run_measures() -> None:
    """The summary of a small run from scenario to measures has every key where the report looks for it."""
    file = small_scenario({"population": {"residents": 300}})
    plan = scenario_plan(file)
    summary = json.loads(json.dumps(summarise(file, plan, engine_named("compiled").run(plan))))
    said, found = answer(summary), charts(summary)
    assert f"{summary['families']['enrolled']:,} of" in said.sentences["enrolled"]
    assert len(said.objectives) == len(summary["objectives"])
    assert {chart.topic for chart in found} >= {"load", "waits", "review", "families", "equity", "money"}
    assert {chart.topic for chart in found} <= set(TOPICS)
    assert _Page(render(summary, {})).tags["svg"] == 2 * len(found)
