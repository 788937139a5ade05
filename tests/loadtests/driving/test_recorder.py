"""What is recorded, and what comes back of it."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given, settings
from hypothesis import strategies as st

from canbao.errors import StorageError
from canbao_loadtests.driving.latency import histogram, percentile_s, percentiles_s
from canbao_loadtests.driving.parts import END, new_part, read_parts, save_part
from canbao_loadtests.driving.recorder import HOW, Journeys, Recorder, Rows
from canbao_loadtests.driving.schedule import Schedule
from canbao_loadtests.http.exchange import Exchange

exchanges = st.lists(
    st.builds(
        Exchange,
        operation=st.sampled_from(["enrol", "submit", "提交"]),
        began=st.floats(0, 2e9),
        ended=st.floats(0, 2e9),
        status=st.sampled_from([0, 200, 404, 503]),
        sent=st.integers(0, 2**40),
        received=st.integers(0, 2**40),
        trouble=st.sampled_from([None, "timeout", "reset"]),
    ),
    max_size=30,
)


def rows_of(table: object, names: tuple[str, ...]) -> list[tuple[object, ...]]:
    """Give a table's rows as tuples."""
    columns = [table[name].words() if hasattr(table[name], "words") else table[name].tolist() for name in names]
    return list(zip(*columns, strict=True))


@given(exchanges, st.integers(1, 9))
def test_every_row_comes_back_as_it_was_given(given_rows: list[Exchange], often: int) -> None:
    """However often rows are packed on the way, none is lost, changed, or in another place."""
    recorder = Recorder()
    for number, row in enumerate(given_rows):
        (recorder.look if number % 3 == 0 else recorder.request)(row)
        if number % often == 0:
            recorder.pack()
    found = rows_of(recorder.requests(), (*Exchange._fields, "polling"))
    expected = [(*row[:6], row.trouble or "", number % 3 == 0) for number, row in enumerate(given_rows)]
    assert found == [row for row in expected if not row[-1]] + [row for row in expected if row[-1]]


@given(st.lists(st.integers(0, 6), min_size=1, max_size=8), st.integers(0, 60))
def test_rows_since_a_number_are_those_after_it(bursts: list[int], since: int) -> None:
    """Whatever lay packed already, exactly the rows from that number on are given."""
    rows, serial = Rows({"n": "q", "word": ""}), itertools.count()
    for burst in bursts:
        for _ in range(burst):
            number = next(serial)
            rows.add((number, f"w{number % 3}"))
        rows.pack()
    found = rows.table(since)
    assert found["n"].tolist() == list(range(since, len(rows)))
    assert found["word"].words() == [f"w{number % 3}" for number in range(since, len(rows))]


times = st.lists(st.floats(0, 1e6, allow_subnormal=False), min_size=1, max_size=50)


@settings(max_examples=20)  # hdrhistogram takes its time
@given(times)
def test_the_histogram_is_the_one_of_values_recorded_one_by_one(seconds: list[float]) -> None:
    """Counting in arrays first changes nothing."""
    one_by_one = HdrHistogram(1, 100 * 86_400 * 1_000_000, 3)
    for value in seconds:
        one_by_one.record_value(round(value * 1e6))
    made = histogram(np.array(seconds))
    assert made.get_total_count() == one_by_one.get_total_count() == len(seconds)
    for share in (0.1, 25, 50, 90, 99, 100):
        assert made.get_value_at_percentile(share) == one_by_one.get_value_at_percentile(share)


@given(times, st.sampled_from([1.0, 50.0, 90.0, 99.0, 100.0]))
def test_a_percentile_is_right_to_three_digits(seconds: list[float], share: float) -> None:
    """It is the smallest time that so many do not exceed, to a thousandth of itself or a microsecond."""
    exact = np.percentile(seconds, share, method="inverted_cdf")
    assert percentile_s(np.array(seconds), share) == pytest.approx(exact, rel=1e-3, abs=1.1e-6)


def test_times_that_are_not_there_are_left_out() -> None:
    """Journeys that never finished have no time; of no time at all there is no percentile."""
    assert percentiles_s(np.array([np.nan, 1.0, np.nan]), [50, 100]) == pytest.approx([1.0, 1.0], rel=1e-3)
    assert np.isnan(percentile_s(np.array([np.nan]), 50))


def part_of(how: list[str]) -> tuple[Recorder, Journeys]:
    """Give what a process recorded whose journeys ended so."""
    recorder, schedule = Recorder(), Schedule.of(range(len(how)), range(len(how)))
    recorder.request(Exchange("enrol", 1.0, 2.0, 200, 10, 20))
    recorder.late(1.0, 0.001)
    journeys = Journeys(schedule, schedule.moments + 100.0)
    journeys.how[:] = [HOW.index(word) for word in how]
    return recorder, journeys


def test_parts_of_several_processes_make_one(tmp_path: Path) -> None:
    """Tables lie below each other, and each process's end is there."""
    for part in (0, 1):
        save_part(new_part(tmp_path, part), *part_of(["finished", "cut"]), {"reason": "finished", "part": part})
    parts = read_parts(tmp_path)
    assert [end["part"] for end in parts.ends] == [0, 1]
    assert parts.requests["operation"].words() == ["enrol", "enrol"]
    assert parts.journeys["how"].words() == ["finished", "cut"] * 2
    assert parts.delays["delay"].tolist() == [0.001, 0.001]


def test_who_did_not_come_before_an_interruption_is_counted_once(tmp_path: Path) -> None:
    """A process that goes on has those again whom the one before it did not inject."""
    save_part(new_part(tmp_path, 0), *part_of(["finished", "cut", "not injected"]), {"reason": "interrupted"})
    save_part(new_part(tmp_path, 0), *part_of(["not injected"]), {"reason": "finished"})
    assert read_parts(tmp_path).journeys["how"].words() == ["finished", "cut", "not injected"]


def test_a_run_without_parts_has_tables_without_rows(tmp_path: Path) -> None:
    """Of a process that was killed there is no part; then there are no rows, and all columns."""
    (tmp_path / "parts" / "0").mkdir(parents=True)
    parts = read_parts(tmp_path)
    assert len(parts.requests["began"]) == 0
    assert {"family", "intended", "started", "finished", "how"} <= set(parts.journeys)


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    """A table whose checksum is another, and an end that is no JSON, are errors that name the file."""
    folder = new_part(tmp_path, 0)
    save_part(folder, *part_of(["finished"]), {"reason": "finished"})
    table = folder / "requests.parquet"
    table.write_bytes(table.read_bytes()[:-1])
    with pytest.raises(StorageError, match=r"requests\.parquet is damaged"):
        read_parts(tmp_path)
    (folder / END).write_text("{")
    with pytest.raises(StorageError, match=r"end\.json is damaged"):
        read_parts(tmp_path)
