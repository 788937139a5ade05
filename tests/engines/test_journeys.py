"""What the steps of a journey do, worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

import canbao
from canbao.errors import EngineError
from canbao.trace import Trace

VisitsOf = Callable[[Trace], list[tuple[Any, ...]]]

DAY_S = 86400.0
WEEK = canbao.Calendar.from_intervals([(100.0, 200.0), (300.0, 400.0), (DAY_S + 100.0, DAY_S + 200.0)], days=3)


def walk(
    *steps: canbao.Step, at: Sequence[float] = (0.0,), until: float = 3 * DAY_S, seed: int = 0, **parts: Any
) -> Trace:
    """Run one journey, `way`; `columns` and other parts of the network by name."""
    network = canbao.Network(
        journeys=[canbao.Journey("way", steps), *parts.pop("journeys", ())],
        streams=[canbao.Stream("way", canbao.At(at), columns=parts.pop("columns", {}))],
        **parts,
    )
    return canbao.simulate(network, until=until, seed=seed)


def outcomes(trace: Trace) -> list[str]:
    """How each family ended."""
    words: Any = trace.families["outcome"]
    return list(words.words())


def finished(trace: Trace) -> list[float]:
    """When each family left."""
    return [float(moment) for moment in np.asarray(trace.families["finished"])]


# --- time passes ------------------------------------------------------------------------------------------------------


def test_a_delay_lasts_as_long_as_it_says() -> None:
    """A number, a column, and a distribution times a column."""
    steps = [
        canbao.Delay(5.0),
        canbao.Delay("walk"),
        canbao.Delay(canbao.Scaled(canbao.Constant(10.0), by="children")),
    ]
    trace = walk(*steps, at=[0.0, 1.0], columns={"walk": [2.0, 3.0], "children": [1.0, 3.0]})
    assert finished(trace) == [17.0, 39.0]


def test_open_time_passes_only_while_the_calendar_is_open() -> None:
    """150 s of open time from 150 on: 50 until 200, and 100 more from 300 to the closing at 400."""
    trace = walk(canbao.Delay(150.0, unit="open time", calendar="week"), at=[150.0], calendars={"week": WEEK})
    assert finished(trace) == [400.0]


def test_working_days_pass_from_one_day_to_the_same_share_of_the_next() -> None:
    """At 150 a quarter of the first day has gone; a working day later a quarter of the second, shorter one has gone."""
    trace = walk(canbao.Delay(1.0, unit="working days", calendar="week"), at=[150.0], calendars={"week": WEEK})
    assert finished(trace) == [DAY_S + 125.0]


def test_what_never_comes_leaves_the_family_inside() -> None:
    """After the last open day of the calendar no working day is left."""
    trace = walk(canbao.Delay(2.0, unit="working days", calendar="week"), at=[150.0], calendars={"week": WEEK})
    assert outcomes(trace) == ["inside"]


@pytest.mark.parametrize(
    ("came", "step", "then"),
    [
        (150.0, canbao.Await("week"), 150.0),
        (50.0, canbao.Await("week"), 100.0),
        (200.0, canbao.Await("week"), 300.0),
        (200.0, canbao.Await("week", at=0.5), 350.0),
        (400.0, canbao.Await("week"), DAY_S + 100.0),
        (150.0, canbao.Await("week", day=1), DAY_S + 100.0),
        (150.0, canbao.Await("week", day=1, at=0.5), DAY_S + 150.0),
    ],
)
def test_awaiting_a_calendar_ends_when_it_is_open(came: float, step: canbao.Await, then: float) -> None:
    """At once, at the next opening, at a share of the open time that is left, or on a later open day."""
    assert finished(walk(step, at=[came], calendars={"week": WEEK})) == [then]


def test_ways_are_counted_as_trips_and_as_effort() -> None:
    """Two ways of 5 s and a form of 3 s; waiting at home for 7 s is no effort."""
    steps = [
        canbao.Delay(5.0, trip=True, effort=True),
        canbao.Delay(3.0, effort=True),
        canbao.Delay(7.0),
        canbao.Delay(5.0, trip=True, effort=True),
    ]
    families = walk(*steps).families
    assert (families["trips"][0], families["effort_s"][0]) == (2, 13.0)


# --- gathering and appointments ---------------------------------------------------------------------------------------


def _gathered(at: Sequence[float], **batch: Any) -> list[float]:
    trace = walk(canbao.Gather("list"), at=at, batches=[canbao.Batch("list", **batch)], until=100.0)
    return finished(trace)


def test_a_batch_leaves_when_enough_have_gathered() -> None:
    """Three at a time; the seventh waits for two more who never come."""
    assert _gathered([0, 1, 2, 3, 4, 10, 11], size=3) == pytest.approx([2, 2, 2, 10, 10, 10, math.nan], nan_ok=True)


def test_a_batch_leaves_at_its_times() -> None:
    """Who comes at the very moment of leaving is too late."""
    assert _gathered([0, 4, 5, 9], releases=[5.0, 20.0]) == [5, 5, 20, 20]


def test_a_batch_leaves_some_time_after_the_first_came() -> None:
    """Ten after 0 and ten after 15, whoever came in between."""
    assert _gathered([0, 9, 15, 16], max_wait=10.0) == [10, 10, 25, 25]


def test_a_batch_that_left_full_forgets_how_long_its_first_had_waited() -> None:
    """The batch of 0 and 2 is gone at 2; that of 5 leaves at 15, not at 10."""
    assert _gathered([0, 2, 5], size=2, max_wait=10.0) == [2, 2, 15]


def test_a_stay_at_a_batch_is_a_visit(visits_of: VisitsOf) -> None:
    """It begins when the family comes, and starts and ends when the batch leaves."""
    trace = walk(canbao.Gather("list"), at=[0, 3], batches=[canbao.Batch("list", size=2)])
    assert visits_of(trace) == [(0, "list", 0, 3, 3, "served"), (1, "list", 3, 3, 3, "served")]


def test_appointments_go_in_order_to_those_who_ask_first() -> None:
    """Two places at 10, one at 20; the fourth family gets none."""
    book = canbao.AppointmentBook("diary", [10.0, 20.0], places=[2, 1])
    trace = walk(canbao.Appointment("diary"), at=[0, 1, 2, 3], books=[book])
    assert finished(trace) == [10, 10, 20, 3]
    assert outcomes(trace) == ["done", "done", "done", "none left"]


def test_an_appointment_is_not_before_its_lead() -> None:
    """Asked at 0 with a lead of 10, the place at 10 is early enough, the place at 5 stays free for the next family."""
    book = canbao.AppointmentBook("diary", [5.0, 10.0])
    trace = walk(canbao.Appointment("diary", lead="lead"), at=[0, 1], books=[book], columns={"lead": [10.0, 0.0]})
    assert finished(trace) == [10, 5]


def test_a_no_show_has_used_up_its_place() -> None:
    """The first family does not come to its appointment; the second gets the next one all the same."""
    book = canbao.AppointmentBook("diary", [10.0, 20.0])
    steps = [canbao.Appointment("diary"), canbao.Check("comes", failed="no show"), canbao.End("seen")]
    stays_away = canbao.Journey("no show", [canbao.End("no show")])
    trace = walk(*steps, at=[0, 1], books=[book], columns={"comes": [0.0, 1.0]}, journeys=[stays_away])
    assert (outcomes(trace), finished(trace)) == (["no show", "seen"], [10, 20])


# --- decisions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("limit", "tries", "end"), [(0, 1, "exceeded"), (2, 3, "exceeded")])
def test_a_check_is_exceeded_after_its_limit_of_failures(limit: int, tries: int, end: str) -> None:
    """With a limit of two the third failure is one too many."""
    trace = walk(canbao.Delay(1.0, name="work"), canbao.Check(0.0, failed="work", limit=limit))
    assert (finished(trace), outcomes(trace)) == ([tries], [end])


def test_a_check_passes_as_often_as_its_probability_says() -> None:
    """Of 20,000 families some 30 % pass, within five standard deviations, and by their own luck."""
    trace = walk(canbao.Check(0.3, luck="coin"), at=np.zeros(20_000))
    passed = np.array([outcome == "done" for outcome in outcomes(trace)])
    assert abs(passed.mean() - 0.3) < 5 * math.sqrt(0.3 * 0.7 / 20_000)
    assert np.array_equal(passed, canbao.Luck(0).uniforms("coin", 20_000) < 0.3)


def test_a_deadline_includes_its_moment() -> None:
    """At 10 it is in time, just after 10 it is late."""
    trace = walk(canbao.Before(10.0), at=[9.0, 10.0, math.nextafter(10.0, 11.0)])
    assert outcomes(trace) == ["done", "done", "late"]


def _ways(rule: Any, **parts: Any) -> list[str]:
    """Let a family at 1 choose between three stations with queues of 2, 0 and 1 families and 1, 0 and 1 servers."""
    names, busy = ("a", "b", "c"), {"a": [0.0, 0.0, 0.0], "b": [], "c": [0.0, 0.0]}
    options = [
        canbao.Option(name, station=name, travel=travel) for name, travel in zip(names, (0.0, 0.0, 5.0), strict=True)
    ]
    network = canbao.Network(
        stations=[canbao.Station(name, servers=servers) for name, servers in zip(names, (1, 0, 1), strict=True)],
        journeys=[
            canbao.Journey("way", [canbao.Choose(options, rule=rule, **parts)]),
            *(canbao.Journey(name, [canbao.Visit(name, service=10.0)]) for name in names),
        ],
        streams=[
            *(canbao.Stream(name, canbao.At(at), name=name) for name, at in busy.items()),
            canbao.Stream("way", canbao.At([1.0]), name="chooser"),
        ],
    )
    trace = canbao.simulate(network, until=1000.0)
    channel: Any = trace.families["last_channel"]
    return list(channel.words())[-1:]


def test_the_shortest_queue_is_that_with_the_fewest_inside_for_each_server() -> None:
    """A station without servers is no choice, though nobody is there."""
    assert _ways("shortest") == ["c"]


def test_the_fastest_way_weighs_travel_against_the_queue() -> None:
    """At a three are inside before it (30 s), at c two (20 s) and 5 s of travel."""
    assert _ways("fastest") == ["c"]


def test_a_rule_of_ones_own_sees_the_queues() -> None:
    """A function that takes the longest queue."""

    def longest(options: Sequence[canbao.Option], state: Mapping[str, Any]) -> int:
        return max(range(len(options)), key=lambda n: state[options[n].station]["waiting"])

    assert _ways(longest) == ["a"]


def test_ties_go_to_the_first_way() -> None:
    """Two empty stations are as short."""
    stations = [canbao.Station("a"), canbao.Station("b")]
    options = [canbao.Option("b", station="b"), canbao.Option("a", station="a")]
    journeys = [canbao.Journey(name, [canbao.Visit(name, service=1.0)]) for name in ("a", "b")]
    trace = walk(canbao.Choose(options, rule="shortest"), stations=stations, journeys=journeys)
    assert trace.stations["starts"].tolist() == [0, 1]


def test_weights_share_out_families() -> None:
    """One in four goes left, by luck; a way of weight 0 is never taken."""
    options = [
        canbao.Option("left", weight=1.0),
        canbao.Option("never", weight=0.0),
        canbao.Option("right", weight=3.0),
    ]
    journeys = [canbao.Journey(name, [canbao.End(name)]) for name in ("left", "never", "right")]
    ended = outcomes(walk(canbao.Choose(options), at=np.zeros(20_000), journeys=journeys))
    assert abs(ended.count("left") / 20_000 - 0.25) < 5 * math.sqrt(0.25 * 0.75 / 20_000)
    assert ended.count("never") == 0


def test_others_leaves_out_the_channel_in_which_the_family_is() -> None:
    """From `way` the only other way is `elsewhere`, whatever the weights."""
    options = [canbao.Option("way", weight=1e9), canbao.Option("elsewhere", weight=1.0)]
    elsewhere = canbao.Journey("elsewhere", [canbao.End("elsewhere")])
    trace = walk(canbao.Delay(1.0), canbao.Choose(options, others=True), at=np.zeros(50), journeys=[elsewhere])
    assert set(outcomes(trace)) == {"elsewhere"}


def test_a_family_stays_with_its_channel_where_no_other_has_any_weight() -> None:
    """Of two other channels neither is for it; a channel of weight 0 is never taken."""
    options = [canbao.Option("way/home", weight=1.0), *(canbao.Option(name, weight=0.0) for name in ("east", "west"))]
    others = [canbao.Journey(name, [canbao.End(name)]) for name in ("east", "west")]
    steps = [canbao.Delay(1.0), canbao.Choose(options, others=True), canbao.End("home", name="home")]
    assert set(outcomes(walk(*steps, at=np.zeros(20), journeys=others))) == {"home"}


# --- marks, ways back, processes of one's own -------------------------------------------------------------------------


def test_marks_keep_the_first_submission_and_the_last_review() -> None:
    """The family hands in at 1 and 3, and is reviewed at 2 and 4."""
    steps = [
        canbao.Delay(1.0, name="hand in"),
        canbao.Mark("submitted", first=True),
        canbao.Delay(1.0),
        canbao.Mark("reviewed"),
        canbao.Check(0.0, failed="hand in", limit=1),
    ]
    families = walk(*steps).families
    assert (families["submitted"][0], families["reviewed"][0]) == (1.0, 4.0)


def test_an_event_can_be_taken_back_and_asked_for() -> None:
    """Paid at 1, refunded at 3: who asks in between goes one way, who asks before or after goes the other."""
    answers = [canbao.Marked("paid", name=f"ask {n}", yes=f"yes {n}", no=f"no {n}") for n in range(3)]
    ways = [(canbao.Visit("till", 1.0, name=f"yes {n}"), canbao.Delay(1.0, name=f"no {n}")) for n in range(3)]
    steps: list[Any] = []
    for number, change in enumerate([None, canbao.Mark("paid"), canbao.Mark("paid", clear=True)]):
        yes, no = ways[number]
        steps += [*([change] if change else []), answers[number], canbao.Go(f"no {number}", name=f"skip {number}")]
        steps += [yes, canbao.Go(f"on {number}"), no, canbao.Delay(0.0, name=f"on {number}")]
    trace = walk(*steps, stations=[canbao.Station("till", servers=math.inf)])
    assert trace.visits["step"].words() == ["way/yes 1"]  # type: ignore[union-attr]
    assert math.isnan(trace.families["paid"][0])


def test_the_last_moment_of_an_event_counts_unless_the_first_is_wanted() -> None:
    """Two events at 1 and 2: one keeps the first moment, the other the last."""
    steps = [
        canbao.Delay(1.0, name="again"),
        canbao.Mark("began", first=True),
        canbao.Mark("went on"),
        canbao.Check(0.0, failed="again", limit=1),
    ]
    families = walk(*steps).families
    assert (families["began"][0], families["went on"][0]) == (1.0, 2.0)
    assert list(families)[9:12] == ["finished", "began", "went on"]


def _chosen(at: Sequence[float], published_s: float) -> list[str]:
    """Let families choose the shorter of two queues in which nobody is ever done; give where each went."""
    journeys = [canbao.Journey(name, [canbao.Visit(name, 1e9)]) for name in ("left", "right")]
    ways = [canbao.Option(name, station=name) for name in ("left", "right")]
    choice = canbao.Choose(ways, rule="shortest", published_s=published_s)
    stations = [canbao.Station("left"), canbao.Station("right")]
    trace = walk(choice, at=np.array(at), journeys=journeys, stations=stations)
    return trace.families["last_channel"].words()  # type: ignore[union-attr]


def test_families_see_the_queues_as_they_were_published_last() -> None:
    """All who come within one interval see the state before it and go left; at its end the board shows that."""
    at = [1.0, 2.0, 3.0, 10.0, 11.0, 12.0, 25.0]
    assert _chosen(at, 0.0) == ["left", "right", "left", "right", "left", "right", "left"]
    assert _chosen(at, 10.0) == ["left"] * 3 + ["right"] * 3 + ["left"]


def test_what_happens_at_the_moment_of_publication_is_not_on_the_board() -> None:
    """Two come at the moment of publication: the second sees what the first saw."""
    assert _chosen([10.0, 10.0, 19.0, 20.0], 10.0) == ["left", "left", "left", "right"]


def test_a_board_shows_who_is_on_duty_then() -> None:
    """The left desk closes at 5; until the next publication families still go there."""
    closing = canbao.Schedule([0.0, 5.0], [1.0, 0.0])
    journeys = [canbao.Journey(name, [canbao.Visit(name, 1.0)]) for name in ("left", "right")]
    ways = [canbao.Option(name, station=name) for name in ("left", "right")]
    stations = [canbao.Station("left", servers=closing), canbao.Station("right")]
    choice = canbao.Choose(ways, rule="fastest", published_s=10.0)
    trace = walk(choice, at=np.array([7.0, 11.0]), journeys=journeys, stations=stations)
    assert trace.families["last_channel"].words() == ["left", "right"]  # type: ignore[union-attr]


def test_a_review_returns_to_the_channel_that_was_used_last() -> None:
    """Through the office and then the portal into the review, which sends it back to the portal's `correct`."""
    review = canbao.Journey(
        "review",
        [canbao.Check(0.0, failed="back", limit=1), canbao.End("reviewed"), canbao.Return("correct", name="back")],
        channel=False,
    )
    office = [canbao.Delay(1.0), canbao.Go("portal"), canbao.Delay(100.0, name="correct"), canbao.Go("review")]
    portal = [canbao.Delay(10.0), canbao.Go("review"), canbao.Delay(1000.0, name="correct"), canbao.Go("review")]
    network = canbao.Network(
        journeys=[canbao.Journey("office", office), canbao.Journey("portal", portal), review],
        streams=[canbao.Stream("office", canbao.At([0.0]))],
    )
    trace = canbao.simulate(network, until=1e5)
    first, last = (trace.families[name].words() for name in ("first_channel", "last_channel"))  # type: ignore[union-attr]
    assert (first, last, finished(trace), outcomes(trace)) == (["office"], ["portal"], [1011.0], ["exceeded"])


def test_a_process_of_ones_own_takes_its_time_and_chooses_its_exit() -> None:
    """Even families leave by an exit of their own, odd ones go on."""

    def wander(env: Any, family: int) -> Generator[Any, Any, str | None]:
        yield env.timeout(3.0 + family)
        return None if family % 2 else "early"

    early = canbao.Journey("early", [canbao.End("early")])
    steps = [canbao.Custom(wander, exits=["early"]), canbao.End("late")]
    trace = walk(*steps, at=[0, 0], journeys=[early])
    assert (finished(trace), outcomes(trace)) == ([3, 4], ["early", "late"])


def test_a_process_that_leaves_by_an_unknown_exit_is_an_error() -> None:
    """The message names the exit and those that were announced."""

    def astray(env: Any, family: int) -> Generator[Any, Any, str | None]:
        yield env.timeout(1.0)
        return "nowhere"

    with pytest.raises(EngineError, match=r"went to 'nowhere', which is none of its exits \['None'\]"):
        walk(canbao.Custom(astray))


@pytest.mark.parametrize(
    "steps",
    [
        [canbao.Go("a", name="a")],
        [canbao.Check(0.0, name="a", failed="a")],
        [canbao.Delay(0.0, name="a"), canbao.Go("a")],
        [canbao.Visit("desk", service=0.0, name="a", served="a")],
        [canbao.Visit("closed", service=1.0, name="a", closed="a")],
        [canbao.Await("always", name="a", then="a")],
        [canbao.Appointment("none", name="a", none_left="a")],
    ],
)
def test_a_circle_in_which_no_time_passes_is_an_error(steps: list[canbao.Step]) -> None:
    """It names the family and the step, instead of going on for ever."""
    shut = canbao.Station("closed", doors=canbao.Schedule([0.0], [0.0]))
    with pytest.raises(EngineError, match=r"family 0 goes round in a circle .* at step 'way/"):
        walk(
            *steps,
            stations=[canbao.Station("desk"), shut],
            calendars={"always": canbao.Calendar.always(3)},
            books=[canbao.AppointmentBook("none", [])],
        )


# --- luck -------------------------------------------------------------------------------------------------------------


def test_visits_that_share_their_luck_are_slow_together() -> None:
    """The service at the second desk has the rank of that at the first, only ten times as long."""
    steps = [
        canbao.Visit("one", service=canbao.Exponential(1.0), luck="speed"),
        canbao.Visit("two", service=canbao.Exponential(10.0), luck="speed"),
    ]
    stations = [canbao.Station("one", servers=math.inf), canbao.Station("two", servers=math.inf)]
    visits = walk(*steps, at=np.zeros(20), stations=stations).visits
    services = (np.asarray(visits["leave"]) - np.asarray(visits["start"])).reshape(20, 2)
    np.testing.assert_allclose(services[:, 1], 10.0 * services[:, 0], rtol=1e-12)


def test_each_attempt_has_luck_of_its_own() -> None:
    """A family that comes three times is served three different times, each by the number of its attempt."""
    steps = [
        canbao.Visit("desk", service=canbao.Exponential(1.0), name="desk"),
        canbao.Check(0.0, failed="desk", limit=2),
    ]
    visits = walk(*steps, stations=[canbao.Station("desk")]).visits
    luck = canbao.Luck(0)
    drawn = [canbao.Exponential(1.0).ppf(luck.uniforms("way/desk:service", 1, attempt=n))[0] for n in range(3)]
    np.testing.assert_allclose(np.asarray(visits["leave"]) - np.asarray(visits["start"]), drawn, rtol=1e-12)
    assert np.asarray(visits["attempt"]).tolist() == [0, 1, 2]
