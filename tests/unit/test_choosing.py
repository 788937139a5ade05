"""Which engine runs a plan, and what is said of it."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

import numpy as np
import pytest

from canbao import Custom, Exponential, Journey, Network, Poisson, Station, Stream, Visit, simulate
from canbao.engines import Engine, Progress, choosing, engine_named
from canbao.engines.choosing import CHOICES, check_choice, choose_engine, named_engines
from canbao.engines.preparing import compile_engine
from canbao.errors import EngineError, InputError, StorageError, UnsupportedError
from canbao.plan import Plan
from canbao.planning import make_plan
from canbao.trace import Trace, same_tables


def _network(*steps: Any) -> Network:
    visit = Visit("windows", Exponential(4.0))
    return Network(
        [Station("windows", servers=2)], [Journey("office", [visit, *steps])], [Stream("office", Poisson(0.4))]
    )


def _own(env: Any, family: int) -> Generator[Any, Any, None]:
    yield env.timeout(1.0)


PLAN = make_plan(_network(), until=100.0, seed=7)
OWN = make_plan(_network(Custom(_own, name="own")), until=100.0, seed=7)


def _unchanged(trace: Trace) -> Trace:
    return trace


@dataclass
class Double:
    """An engine that gives SimPy's trace, or something like it, and remembers what it was asked."""

    name: str
    reason: str = ""
    is_ready: bool = True
    change: Callable[[Trace], Trace] = _unchanged
    asked: list[str] = field(default_factory=list)

    def supports(self, plan: Plan) -> str:
        return self.reason

    def ready(self) -> bool:
        return self.is_ready

    def prepare(self) -> None:
        self.asked.append("prepare")
        self.is_ready = True

    def run(self, plan: Plan, progress: Progress | None = None) -> Trace:
        self.asked.append("run")
        return self.change(engine_named("simpy").run(plan, progress))


@pytest.fixture
def doubles(monkeypatch: pytest.MonkeyPatch) -> dict[str, Double]:
    """Put doubles in the place of the two engines."""
    engines = {name: Double(name) for name in ("simpy", "compiled")}
    monkeypatch.setattr(choosing, "engine_named", engines.__getitem__)
    return engines


# --- which one --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "ran"),
    [("auto", ["compiled"]), ("simpy", ["simpy"]), ("compiled", ["compiled"]), ("both", ["simpy", "compiled"])],
)
def test_a_plan_of_numbers_runs_on_what_is_asked_for(asked: str, ran: list[str]) -> None:
    """`auto` takes the compiled engine, and each other name means what it says; there is nothing to explain."""
    chosen = choose_engine(asked, PLAN)
    assert [engine.name for engine in chosen.engines] == ran
    assert (chosen.asked, chosen.reason) == (asked, "")
    assert chosen.name == (ran[0] if len(ran) == 1 else "both")


def test_every_choice_gives_the_same_trace() -> None:
    """Nothing of a trace depends on the engine."""
    traces = [choose_engine(asked, PLAN).run(PLAN) for asked in CHOICES]
    for name in ("families", "visits", "stations"):
        assert {same_tables(getattr(traces[0], name), getattr(trace, name)) for trace in traces} == {""}


def test_a_process_of_its_own_runs_on_simpy_by_name_and_reason() -> None:
    """Where `auto` takes SimPy, it says which step is to blame, and whose function that is."""
    chosen = choose_engine("auto", OWN)
    assert chosen.name == "simpy"
    assert "step 'office/own'" in chosen.reason
    assert f"{_own.__module__}._own" in chosen.reason
    assert len(chosen.run(OWN).families["family"]) == np.sum(OWN.arrival < OWN.until)


@pytest.mark.parametrize("asked", ["compiled", "both"])
def test_an_engine_that_is_insisted_on_says_why_it_cannot(asked: str) -> None:
    """Nothing falls back where an engine was asked for by name; this is wrong usage, with the step and the reason."""
    with pytest.raises(
        UnsupportedError, match=r"engine 'compiled' cannot run this: step 'office/own' is .*_own"
    ) as caught:
        choose_engine(asked, OWN)
    assert isinstance(caught.value, EngineError)
    assert caught.value.exit_code == 2


def test_simpy_too_may_say_no(doubles: dict[str, Double]) -> None:
    """If no engine can run a plan, the reason of the last one is told."""
    doubles["compiled"].reason, doubles["simpy"].reason = "it is odd", "it is very odd"
    with pytest.raises(UnsupportedError, match="'simpy' cannot run this: it is very odd"):
        choose_engine("auto", PLAN)


def _without_numba(name: str) -> Engine:
    if name == "compiled":
        raise ImportError("Numba needs NumPy 2.2 or less")
    return Double(name)


def test_a_library_that_cannot_be_imported_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Numba does not fit the Python or NumPy that is there, `auto` takes SimPy and says so; others say no."""
    monkeypatch.setattr(choosing, "engine_named", _without_numba)
    said = r"the compiled engine cannot be imported \(Numba needs NumPy 2.2 or less\)"
    chosen = choose_engine("auto", PLAN)
    assert (chosen.name, chosen.reason) == ("simpy", said.replace("\\", ""))
    for asked in ("compiled", "both"):
        with pytest.raises(UnsupportedError, match=said):
            choose_engine(asked, PLAN)


@pytest.mark.parametrize("name", ["warp", "", "SimPy", "auto,simpy"])
def test_a_name_that_is_none_is_told_with_those_that_are(name: str) -> None:
    """A misspelt engine is wrong usage, before anything else is looked at."""
    with pytest.raises(InputError, match=f"there is no engine '{name}'; there are: auto, simpy, compiled, both"):
        check_choice(name)
    with pytest.raises(InputError, match="there are: auto, simpy, compiled, both"):
        simulate(_network(), until=-1.0, engine=name)


def test_engines_can_be_had_without_a_plan() -> None:
    """By their names, both of them together; `auto` is the name of none."""
    assert [engine.name for engine in named_engines("both")] == ["simpy", "compiled"]
    assert [engine.name for engine in named_engines("simpy")] == ["simpy"]
    with pytest.raises(InputError, match="there is no engine 'auto'; there are: simpy, compiled, both"):
        named_engines("auto")


def test_the_log_says_which_engine_and_why(caplog: pytest.LogCaptureFixture) -> None:
    """Who calls `simulate` and wonders finds the choice in the log `canbao`."""
    with caplog.at_level(logging.INFO, logger="canbao"):
        choose_engine("auto", PLAN)
        choose_engine("auto", OWN)
    first, second = caplog.messages
    assert first == "engine: compiled"
    assert second.startswith("engine: simpy, because step 'office/own' is")


# --- ready ------------------------------------------------------------------------------------------------------------


def test_only_what_is_not_ready_is_compiled(doubles: dict[str, Double]) -> None:
    """A choice is ready when its engines are; preparing it touches no other, and no engine twice."""
    doubles["compiled"].is_ready = False
    assert choose_engine("simpy", PLAN).ready()
    both = choose_engine("both", PLAN)
    assert not both.ready()
    both.prepare()
    both.prepare()
    assert both.ready()
    assert [doubles[name].asked for name in ("simpy", "compiled")] == [[], ["prepare"]]


def test_a_run_compiles_what_is_not_compiled_yet(doubles: dict[str, Double]) -> None:
    """Whoever runs without preparing gets the engine ready first."""
    doubles["compiled"].is_ready = False
    choose_engine("compiled", PLAN).run(PLAN)
    assert doubles["compiled"].asked == ["prepare", "run"]


def test_a_disk_that_is_full_of_machine_code_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where what is compiled does not fit, the message names the file and what to do."""

    def full(_: Double) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device", "/cache/loop.code")

    monkeypatch.setattr(Double, "prepare", full)
    with pytest.raises(StorageError, match=r"kept in /cache/loop\.code: No space left on device; make room, or take"):
        compile_engine(Double("compiled", is_ready=False))


def test_simpy_is_always_ready() -> None:
    """There is nothing to be done before its first run."""
    engine = engine_named("simpy")
    engine.prepare()
    assert engine.ready()


# --- both -------------------------------------------------------------------------------------------------------------


def test_both_engines_run_once_and_tell_one_progress(doubles: dict[str, Double]) -> None:
    """Each runs once, and what is told rises from the first half to the second."""
    told: list[float] = []
    choose_engine("both", PLAN).run(PLAN, told.append)
    assert [doubles[name].asked.count("run") for name in ("simpy", "compiled")] == [1, 1]
    assert told == sorted(told)
    assert (0.5 in told, told[-1]) == (True, 1.0)


def _later(trace: Trace) -> Trace:
    leave = np.array(trace.visits["leave"])
    leave[10] += 0.25
    return replace(trace, visits={**trace.visits, "leave": leave})


def test_two_engines_that_differ_are_an_error_with_both_stories(doubles: dict[str, Double]) -> None:
    """The message names engines, family, visit and the two values, in the user's own time."""
    doubles["compiled"].change = _later
    visits = choose_engine("simpy", PLAN).run(PLAN).visits
    family, leave = int(visits["family"][10]), float(visits["leave"][10])
    with pytest.raises(EngineError) as caught:
        choose_engine("both", PLAN).run(PLAN, moment=lambda time: f"<{time:.1f}>")
    head, *stories = str(caught.value).splitlines()
    start = f"engines simpy and compiled differ on one family; the first is family {family} at <{leave:.1f}>: visit "
    assert head.startswith(start)
    assert head.endswith(f", leave: {leave!r} and {leave + 0.25!r}")
    assert sum(line.startswith(">") for line in stories) == 2
    assert [line for line in stories if line.startswith("visits, ")] == ["visits, simpy:", "visits, compiled:"]
