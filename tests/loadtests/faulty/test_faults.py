"""`canbao load` against the reference service, with everything going wrong on the way that can."""

from __future__ import annotations

import datetime as dt
import json
import math
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from tests.loadtests.conftest import told_by

from canbao.scenario.source import to_toml
from canbao.testing import SMALL

DURATION_S, DAYS = 4.0, 3
SCENARIO = {
    **SMALL,
    "choice": {"kind": "preference", "online_share": 1.0},
    "formalities": {"payment": {"kind": "payment", "place": "before review"}},
    "load": {
        "start": dt.date(2025, 12, 10),
        "end": dt.date(2025, 12, 12),
        "families": 40,
        "duration": f"{DURATION_S} s",
        "drain": "3 s",
        "poll": "0.3 s",
        "paper_kb": 20,
        "error_budget": 1.0,
        "dispatch_budget": "10 s",
    },
}
ALWAYS: Mapping[str, Any] = {"times": None}
FAULTS = [
    # The service did it, and nobody heard of it.
    {**ALWAYS, "match": "POST", "every": 19, "passed_on": True, "cut": 0, "then": "reset"},
    {**ALWAYS, "match": "", "every": 37, "passed_on": True, "cut": 40, "then": "close"},
    # The service never heard of it.
    {**ALWAYS, "match": "", "every": 29, "cut": 0, "then": "reset"},
    {**ALWAYS, "match": "", "every": 31, "status": 500},
    {**ALWAYS, "match": "papers", "every": 17, "status": 507, "headers": {"Content-Type": "text/plain"}},
    {**ALWAYS, "match": "applications", "every": 23, "status": 401},
    {**ALWAYS, "match": "", "every": 41, "raw": "\x00garbage", "then": "close"},
    {**ALWAYS, "match": "", "every": 43, "status": 429, "headers": {"Retry-After": "1"}},
    {
        **ALWAYS,
        "match": "POST",
        "every": 13,
        "status": 503,
        "headers": {"Retry-After": "Thu, 01 Jan 2026 00:00:00 GMT"},
    },
    {**ALWAYS, "match": "", "every": 11, "delay_s": 0.2, "passed_on": True},
]


@contextmanager
def reference(folder: Path) -> Iterator[str]:
    """Run the reference service, as fast as the load test; give its URL."""
    scenario = folder / "town.toml"
    scenario.write_text(to_toml(SCENARIO), encoding="utf-8")
    options = ["--json", "--port", "0", "--data", str(folder / "data"), "--from", "2025-12-10", "--password-cost", "1"]
    command = [sys.executable, "-m", "canbao", "serve", str(scenario), "--day", f"{DURATION_S / DAYS} s", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as service:
        try:
            yield str(told_by(service)["url"])
        finally:
            service.send_signal(signal.SIGINT)
            service.wait()


def environment() -> dict[str, str]:
    """Give an environment without plugins of others."""
    return {**os.environ, "CANBAO_NO_PLUGINS": "1"}


def load(folder: Path, host: str) -> dict[str, Any]:
    """Carry the load test out; give what it says."""
    command = [sys.executable, "-m", "canbao", "load", "town.toml", "--host", host, "--json"]
    command += ["--target", str(Path(__file__).parents[3] / "loadtests" / "targets" / "reference")]
    done = subprocess.run(
        command, check=False, cwd=folder, capture_output=True, text=True, timeout=120, env=environment()
    )
    assert done.returncode in {0, 3}, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def stored(folder: Path, sql: str) -> dict[int, tuple[Any, ...]]:
    """Ask the service's database; give rows by the family's index, which is the end of its account's name."""
    with closing(sqlite3.connect(folder / "data" / "service.sqlite")) as database:
        rows = database.execute(sql).fetchall()
    found = {int(name.rpartition("-")[2]): tuple(rest) for name, *rest in rows}
    assert len(found) == len(rows), "nobody is there twice"
    return found


def test_whatever_goes_wrong_each_application_is_accounted_for_once(
    start_faulty: Callable[..., Any], tmp_path: Path
) -> None:
    """What the trace says of each family is what the database says, though a third of all requests goes wrong."""
    with reference(tmp_path) as url:
        proxy = start_faulty(behind=url)
        proxy.faults(*FAULTS)
        told = load(tmp_path, proxy.url)
    applications = stored(
        tmp_path,
        "SELECT name, status, paid, round, (SELECT count(*) FROM submissions WHERE application = applications.id), "
        "(SELECT count(*) FROM payments WHERE application = applications.id AND outcome <> 'debit failed') "
        "FROM applications JOIN accounts ON accounts.id = account",
    )
    assert all(
        rounds == submissions <= 4 and payments <= 1 for _, _, rounds, submissions, payments in applications.values()
    )
    families = pq.read_table(tmp_path / told["folder"] / "families.parquet").to_pylist()
    submitted = {one["family"] for one in families if one["submitted"] is not None and not math.isnan(one["submitted"])}
    handed_in = {family for family, (_, _, rounds, _, _) in applications.items() if rounds}
    ledger = told["load"]["ledger"]
    assert (ledger["submitted"], ledger["balanced"]) == (len(submitted), True)
    assert submitted <= handed_in
    assert len(handed_in - submitted) <= ledger["unanswered"]
    ended = {one["family"] for one in families if one["outcome"] == "enrolled"}
    assert {applications[family][0] for family in ended} == {"approved"}
    kinds = {one["kind"] for one in told["load"]["errors"]}
    assert kinds >= {"reset", "garbage", "status 500", "status 507", "status 401", "status 429", "status 503"}
