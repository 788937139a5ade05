"""The same families with the same luck, whatever else changes."""

from __future__ import annotations

import hashlib
import math
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import canbao
from canbao.columns import numbers_of
from canbao.engines import engine_named
from canbao.measures.laws import check_laws
from canbao.planning import make_plan
from canbao.trace import Trace, same_tables


def city(servers: int = 2, reviewers: int = 1, extra: bool = False) -> canbao.Network:
    """Give an office with rework, priorities and patience; with `extra` also a portal, which nobody of it uses."""
    office = [
        canbao.Visit("window", service=canbao.Lognormal(8.0, 0.6), patience=canbao.Exponential(60.0), name="window"),
        canbao.Visit("review", service=canbao.Exponential(5.0), priority=canbao.Empirical((0.0, 1.0), (1.0, 3.0))),
        canbao.Check(0.7, failed="window", limit=3),
    ]
    portal = [canbao.Visit("portal", service=canbao.Exponential(20.0))]
    return canbao.Network(
        stations=[
            *([canbao.Station("portal", servers=5)] if extra else []),
            canbao.Station("window", servers=servers),
            canbao.Station("review", servers=reviewers, discipline="priority"),
        ],
        journeys=[
            *([canbao.Journey("portal", portal)] if extra else []),
            canbao.Journey("office", office),
        ],
        streams=[
            canbao.Stream("office", canbao.Poisson(0.12), name="office", columns={"_mood": canbao.Uniform(0.0, 1.0)}),
            *(
                [
                    canbao.Stream(
                        "portal", canbao.Poisson(0.3), name="portal", columns={"_mood": canbao.Uniform(0.0, 1.0)}
                    )
                ]
                if extra
                else []
            ),
        ],
    )


def services(trace: Trace) -> dict[tuple[int, str, int], float]:
    """How long each served visit took, by family, step and attempt."""
    visits: Any = trace.visits
    rows = zip(
        visits["family"], visits["step"].words(), visits["attempt"], visits["leave"] - visits["start"], strict=True
    )
    return {(int(family), step, int(attempt)): took for family, step, attempt, took in rows if not math.isnan(took)}


@pytest.mark.parametrize("servers", [3, 7])
def test_more_servers_leave_every_service_time_as_it_was(servers: int) -> None:
    """Every visit that is served in both runs takes as long in both, though waits and giving up are others."""
    few, many = canbao.simulate(city(), until=5000.0, seed=4), canbao.simulate(city(servers), until=5000.0, seed=4)
    one, other = services(few), services(many)
    shared = one.keys() & other.keys()
    assert len(shared) > 500
    np.testing.assert_allclose([one[key] for key in shared], [other[key] for key in shared], rtol=0, atol=1e-9)
    assert same_tables({"arrival": few.families["arrival"]}, {"arrival": many.families["arrival"]}) == ""
    assert few.families["outcome"].words() != many.families["outcome"].words()  # type: ignore[union-attr]


def test_a_family_does_not_notice_stations_and_streams_that_it_does_not_use() -> None:
    """With a portal beside it, all that happens to the office's families stays the same, to the last bit."""
    alone, beside = canbao.simulate(city(), until=3000.0), canbao.simulate(city(extra=True), until=3000.0)
    count = len(alone.families["family"])
    for name, column in alone.families.items():
        words = [c.words() if isinstance(c, canbao.Coded) else c.tolist() for c in (column, beside.families[name])]
        assert repr(words[0]) == repr(words[1][:count])
    rows = len(alone.visits["family"])
    for name in ("family", "attempt", "enter", "start", "leave"):
        np.testing.assert_array_equal(numbers_of(alone.visits[name]), numbers_of(beside.visits[name])[:rows])


def test_the_same_seed_gives_the_same_trace_and_another_seed_another_one() -> None:
    """All three tables are equal, bit for bit."""
    one, again, other = (canbao.simulate(city(), until=2000.0, seed=seed) for seed in (5, 5, 6))
    for name in ("families", "visits", "stations"):
        assert same_tables(getattr(one, name), getattr(again, name)) == ""
    assert same_tables(one.visits, other.visits) != ""


_DIGEST = """
import hashlib, sys
import numpy as np
sys.path.insert(0, {folder!r})
from {module} import city, digest
import canbao
print(digest(canbao.simulate(city(), until=2000.0, seed=5)))
"""


def digest(trace: Trace) -> str:
    """Give a fingerprint of all tables."""
    found = hashlib.sha256()
    for table in (trace.families, trace.visits, trace.stations):
        for name, column in table.items():
            found.update(name.encode() + np.ascontiguousarray(numbers_of(column)).tobytes())
    return found.hexdigest()


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_another_process_gives_the_same_trace(hash_seed: str) -> None:
    """Whatever its hash seed, so that no set or dictionary has a say in the order of events."""
    script = _DIGEST.format(folder=os.path.dirname(__file__), module=os.path.basename(__file__)[:-3])
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == digest(canbao.simulate(city(), until=2000.0, seed=5))


def test_a_backlog_of_thirty_thousand_with_priorities_changes_no_law() -> None:
    """All come at once and are served by urgency, then in their order; every law holds, and the last is served last."""
    families = 30_000
    rank = np.arange(families) % 3
    network = canbao.Network(
        stations=[canbao.Station("review", servers=3, discipline="priority")],
        journeys=[canbao.Journey("pile", [canbao.Visit("review", service=1.0, priority="rank")])],
        streams=[canbao.Stream("pile", canbao.At(np.zeros(families)), columns={"rank": rank.astype(np.float64)})],
    )
    plan = make_plan(network, until=1e6, seed=0)
    trace = engine_named("simpy").run(plan)
    assert [law for law in check_laws(trace, plan) if not law.holds] == []
    # The first three find free servers; the others go by rank, then by number.
    order = np.lexsort((np.arange(families), rank))
    expected = np.empty(families)
    expected[:3] = 0.0
    expected[order[order >= 3]] = np.arange(3, families) // 3
    np.testing.assert_array_equal(trace.visits["start"], expected)
