"""What goes wrong between a family and a deployment, and what becomes of both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from canbao.columns import Coded
from canbao.trace import Trace
from canbao_loadtests.http.messages import TransportError
from canbao_loadtests.targets.target import Answer
from canbao_loadtests.walking.book import WalkPart
from canbao_loadtests.walking.ledger import ledger_of
from canbao_loadtests.walking.pace import Pace
from canbao_loadtests.walking.tracing import trace_of
from canbao_loadtests.walking.walk import Walk

Hook = Callable[[Walk, str, Mapping[str, Any]], Answer]
DONE = Answer("done")


def _families(world: Any, count: int = 60) -> list[int]:
    """Give some families that begin at the portal and have no account, by the plan."""
    columns = world.plan.columns
    new = np.asarray(columns["_prefers portal"]).astype(bool) & ~np.asarray(columns["_portal account"]).astype(bool)
    stays = np.asarray(columns["_portal finishes"]).astype(bool) & (world.plan.arrival < world.plan.until * 0.6)
    found: list[int] = np.flatnonzero(new & stays)[:count].tolist()
    return found


def _walked(world: Any, families: list[int] | None = None, **hooks: Hook) -> tuple[WalkPart, Trace]:
    deeds = world.target.answer.__self__
    for name, hook in hooks.items():
        setattr(deeds, name, hook)
    some = _families(world) if families is None else families
    walker = world.walker(some)
    world.arrive(walker, some)
    world.time.run()
    part = walker.finish()
    return part, trace_of(world.plan, [part])


def _visits(trace: Trace, step: str) -> list[dict[str, Any]]:
    """Give the visits of a step, by column."""
    column = trace.visits["step"]
    assert isinstance(column, Coded)
    rows = np.flatnonzero(np.array(column.words()) == step)
    words = {name: each.take(rows).words() for name, each in trace.visits.items() if isinstance(each, Coded)}
    numbers = {name: each[rows].tolist() for name, each in trace.visits.items() if not isinstance(each, Coded)}
    table = {**words, **numbers}
    return [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]


def _slow(world: Any, step: str, seconds: float, times: int = 1) -> Hook:
    """Let a step take so long for each family, some times."""
    left: Counter[int] = Counter()

    def hook(walk: Walk, call: str, inputs: Mapping[str, Any]) -> Answer:
        if call == step and left[walk.family] < times:
            left[walk.family] += 1
            world.time.sleep(seconds)
        return DONE

    return hook


def _first(step: str, answer: Answer, times: int = 1) -> Hook:
    """Let a step be answered so for each family, some times."""
    left: Counter[int] = Counter()

    def hook(walk: Walk, call: str, inputs: Mapping[str, Any]) -> Answer:
        if call == step and left[walk.family] < times:
            left[walk.family] += 1
            return answer
        return DONE

    return hook


def test_a_family_leaves_a_page_when_its_patience_is_over(world: Any) -> None:
    """A page that does not load is left after the patience of the plan, in real seconds, and tried again as it says."""
    some = _families(world)
    patience = {step.index: step.patience for step in world.plan.steps if hasattr(step, "patience")}
    _, trace = _walked(world, before=_slow(world, "register", 10_000.0))
    visits = _visits(trace, "portal/register")
    assert len(visits) > len(some)
    index = world.plan.step_names.index("portal/register")
    drawn = patience[index].values(world.plan.luck, world.plan.families)
    for visit in visits:
        if visit["attempt"] == 0:
            assert visit["ended"] == "abandoned"
            assert visit["leave"] - visit["enter"] == pytest.approx(drawn[visit["family"]])
            assert np.isnan(visit["start"])
        else:
            assert visit["ended"] == "served"


def test_what_a_page_took_beyond_its_request_is_its_wait(world: Any) -> None:
    """A page that takes 7 s is a visit of 7 s, of which the request of the plan is the service."""
    step = world.plan.steps[world.plan.step_names.index("portal/register")]
    drawn = step.service.values(world.plan.luck, world.plan.families)
    patient = [f for f in _families(world) if step.patience.values(world.plan.luck, f + 1)[f] > 8.0]
    _, trace = _walked(world, patient, before=_slow(world, "register", 7.0))
    visits = _visits(trace, "portal/register")
    assert len(visits) == len(patient)
    for visit in visits:
        assert visit["leave"] - visit["enter"] == pytest.approx(7.0)
        assert visit["leave"] - visit["start"] == pytest.approx(min(7.0, drawn[visit["family"]]))


@pytest.mark.parametrize("answer", [Answer("failed", reason="status 500"), Answer("failed", reason="timeout")])
def test_an_error_page_is_left_and_tried_again_by_the_plan(world: Any, answer: Answer) -> None:
    """An answer that is an error ends the visit as abandoned; the family tries again as the plan says."""
    _, trace = _walked(world, before=_first("enrol", answer))
    ends = Counter((visit["attempt"], visit["ended"]) for visit in _visits(trace, "portal/form"))
    assert ends[0, "served"] == 0
    assert 0 < ends[1, "served"] <= ends[0, "abandoned"]


def test_retry_after_is_obeyed_within_patience(world: Any) -> None:
    """Where the deployment says when to come back, the family does so on the same page, and is served."""
    _, trace = _walked(world, before=_first("enrol", Answer("not ready", retry_after_s=0.5)))
    visits = _visits(trace, "portal/form")
    assert {visit["ended"] for visit in visits} == {"served"}
    assert all(visit["leave"] - visit["enter"] == pytest.approx(0.5) for visit in visits if not visit["attempt"])


def test_a_deployment_that_stays_full_is_a_full_room(world: Any) -> None:
    """Where it says to come back too late, the visit ends as full, and the failure is recorded."""
    part, trace = _walked(world, before=_first("enrol", Answer("not ready", retry_after_s=3_600.0)))
    ends = Counter((visit["attempt"], visit["ended"]) for visit in _visits(trace, "portal/form"))
    assert ends[0, "full"] > 0
    assert ends[0, "served"] == 0
    assert len(_visits(trace, "portal/form: full")) == ends[0, "full"]
    assert part.calls["enrol | not ready"] == ends[0, "full"]


def test_an_expired_session_is_logged_in_again(world: Any) -> None:
    """A family whose session has expired logs in and does the same again, on the same page."""
    part, trace = _walked(world, before=_first("upload_paper", Answer("logged out")))
    visits = _visits(trace, "portal/papers")
    assert {visit["ended"] for visit in visits} == {"served"}
    families = len({visit["family"] for visit in visits})
    assert part.calls["upload_paper | logged out"] == families
    assert part.calls["log_in | done"] == len(_visits(trace, "portal/log in")) + families


def test_whoever_cannot_log_in_again_leaves_the_page(world: Any) -> None:
    """A session that expires at once again ends the visit; the family is not caught in a circle."""
    _, trace = _walked(world, before=_first("upload_paper", Answer("logged out"), times=2))
    assert {v["ended"] for v in _visits(trace, "portal/papers") if not v["attempt"]} == {"abandoned"}


def test_a_submission_without_an_answer_is_repeated_with_its_key(world: Any) -> None:
    """The answer is lost three times: the deployment has each application once, and the ledger counts it once."""
    lost = Answer("failed", reason="reset")
    part, _ = _walked(world, after=_first("submit", lost, times=3))
    deeds = world.target.answer.__self__
    assert part.calls["submit | failed | reset"] == 3 * len(deeds.rounds)
    assert all(len(rounds) == 1 for rounds in deeds.rounds.values())
    ledger = ledger_of([part])
    assert ledger.submitted == len(deeds.rounds) > 0
    assert ledger.balanced


def test_pauses_between_tries_grow(world: Any) -> None:
    """A deployment that is away is asked more and more rarely, with pauses that double up to the longest."""
    times: dict[int, list[float]] = {}

    def hook(walk: Walk, call: str, inputs: Mapping[str, Any]) -> Answer:
        if call == "submit":
            times.setdefault(walk.family, []).append(world.time.now)
            return Answer("failed", reason="refused")
        return DONE

    part, _ = _walked(world, before=hook)
    pace = world.pace
    least = [min(pace.retry_s * 2.0**n, pace.longest_s) for n in range(pace.tries)]
    for moments in times.values():
        pauses = np.diff(moments).tolist()
        assert all(low <= pause <= 1.25 * low + 1e-6 for low, pause in zip(least, pauses, strict=True))
    assert ledger_of([part]).unanswered == len(times) > 0


def test_a_refused_application_is_not_handed_in_again(world: Any) -> None:
    """A deployment that will not take an application is believed: it is refused, with the reason."""
    part, _ = _walked(world, before=_first("submit", Answer("failed", reason="status 422"), times=99))
    ledger = ledger_of([part])
    assert ledger.submitted == 0
    assert ledger.refused == {"status 422": part.calls["submit | failed | status 422"]}


def test_each_try_to_pay_has_a_key_of_its_own(world: Any) -> None:
    """A debit that is declined is over; the next try is another deed."""
    keys: list[tuple[int, str]] = []

    def hook(walk: Walk, call: str, inputs: Mapping[str, Any]) -> Answer:
        if call != "pay":
            return DONE
        keys.append((walk.family, inputs["idempotency_key"]))
        assert inputs["payment_way"] in ("online bank", "alipay", "wechat pay")
        return Answer("declined") if len([f for f, _ in keys if f == walk.family]) == 1 else DONE

    part, trace = _walked(world, before=hook)
    assert len({key for _, key in keys}) == len(keys)
    assert max(Counter(family for family, _ in keys).values()) == 2
    assert len(_visits(trace, "payment/debit failed")) == part.calls["pay | declined"]


def test_an_account_whose_opening_got_no_answer_is_found_by_logging_in(world: Any) -> None:
    """The account was opened and the answer got lost: the second try is refused, and logging in works."""
    part, trace = _walked(world, after=_first("register", Answer("failed", reason="reset")))
    ends = Counter((visit["attempt"], visit["ended"]) for visit in _visits(trace, "portal/register"))
    assert ends[0, "abandoned"] == len(_families(world))
    assert ends[1, "served"] > 0
    assert {attempt for attempt, ended in ends if ended == "abandoned"} == {0}
    assert part.calls["register | failed | status 409"] >= ends[1, "served"]


def test_an_account_that_the_plan_takes_for_granted_is_opened_first(world: Any) -> None:
    """A family that has an account by the plan opens it at the deployment before it logs in, off the record."""
    columns = world.plan.columns
    known = np.asarray(columns["_prefers portal"]).astype(bool) & np.asarray(columns["_portal account"]).astype(bool)
    some = np.flatnonzero(known & np.asarray(columns["_portal finishes"]).astype(bool))[:30].tolist()
    part, trace = _walked(world, some, before=_slow(world, "register", 5.0))
    assert part.calls["register | done"] == len(some)
    assert _visits(trace, "portal/register") == []
    assert all(visit["leave"] == visit["enter"] for visit in _visits(trace, "portal/log in"))


def test_looks_at_applications_grow_rarer_while_they_fail(world: Any) -> None:
    """A deployment that is away is not asked for each application every few seconds; later all is as before."""
    times: dict[int, list[float]] = {}

    def hook(walk: Walk, call: str, inputs: Mapping[str, Any]) -> Answer:
        if call == "progress" and walk.waits == "review":
            times.setdefault(walk.family, []).append(world.time.now)
            if len(times[walk.family]) <= 8:
                return Answer("failed", reason="refused")
        return DONE

    world.target.answer.__self__.review_s = 40_000.0
    part, _ = _walked(world, before=hook)
    most = world.pace.poll_s * world.pace.slowest
    assert times
    for moments in times.values():
        pauses = np.diff(moments)
        assert pauses[:8].max() <= 1.25 * most
        assert pauses[4:8].min() >= 0.75 * most
        assert pauses[9:].max() <= 1.25 * world.pace.poll_s
    assert ledger_of([part]).issued == len(times)


def test_the_moment_of_a_decision_is_the_deployments(world: Any) -> None:
    """However late a family looks, the review was over when the deployment says."""
    _, trace = _walked(world)
    visits = _visits(trace, "review/resubmitted")
    assert visits
    assert all(visit["leave"] - visit["enter"] == pytest.approx(3_000.0) for visit in visits)


@pytest.mark.parametrize("told", [-1e9, 1e12, None, "yesterday"])
def test_a_moment_that_cannot_be_is_not_believed(world: Any, told: Any) -> None:
    """A decision before the submission, behind the present, or at no moment at all was there when the family looked."""

    def hook(walk: Walk, call: str, inputs: Mapping[str, Any]) -> Answer:
        if call != "progress":
            return DONE
        return Answer("done", {"status": "approved", "decided_at": told})

    deeds = world.target.answer.__self__
    world.target.answer = lambda *asked: deeds.answer(*asked) if asked[1] != "progress" else hook(*asked)
    some = _families(world)
    walker = world.walker(some)
    world.arrive(walker, some)
    world.time.run()
    visits = _visits(trace_of(world.plan, [walker.finish()]), "review/resubmitted")
    most = 1.25 * world.pace.poll_s
    assert visits
    assert all(0.0 < visit["leave"] - visit["enter"] <= most for visit in visits)


def test_a_stopped_load_test_asks_nothing_more(world: Any) -> None:
    """After a stop nothing reaches the deployment, and whoever is inside is written down as inside."""
    some = _families(world)
    walker = world.walker(some)
    world.arrive(walker, some)
    world.time.run(float(world.plan.arrival[some[30]]))
    deeds = world.target.answer.__self__
    walker.stop()
    asked = len(deeds.calls)
    world.time.run()
    assert len(deeds.calls) == asked
    part = walker.finish()
    assert ledger_of([part]).balanced
    assert (part.numbers[:, 3] == -1).any()


def test_every_browser_is_closed_and_none_outlives_a_pause(world: Any) -> None:
    """While a family waits it holds no browser: whatever it must remember is in its walk."""
    _walked(world)
    assert len(world.browsers) > 100
    assert all(browser.closed for browser in world.browsers)


def test_a_family_goes_on_with_its_memory_and_cookies(world: Any) -> None:
    """What a session had to remember is there in the next one."""
    seen: set[tuple[int, bool]] = set()

    def hook(walk: Walk, call: str, inputs: Mapping[str, Any]) -> Answer:
        seen.add((walk.family, call == "progress" and walk.cookies == {"seen": "yes"}))
        return DONE

    _walked(world, before=hook)
    assert any(kept for _, kept in seen)


def test_a_defect_in_a_target_is_not_swallowed(world: Any) -> None:
    """A target that raises what it must not stops the family with that error."""

    def hook(walk: Walk, call: str, inputs: Mapping[str, Any]) -> Answer:
        raise TransportError("reset")

    with pytest.raises(TransportError):
        _walked(world, before=hook)


def test_short_pauses_are_slept_through(world: Any) -> None:
    """A pause that is shorter in real time than half a second keeps the greenlet, a longer one gives it back."""
    world.pace, world.speed = Pace(short_s=0.5, poll_s=1.0), 1_000.0
    slept: list[float] = []
    sleep = world.time.sleep

    def sleeps(seconds: float) -> None:
        slept.append(seconds)
        sleep(seconds)

    world.around["sleep"] = sleeps
    _walked(world, _families(world, 12))
    assert slept
    assert max(slept) <= 0.5


def test_a_look_whose_session_has_expired_logs_in_again(world: Any) -> None:
    """A token that expires while an application is in review costs one more look, and nobody is lost."""
    part, _ = _walked(world, before=_first("progress", Answer("logged out")))
    ledger = ledger_of([part])
    assert part.calls["progress | logged out"] >= ledger.submitted > 0
    assert ledger.in_review == 0
