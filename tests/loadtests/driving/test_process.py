"""The load process: what it says, what it leaves behind, and how it stops."""

from __future__ import annotations

import re
import signal
import time
import urllib.request
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.loadtests.conftest import free_port

from canbao.errors import InputError
from canbao_loadtests.driving.parent import told_by_parent
from canbao_loadtests.driving.parts import read_parts
from canbao_loadtests.driving.schedule import Schedule
from canbao_loadtests.job import Job


def arrivals(count: int, apart: float = 1.0) -> Schedule:
    """Give arrivals that far apart in the scenario, from its start on."""
    return Schedule(np.arange(count), 1000.0 + apart * np.arange(count))


def test_a_job_is_carried_out_and_says_how_it_goes(start: Any, server: Any, tmp_path: Path) -> None:
    """Journeys begin at their times on the compressed clock, are all recorded, and it ends when all are over."""
    process = start(arrivals(15), often=2)
    origin = process.tell(server())
    end, code = process.end()
    parts = read_parts(tmp_path)
    assert (code, end["reason"], end["submitted"], end["requests"], end["errors"]) == (0, "finished", 15, 30, 0)
    assert [event["event"] for event in process.said] == ["ready", "progress", "end"]
    assert parts.journeys["how"].words() == ["finished"] * 15
    assert parts.journeys["intended"] == pytest.approx(origin + np.arange(15) / 10.0, abs=1e-6)
    assert (parts.journeys["started"] >= parts.journeys["intended"]).all()
    assert len(parts.delays["delay"]) == 15
    assert parts.requests["operation"].words() == ["ask"] * 30
    assert (tmp_path / "parts" / "0" / "families.txt").read_text() == "15 0"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, None])
def test_it_stops_sending_within_a_second_and_leaves_a_report(
    how: int | None, start: Any, server: Any, tmp_path: Path
) -> None:
    """Ctrl-C, SIGTERM, or the end of whoever started it; what was in flight gets its answer."""
    process = start(arrivals(2000, apart=0.2), "/100/0.01/slow", often=100)
    process.tell(server("--mean", "0.3"))
    process.hear("progress")
    told = time.time()
    if how is None:
        process.process.stdin.close()
    else:
        process.process.send_signal(how)
    end, code = process.end()
    parts = read_parts(tmp_path)
    assert code == 0
    assert end["reason"] == ("terminated" if how == signal.SIGTERM else "interrupted")
    assert parts.requests["began"].max() < told + 1.0
    assert end["cut"] == 0
    assert set(parts.requests["status"].tolist()) == {200}
    assert set(parts.journeys["how"].words()) >= {"cut", "not injected"}


def test_what_does_not_end_in_time_is_cut(start: Any, server: Any, tmp_path: Path) -> None:
    """After `stop_s` nothing is waited for any more, and the request has no answer."""
    process = start(arrivals(1), "/1/0.01/never", stop_s=0.3, timeout_s=600.0)
    process.tell(server("--mean", "1e5"))
    process.hear("progress", in_flight=1)
    process.process.send_signal(signal.SIGINT)
    end, code = process.end()
    parts = read_parts(tmp_path)
    assert (code, end["cut"]) == (0, 1)
    assert parts.requests["trouble"].words() == ["stopped"]
    assert parts.journeys["how"].words() == ["cut"]


def test_a_second_signal_ends_what_is_in_flight(start: Any, server: Any) -> None:
    """Whoever presses Ctrl-C twice does not wait for `stop_s`, and gets a report all the same."""
    process = start(arrivals(1), "/1/0.01/never", stop_s=600.0, timeout_s=600.0)
    process.tell(server("--mean", "1e5"))
    process.hear("progress", in_flight=1)
    process.process.send_signal(signal.SIGINT)
    deadline = time.monotonic() + 20.0
    while process.process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.3)  # the first one may still be on its way
        process.process.send_signal(signal.SIGINT)
    end, code = process.end()
    assert (code, end["reason"]) == (0, "interrupted")


def test_it_stops_when_too_much_fails(start: Any, tmp_path: Path) -> None:
    """Where nobody listens every request fails; the load test ends with its reason."""
    process = start(arrivals(2000, apart=0.2), error_budget=0.5)
    process.tell("http://127.0.0.1:9")  # the port of `discard`, on which nobody listens
    end, code = process.end()
    assert (code, end["reason"]) == (0, "error budget")
    assert "100% of the requests of the last 10 s failed, and no more than 50% may" in end["said"]
    assert len(read_parts(tmp_path).requests["began"]) < 200


def test_who_came_before_does_not_come_again_and_whose_time_has_passed_does_not_come(
    start: Any, server: Any, tmp_path: Path
) -> None:
    """A process that goes on injects what lies ahead, without the families that have begun."""
    (tmp_path / "begun.txt").write_text("0 21")
    schedule = Schedule(np.arange(22), np.concatenate([1000.0 + np.arange(20), [5000.0, 5000.1]]))
    process = start(schedule, resume=True)
    process.tell(server(), began_before_s=400.0 - 1.0)
    end, code = process.end()
    how = read_parts(tmp_path).journeys
    assert (code, end["reason"], end["submitted"]) == (0, "finished", 1)
    assert dict(zip(how["family"].tolist(), how["how"].words(), strict=True)) == {
        **dict.fromkeys(range(1, 20), "not injected"),
        20: "finished",
    }


def test_a_generator_that_falls_behind_says_that_its_run_is_invalid(start: Any, server: Any) -> None:
    """Fifty a second who need 50 ms of the process each are more than it can do in time, and the end says so."""
    process = start(arrivals(40, apart=0.2), "hold", dispatch_budget_s=0.05)
    process.tell(server())
    end, code = process.end()
    assert (code, end["reason"], end["valid"]) == (0, "finished", False)
    assert end["dispatch_p99_s"] > 0.5


def test_prometheus_can_read_live_figures(start: Any, server: Any) -> None:
    """The page has counters and a histogram whose bins add up."""
    port = free_port()
    process = start(arrivals(3000, apart=0.2), prometheus_port=port)
    process.tell(server())
    process.hear("progress")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        page = answer.read().decode()
    figures = dict(line.rsplit(" ", 1) for line in page.splitlines() if line.startswith("canbao_"))
    assert float(figures["canbao_arrived_total"]) > 0
    assert figures['canbao_request_seconds_bucket{le="+Inf"}'] == figures["canbao_request_seconds_count"]
    assert float(figures["canbao_request_errors_total"]) == 0.0


def test_a_beginning_that_nobody_understands_is_an_error(start: Any) -> None:
    """Exit code 2, and what was expected."""
    process = start(arrivals(1))
    process.hear("ready")
    process.process.stdin.write("{}\n")
    process.process.stdin.flush()
    assert process.process.wait() == 2
    assert "needs a line" in process.errors.read_text()


@pytest.mark.parametrize("line", ["nothing", "[]", "1", '{"host": "x"}', '{"origin": "soon"}', '{"origin": null}'])
def test_a_beginning_has_an_origin(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is not JSON, or has no number there, is shown in the error."""
    monkeypatch.setattr("sys.stdin", StringIO(line + "\n"))
    with pytest.raises(InputError, match=re.escape(f'needs a line {{"origin": ..., "host": ...}}, given {line}')):
        told_by_parent(Job("", 1, start_s=0.0, end_s=1.0, until_s=1.0, speed=1.0, target=""))
