"""Slots and services, found from when visits came and went."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canbao.arrays import FloatArray
from canbao_loadtests.calibrating.evidence import Asked
from canbao_loadtests.calibrating.replaying import Replay, quiet_visits, through_a_queue
from canbao_loadtests.calibrating.slots import fit_slots, work_done


def asked_of(enter: FloatArray, stay: FloatArray, refused: FloatArray | None = None) -> Asked:
    """Give visits to one station that were all served."""
    n = len(enter)
    none = np.zeros(0) if refused is None else refused
    one, sure = np.zeros(n, np.int64), np.ones(n, bool)
    return Asked(one, ("portal",), one, ("portal/form",), enter, stay, sure, ~sure, np.arange(n), none)


def queue(slots: int, load: float, n: int, seed: int) -> Asked:
    """Give visits to a queue of slots, with Poisson arrivals and lognormal services of mean 1."""
    rng = np.random.default_rng(seed)
    enter = np.cumsum(rng.exponential(1.0 / (load * slots), n))
    service = rng.lognormal(-0.5 * np.log(1.64), np.sqrt(np.log(1.64)), n)
    return asked_of(enter, through_a_queue(enter, service, np.full(n, np.inf), slots))


def shared(slots: int, load: float, n: int, seed: int) -> Asked:
    """Give visits to a processor that is shared: min(N, slots) units of work a second, the same for everybody."""
    rng = np.random.default_rng(seed)
    enter, work = np.cumsum(rng.exponential(1.0 / (load * slots), n)), rng.exponential(1.0, n)
    left: dict[int, float] = {}
    gone, now, coming = np.zeros(n), 0.0, 0
    while coming < n or left:
        speed = min(1.0, slots / len(left)) if left else 0.0
        first = min(left, key=left.__getitem__) if left else -1
        done = now + left[first] / speed if left else math.inf
        then = min(done, enter[coming] if coming < n else math.inf)
        left = {who: rest - (then - now) * speed for who, rest in left.items()}
        now = then
        if coming < n and then == enter[coming]:
            left[coming] = work[coming]
            coming += 1
        else:
            gone[first] = now
            del left[first]
    return asked_of(enter, gone - enter)


@pytest.mark.parametrize(("slots", "load"), [(1, 0.8), (2, 0.6), (4, 0.85), (20, 0.9)])
def test_slots_and_service_of_a_queue_are_found(slots: int, load: float) -> None:
    """The interval covers the truth in 9 of 10 load tests and more, and the estimate is the nearest whole number."""
    fits = [fit_slots(queue(slots, load, 4_000, seed)) for seed in range(30)]
    assert all(fit is not None and not fit.contaminated for fit in fits)
    covered = sum(fit.low <= slots <= fit.high for fit in fits)
    assert covered >= 26  # of 30 with a chance of 95 % each: 99 times of 100
    near = np.median([fit.slots for fit in fits])
    assert near == pytest.approx(slots, rel=0.05)
    services = [fit.services[0] for fit in fits]
    assert sum(abs(each.mean - 1.0) <= each.half_width for each in services) >= 25
    assert np.median([each.cv for each in services]) == pytest.approx(0.8, rel=0.1)


def test_what_a_shared_processor_can_do_is_found_as_well() -> None:
    """Slots and service come out too large together, and their quotient is the capacity, to a fifth."""
    fits = [fit_slots(shared(2, 0.8, 2_000, seed)) for seed in range(6)]
    found = [fit.slots / fit.services[0].mean for fit in fits]
    assert np.mean(found) == pytest.approx(2.0, rel=0.2)


def test_pages_that_want_more_are_told_from_others() -> None:
    """Where heavy pages come when it is busy and light ones when it is quiet, both are found, and so are the slots."""
    rng = np.random.default_rng(6)
    calm, rush = np.cumsum(rng.exponential(1.0, 2_000)), 2_500.0 + np.cumsum(rng.exponential(0.5, 2_000))
    enter = np.concatenate([calm, rush])
    kind = (rng.random(4_000) < np.where(enter > 2_400.0, 0.9, 0.1)).astype(np.int64)
    service = rng.exponential(np.where(kind == 1, 1.6, 0.2))
    plain = asked_of(enter, through_a_queue(enter, service, np.full(4_000, np.inf), 4))
    fit = fit_slots(replace(plain, kind=kind, kinds=("light", "heavy")))
    assert fit.low <= 4.0 <= fit.high
    assert fit.services[0].mean == pytest.approx(service.mean(), rel=0.06)
    assert fit_slots(plain).high < 4.0 or fit_slots(plain).low > 4.0  # all pages alike: wrong


def test_slots_that_were_never_full_have_no_upper_end() -> None:
    """At a tenth of the load nobody waits, so that every larger number of slots says the same."""
    fit = fit_slots(queue(20, 0.1, 2_000, 1))
    assert math.isinf(fit.high)
    assert fit.low <= 20.0
    assert fit.services[0].mean == pytest.approx(1.0, rel=0.1)


def test_a_deployment_that_was_never_quiet_is_told() -> None:
    """Where each visit met more others than there are slots, services cannot be known."""
    rng = np.random.default_rng(2)
    enter = np.concatenate([np.zeros(50), np.cumsum(rng.exponential(0.2, 1_000))])
    stay = through_a_queue(enter, rng.exponential(1.0, 1_050), np.full(1_050, np.inf), 4)
    assert fit_slots(asked_of(enter, stay)).contaminated


def test_few_visits_say_nothing() -> None:
    """Below thirty visits there is no answer."""
    assert fit_slots(queue(2, 0.5, 20, 1)) is None


def test_places_to_wait_are_seen_when_visits_are_turned_away() -> None:
    """What is inside at a refusal is what there is room for."""
    rng = np.random.default_rng(3)
    enter, service = np.cumsum(rng.exponential(0.25, 3_000)), rng.exponential(1.0, 3_000)
    slots, room = 3, 7
    free, refused = [0.0] * slots, list[float]()
    inside, kept = list[float](), list[tuple[float, float]]()
    for moment, work in zip(enter.tolist(), service.tolist(), strict=True):
        inside = [end for end in inside if end > moment]
        if len(inside) >= room:
            refused.append(moment)
            continue
        place = int(np.argmin(free))
        free[place] = max(free[place], moment) + work
        inside.append(free[place])
        kept.append((moment, free[place] - moment))
    came, stayed = np.array(kept).T
    fit = fit_slots(asked_of(came, stayed, np.array(refused)))
    assert (fit.room, fit.refused) == (room, len(refused))
    assert fit.low <= slots <= fit.high


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0.01, 10)), min_size=1, max_size=40), st.integers(1, 50))
def test_work_grows_with_slots_ever_more_slowly_up_to_all_stays(visits: list[tuple[float, float]], slots: int) -> None:
    """∫ min(N, c) dt rises in c, is concave, and is the sum of all stays where there is a slot for everybody."""
    enter, stay = (np.array(column) for column in zip(*sorted(visits), strict=True))
    asked = asked_of(enter, stay)
    done = [work_done(asked, count) for count in (slots - 1, slots, slots + 1)]
    assert done[0] <= done[1] + 1e-9
    assert done[2] - done[1] <= done[1] - done[0] + 1e-9
    assert work_done(asked, len(visits)) == pytest.approx(stay.sum())


def test_a_replay_of_the_fitted_queue_gives_the_same_stays() -> None:
    """The same arrivals at so many slots have the measured mean and tail; at one slot less they wait far longer."""
    asked = queue(4, 0.8, 6_000, 4)
    replay = Replay(asked, quiet_visits(asked, least=3), (None,))
    means = [np.mean([replay.stays(slots, seed).mean() for seed in range(8)]) for slots in (3, 4)]
    assert means[1] == pytest.approx(asked.stay.mean(), rel=0.2)
    assert means[0] > 3.0 * asked.stay.mean()
