"""A reference service that is reviewed by people, in a process of its own, with applications on its desks."""

from __future__ import annotations

import datetime as dt
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.loadtests.conftest import told_by

from canbao.plugins import load_plugins
from canbao.scenario.scenario import ScenarioFile, load_scenario
from canbao.scenario.source import to_toml
from canbao.testing import SMALL
from canbao_loadtests.clock import LoadClock

CODE = "open sesame"
ACCOUNT = "INSERT INTO accounts (id, name, password, side, opened) VALUES (999999, 'many', '-', 'family', 0)"
FILL = (
    "INSERT INTO applications (account, child, number, guardian, status, round, desk, priority, since, paid, fee_yuan, "
    "tries, enrolled, handed_in, reasons) "
    "VALUES (999999, ?1, 'x', 'y', 'in review', 1, ?2, 1, 0, 'no', 400, 0, 0, 0, '[]')"
)


@dataclass(frozen=True)
class Office:
    """A service whose desks are empty."""

    url: str
    database: Path
    file: ScenarioFile
    clock: LoadClock

    def fill(self, desk: str, count: int) -> None:
        """Put applications on a desk."""
        with closing(sqlite3.connect(self.database, timeout=30)) as database, database:
            database.execute(ACCOUNT)
            database.executemany(FILL, [(f"child {n}", desk) for n in range(count)])

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask its database."""
        with closing(sqlite3.connect(self.database, timeout=30)) as database:
            return database.execute(sql).fetchall()


@pytest.fixture
def start_office(tmp_path: Path) -> Any:
    """Give what starts a service: the review of its scenario, how long a day takes, and the moment it begins with."""

    @contextmanager
    def start(review: dict[str, Any], day_s: float, begins: str) -> Iterator[Office]:
        scenario = tmp_path / "office.toml"
        scenario.write_text(to_toml({**SMALL, "review": {**SMALL["review"], **review}}), encoding="utf-8")
        options = ["--json", "--port", "0", "--data", str(tmp_path / "data"), "--reviews", "people", "--from", begins]
        options += ["--day", f"{day_s} s", "--password-cost", "1", "--synchronous", "normal"]
        environment = {**os.environ, "CANBAO_REVIEWER_CODE": CODE, "CANBAO_NO_PLUGINS": "1"}
        command = [sys.executable, "-m", "canbao", "serve", str(scenario), *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as service:
            told = told_by(service)
            file = load_scenario(scenario, load_plugins(environment={"CANBAO_NO_PLUGINS": "1"}))
            begin = dt.datetime.fromisoformat(told["now"]).replace(tzinfo=None)
            start_s = (begin - dt.datetime.combine(file.horizon.start, dt.time())).total_seconds()
            clock = LoadClock(time.time(), start_s, 86_400 / day_s)
            try:
                yield Office(told["url"], tmp_path / "data" / "service.sqlite", file, clock)
            finally:
                service.send_signal(signal.SIGINT)
                service.wait()

    return start
