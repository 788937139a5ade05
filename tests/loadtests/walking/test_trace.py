"""What families did becomes the tables of a simulation's trace, and every measure works on them."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from canbao.engines.simpy_engine import SimpyEngine
from canbao.errors import StorageError
from canbao.measures.summary import summarise
from canbao.plan import Plan
from canbao.scenario.scenario import ScenarioFile
from canbao.trace import same_tables
from canbao_loadtests.walking.book import WalkPart
from canbao_loadtests.walking.ledger import Ledger, ledger_of
from canbao_loadtests.walking.tracing import trace_of

_ARRAYS = ("family", "numbers", "times", "marks", "applications", "reasons", "visits", "stays")


def _walk(world: Any, families: Any = None, until: float = math.inf) -> WalkPart:
    came = np.flatnonzero(world.plan.arrival < min(world.plan.until, until)) if families is None else families
    walker = world.walker(came)
    world.arrive(walker, came)
    world.time.run(until)
    part: WalkPart = walker.finish()
    return part


@pytest.fixture(scope="module")
def part(online: Plan, worlds: Any) -> WalkPart:
    """Give what all families of the small scenario did, in a world in which all is done that is asked."""
    world_of, time_of, target_of, deeds_of, _ = worlds
    time = time_of()
    return _walk(world_of(online, time, target_of(deeds_of(time).answer)))


def test_tables_have_the_columns_of_a_simulation(world: Any, part: WalkPart) -> None:
    """Names, order and types of all columns are those of a simulated trace."""
    walked, simulated = trace_of(world.plan, [part]), SimpyEngine().run(world.plan)
    for name in ("families", "visits", "stations"):
        mine, theirs = walked.frame(name).schema, simulated.frame(name).schema  # type: ignore[arg-type]
        assert mine.equals(theirs)
    assert walked.families["family"].tolist() == simulated.families["family"].tolist()  # type: ignore[union-attr]


def test_parts_of_many_processes_are_the_trace_of_one(world: Any, worlds: Any, part: WalkPart) -> None:
    """Families striped over three processes give the same tables as in one, whatever the order of the parts."""
    world_of, time_of, target_of, deeds_of, _ = worlds
    came = np.flatnonzero(world.plan.arrival < world.plan.until)
    parts = []
    for stripe in (2, 0, 1):
        time = time_of()
        parts.append(_walk(world_of(world.plan, time, target_of(deeds_of(time).answer)), came[stripe::3]))
    one, three = trace_of(world.plan, [part]), trace_of(world.plan, parts)
    for name in ("families", "visits", "stations"):
        assert same_tables(getattr(one, name), getattr(three, name)) == "", name
    assert ledger_of(parts) == ledger_of([part])


def test_a_summary_of_a_walked_trace_counts_what_happened(
    online_file: ScenarioFile, world: Any, part: WalkPart
) -> None:
    """Rounds of review, families, fees and papers of the summary are those of the book."""
    summary = summarise(online_file, world.plan, trace_of(world.plan, [part]), laws=False)
    assert summary["review"]["rounds"] == part.numbers[:, 4].sum() > 100
    assert summary["families"]["arrived"] == len(part.family)
    assert summary["review"]["working_days"]["max"] <= 2.0
    ledger = ledger_of([part])
    assert ledger.issued + ledger.rejected == summary["review"]["rounds"]
    assert all(law["holds"] for law in summary["trust"]["laws"])


def test_who_is_inside_at_the_end_is_inside_in_the_trace(world: Any) -> None:
    """A load test that ends in the middle has open rounds of review, families inside, and no moment behind its end."""
    end = float(np.nanmedian(world.plan.arrival))
    part = _walk(world, until=end)
    trace = trace_of(world.plan, [part], end)
    outcome = np.array(trace.families["outcome"].words())  # type: ignore[union-attr]
    ended = np.array(trace.visits["ended"].words())  # type: ignore[union-attr]
    leave = np.asarray(trace.visits["leave"])
    assert trace.until == end
    assert (outcome == "inside").any()
    assert np.isnan(np.asarray(trace.families["finished"])[outcome == "inside"]).all()
    assert ((ended == "inside") == np.isnan(leave)).all()
    assert np.nanmax(leave) < end
    ledger = ledger_of([part])
    assert ledger.in_review == int((part.applications == "in review").sum())
    assert ledger.balanced


def test_server_time_is_what_visits_took(world: Any, part: WalkPart) -> None:
    """Busy time and services of each station add up to its visits."""
    trace = trace_of(world.plan, [part])
    begun = ~np.isnan(np.asarray(trace.visits["start"]))
    took = (np.asarray(trace.visits["leave"]) - np.asarray(trace.visits["start"]))[begun]
    assert np.asarray(trace.stations["busy_s"]).sum() == pytest.approx(took[~np.isnan(took)].sum(), rel=1e-6)
    assert np.asarray(trace.stations["starts"]).sum() == begun.sum()


def test_a_part_is_the_same_after_it_was_saved(tmp_path: Path, part: WalkPart) -> None:
    """All arrays and counts come back from the file."""
    part.save(tmp_path / "part.npz")
    kept = WalkPart.load(tmp_path / "part.npz")
    for name in _ARRAYS:
        assert np.array_equal(getattr(kept, name), getattr(part, name), equal_nan=name in ("times", "marks", "stays"))
    assert kept.calls == part.calls


def test_a_damaged_part_is_an_error_that_says_what_to_do(tmp_path: Path, part: WalkPart) -> None:
    """A part that is missing or cut short is named, and the message says how to get it again."""
    path = tmp_path / "part.npz"
    with pytest.raises(StorageError, match="resume"):
        WalkPart.load(path)
    part.save(path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(StorageError, match="is damaged"):
        WalkPart.load(path)
    with pytest.raises(StorageError, match="make room or choose another folder"):
        part.save(tmp_path / "nowhere" / "part.npz")


def test_a_part_that_knows_fewer_marks_is_put_together_with_others(world: Any, part: WalkPart) -> None:
    """A part made of the journal of a process that died may lack marks: they are nan, and nothing else is missing."""
    bare = replace(part, marks=part.marks[:, :0])
    families = trace_of(world.plan, [bare]).families
    assert np.isnan(np.asarray(families["submitted"])).all()
    assert len(families["family"]) == len(part.family)


def test_nobody_is_counted_twice(part: WalkPart) -> None:
    """A family in two parts is an error, not a larger sum."""
    with pytest.raises(ValueError, match=f"{len(part.family)} families are counted twice"):
        ledger_of([part, part])


def test_a_ledger_that_does_not_add_up_says_so() -> None:
    """An application that is nowhere makes the ledger unbalanced."""
    assert Ledger(10, issued=5, rejected=1, in_review=2, returned=1, lost={"gave up": 1}).balanced
    assert not Ledger(11, issued=5, rejected=1, in_review=2, returned=1, lost={"gave up": 1}).balanced
