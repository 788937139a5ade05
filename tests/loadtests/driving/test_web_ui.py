"""Locust's web UI with the locustfile: started, watched and stopped as its page does, over HTTP."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from tests.loadtests.conftest import free_port

LOCUSTFILE = Path(__file__).parents[3] / "loadtests" / "locustfile.py"
PATIENCE_S = 60.0


class WebUi:
    """What the page does."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str) -> str:
        """Ask for a page."""
        with urlopen(self.url + path, timeout=10) as answer:
            return str(answer.read().decode())

    def post(self, path: str, **form: object) -> dict[str, Any]:
        """Send a form."""
        with urlopen(self.url + path, urlencode(form).encode(), timeout=30) as answer:
            return dict(json.loads(answer.read()))

    def stats(self) -> dict[str, Any]:
        """Give what the page shows, by the name of the operation under `by_name`."""
        found = json.loads(self.get("/stats/requests"))
        return {**found, "by_name": {one["name"]: one for one in found["stats"]}}

    def wait(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Ask until something holds of the statistics."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if holds(found := self.stats()):
                return found
            time.sleep(0.2)
        raise AssertionError(f"it never held: {found}")


@pytest.fixture(scope="module")
def web(service: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebUi]:
    """Start Locust with its web UI, as one who knows Locust does; wait until the page is there."""
    folder, port = tmp_path_factory.mktemp("locust"), free_port()
    words = ["-f", str(LOCUSTFILE), "--host", service, "--web-host", "127.0.0.1", "--web-port", str(port)]
    command = [sys.executable, "-m", "locust", *words, "--csv", str(folder / "answer")]
    page = WebUi(f"http://127.0.0.1:{port}")
    with (folder / "log.txt").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            answers(page, process)
            yield page
        finally:
            process.terminate()


def answers(page: WebUi, process: subprocess.Popen[bytes]) -> None:
    """Wait for the page."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and process.poll() is None:
        try:
            page.get("/")
        except URLError:
            time.sleep(0.2)
        else:
            return
    raise AssertionError(f"Locust has no page; it ended with {process.poll()}")


def test_a_test_is_started_watched_and_stopped(web: WebUi, service: str) -> None:
    """Families enrol, each operation has its line, the CSV that is downloaded says the same, and stop stops."""
    assert web.post("/swarm", user_count=3, spawn_rate=3, host=service)["success"]
    seen = web.wait(lambda found: found["by_name"].get("submit", {}).get("num_requests", 0) >= 3)
    assert (seen["state"], seen["user_count"], seen["fail_ratio"]) == ("running", 3, 0.0)
    assert {"register", "log_in", "enrol_child", "upload_paper", "pay_fee", "submit"} <= set(seen["by_name"])
    assert web.post("/stop")["success"]
    after = web.wait(lambda found: found["state"] == "stopped")
    table = {row["Name"]: row for row in csv.DictReader(io.StringIO(web.get("/stats/requests/csv")))}
    counts = {name: one["num_requests"] for name, one in after["by_name"].items()}
    assert {name: int(row["Request Count"]) for name, row in table.items()} == counts
    assert json.loads(web.get("/exceptions"))["exceptions"] == []


def test_a_host_that_must_not_get_load_is_told_and_gets_none(web: WebUi, service: str) -> None:
    """Whoever types one into the page reads why under exceptions, and can go on with the right one."""
    web.post("/swarm", user_count=2, spawn_rate=2, host="http://192.0.2.1")
    web.wait(lambda _: bool(json.loads(web.get("/exceptions"))["exceptions"]))
    (told,) = json.loads(web.get("/exceptions"))["exceptions"]
    assert "192.0.2.1 is not this machine" in told["msg"]
    assert "CANBAO_ALLOW_HOSTS" in told["msg"]
    web.wait(lambda found: found["by_name"]["Aggregated"]["num_requests"] == 0)  # the page's figures are 2 s old
    web.post("/stop")
    web.post("/swarm", user_count=2, spawn_rate=2, host=service)
    web.wait(lambda found: found["by_name"].get("submit", {}).get("num_requests", 0) > 0)
    web.post("/stop")
