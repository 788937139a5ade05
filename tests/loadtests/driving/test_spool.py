"""What a load process had recorded is on disk when it is killed, up to the last second."""

from __future__ import annotations

import signal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from canbao.columns import Coded
from canbao.trace import Table
from canbao_loadtests.driving.parts import PARTS, new_part, read_parts, save_part
from canbao_loadtests.driving.recorder import HOW, Journeys, Recorder
from canbao_loadtests.driving.schedule import Schedule
from canbao_loadtests.driving.spool import SPOOL, Spool, read_spool
from canbao_loadtests.http.exchange import Exchange

SAID = {"part": 0, "ahead_s": 0.0, "every_s": 1.0}


def plain(table: Table) -> dict[str, list[Any]]:
    """Give a table as lists; where a time is not known, None."""
    return {
        name: column.words()
        if isinstance(column, Coded)
        else [None if str(value) == "nan" else value for value in column.tolist()]
        for name, column in table.items()
    }


def spooled(folder: Path, steps: list[tuple[str, int]], said: dict[str, Any] = SAID) -> tuple[Recorder, Journeys]:
    """Record what steps say, and write now and then."""
    schedule = Schedule.of(range(10), range(10))
    recorder, journeys = Recorder(), Journeys(schedule, schedule.moments + 100.0)
    spool = Spool(folder / SPOOL, recorder, journeys, said)
    for number, (what, family) in enumerate(steps):
        now = 1_000.0 + number
        if what == "request":
            recorder.request(Exchange(f"operation {family}", now, now + 0.5, 200, 10, 20, "" if family else "timeout"))
        elif what == "look":
            recorder.look(Exchange("progress", now, now + 0.1, 200, 1, 2))
        elif what == "late":
            recorder.late(now, 0.001 * family)
        elif what == "write":
            spool.write(now)
        else:
            journey(journeys, what, family, now)
    spool.write(2_000.0)
    return recorder, journeys


def journey(journeys: Journeys, what: str, family: int, now: float) -> None:
    """Let a family come, leave, or be turned away, as often as it can: once."""
    how = HOW[journeys.how[family]]
    if what == "start" and how == "not injected":
        journeys.start(family, now)
    elif what == "drop" and how == "not injected":
        journeys.drop(family)
    elif what == "finish" and how == "cut":
        journeys.finish(family, now, failed=family == 3)


STEPS = st.lists(
    st.tuples(st.sampled_from(["request", "look", "late", "start", "finish", "drop", "write"]), st.integers(0, 9)),
    max_size=40,
)


@given(STEPS)
def test_what_was_written_is_what_was_recorded(steps: list[tuple[str, int]]) -> None:
    """Whatever comes between the writes, all blocks together are the tables that the process would have written."""
    with TemporaryDirectory() as run:
        recorder, journeys = spooled(new_part(Path(run), 0), steps)
        parts = read_parts(Path(run))
    by_time = {name: sorted(zip(*values.values(), strict=True), key=str) for name, values in [
        ("there", plain(parts.requests)), ("here", plain(recorder.requests())),
    ]}  # fmt: skip
    assert by_time["there"] == by_time["here"]
    assert plain(parts.delays) == plain(recorder.delays())
    whole = journeys.table()
    came = np.array([word != "not injected" for word in whole["how"].words()])  # type: ignore[union-attr]
    mine = {name: [v for v, there in zip(values, came, strict=True) if there] for name, values in plain(whole).items()}
    found = plain(parts.journeys)
    order = np.argsort(found["family"])
    assert {name: [values[i] for i in order] for name, values in found.items()} == mine


def test_a_block_that_was_being_written_is_not_read(tmp_path: Path) -> None:
    """Wherever the file is cut off, what remains is a beginning of what was written, and whole."""
    folder = new_part(tmp_path, 0)
    spooled(folder, [("request", 1), ("write", 0), ("request", 2), ("write", 0), ("request", 3)])
    path = folder / SPOOL
    content = path.read_bytes()
    seen = []
    for end in range(0, len(content) + 1, 7):
        path.write_bytes(content[:end])
        kept = read_spool(path)
        seen.append(0 if kept is None else len(kept.requests["began"]))
    path.write_bytes(content)
    assert len(read_spool(path).requests["began"]) == 3  # type: ignore[union-attr]
    assert seen == sorted(seen)
    assert set(seen) <= {0, 1, 2, 3}


def test_a_part_that_is_whole_counts_once(tmp_path: Path) -> None:
    """Killed between the last table and the removal of the spool, nothing is in the tables twice."""
    folder = new_part(tmp_path, 0)
    recorder, journeys = spooled(folder, [("request", 1), ("start", 1), ("finish", 1)])
    save_part(folder, recorder, journeys, {"reason": "finished"})
    parts = read_parts(tmp_path)
    assert len(parts.requests["began"]) == 1
    assert [end["reason"] for end in parts.ends] == ["finished"]


def test_who_came_to_a_killed_process_is_counted_once(tmp_path: Path) -> None:
    """What it had told of a family goes before what is supposed about those that it had."""
    spooled(new_part(tmp_path, 0), [("start", 1), ("finish", 1), ("start", 2)])
    schedule = Schedule.of(range(10), range(10))
    journeys = Journeys(schedule, schedule.moments)
    journeys.lose(4)
    save_part(new_part(tmp_path, 0), Recorder(), journeys, {"reason": "worker lost"})
    parts = read_parts(tmp_path)
    how = dict(zip(parts.journeys["family"].tolist(), parts.journeys["how"].words(), strict=True))  # type: ignore[union-attr]
    assert len(parts.journeys["family"]) == 10
    assert [how[family] for family in range(5)] == ["lost", "finished", "cut", "lost", "not injected"]
    assert [end["reason"] for end in parts.ends] == ["killed", "worker lost"]
    assert set(how.values()) <= set(HOW)


def test_times_of_a_clock_that_was_ahead_are_set_back(tmp_path: Path) -> None:
    """As those of a part that is whole."""
    spooled(new_part(tmp_path, 0), [("request", 1)], {**SAID, "ahead_s": 50.0})
    parts = read_parts(tmp_path)
    assert parts.requests["began"].tolist() == [950.0]  # type: ignore[union-attr]
    assert parts.ends[0]["stopped_at"] == 1_950.0


def test_requests_of_a_process_that_is_killed_are_kept(start: Any, server: Any, tmp_path: Path) -> None:
    """Killed in its third second, what it had asked for in the first ones is in the tables, and the gap is told."""
    schedule = Schedule.of(range(200), [1_000.0 + number for number in range(200)])
    process = start(schedule)
    process.tell(server())
    seen = [process.hear("progress") for _ in range(3)][-1]
    process.process.send_signal(signal.SIGKILL)
    process.process.wait()
    parts = read_parts(tmp_path)
    assert (tmp_path / PARTS / "0" / SPOOL).is_file()
    assert len(parts.requests["began"]) >= 0.5 * seen["finished"] > 0
    assert parts.ends[0]["reason"] == "killed"
    assert parts.ends[0]["missing_s"] == 1.0
