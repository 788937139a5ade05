"""`canbao load` against the second deployment, through a network that loses, breaks and delays answers."""

from __future__ import annotations

import datetime as dt
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from canbao.scenario.source import to_toml
from canbao.testing import SMALL

SCENARIO = {
    **SMALL,
    "choice": {"kind": "preference", "online_share": 1.0},
    "load": {
        "start": dt.date(2025, 12, 10),
        "end": dt.date(2025, 12, 12),
        "families": 40,
        "duration": "4 s",
        "drain": "3 s",
        "poll": "0.3 s",
        "paper_kb": 20,
        "error_budget": 1.0,
        "dispatch_budget": "10 s",
    },
}
LOST = {"passed_on": True, "cut": 0, "then": "reset", "times": None}
"""The deployment did it, and nobody heard of it."""


def load(folder: Path, target: Path, host: str) -> dict[str, Any]:
    """Carry the load test out; give what it says."""
    scenario = folder / "town.toml"
    scenario.write_text(to_toml(SCENARIO), encoding="utf-8")
    command = [sys.executable, "-m", "canbao", "load", str(scenario), "--target", str(target), "--host", host, "--json"]
    environment = {**os.environ, "CANBAO_NO_PLUGINS": "1"}
    done = subprocess.run(
        command, check=False, cwd=folder, capture_output=True, text=True, timeout=120, env=environment
    )
    assert done.returncode in {0, 3}, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_whatever_the_network_does_each_application_is_in_the_books_once(
    start_second: Callable[..., Any], start_faulty: Callable[..., Any], second_target: Path, tmp_path: Path
) -> None:
    """What the trace says of each family is what the deployment knows, though every fifth post goes wrong somehow."""
    second = start_second(batch=0.5, session=5, declined=20)
    proxy = start_faulty(behind=second.url)
    proxy.faults(
        {**LOST, "match": "POST", "every": 23},
        {"match": "POST", "every": 29, "then": "reset", "cut": 0, "times": None},
        {"match": "POST", "every": 31, "status": 500, "times": None},
        {"match": "", "every": 61, "raw": "\x00garbage", "then": "close", "times": None},
        {"match": "", "every": 67, "passed_on": True, "cut": 60, "then": "close", "times": None},
        {"match": "GET", "every": 71, "status": 429, "headers": {"Retry-After": "1"}, "times": None},
    )
    told = load(tmp_path, second_target, proxy.url)
    books = {int(one["user"].rpartition("-")[2]): one for one in second.books()}
    assert len(books) == len(second.books()), "nobody has two applications"
    assert all(one["paid"] <= 1 and one["rounds"] <= one["handed_in"] <= one["rounds"] + 1 for one in books.values())
    families = pq.read_table(tmp_path / told["folder"] / "families.parquet").to_pylist()
    submitted = {one["family"] for one in families if one["submitted"] is not None and not math.isnan(one["submitted"])}
    handed_in = {family for family, one in books.items() if one["handed_in"]}
    ledger = told["load"]["ledger"]
    assert submitted <= handed_in
    assert len(handed_in - submitted) <= ledger["unanswered"]
    ends = {"enrolled": "已通过", "rejected": "未通过"}
    ended = {one["family"]: ends[one["outcome"]] for one in families if one["outcome"] in ends}
    assert {family: books[family]["status"] for family in ended} == ended
    assert "已通过" in ended.values()
    assert (ledger["submitted"], ledger["balanced"]) == (len(submitted), True)
    troubles = {one["kind"] for one in told["load"]["errors"]}
    assert {"reset", "garbage", "status 500", "status 429"} <= troubles
