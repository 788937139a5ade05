"""What a station does, feature by feature, on a day short enough to work out by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest

import canbao
from canbao.trace import Trace

Run = Callable[..., Trace]
VisitsOf = Callable[[Trace], list[tuple[Any, ...]]]

OPEN_TO_10 = canbao.Schedule([0.0, 10.0], [1.0, 0.0])


# --- servers ----------------------------------------------------------------------------------------------------------


def test_two_servers_take_families_in_the_order_in_which_they_come(office: Run, visits_of: VisitsOf) -> None:
    """Each family goes to the server who is free first."""
    trace = office([0, 1, 2, 3], 5.0, servers=2)
    assert visits_of(trace) == [
        (0, "desk", 0, 0, 5, "served"),
        (1, "desk", 1, 1, 6, "served"),
        (2, "desk", 2, 5, 10, "served"),
        (3, "desk", 3, 6, 11, "served"),
    ]


def test_a_server_whose_shift_ends_finishes_the_family_in_hand(office: Run, visits_of: VisitsOf) -> None:
    """From 3 on one of two servers is gone, once both have finished; the next family waits for the one who stays."""
    trace = office([0, 1, 2], 5.0, servers=canbao.Schedule([0.0, 3.0], [2.0, 1.0]))
    assert [(enter, start, leave) for _, _, enter, start, leave, _ in visits_of(trace)] == [
        (0, 0, 5),
        (1, 1, 6),
        (2, 6, 11),
    ]


def test_staffed_time_counts_a_server_until_the_family_in_hand_is_served(office: Run) -> None:
    """Two servers until 3, then one, but both are busy until 5 and one until 6; the horizon ends at 10."""
    trace = office([0, 1], 5.0, until=10.0, servers=canbao.Schedule([0.0, 3.0], [2.0, 1.0]))
    assert (trace.stations["busy_s"][0], trace.stations["staffed_s"][0]) == (10, 2 * 5 + 1 * 5)


def test_a_lunch_break_leaves_the_queue_standing(office: Run, visits_of: VisitsOf) -> None:
    """Nobody serves from 4 to 8, the doors stay open, and who waits is served after lunch."""
    trace = office([0, 2, 5], 3.0, servers=canbao.Schedule([0.0, 4.0, 8.0], [1.0, 0.0, 1.0]))
    assert [start for _, _, _, start, _, _ in visits_of(trace)] == [0, 3, 8]


def test_more_servers_begin_at_once(office: Run, visits_of: VisitsOf) -> None:
    """Two who waited are both served when two more servers come."""
    trace = office([0, 0, 0], 10.0, servers=canbao.Schedule([0.0, 4.0], [1.0, 3.0]))
    assert [start for _, _, _, start, _, _ in visits_of(trace)] == [0, 4, 4]


# --- doors ------------------------------------------------------------------------------------------------------------


def test_at_closing_time_the_servers_stay_for_those_inside(office: Run, visits_of: VisitsOf) -> None:
    """With `serve` everybody who came before 10 is served, though the shift ends at 10; who comes at 10 is too late."""
    trace = office([7, 8, 9, 10], 4.0, servers=OPEN_TO_10, doors=OPEN_TO_10, closing="serve")
    assert visits_of(trace) == [
        (0, "desk", 7, 7, 11, "served"),
        (1, "desk", 8, 11, 15, "served"),
        (2, "desk", 9, 15, 19, "served"),
        (3, "desk", 10, None, 10, "closed"),
    ]
    assert trace.families["outcome"].words() == ["done", "done", "done", "closed"]
    # On duty until 10, then for those inside: nobody waits from 15 on, and the last family is done at 19.
    assert trace.stations["staffed_s"][0] == 19


def test_those_who_stay_are_the_servers_of_the_moment_of_closing(office: Run, visits_of: VisitsOf) -> None:
    """Two more come after closing and go again; then the one who stayed goes on alone until nobody waits."""
    staff = canbao.Schedule([0.0, 10.0, 12.0, 14.0], [1.0, 0.0, 3.0, 0.0])
    trace = office([5] * 6, 4.0, servers=staff, doors=OPEN_TO_10, closing="serve")
    assert [start for _, _, _, start, _, _ in visits_of(trace)] == [5, 9, 12, 12, 13, 17]


def test_who_waits_at_closing_time_is_sent_home(office: Run, visits_of: VisitsOf) -> None:
    """With `send home` the family in hand is served and those who wait leave at 10."""
    trace = office([7, 8, 9], 4.0, servers=OPEN_TO_10, doors=OPEN_TO_10, closing="send home")
    assert visits_of(trace) == [
        (0, "desk", 7, 7, 11, "served"),
        (1, "desk", 8, None, 10, "sent home"),
        (2, "desk", 9, None, 10, "sent home"),
    ]


def test_nobody_begins_when_all_are_sent_home_though_more_servers_come_at_that_moment(
    office: Run, visits_of: VisitsOf
) -> None:
    """Doors that close count before servers that come."""
    staff = canbao.Schedule([0.0, 10.0], [1.0, 3.0])
    trace = office([7, 8, 9], 4.0, servers=staff, doors=OPEN_TO_10, closing="send home")
    assert [ended for *_, ended in visits_of(trace)] == ["served", "sent home", "sent home"]


def test_papers_are_kept_until_somebody_serves_them(office: Run, visits_of: VisitsOf) -> None:
    """With `keep` what waits at closing time is served the next morning."""
    doors = canbao.Schedule([0.0, 10.0, 20.0], [1.0, 0.0, 1.0])
    trace = office([7, 8, 9], 4.0, servers=doors, doors=doors, closing="keep")
    assert [(start, leave) for _, _, _, start, leave, _ in visits_of(trace)] == [(7, 11), (20, 24), (24, 28)]


def test_who_waits_is_sent_home_when_nobody_is_there_to_stay(office: Run, visits_of: VisitsOf) -> None:
    """With `serve`, the servers of the moment of closing stay; if there are none, nobody stays."""
    staff = canbao.Schedule([0.0, 5.0], [1.0, 0.0])
    trace = office([0, 6], 2.0, servers=staff, doors=OPEN_TO_10, closing="serve")
    assert visits_of(trace)[1] == (1, "desk", 6, None, 10, "sent home")


def test_a_family_that_is_sent_home_can_come_back_another_day(visits_of: VisitsOf) -> None:
    """The exit `closed` leads where the journey says: here to the next opening of the calendar."""
    week = canbao.Calendar.from_intervals([(0.0, 10.0), (86400.0, 86410.0)], days=2)
    doors = week.to_schedule()
    steps = [
        canbao.Visit("desk", service=8.0, name="desk", closed="tomorrow", served="home"),
        canbao.Await("week", name="tomorrow", day=1),
        canbao.Go("desk"),
        canbao.End("home", name="home"),
    ]
    network = canbao.Network(
        stations=[canbao.Station("desk", servers=doors, doors=doors, closing="send home")],
        journeys=[canbao.Journey("office", steps)],
        streams=[canbao.Stream("office", canbao.At([0.0, 5.0]))],
        calendars={"week": week},
    )
    trace = canbao.simulate(network, until=2 * 86400.0)
    assert visits_of(trace) == [
        (0, "desk", 0, 0, 8, "served"),
        (1, "desk", 5, 8, 16, "served"),
    ]


# --- patience and baulking --------------------------------------------------------------------------------------------


def test_a_family_gives_up_when_its_patience_is_over(office: Run, visits_of: VisitsOf) -> None:
    """It leaves after three minutes of waiting, and the queue moves up."""
    trace = office([0, 1, 2], 10.0, visit={"patience": canbao.Empirical((3.0,), (1.0,))})
    assert visits_of(trace) == [
        (0, "desk", 0, 0, 10, "served"),
        (1, "desk", 1, None, 4, "abandoned"),
        (2, "desk", 2, None, 5, "abandoned"),
    ]


def test_a_server_who_is_free_at_the_very_moment_at_which_patience_ends_still_serves(
    office: Run, visits_of: VisitsOf
) -> None:
    """Departures come before patience: a family that waits until 10 and no longer is served at 10."""
    trace = office([0, 4], 10.0, visit={"patience": 6.0})
    assert visits_of(trace)[1] == (1, "desk", 4, 10, 20, "served")


def test_without_patience_only_a_free_server_will_do(office: Run, visits_of: VisitsOf) -> None:
    """A family with no patience at all leaves at once, unless it need not wait."""
    trace = office([0, 1, 10], 10.0, visit={"patience": 0.0})
    assert [ended for *_, ended in visits_of(trace)] == ["served", "abandoned", "served"]


def test_who_meets_a_long_queue_does_not_join(office: Run, visits_of: VisitsOf) -> None:
    """The second waits, the third finds one waiting and turns round."""
    trace = office([0, 1, 2], 10.0, visit={"baulk_at": 1})
    assert visits_of(trace)[2] == (2, "desk", 2, None, 2, "baulked")


def test_nobody_baulks_at_a_free_server(office: Run, visits_of: VisitsOf) -> None:
    """Even a family that would join no queue is served when nobody is before it."""
    trace = office([0, 1, 10], 10.0, visit={"baulk_at": 0})
    assert [ended for *_, ended in visits_of(trace)] == ["served", "baulked", "served"]


# --- disciplines ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("discipline", "order"), [("fifo", [0, 1, 2, 3, 4]), ("lifo", [0, 4, 3, 2, 1]), ("shortest", [0, 3, 1, 4, 2])]
)
def test_disciplines_choose_who_is_next(discipline: Any, order: list[int], visits_of: VisitsOf) -> None:
    """Families of services 9, 2, 5, 1, 2 that come one after the other are served by their discipline."""
    network = canbao.Network(
        stations=[canbao.Station("desk", discipline=discipline)],
        journeys=[canbao.Journey("office", [canbao.Visit("desk", service="length")])],
        streams=[canbao.Stream("office", canbao.At([0, 1, 2, 3, 4]), columns={"length": [9.0, 2.0, 5.0, 1.0, 2.0]})],
    )
    visits = visits_of(canbao.simulate(network, until=100.0))
    assert [family for family, *_ in sorted(visits, key=lambda visit: visit[3])] == order


def test_the_smallest_priority_goes_first_and_equals_in_their_order(visits_of: VisitsOf) -> None:
    """Priorities 0, 2, 1, 2, 1, of which the first is in service when the others come."""
    network = canbao.Network(
        stations=[canbao.Station("desk", discipline="priority")],
        journeys=[canbao.Journey("office", [canbao.Visit("desk", service=10.0, priority="rank")])],
        streams=[canbao.Stream("office", canbao.At([0, 1, 2, 3, 4]), columns={"rank": [0.0, 2.0, 1.0, 2.0, 1.0]})],
    )
    visits = visits_of(canbao.simulate(network, until=100.0))
    assert [family for family, *_ in sorted(visits, key=lambda visit: visit[3])] == [0, 2, 4, 1, 3]


def test_a_random_queue_serves_by_the_luck_of_each_family() -> None:
    """The order is that of the drawn numbers, not that of coming."""
    network = canbao.Network(
        stations=[canbao.Station("desk", discipline="random")],
        journeys=[canbao.Journey("office", [canbao.Visit("desk", service=1.0)])],
        streams=[canbao.Stream("office", canbao.At([0.0] + [0.5] * 20))],
    )
    starts = canbao.simulate(network, until=100.0, seed=3).visits["start"]
    luck = canbao.Luck(3).uniforms("desk:order", 21)
    waited = sorted(range(1, 21), key=lambda family: luck[family])
    assert sorted(range(1, 21), key=lambda family: starts[family]) == waited
    assert waited != list(range(1, 21))


# --- rooms ------------------------------------------------------------------------------------------------------------


def test_a_full_room_turns_families_away(office: Run, visits_of: VisitsOf) -> None:
    """One is served and one waits; the third is lost, the fourth finds room again."""
    trace = office([0, 1, 2, 11], 10.0, room=2)
    assert [ended for *_, ended in visits_of(trace)] == ["served", "served", "full", "served"]


def _row(arrivals: Sequence[float], first: float, second: float, **station: Any) -> Trace:
    network = canbao.Network(
        stations=[canbao.Station("first"), canbao.Station("second", **station)],
        journeys=[
            canbao.Journey("line", [canbao.Visit("first", service=first), canbao.Visit("second", service=second)])
        ],
        streams=[canbao.Stream("line", canbao.At(arrivals))],
    )
    return canbao.simulate(network, until=100.0)


def test_a_family_without_room_ahead_keeps_its_server(visits_of: VisitsOf) -> None:
    """Blocking after service: the second family is done at 2, stays where it is until 11, and so the third waits."""
    trace = _row([0, 0, 0], 1.0, 10.0, room=1, when_full="block")
    assert visits_of(trace) == [
        (0, "first", 0, 0, 1, "served"),
        (0, "second", 1, 1, 11, "served"),
        (1, "first", 0, 1, 11, "served"),
        (1, "second", 11, 11, 21, "served"),
        (2, "first", 0, 11, 21, "served"),
        (2, "second", 21, 21, 31, "served"),
    ]
    assert trace.stations["busy_s"].tolist() == [21, 30]


def test_families_at_the_door_come_in_in_their_order(visits_of: VisitsOf) -> None:
    """From two stations into one room: who was ready first comes in first."""
    network = canbao.Network(
        stations=[canbao.Station("a"), canbao.Station("b"), canbao.Station("room", room=1, when_full="block")],
        journeys=[
            canbao.Journey("from a", [canbao.Visit("a", service=3.0), canbao.Visit("room", service=10.0)]),
            canbao.Journey("from b", [canbao.Visit("b", service=2.0), canbao.Visit("room", service=10.0)]),
        ],
        streams=[
            canbao.Stream("from a", canbao.At([0, 1]), name="a"),
            canbao.Stream("from b", canbao.At([0, 1]), name="b"),
        ],
    )
    visits = visits_of(canbao.simulate(network, until=100.0))
    # Ready: family 2 at 2, family 0 at 3, family 3 (who was let in at b at 2) at 4, family 1 at 15.
    entered = [(enter, family) for family, station, enter, *_ in visits if station == "room"]
    assert sorted(entered) == [(2, 2), (12, 0), (22, 3), (32, 1)]


def test_a_family_that_comes_again_to_a_full_room_does_not_block_itself(visits_of: VisitsOf) -> None:
    """One in a room of one is done again, while another waits at the door."""
    steps = [canbao.Visit("desk", service=3.0), canbao.Check(0.0, failed="desk", limit=1)]
    network = canbao.Network(
        stations=[canbao.Station("desk", room=1, when_full="block")],
        journeys=[canbao.Journey("office", steps)],
        streams=[canbao.Stream("office", canbao.At([0, 1]))],
    )
    visits = visits_of(canbao.simulate(network, until=100.0))
    assert [(family, enter, leave) for family, _, enter, _, leave, _ in visits] == [
        (0, 0, 3),
        (0, 3, 6),
        (1, 6, 9),
        (1, 9, 12),
    ]


def test_a_family_that_is_turned_away_frees_the_server_it_comes_from(visits_of: VisitsOf) -> None:
    """Its rows stay in the order of time: first the visit that was served, then the one that was not."""
    trace = _row([0, 0], 4.0, 10.0, room=1, when_full="lose")
    assert visits_of(trace)[2:] == [(1, "first", 0, 4, 8, "served"), (1, "second", 8, None, 8, "full")]


@pytest.mark.parametrize("closing", ["serve", "send home", "keep"])
def test_at_closing_time_those_at_the_door_are_turned_away(closing: str, visits_of: VisitsOf) -> None:
    """The family at the door of the full room at 10 is turned away, and its server is free from then on."""
    trace = _row([0, 0, 0], 1.0, 30.0, room=1, when_full="block", doors=OPEN_TO_10, closing=closing)
    assert visits_of(trace) == [
        (0, "first", 0, 0, 1, "served"),
        (0, "second", 1, 1, 31, "served"),
        (1, "first", 0, 1, 10, "served"),
        (1, "second", 10, None, 10, "closed"),
        (2, "first", 0, 10, 11, "served"),
        (2, "second", 11, None, 11, "closed"),
    ]


# --- the end of the horizon -------------------------------------------------------------------------------------------


def test_who_is_not_finished_at_the_end_is_counted_as_inside(office: Run, visits_of: VisitsOf) -> None:
    """One in service, one waiting; a service that would end at the very end has not ended."""
    trace = office([0, 1, 2], 5.0, until=10.0)
    assert visits_of(trace) == [
        (0, "desk", 0, 0, 5, "served"),
        (1, "desk", 1, 5, None, "inside"),
        (2, "desk", 2, None, None, "inside"),
    ]
    assert trace.families["outcome"].words() == ["done", "inside", "inside"]
    assert math.isnan(trace.families["finished"][2])
    assert trace.stations["busy_s"][0] == 10


# --- one moment, several events ---------------------------------------------------------------------------------------


def test_at_one_moment_departures_come_before_schedules_before_patience_before_arrivals(visits_of: VisitsOf) -> None:
    """At 10 a service ends, the staff goes, patience ends and a family comes; in this order.

    The server that is freed at 10 takes the second family before the shift ends, so that the third, whose patience ends
    at 10 too, finds nobody, and the fourth waits.
    """
    network = canbao.Network(
        stations=[canbao.Station("desk", servers=canbao.Schedule([0.0, 10.0], [1.0, 0.0]))],
        journeys=[canbao.Journey("office", [canbao.Visit("desk", service=10.0, patience="patience")])],
        streams=[
            canbao.Stream("office", canbao.At([0, 1, 2, 10]), columns={"patience": [math.inf, 9.0, 8.0, math.inf]})
        ],
    )
    trace = canbao.simulate(network, until=50.0)
    assert visits_of(trace) == [
        (0, "desk", 0, 0, 10, "served"),
        (1, "desk", 1, 10, 20, "served"),
        (2, "desk", 2, None, 10, "abandoned"),
        (3, "desk", 10, None, None, "inside"),
    ]


def test_doors_that_open_at_the_moment_of_an_arrival_let_it_in(office: Run, visits_of: VisitsOf) -> None:
    """Schedules come before arrivals: at 5 the doors are open, at 10 they are closed."""
    doors = canbao.Schedule([0.0, 5.0, 10.0], [0.0, 1.0, 0.0])
    trace = office([4, 5, 10], 1.0, doors=doors)
    assert [ended for *_, ended in visits_of(trace)] == ["closed", "served", "closed"]


def test_a_family_that_moves_on_at_closing_time_is_let_in(visits_of: VisitsOf) -> None:
    """Departures come before schedules: who is done at the first station at 10 enters the second, which then closes."""
    trace = _row([0], 10.0, 5.0, servers=OPEN_TO_10, doors=OPEN_TO_10)
    assert visits_of(trace)[1] == (0, "second", 10, 10, 15, "served")


def test_families_of_one_moment_come_in_the_order_of_their_numbers(office: Run, visits_of: VisitsOf) -> None:
    """Three at once are served one after the other by number."""
    trace = office([5, 5, 5], 2.0)
    assert [start for _, _, _, start, _, _ in visits_of(trace)] == [5, 7, 9]


def test_the_family_that_was_served_moves_on_before_its_server_takes_the_next(visits_of: VisitsOf) -> None:
    """Sent back to the same queue, the first family stands there again before its server looks for the last to come."""
    steps = [canbao.Visit("desk", service=4.0), canbao.Check(0.0, failed="desk", limit=1)]
    network = canbao.Network(
        stations=[canbao.Station("desk", discipline="lifo")],
        journeys=[canbao.Journey("office", steps)],
        streams=[canbao.Stream("office", canbao.At([0, 1]))],
    )
    visits = visits_of(canbao.simulate(network, until=100.0))
    assert [(family, start) for family, _, _, start, _, _ in visits] == [(0, 0), (0, 4), (1, 8), (1, 12)]
