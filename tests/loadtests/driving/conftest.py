"""Load processes and services that tests start, and end."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.loadtests.conftest import told_by

from canbao_loadtests.driving.schedule import SCHEDULE, Schedule
from canbao_loadtests.job import Job

HERE = Path(__file__).parent
SERVER = HERE.parents[1] / "bench" / "omission_server.py"
AHEAD_S = 0.2


def ended(process: subprocess.Popen[str]) -> None:
    """End a process and close its pipes."""
    process.kill()
    process.wait()
    process.stdout.close()
    process.stdin.close()


class Process:
    """A load process, and what it has said."""

    def __init__(self, job: Job, tmp_path: Path, schedule: Schedule) -> None:
        job = replace(job, folder=str(tmp_path))
        schedule.save(tmp_path / SCHEDULE)
        path = tmp_path / "job.json"
        path.write_text(job.to_json())
        self.errors = tmp_path / "errors.txt"
        with self.errors.open("w") as sink:
            self.process = subprocess.Popen(
                [sys.executable, str(HERE / "fake_process.py"), str(path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=sink,
                text=True,
            )
        self.said: list[dict[str, Any]] = []

    def hear(self, event: str, **with_this: object) -> dict[str, Any]:
        """Wait until it says this."""
        for line in self.process.stdout:
            self.said.append(json.loads(line))
            if self.said[-1]["event"] == event and all(self.said[-1][key] == value for key, value in with_this.items()):
                return self.said[-1]
        raise AssertionError(f"no {event}: {self.said[-1:]}, {self.errors.read_text()}")

    def tell(self, host: str, began_before_s: float = 0.0) -> float:
        """Wait until it is ready, and tell it to begin; give the origin."""
        self.hear("ready")
        origin = time.time() + AHEAD_S - began_before_s
        self.process.stdin.write(json.dumps({"origin": origin, "host": host}) + "\n")
        self.process.stdin.flush()
        return origin

    def close(self) -> None:
        ended(self.process)

    def end(self) -> tuple[dict[str, Any], int]:
        """Give its last words and its exit code."""
        last = self.hear("end")
        return last, self.process.wait()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Any]:
    """Start load processes that are gone after the test."""
    begun: list[Process] = []

    def _start(schedule: Schedule, path: str = "/", often: int = 1, **changes: Any) -> Process:
        job = Job("", 1, start_s=1000.0, end_s=2000.0, until_s=1e9, speed=10.0, target="", channels=(path, str(often)))
        begun.append(Process(replace(job, **changes), tmp_path, schedule))
        return begun[-1]

    yield _start
    for process in begun:
        process.close()


@pytest.fixture
def server() -> Iterator[Any]:
    """Start services that are gone after the test."""
    begun: list[subprocess.Popen[str]] = []

    def _start(*options: str) -> str:
        command = [sys.executable, str(SERVER), *options]
        begun.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return f"http://127.0.0.1:{int(begun[-1].stdout.readline())}"

    yield _start
    for process in begun:
        ended(process)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start the reference service; give its URL."""
    command = [sys.executable, "-m", "canbao", "serve", "--json", "--port", "0", "--password-cost", "1"]
    data = tmp_path_factory.mktemp("service")
    with subprocess.Popen([*command, "--data", str(data)], stdout=subprocess.PIPE, text=True) as process:
        yield str(told_by(process)["url"])
        process.terminate()
