"""`verify` passes an engine that is right, and only such a one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from canbao.columns import Column
from canbao.engines import ENGINES, Engine, Progress, engine_named
from canbao.engines.choosing import named_engines
from canbao.errors import InputError
from canbao.plan import Plan
from canbao.planning import make_plan
from canbao.trace import Trace
from canbao.verification import trials
from canbao.verification.trials import run_case, run_case_on
from canbao.verify import CASES, Case, verify


@pytest.fixture
def coarse(monkeypatch: pytest.MonkeyPatch) -> float:
    """Make blocks small, and give the precision to which they suffice."""
    monkeypatch.setattr(trials, "_BLOCK", 200_000)
    monkeypatch.setattr(trials, "_FEWEST", 20)
    return 0.1


def case_named(name: str) -> Case:
    """Give a case."""
    return next(case for case in CASES if case.name == name)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_every_case_holds_with_other_luck(case: Case, coarse: float) -> None:
    """With luck that `canbao verify` does not use by default, to 10 %; engines agree, and with the peer to a digit."""
    results = run_case_on(case, named_engines("both"), seed=8, precision=coarse)
    for result in results:
        assert [row for row in result.rows if not row.holds] == []
        assert result.disagreement <= 1e-9
        assert result.differs == ""
    simpy, compiled = results
    assert compiled.rows == (() if compiled.unsupported else simpy.rows)


def test_one_case_alone_is_not_for_the_compiled_engine() -> None:
    """The patients of the clinic turn round by a function of ours, which only SimPy can call."""
    compiled = engine_named("compiled")
    reasons = {case.name: compiled.supports(make_plan(case.network, until=case.until, seed=0)) for case in CASES}
    assert [name for name, reason in reasons.items() if reason] == ["a walk-in clinic"]
    assert "step 'low/door' chooses by a function of its own" in reasons["a walk-in clinic"]


def test_engines_side_by_side_give_what_each_gives_alone(coarse: float) -> None:
    """The same luck, the same peer, the same results, but for the comparison."""
    case = case_named("M/M/4, a bank")
    both = run_case_on(case, named_engines("both"), precision=coarse)
    assert both == tuple(run_case(case, engine_named(name), precision=coarse) for name in ENGINES)


def test_every_published_case_is_there() -> None:
    """One word for each system that is to be reproduced, and a source for every case."""
    names = " | ".join(case.name for case in CASES)
    words = """
        M/M/14, Erlang C; M/M/14+M; M/M/13+M; M/M/10/10; M/M/17/17; 4 or more inside; M/M/3, a bank; M/M/4, a bank;
        two priorities; a long run; M/M/1 → M/M/1; rate in steps; walk-in clinic; an office; M/M/2, a bank's branch;
        M/M/3, a bank's branch; lognormal; Erlang service; M/D/1; M(t)/G/∞
    """
    assert [word for word in words.split(";") if word.strip() not in names] == []
    assert all(case.source for case in CASES)
    assert len({case.name for case in CASES}) == len(CASES)


def test_a_wrong_theory_does_not_hold(coarse: float) -> None:
    """Three in a hundred off is noticed at 1 %, and named."""
    case = case_named("M/M/4, a bank")
    wrong = replace(case, quantities=tuple(replace(q, value=q.value * 1.03) for q in case.quantities))
    result = run_case(wrong, engine_named("simpy"), precision=0.01)
    assert not result.holds
    assert [row.quantity for row in result.rows if not row.holds] == ["mean wait"]


@dataclass(frozen=True)
class Tampered:
    """An engine whose services all end a little later than they should, or begin in the wrong order."""

    change: Callable[[Any], dict[str, Column]]
    name: str = "tampered"

    def supports(self, plan: Plan) -> str:
        return ""

    def ready(self) -> bool:
        return True

    def prepare(self) -> None: ...

    def run(self, plan: Plan, progress: Progress | None = None) -> Trace:
        trace = engine_named("simpy").run(plan)
        return replace(trace, visits={**trace.visits, **self.change(trace.visits)})


@pytest.mark.parametrize(
    "change",
    [
        lambda visits: {"start": visits["start"] + 0.05 * (visits["start"] - visits["enter"])},
        lambda visits: {"start": np.where(visits["family"] % 50, visits["start"], visits["enter"])},
    ],
)
def test_a_wrong_engine_does_not_hold(change: Callable[[Any], dict[str, Column]], coarse: float) -> None:
    """Waits that are 5 % too long, or one customer in fifty who jumps the queue: the peer does not hide them."""
    engine: Engine = Tampered(change)
    result = run_case(case_named("M/M/4, a bank"), engine, precision=0.01)
    assert not result.holds
    assert result.disagreement > 0.001


def test_an_engine_that_differs_from_the_first_does_not_hold(coarse: float) -> None:
    """A service that ends a little later is told by family and visit, though no interval could show it."""
    engine: Engine = Tampered(lambda visits: {"leave": np.nextafter(visits["leave"], np.inf)})
    one, other = run_case_on(case_named("M/M/4, a bank"), [engine_named("simpy"), engine], precision=coarse)
    assert (one.differs, one.holds) == ("", True)
    assert re.fullmatch(r"family \d+, visit 1, leave: [\d.]+ and [\d.]+", other.differs)
    assert all(row.holds for row in other.rows)
    assert not other.holds


def test_an_interval_that_is_too_wide_does_not_hold(coarse: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the peer gives up before the interval is narrow, the row fails though it covers the theory."""
    monkeypatch.setattr(trials, "_MOST_CUSTOMERS", 1)
    result = run_case(case_named("M/M/1, a long run"), engine_named("simpy"), precision=0.001)
    row = result.rows[0]
    assert abs(row.mean - row.value) <= row.half_width
    assert not row.holds


def test_a_published_interval_must_meet_ours(coarse: float) -> None:
    """A published number a little outside is no contradiction, one far away is."""
    case = case_named("M/M/1 → M/M/1")
    far = [replace(q, value=q.value * 1.2) if q.kind == "published" else q for q in case.quantities]
    result = run_case(replace(case, quantities=tuple(far)), engine_named("simpy"), precision=coarse)
    assert [row.kind for row in result.rows if not row.holds] == ["published"] * 3


def test_a_report_gathers_cases_in_their_order_and_tells_its_progress(coarse: float) -> None:
    """Only the cases that were asked for, engine by engine, and the share of them done after each."""
    told: list[float] = []
    report = verify(only=["D/D/1", "clinic"], progress=told.append)
    found = [(result.name, result.engine) for result in report.results]
    assert found == [(name, engine) for name in ("a walk-in clinic", "D/D/1") for engine in ENGINES]
    assert report.engines == ENGINES
    assert told == [0.5, 1.0]
    assert report.holds


def test_the_number_of_processes_does_not_change_the_results() -> None:
    """One process or two: the same numbers, bit for bit."""
    names = ["D/D/1", "a walk-in clinic"]
    assert verify(only=names, jobs=2).results == verify(only=names, jobs=1).results


def test_another_seed_has_other_luck(coarse: float) -> None:
    """Not one run in common."""
    case = case_named("G/G/∞")
    one, other = (run_case(case, engine_named("simpy"), seed=seed, precision=coarse) for seed in (0, 1))
    assert one.rows[0].mean != other.rows[0].mean


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"only": ["M/M/99"]}, "no case is named 'M/M/99'; there are: M/M/14"),
        ({"engine": "warp"}, "there is no engine 'warp'; there are: simpy, compiled, both"),
        ({"precision": 0.0}, "0 < precision <= 1"),
        ({"jobs": 0}, "jobs >= 1"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: dict[str, Any], message: str) -> None:
    """With what was given and what there is."""
    with pytest.raises(InputError, match=message):
        verify(**arguments)
