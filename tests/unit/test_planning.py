"""From words to numbers: what a network's names mean, and all that may not fit together."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from typing import Any

import numpy as np
import pytest

from canbao import plan as p
from canbao.arrivals import At, Poisson
from canbao.calendar import Calendar
from canbao.columns import Coded
from canbao.distributions import Exponential, Lognormal, Uniform
from canbao.errors import EngineError, NetworkError
from canbao.luck import Luck
from canbao.network import (
    Appointment,
    AppointmentBook,
    Await,
    Batch,
    Before,
    Check,
    Choose,
    Custom,
    Delay,
    End,
    Gather,
    Go,
    Journey,
    Mark,
    Network,
    Option,
    Return,
    Scaled,
    Station,
    Step,
    Stream,
    Visit,
)
from canbao.plan import Plan
from canbao.planning import make_plan
from canbao.schedule import Schedule
from canbao.simulation import simulate


def _network(*steps: Step, **parts: Any) -> Network:
    """Make a network of one journey `office`; without other parts, one family comes at time 0."""
    given = {
        "stations": [Station("desk"), Station("window", servers=2)],
        "journeys": [Journey("office", steps or [Delay(1.0)])],
        "streams": [Stream("office", At([0.0]))],
        "calendars": {"days": Calendar.always(5)},
        **parts,
    }
    return Network(**given)


def _plan(*steps: Step, **parts: Any) -> Plan:
    return make_plan(_network(*steps, **parts), until=100.0, seed=1)


def _faults(*steps: Step, **parts: Any) -> list[str]:
    """Give the faults of a network, one a line, without the headline."""
    with pytest.raises(NetworkError) as refused:
        _plan(*steps, **parts)
    headline, *faults = str(refused.value).splitlines()
    assert headline == "the network does not fit together:"
    return [fault.strip() for fault in faults]


def _steps(*pairs: tuple[float, float]) -> Schedule:
    """Make a schedule from (time, value) pairs."""
    return Schedule(*np.array(pairs, dtype=float).T)


def _name_of(plan: Plan, step: int) -> str:
    return plan.step_names[step]


# --- labels ---


def test_steps_are_named_by_their_name_their_station_or_their_number() -> None:
    """A step without a name takes its station's, or its number; one that is met twice gets the number behind it."""
    plan = _plan(Visit("desk", 1.0), Delay(1.0), Visit("desk", 1.0), Delay(1.0, name="home"), End("done", name="end"))
    names = plan.step_names[: plan.step_names.index("abandoned")]
    assert names == ("office/desk", "office/1", "office/desk#2", "office/home", "office/end")


def test_an_own_step_is_meant_before_a_journey_of_the_same_name() -> None:
    """Labels are looked up in the step's own journey first, then everywhere."""
    other = Journey("pay", [Delay(5.0, name="card")])
    plan = _plan(
        Go("pay", name="first"),
        Go("pay/card", name="second"),
        Go("cash", name="third"),
        Delay(1.0, name="pay"),
        journeys=[
            Journey("office", [Go("pay"), Go("pay/card"), Go("cash"), Delay(1.0, name="pay")]),
            other,
            Journey("cash", [Delay(2.0)]),
        ],
    )
    goes = [step for step in plan.steps if isinstance(step, p.GoStep)]
    assert [_name_of(plan, step.then) for step in goes] == ["office/pay", "pay/card", "cash/0"]


def test_a_journey_is_its_first_step() -> None:
    """The name of a journey leads to where it begins; streams start there, or at any step that they name."""
    plan = _plan(
        journeys=[Journey("office", [Delay(1.0, name="first"), Delay(1.0, name="second")])],
        streams=[Stream("office", At([0.0, 1.0])), Stream("office/second", At([2.0]), name="late")],
    )
    assert [_name_of(plan, step) for step in plan.first_step] == ["office/first", "office/first", "office/second"]
    assert plan.arrival.tolist() == [0.0, 1.0, 2.0]


def test_exits_that_are_not_given_end_with_their_own_word() -> None:
    """A visit that is served goes on; every other exit without a label leads to an end of its name."""
    plan = _plan(
        Visit("desk", 1.0), Check(0.5), Before(3.0), Appointment("book"), books=[AppointmentBook("book", [1.0])]
    )
    visit, check, before, appointment, done = plan.steps[:5]
    assert isinstance(visit, p.VisitStep)
    assert isinstance(check, p.CheckStep)
    assert isinstance(before, p.BeforeStep)
    assert isinstance(appointment, p.AppointmentStep)
    assert isinstance(done, p.EndStep)
    served, *turned_away = (_name_of(plan, step) for step in visit.exits)
    assert served == "office/1"
    assert turned_away == ["abandoned", "baulked", "full", "closed", "closed"]
    assert [_name_of(plan, step) for step in (check.failed, check.exceeded)] == ["failed", "exceeded"]
    assert _name_of(plan, before.late) == "late"
    assert _name_of(plan, appointment.none_left) == "none left"
    ends = {_name_of(plan, s.index): plan.outcomes[s.outcome] for s in plan.steps if isinstance(s, p.EndStep)}
    assert ends.pop(_name_of(plan, done.index)) == "done"
    assert all(name == outcome for name, outcome in ends.items())


@pytest.mark.parametrize("last", [End("enrolled"), Go("office"), Return(), Choose([Option("office")])])
def test_a_journey_that_goes_elsewhere_at_its_end_gets_no_end(last: Step) -> None:
    """Only a journey whose last step goes on to a next one is given an end, `done`."""
    plan = _plan(Delay(1.0), last)
    assert plan.journey_of.count(0) == 2
    assert _plan(Delay(1.0)).journey_of.count(0) == 2


def test_return_leads_to_the_entry_of_every_channel() -> None:
    """Each channel's journey is mapped to its own step; a journey that is no channel has none."""
    plan = _plan(
        journeys=[
            Journey("office", [Delay(1.0), Go("review"), Delay(1.0, name="correct"), Go("review")]),
            Journey("portal", [Delay(2.0, name="correct"), Go("review")]),
            Journey("review", [Return("correct", name="back"), Return(name="start")], channel=False),
        ]
    )
    back, start = (step for step in plan.steps if isinstance(step, p.ReturnStep))
    assert {plan.journeys[j]: _name_of(plan, s) for j, s in back.entries.items()} == {
        "office": "office/correct",
        "portal": "portal/correct",
    }
    assert {plan.journeys[j]: _name_of(plan, s) for j, s in start.entries.items()} == {
        "office": "office/0",
        "portal": "portal/correct",
    }


def test_options_know_the_journey_to_which_they_lead() -> None:
    """By that a choice leaves the present channel out."""
    plan = _plan(
        journeys=[
            Journey("office", [Choose([Option("here"), Option("portal", station="desk")]), Delay(1.0, name="here")]),
            Journey("portal", [Delay(2.0)]),
        ]
    )
    choose = plan.steps[0]
    assert isinstance(choose, p.ChooseStep)
    assert [(_name_of(plan, o.to), plan.journeys[o.journey], o.station) for o in choose.options] == [
        ("office/here", "office", -1),
        ("portal/0", "portal", 0),
    ]


def _wander(env: Any, family: int) -> Generator[Any, Any, str | None]:
    yield env.timeout(2.0)
    return ["home", None, "nowhere"][family]


def test_a_process_of_ones_own_leads_where_it_says() -> None:
    """It gives one of its exits, or None for the next step; anything else is an error that names the exits."""
    steps: list[Step] = [Custom(_wander, exits=["home"], name="wander"), End("went on"), End("went home", name="home")]
    trace = simulate(_network(*steps, streams=[Stream("office", At([0.0, 1.0]))]), until=10.0)
    outcome: Any = trace.families["outcome"]
    assert outcome.words() == ["went home", "went on"]
    assert np.asarray(trace.families["finished"]).tolist() == [2.0, 3.0]
    with pytest.raises(EngineError, match=r"'office/wander' went to 'nowhere'.*'None', 'home'"):
        simulate(_network(*steps, streams=[Stream("office", At([0.0, 1.0, 2.0]))]), until=10.0)


# --- quantities, columns and luck ---


def test_a_quantity_is_a_number_a_column_a_distribution_or_their_product() -> None:
    """Each family's value is the number, its place in the column, its sample, or sample times column."""
    plan = _plan(
        Delay(3.0),
        Delay("size"),
        Delay(Exponential(5.0)),
        Delay(Scaled(Exponential(5.0), "size")),
        Delay("kind"),
        streams=[
            Stream(
                "office",
                At([0.0, 1.0, 2.0]),
                columns={"size": np.array([1, 2, 4], dtype=np.int8), "kind": Coded(np.array([1, 0, 1]), ("a", "b"))},
            )
        ],
    )
    number, column, sample, product, codes = (s.duration.values(plan.luck, 3) for s in _delays(plan))
    assert number.tolist() == [3.0, 3.0, 3.0]
    assert column.tolist() == [1.0, 2.0, 4.0]
    assert sample.tolist() == Exponential(5.0).ppf(Luck(1).uniforms("office/2:duration", 3)).tolist()
    assert product.tolist() == (Exponential(5.0).ppf(Luck(1).uniforms("office/3:duration", 3)) * column).tolist()
    assert codes.tolist() == [1.0, 0.0, 1.0]


def _delays(plan: Plan) -> list[p.DelayStep]:
    return [step for step in plan.steps if isinstance(step, p.DelayStep)]


def test_visits_that_name_one_luck_share_it_and_others_do_not() -> None:
    """A family that is slow at one window is slow at every window, if they say so; patience stays each visit's own."""
    plan = _plan(
        Visit("desk", Lognormal(8.0, 0.6), luck="clerk", patience=Exponential(1.0)),
        Visit("window", Lognormal(4.0, 0.6), luck="clerk", patience=Exponential(1.0)),
        Visit("window", Lognormal(4.0, 0.6)),
        Check(0.5, luck="coin"),
        Check(0.5, luck="coin"),
        Check(0.5),
    )
    first, second, third = (step for step in plan.steps if isinstance(step, p.VisitStep))
    services = [step.service.values(plan.luck, 50) for step in (first, second, third)]
    np.testing.assert_allclose(services[0], 2.0 * services[1])
    assert not np.isclose(services[1], services[2]).any()
    assert first.patience.values(plan.luck, 50).tolist() != second.patience.values(plan.luck, 50).tolist()
    coins = [step.luck.values(plan.luck, 50).tolist() for step in plan.steps if isinstance(step, p.CheckStep)]
    assert coins[0] == coins[1] != coins[2]


def test_a_column_given_as_a_distribution_is_drawn_once_for_each_arrival() -> None:
    """The sample is the family's own, by the luck of stream and column."""
    plan = _plan(streams=[Stream("office", At([0.0, 1.0]), name="walk-in", columns={"size": Uniform(1.0, 3.0)})])
    drawn = plan.columns["size"]
    assert np.asarray(drawn).tolist() == Uniform(1.0, 3.0).ppf(Luck(1).uniforms("walk-in:size", 2)).tolist()


def test_columns_of_several_streams_stand_one_behind_the_other() -> None:
    """Numbers are joined, and words keep their meaning though the streams number them differently."""
    one: dict[str, Any] = {"size": [1, 2], "kind": Coded(np.array([0, 1]), ("newborn", "pupil"))}
    two: dict[str, Any] = {"size": np.array([2.5]), "kind": Coded(np.array([0]), ("pupil",))}
    plan = _plan(streams=[Stream("office", At([0, 1]), columns=one), Stream("office", At([2]), name="b", columns=two)])
    kind = plan.columns["kind"]
    assert isinstance(kind, Coded)
    assert kind.words() == ["newborn", "pupil", "pupil"]
    assert np.asarray(plan.columns["size"]).tolist() == [1.0, 2.0, 2.5]


def test_a_sample_below_0_is_an_error_that_names_its_step() -> None:
    """A duration may be anything but negative; what a column holds is looked at too."""
    with pytest.raises(NetworkError, match=r"office/0:duration: Uniform.* gave -.*must be a number >= 0"):
        simulate(_network(Delay(Uniform(-2.0, -1.0))), until=10.0)
    below = [Stream("office", At([0.0]), columns={"size": np.array([-1.0])})]
    with pytest.raises(NetworkError, match="office/0:duration: its column gave -1"):
        simulate(_network(Delay("size"), streams=below), until=10.0)


def test_priorities_and_deadlines_may_be_negative() -> None:
    """They are moments and ranks, not lengths."""
    plan = _plan(Visit("desk", 1.0, priority=-3.0), Before(-5.0))
    assert isinstance(plan.steps[0], p.VisitStep)
    assert plan.steps[0].priority.value == -3.0


# --- places ---


@pytest.mark.parametrize("servers", [0, 3, 2.0, math.inf])
def test_a_number_of_servers_is_a_schedule_that_never_changes(servers: float) -> None:
    """A station that is always staffed alike, behind doors that are always open, has one change, at the beginning."""
    number, schedule, doors = (
        _plan(Visit("desk", service=1.0), stations=[Station("desk", **said)]).stations[0].changes
        for said in (
            {"servers": servers},
            {"servers": Schedule.constant(servers)},
            {"servers": servers, "doors": Schedule.constant(1.0)},
        )
    )
    assert repr(number) == repr(schedule) == repr(doors) == repr((p.Change(0.0, float(servers), True),))


def test_changes_of_staff_and_doors_are_one_list() -> None:
    """Whenever servers or doors change, the plan says both."""
    staff, doors = _steps((0, 1), (10, 3), (20, 0)), _steps((0, 0), (5, 1), (20, 0), (30, 1))
    changes = _plan(stations=[Station("desk", servers=staff, doors=doors)]).stations[0].changes
    assert changes == ((0, 1, False), (5, 1, True), (10, 3, True), (20, 0, False), (30, 0, True))


def test_the_mean_service_is_that_of_all_visits_to_the_station() -> None:
    """`fastest` turns a queue into a wait by it: numbers, distributions and columns each count with their mean."""
    streams = [Stream("office", At([0.0, 1.0]), columns={"size": np.array([1.0, 3.0])})]
    plan = _plan(
        Visit("desk", 6.0), Visit("desk", "size"), Visit("desk", Scaled(Exponential(5.0), "size")), streams=streams
    )
    assert plan.stations[0].mean_service == pytest.approx((6.0 + 2.0 + 10.0) / 3)
    assert plan.stations[1].mean_service == 0.0


def test_batches_and_books_become_numbers() -> None:
    """Releases are sorted; what a batch is not given does not happen; places are one number for all or one for each."""
    times: Any = np.array([1.0, 2.0])
    places: Any = np.array([1, 0])
    plan = _plan(
        Gather("post"),
        batches=[Batch("post", releases=[9.0, 3.0]), Batch("box", size=2, max_wait=5.0)],
        books=[AppointmentBook("a", [1.0, 2.0], 3), AppointmentBook("b", times, places)],
    )
    assert [(b.name, b.size, b.releases, b.max_wait) for b in plan.batches] == [
        ("post", math.inf, (3.0, 9.0), math.inf),
        ("box", 2, (), 5.0),
    ]
    assert [book.places for book in plan.books] == [(3, 3), (1, 0)]
    assert plan.places == ("desk", "window", "post", "box")


def test_a_plan_counts_those_who_do_not_come_too() -> None:
    """They keep their number, so that columns stay in place."""
    plan = _plan(streams=[Stream("office", At([5.0, math.nan, 500.0, 7.0]))])
    assert plan.families == 4
    assert np.flatnonzero(~np.isnan(plan.arrival)).tolist() == [0, 3]


# --- faults ---

STRAY: dict[str, tuple[Step, str]] = {
    "station": (Visit("dsk", 1.0), "no station is named 'dsk'; did you mean 'desk'?"),
    "exit": (Visit("desk", 1.0, abandoned="hom"), "no step or journey is named 'hom'; did you mean 'home'?"),
    "journey": (Go("offic"), "no step or journey is named 'offic'; did you mean 'office'?"),
    "column": (Delay("sise"), "no column is named 'sise'; did you mean 'size'?"),
    "factor": (Delay(Scaled(Exponential(1.0), "sizes")), "no column is named 'sizes'; did you mean 'size'?"),
    "calendar": (Await("day"), "no calendar is named 'day'; did you mean 'days'?"),
    "batch": (Gather("pst"), "no batch is named 'pst'; did you mean 'post'?"),
    "book": (Appointment("bok"), "no appointment book is named 'bok'; did you mean 'book'?"),
    "option": (Choose([Option("hoe")]), "no step or journey is named 'hoe'; did you mean 'home'?"),
    "option's station": (
        Choose([Option("home", station="windw")]),
        "no station is named 'windw'; did you mean 'window'?",
    ),
    "option's weight": (Choose([Option("home", weight="w")]), "no column is named 'w'; there are: size"),
    "entry": (Return("correct"), "no step or journey is named 'office/correct'"),
    "own exit": (Custom(_wander, exits=["hme"]), "no step or journey is named 'hme'; did you mean 'home'?"),
    "no calendar": (Delay(1.0, unit="working days"), "a delay in working days needs a calendar"),
    "unit": (Delay(1.0, unit="hours"), "the unit of a delay cannot be 'hours'"),  # type: ignore[arg-type]
    "no option": (Choose([]), "a choice needs at least one option"),
    "rule": (Choose([Option("home")], rule="fast"), "the rule of a choice cannot be 'fast'; did you mean 'fastest'?"),  # type: ignore[arg-type]
    "mark": (Mark("trips"), "no event can be named 'trips': the trace has a column of that name"),
    "outcome": (End("inside"), "no outcome can be named 'inside'"),
    "negative": (Delay(-3.0), "duration must be a number >= 0, given -3.0"),
    "nan": (Visit("desk", math.nan), "service must be a number >= 0, given nan"),
    "no quantity": (Visit("desk", None), "service must be a number, a column or a distribution, given None"),  # type: ignore[arg-type]
    "no deadline": (Before(math.nan), "deadline must be a number >= 0, given nan"),
    "per cent": (Check(8.0), "probability must be a number from 0 to 1, given 8.0"),
    "limit": (Check(0.5, limit=-1), "limit must be >= 0, given -1"),
    "time of day": (Await("days", at=1.5), "time of day must be a number from 0 to 1, given 1.5"),
    "day": (Await("days", day=-1), "day must be >= 0, given -1"),
}
SURROUNDINGS: dict[str, Any] = {
    "batches": [Batch("post")],
    "books": [AppointmentBook("book", [1.0])],
    "streams": [Stream("office", At([0.0]), columns={"size": np.array([1.0])})],
}


@pytest.mark.parametrize("name", STRAY)
def test_a_step_that_does_not_fit_is_named_with_what_it_says(name: str) -> None:
    """The fault names the step, what was given and the nearest name or what is allowed."""
    step, said = STRAY[name]
    faults = _faults(step, End("home", name="home"), **SURROUNDINGS)
    assert len(faults) == 1
    label = f"office/{getattr(step, 'station', '') or 0}: "
    assert faults[0].startswith(label if name != "outcome" else "no outcome")
    assert said in faults[0]


def test_all_faults_of_all_steps_are_told_at_once() -> None:
    """Nobody has to mend a network one fault at a time."""
    steps = [step for name, (step, _) in STRAY.items() if name != "station"]
    faults = _faults(*steps, End("home", name="home"), **SURROUNDINGS)
    for name, (_, said) in STRAY.items():
        assert name == "station" or any(said in fault for fault in faults), name


PARTS: dict[str, tuple[dict[str, Any], str]] = {
    "two journeys": (
        {"journeys": [Journey("office", [Delay(1.0)])] * 2},
        "two of one name: journey 'office'",
    ),
    "two stations": ({"stations": [Station("desk")] * 2}, "two of one name: station or batch 'desk'"),
    "station and batch": (
        {"stations": [Station("desk")], "batches": [Batch("desk")]},
        "two of one name: station or batch 'desk'",
    ),
    "two books": ({"books": [AppointmentBook("b", [1.0])] * 2}, "two of one name: appointment book 'b'"),
    "two streams": ({"streams": [Stream("office", Poisson(1.0))] * 2}, "two of one name: stream 'arrivals'"),
    "two steps": (
        {"journeys": [Journey("office", [Delay(1.0, name="a"), Delay(2.0, name="a")])]},
        "journey 'office' has two steps named 'a'",
    ),
    "a step named as a visit before it": (
        {"journeys": [Journey("office", [Visit("desk", 1.0), Delay(2.0, name="desk")])]},
        "journey 'office' has two steps named 'desk'",
    ),
    "no steps": ({"journeys": [Journey("office", [])]}, "journey 'office' has no steps"),
    "slash": (
        {"journeys": [Journey("office", [Delay(1.0)]), Journey("a/b", [Delay(1.0)])]},
        "a journey cannot be named 'a/b'",
    ),
    "no channel": (
        {"journeys": [Journey("office", [Delay(1.0)]), Journey("none", [Delay(1.0)])]},
        "a journey cannot be named 'none'",
    ),
    "start": (
        {"streams": [Stream("offce", At([0.0]), name="walk-in")]},
        "stream 'walk-in': no step or journey is named",
    ),
    "servers": (
        {"stations": [Station("desk", servers=-1)]},
        "station 'desk': the number of servers must be >= 0, given -1",
    ),
    "staff": (
        {"stations": [Station("desk", servers=_steps((0, 1), (1, -2)))]},
        "station 'desk': the number of servers must be >= 0, given -2",
    ),
    "room": ({"stations": [Station("desk", room=0)]}, "station 'desk': room must be >= 1, given 0"),
    "no room": ({"stations": [Station("desk", room=math.nan)]}, "station 'desk': room must be >= 1, given nan"),
    "discipline": (
        {"stations": [Station("desk", discipline="prio")]},  # type: ignore[arg-type]
        "station 'desk': discipline cannot be 'prio'; did you mean 'priority'?",
    ),
    "closing": (
        {"stations": [Station("desk", closing="home")]},  # type: ignore[arg-type]
        "station 'desk': closing cannot be 'home'",
    ),
    "when full": (
        {"stations": [Station("desk", when_full="blocks")]},  # type: ignore[arg-type]
        "station 'desk': when_full cannot be 'blocks'; did you mean 'block'?",
    ),
    "size": ({"batches": [Batch("post", size=0)]}, "batch 'post': size must be >= 1, given 0"),
    "max wait": ({"batches": [Batch("post", max_wait=-1.0)]}, "batch 'post': max_wait must be >= 0, given -1.0"),
    "releases": ({"batches": [Batch("post", releases=[-1.0])]}, "batch 'post': releases must be times >= 0"),
    "order": ({"books": [AppointmentBook("b", [2.0, 1.0])]}, "appointment book 'b': times must rise"),
    "places": (
        {"books": [AppointmentBook("b", [1.0, 2.0], [1])]},
        "appointment book 'b': it needs places for each of 2 times, given 1",
    ),
    "negative places": (
        {"books": [AppointmentBook("b", [1.0], -1)]},
        "appointment book 'b': places must be >= 0, given -1",
    ),
    "short column": (
        {"streams": [Stream("office", At([0.0, 1.0]), columns={"size": np.array([1.0])})]},
        "column 'size' of stream 'arrivals' has 1 values for 2 families",
    ),
    "missing column": (
        {
            "streams": [
                Stream("office", At([0.0]), columns={"size": np.array([1.0])}),
                Stream("office", At([0.0]), name="other"),
            ]
        },
        "column 'size' is missing from stream 'other'",
    ),
    "words and numbers": (
        {
            "streams": [
                Stream("office", At([0.0]), columns={"kind": np.array([1.0])}),
                Stream("office", At([0.0]), name="other", columns={"kind": Coded(np.array([0]), ("a",))}),
            ]
        },
        "column 'kind' holds words in one stream and numbers in another",
    ),
    "column of the trace": (
        {"streams": [Stream("office", At([0.0]), columns={"outcome": np.array([1.0])})]},
        "no column can be named 'outcome'",
    ),
}


@pytest.mark.parametrize("name", PARTS)
def test_a_part_that_does_not_fit_is_named(name: str) -> None:
    """Two of one name, numbers that make no sense, columns that do not match: each is one plain fault."""
    parts, said = PARTS[name]
    faults = _faults(**parts)
    assert [fault for fault in faults if said in fault] == faults


def test_faults_of_every_part_are_told_at_once() -> None:
    """A network with something wrong in each of its parts gets one message for all."""
    faults = _faults(
        Visit("dsk", 1.0),
        Gather("pst"),
        stations=[Station("desk", servers=-1), Station("desk")],
        batches=[Batch("post", size=0)],
        books=[AppointmentBook("b", [2.0, 1.0])],
        streams=[Stream("ofice", At([0.0]), columns={"size": np.array([1.0, 2.0])})],
    )
    wanted = ("'dsk'", "'pst'", "servers", "two of one name", "size must", "times must rise", "'ofice'", "has 2 values")
    assert all(any(word in fault for fault in faults) for word in wanted)
    assert len(faults) == len(wanted)


@pytest.mark.parametrize("until", [0.0, -1.0, math.inf, math.nan])
def test_a_horizon_that_never_begins_or_ends_is_refused(until: float) -> None:
    """The end must be a finite time after 0."""
    with pytest.raises(NetworkError, match=f"given until={until}"):
        make_plan(_network(), until=until, seed=1)


def test_a_network_of_nothing_is_a_plan_of_nobody() -> None:
    """No stations, no journeys, no streams: an empty run, not an error."""
    plan = make_plan(Network(), until=10.0, seed=1)
    assert plan.families == 0
    assert plan.stations == ()


@pytest.mark.parametrize("make", [lambda: _plan(Delay(Exponential(3.0))), lambda: _plan(Check(0.4))])
def test_plans_of_one_seed_are_equal(make: Callable[[], Plan]) -> None:
    """Made twice, a plan draws the same."""
    one, two = make(), make()
    assert one.arrival.tolist() == two.arrival.tolist()
    assert one.luck.uniforms("a", 9).tolist() == two.luck.uniforms("a", 9).tolist()
