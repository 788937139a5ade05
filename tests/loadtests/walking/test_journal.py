"""Whatever the moment at which a load test is killed: nothing is done twice, and nobody is lost."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from canbao.arrays import IntArray
from canbao.errors import StorageError
from canbao.plan import Plan
from canbao_loadtests.flow import FLOW
from canbao_loadtests.targets.target import Answer
from canbao_loadtests.walking.book import WalkPart
from canbao_loadtests.walking.drawing import Drawn
from canbao_loadtests.walking.journal import Journal, compact, read_journal
from canbao_loadtests.walking.ledger import ledger_of
from canbao_loadtests.walking.route import Route, make_route
from canbao_loadtests.walking.tracing import trace_of
from canbao_loadtests.walking.walk import Walk

_FAMILIES = 6


class Killed(BaseException):
    """The process is no more."""


@dataclass
class Life:
    """One life of a load test: it ends at a write to the journal, in the middle of it or behind it, or at a call."""

    journal: Journal
    at_write: int = -1
    share: float = 1.0
    at_call: int = -1
    answered: bool = True
    writes: int = 0
    calls: int = 0

    def keep(self, walk: Walk) -> None:
        self.writes += 1
        if self.writes != self.at_write + 1:
            self.journal.keep(walk)
            return
        before = self.journal.path.stat().st_size
        self.journal.keep(walk)
        written = self.journal.path.stat().st_size - before
        os.truncate(self.journal.path, before + round(written * self.share))
        raise Killed

    def call(self, walk: Walk, step: str, inputs: Any) -> Answer:
        self.calls += 1
        if self.calls == self.at_call + 1:
            raise Killed
        return Answer("done")


@dataclass(eq=False)
class Town:
    """A deployment that outlives the load tests on it."""

    plan: Plan
    path: Path
    worlds: Any
    ready: tuple[Route, Drawn]
    lives: list[Life] = field(default_factory=list)

    def __post_init__(self) -> None:
        world_of, time_of, target_of, deeds_of, _ = self.worlds
        self.time = time_of()
        verdicts = ("approved", "returned: data mismatch", "rejected", "approved", "returned: incomplete papers")
        self.deeds = deeds_of(self.time, 700.0, verdict=lambda family, number: verdicts[(family + 2 * number) % 5])
        self.world_of, self.target_of = world_of, target_of
        self.families = _families(self.plan)

    def live(self, **end: Any) -> WalkPart | None:
        """Go on with the load test until it is over, or killed; give its part if it is over."""
        kept = compact(self.path) if self.path.exists() else {}
        life = Life(Journal(self.path, now=self.time.time, sync=lambda _: None), **end)
        self.lives.append(life)
        hook = "after" if life.answered else "before"
        setattr(self.deeds, hook, life.call)
        setattr(self.deeds, "before" if hook == "after" else "after", lambda *_: Answer("done"))
        self.time.entries.clear()
        target = self.target_of(self.deeds.answer)
        world = self.world_of(self.plan, self.time, target, around={"keep": life.keep}, ready=self.ready)
        try:
            walker = world.walker()
            walker.resume(kept)
            world.arrive(walker, [family for family in self.families.tolist() if family not in kept])
            self.time.run()
        except Killed:
            return None
        finally:
            life.journal.close()
        part: WalkPart = walker.finish()
        return part


def _standing(part: WalkPart) -> dict[int, tuple[Any, ...]]:
    """Give where each family's application stands in the end, how often it was handed in, and how the family left."""
    rows = zip(part.family.tolist(), part.applications.tolist(), part.numbers.tolist(), strict=True)
    return {family: (stands, outcome, rounds) for family, stands, (_, _, _, outcome, rounds) in rows}


def _families(plan: Plan) -> IntArray:
    came = np.flatnonzero(plan.columns["_prefers portal"])
    return came[np.argsort(plan.arrival[came])][:_FAMILIES]


@pytest.fixture(scope="module")
def ready(online: Plan) -> tuple[Route, Drawn]:
    """Give the route and the luck of the families."""
    families = _families(online)
    steps = {name for name, step in FLOW.items() if step.side == "family"}
    route = make_route(online, steps, ("portal", "app"), online.first_step[families].tolist())
    return route, Drawn(online.luck, families, route.draws)


@pytest.fixture
def town(
    online: Plan, tmp_path: Path, worlds: Any, ready: tuple[Route, Drawn], monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Town]:
    """Give what makes a town with a journal that is not there yet; a killed process needs no wait for the disk."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    count = iter(range(10_000))
    return lambda: Town(online, tmp_path / f"journal-{next(count)}.jsonl", worlds, ready)


def _check(town: Town, part: WalkPart | None, whole: dict[int, tuple[Any, ...]]) -> None:
    """Compare what was done with what is done where nobody is killed."""
    assert part is not None
    assert sorted(part.family.tolist()) == sorted(town.families.tolist())
    assert _standing(part) == whole
    assert ledger_of([part]).balanced
    rounds = {family: stands[2] for family, stands in whole.items() if stands[2]}
    assert {family: len(times) for family, times in town.deeds.rounds.items()} == rounds
    submitted = Counter(family for family, step in town.deeds.keys.values() if step == "submit")
    assert submitted == Counter(rounds)
    paid = Counter(family for family, step in town.deeds.keys.values() if step == "pay")
    assert all(count == 1 for count in paid.values())


def _whole(town: Callable[[], Town]) -> tuple[Town, dict[int, tuple[Any, ...]]]:
    one = town()
    part = one.live()
    assert part is not None
    return one, _standing(part)


def test_killed_at_every_record_nothing_is_twice_and_nobody_is_lost(town: Callable[[], Town]) -> None:
    """Killed behind each record, and in the middle of each, the load test ends as if nobody had killed it."""
    one, whole = _whole(town)
    records = one.lives[0].writes
    assert records > 5 * _FAMILIES
    for number in range(records):
        for share in (1.0, 0.5):
            other = town()
            assert other.live(at_write=number, share=share) is None
            _check(other, other.live(), whole)


def test_killed_at_every_call_nothing_is_twice_and_nobody_is_lost(town: Callable[[], Town]) -> None:
    """Killed before the deployment hears of a call, or before it can answer, all is done once nevertheless."""
    one, whole = _whole(town)
    for number in range(len(one.deeds.calls)):
        for answered in (True, False):
            other = town()
            assert other.live(at_call=number, answered=answered) is None
            _check(other, other.live(), whole)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 60), st.floats(0, 1)), min_size=1, max_size=8))
def test_killed_again_and_again_nothing_is_twice_and_nobody_is_lost(
    town: Callable[[], Town], ends: list[tuple[int, float]]
) -> None:
    """However often it is killed and wherever, the load test comes to the same end."""
    _, whole = _whole(town)
    one = town()
    for number, share in ends:
        if (part := one.live(at_write=number, share=share)) is not None:
            break
    else:
        part = one.live()
    _check(one, part, whole)


def test_a_resumed_trace_has_all_visits(online: Plan, town: Callable[[], Town]) -> None:
    """The visits of the first life and of the second are those of a life that was not interrupted."""
    one, _ = _whole(town)
    whole = read_journal(one.path)
    other = town()
    assert other.live(at_write=40) is None
    part = other.live()
    assert part is not None
    for family, kept in whole.items():
        steps = [(visit[0], visit[1], visit[5]) for visit in kept.visits]
        mine = part.visits[part.visits[:, 0] == family]
        assert [(a, s, e) for _, a, s, e in mine.tolist()] == steps
    assert len(trace_of(online, [part]).visits["family"]) == len(part.visits)


def test_a_damaged_line_is_named(town: Callable[[], Town]) -> None:
    """A whole line that is no record is an error with its number; nothing is guessed."""
    one, _ = _whole(town)
    lines = one.path.read_bytes().splitlines()
    one.path.write_bytes(b"\n".join([*lines[:3], lines[3][:40], *lines[4:]]) + b"\n")
    with pytest.raises(StorageError, match="line 4 is damaged"):
        read_journal(one.path)


def test_a_journal_of_another_form_is_refused(tmp_path: Path) -> None:
    """A record of a form that is not known is an error."""
    path = tmp_path / "journal.jsonl"
    path.write_text(json.dumps([99, {}, {}, []]) + "\n")
    with pytest.raises(StorageError, match="format 99"):
        read_journal(path)


def test_compacting_keeps_what_is_known(town: Callable[[], Town]) -> None:
    """A compacted journal has one line for each family and says the same."""
    one, _ = _whole(town)
    before = read_journal(one.path)
    assert len(one.path.read_bytes().splitlines()) > len(before)
    assert str(compact(one.path)) == str(before)
    assert str(read_journal(one.path)) == str(before)
    assert len(one.path.read_bytes().splitlines()) == len(before)
    assert one.path.stat().st_mode & 0o777 == 0o600


def test_a_full_disk_stops_before_anything_is_asked(town: Callable[[], Town], online: Plan) -> None:
    """Where the journal cannot be written, the deployment is not asked for the deed, and the error says what to do."""
    one = town()
    life = Journal(one.path, now=one.time.time, sync=lambda _: None)
    os.close(life._file)
    life._file = os.open("/dev/full", os.O_WRONLY)
    world = one.world_of(one.plan, one.time, one.target_of(one.deeds.answer), around={"keep": life.keep})
    walker = world.walker(one.families)
    with pytest.raises(StorageError, match="make room"):
        walker.go_on(walker.begin(int(one.families[0])))
    assert one.deeds.calls == []
    os.close(life._file)


def test_the_disk_is_waited_for_once_a_second_at_most(tmp_path: Path, worlds: Any) -> None:
    """Of many records within a second none waits for the disk; a later one does."""
    time = worlds[1]()
    synced: list[int] = []
    journal = Journal(tmp_path / "journal.jsonl", now=time.time, sync=synced.append)
    for tenth in range(31):
        time.now = tenth / 10
        journal.keep(Walk(1, 2, 3.0))
    journal.close()
    assert len(synced) == 3


def test_a_walk_is_the_same_after_it_was_kept() -> None:
    """Whatever is in a walk is in it after it was written and read, but for what is under way."""
    walk = Walk(5, 3, 1.5, 1, 1, {3: 2}, {4: 1}, {0: 7.25}, 2, 60.0, {"token": "x"}, {"c": "v"}, {"enrol"}, {"pay"})
    walk.keys, walk.deeds, walk.waits, walk.until, walk.intake = {"pay": "k"}, 2, "retry", 9.0, (1, 2, 3.5)
    assert Walk.from_state(json.loads(json.dumps(walk.state())), walk.attempts) == walk
    assert Walk.from_state(Walk(1, 2, 3.0).state(), {}) == Walk(1, 2, 3.0)


def _kept(folder: Path, walk: Walk) -> Walk:
    """Give a walk as it is read from a journal into which it was written."""
    path = folder / f"{len(list(folder.iterdir()))}.jsonl"
    journal = Journal(path, now=lambda: 0.0)
    journal.keep(walk)
    journal.close()
    return read_journal(path)[walk.family].walk


@pytest.mark.parametrize("name", sorted(set(Walk.__dataclass_fields__) - {"attempts", "doing", "visits", "counted"}))
def test_every_field_of_a_walk_is_kept(name: str, tmp_path: Path) -> None:
    """What differs from the beginning is read as it was, zero too, where the beginning is something else."""
    first = getattr(Walk(1, 2, 3.0), name)
    for value in _others(first, name):
        walk = Walk(1, 2, 3.0)
        setattr(walk, name, value)
        assert getattr(_kept(tmp_path, walk), name) == value


def _others(first: Any, name: str) -> list[Any]:
    """Give values of a field that are not the first one."""
    named: dict[str, list[Any]] = {
        "intake": [(1, 2, 3.5)],
        "finished": [0.0, 7.25],
        "until": [math.inf, 9.5],
        "failures": [{4: 1}],
        "marks": [{0: 0.0}],
    }
    kinds: dict[type, list[Any]] = {
        bool: [True],
        int: [0, 5],
        float: [0.0, 1234567.1234567],
        str: ["review"],
        set: [{"pay", "enrol"}],
        dict: [{"a": "b"}],
    }
    return [value for value in named.get(name) or kinds[type(first)] if value != first]


def test_what_a_deployment_gave_is_kept_whatever_it_is(tmp_path: Path) -> None:
    """Numbers beyond 64 bits, and cookies in bytes that are no text."""
    walk = Walk(
        1,
        2,
        3.0,
        memory={"outputs": {"enrol": {"application": 2**70}}},
        cookies={"a": b"\xff".decode("utf-8", "surrogateescape")},
    )
    assert _kept(tmp_path, walk) == walk


def test_a_visit_that_was_never_served_stays_so(tmp_path: Path) -> None:
    """The service of a page that was left never began."""
    walk = Walk(1, 2, 3.0)
    walk.visits = [(0, 4, 1.5, math.nan, 2.5, 1), (0, 5, 2.5, 2.75, 3.5, 0)]
    journal = Journal(tmp_path / "journal.jsonl", now=lambda: 0.0)
    journal.keep(walk)
    journal.close()
    assert str(read_journal(journal.path)[1].visits) == "[(0, 4, 1.5, nan, 2.5, 1), (0, 5, 2.5, 2.75, 3.5, 0)]"


def test_what_was_written_in_part_is_cut_off_before_more_is_written(tmp_path: Path) -> None:
    """A journal that was left in the middle of a record is gone on with behind the last whole one."""
    path = tmp_path / "journal.jsonl"
    journal = Journal(path, now=lambda: 0.0)
    journal.keep(Walk(1, 2, 3.0))
    journal.close()
    with path.open("ab") as file:
        file.write(b'[1,{"family":2,"st')
    again = Journal(path, now=lambda: 0.0)
    again.keep(Walk(3, 4, 5.0))
    again.close()
    assert set(read_journal(path)) == {1, 3}
