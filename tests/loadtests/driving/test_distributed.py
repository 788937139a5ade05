"""One load test by several processes, as if on several machines."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.loadtests.conftest import free_port

from canbao.errors import InputError
from canbao_loadtests.driving.parts import read_parts
from canbao_loadtests.driving.schedule import Schedule
from canbao_loadtests.driving.wire import Files, address, files_below, pieces

HERE = Path(__file__).parent


def arrivals(count: int) -> Schedule:
    """Give that many arrivals, twenty a real second at a speed of ten."""
    return Schedule(np.arange(count), 1000.0 + 0.5 * np.arange(count))


def test_workers_inject_the_same_arrivals_as_one_process_would(start: Any, server: Any, tmp_path: Path) -> None:
    """Each arrival comes once, at its time, whichever worker has it."""
    process = start(arrivals(60), parts=2, allow_hosts=("worker",))
    origin = process.tell(server())
    end, code = process.end()
    parts = read_parts(tmp_path)
    journeys = parts.journeys
    order = np.argsort(journeys["family"])
    assert (code, end["reason"], end["arrived"], end["submitted"], end["lost"]) == (0, "finished", 60, 60, 0)
    assert journeys["family"][order].tolist() == list(range(60))
    assert journeys["intended"][order] == pytest.approx(origin + np.arange(60) / 20.0, abs=0.01)
    assert set(journeys["how"].words()) == {"finished"}
    assert {end["part"] for end in parts.ends} == {0, 1}
    assert any(event["event"] == "progress" and event["workers"] == 2 for event in process.said)


def test_a_worker_elsewhere_gets_all_it_needs_and_gives_back_what_it_recorded(
    start: Any, server: Any, tmp_path: Path
) -> None:
    """Where the folder of the run cannot be seen, files go over the wire, there and back."""
    port = free_port()
    process = start(arrivals(20), parts=2, bind=f"127.0.0.1:{port}")
    command = [sys.executable, str(HERE / "fake_process.py"), "apart", f"127.0.0.1:{port}"]
    workers = [subprocess.Popen(command, stdin=subprocess.PIPE) for _ in range(2)]
    process.tell(server())
    end, code = process.end()
    for worker in workers:
        assert worker.wait() == 0
        worker.stdin.close()
    parts = read_parts(tmp_path)
    assert (code, end["reason"]) == (0, "finished")
    assert sorted(parts.journeys["family"].tolist()) == list(range(20))
    assert set(parts.journeys["how"].words()) == {"finished"}
    assert {path.read_text() for path in tmp_path.glob("parts/*/families.txt")} == {"10 0"}


def test_what_a_dead_worker_had_is_lost_and_counted_and_the_rest_goes_on(
    start: Any, server: Any, tmp_path: Path
) -> None:
    """What it wrote down is known, who came since is lost, who had not come is not injected; the other's all finish."""
    process = start(arrivals(100), parts=2, allow_hosts=("worker",))
    process.tell(server())
    process.hear("progress")
    process.hear("progress")
    victim = psutil.Process(process.process.pid).children()[0]
    victim.kill()
    end, code = process.end()
    journeys = read_parts(tmp_path).journeys
    how = dict(zip(journeys["family"].tolist(), journeys["how"].words(), strict=True))
    ended = {family % 2: {how[other] for other in how if other % 2 == family % 2} for family in (0, 1)}
    assert (code, end["reason"], end["valid"], end["lost"]) == (0, "worker lost", False, 1)
    assert "gives no sign of life" in end["said"]
    assert sorted(how) == list(range(100))
    mine, theirs = sorted(ended.values(), key=len)
    assert mine == {"finished"}
    assert {"finished", "not injected"} <= theirs <= {"finished", "cut", "lost", "not injected"}


def test_a_signal_stops_all_workers(start: Any, server: Any, tmp_path: Path) -> None:
    """All stop, and all leave a part."""
    process = start(arrivals(2000), parts=2, allow_hosts=("worker",))
    process.tell(server())
    process.hear("progress")
    process.process.send_signal(signal.SIGINT)
    end, code = process.end()
    assert (code, end["reason"]) == (0, "interrupted")
    assert {part["reason"] for part in read_parts(tmp_path).ends} == {"interrupted"}
    assert "not injected" in read_parts(tmp_path).journeys["how"].words()


@given(st.binary(max_size=50), st.integers(1, 9))
def test_files_come_back_out_of_their_pieces(content: bytes, size: int) -> None:
    """Whatever the size of a piece, an empty file included."""
    import tempfile

    from canbao_loadtests.driving import wire

    before, wire._PIECE = wire._PIECE, size
    try:
        with tempfile.TemporaryDirectory() as folder:
            files = Files(Path(folder))
            for piece in pieces("a/b.bin", content):
                assert len(piece["data"]) <= size
                files.take(piece)
            assert dict(files_below(Path(folder), "a", "missing")) == {"a/b.bin": content}
    finally:
        wire._PIECE = before


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "a/../../outside"])
def test_a_file_cannot_come_to_lie_outside(name: str, tmp_path: Path) -> None:
    """Nobody who speaks to a worker can write where he wants."""
    (tmp_path / "inside").mkdir()
    with pytest.raises(InputError, match="outside"):
        Files(tmp_path / "inside").take({"name": name, "data": b"x", "last": True})
    assert [path.name for path in tmp_path.iterdir()] == ["inside"]


def test_an_address_is_a_host_and_a_port() -> None:
    """Everything else is refused, with an example."""
    assert address("192.0.2.7:5557") == ("192.0.2.7", 5557)
    assert address("[::1]:5557") == ("::1", 5557)
    for wrong in ("5557", "host", "host:", ":5557", "host:70000", "host:x"):
        with pytest.raises(InputError, match=r"192\.0\.2\.7:5557"):
            address(wrong)
