"""The service in a process of its own: killed at random moments under traffic, it loses nothing."""

from __future__ import annotations

import hashlib
import http.client
import json
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.loadtests.conftest import free_port

KILLS = 5
CLIENTS = 6
PASSWORD = "password-of-a-family"
PAPERS = ("identity-card-front", "identity-card-back", "photo", "household-register")


class Service:
    """A service that can be killed and started again on the same data and port."""

    def __init__(self, folder: Path) -> None:
        self.port, self.folder = free_port(), folder
        self.said = open(folder / "said.txt", "ab")  # noqa: SIM115 - as long as the service
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it listens."""
        options = ["--json", "--port", str(self.port), "--data", str(self.folder / "data")]
        options += ["--working-day", "1 s", "--password-cost", "1"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "canbao", "serve", *options], stdout=subprocess.PIPE, stderr=self.said
        )
        assert self.process.stdout is not None
        lines = iter(self.process.stdout.readline, b"")
        assert any(line == b"}\n" for line in lines), (self.folder / "said.txt").read_text()

    def end(self, how: signal.Signals) -> None:
        """Send it a signal and wait until it has ended."""
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


class Families(threading.Thread):
    """Families one after the other, each sending everything again until it has an answer."""

    def __init__(self, number: int, port: int, traffic: Traffic) -> None:
        super().__init__()
        self.name, self.port, self.traffic = f"family-{number}", port, traffic
        self.submitted: dict[int, int] = {}
        """Round by application, as confirmed."""
        self.paid: set[int] = set()
        self.enrolled: set[int] = set()
        self.connection: http.client.HTTPConnection | None = None

    def run(self) -> None:
        """Register, log in, and enrol children until told to stop."""
        account = {"name": self.name, "password": PASSWORD}
        self.ask("POST", "/accounts", {**account, "telephone": "15400000000"}, allowed=(201, 409))
        self.token = json.loads(self.ask("POST", "/sessions", account)[1])["token"]
        serial = 0
        while not self.traffic.over.is_set():
            serial += 1
            self.enrol(f"{chr(65 + int(self.name[-1]))}99{serial:07d}")

    def enrol(self, certificate: str) -> None:
        """Take one child all the way until it is handed in."""
        form = {"name": "Li Xiaoming", "number": certificate, "guardian": "Li Gang"}
        application = json.loads(self.ask("POST", "/applications", form, allowed=(200, 201))[1])["application"]
        self.enrolled.add(application)
        path = f"/applications/{application}"
        for paper in PAPERS:
            self.ask("PUT", f"{path}/papers/{paper}", f"{paper} of {certificate}".encode(), allowed=(200, 201))
        self.ask("PUT", f"{path}/payment-choice", {"way": "alipay"}, allowed=(204,))
        tries, status = 0, 402
        while status == 402:
            tries += 1
            status, _ = self.ask("POST", f"{path}/payment", key=f"{certificate}-{tries}", allowed=(201, 402))
        self.paid.add(application)
        _, said = self.ask("POST", f"{path}/submission", key=certificate)
        self.submitted[application] = json.loads(said)["round"]

    def ask(
        self, method: str, path: str, body: Any = None, key: str = "", allowed: tuple[int, ...] = (201,)
    ) -> tuple[int, bytes]:
        """Send a request until it is answered, whatever happens to the service meanwhile."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        headers = {"content-type": "image/png" if isinstance(body, bytes) else "application/json"}
        headers |= {"authorization": f"Bearer {self.token}"} if hasattr(self, "token") else {}
        headers |= {"idempotency-key": key} if key else {}
        while True:
            self.traffic.up.wait()
            try:
                if self.connection is None:
                    self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
                self.connection.request(method, path, content, headers)
                reply = self.connection.getresponse()
                status, said = reply.status, reply.read()
            except (OSError, http.client.HTTPException):
                assert self.connection is not None
                self.connection.close()
                self.connection = None
                continue
            assert status in allowed, (method, path, status, said)
            self.traffic.answered.release()
            return status, said


class Traffic:
    """What families and the test tell each other."""

    def __init__(self) -> None:
        self.up = threading.Event()
        self.over = threading.Event()
        self.answered = threading.Semaphore(0)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """Give a service, and end it if the test did not."""
    found = Service(tmp_path)
    try:
        yield found
    finally:
        found.said.close()
        if found.process is not None and found.process.poll() is None:
            found.end(signal.SIGKILL)


def play(service: Service, luck: random.Random) -> list[Families]:
    """Send families, kill the service after random numbers of answers and start it again; let them finish."""
    traffic = Traffic()
    clients = [Families(number, service.port, traffic) for number in range(CLIENTS)]
    service.start()
    traffic.up.set()
    for client in clients:
        client.start()
    for _ in range(KILLS):
        for _ in range(luck.randrange(20, 200)):
            assert traffic.answered.acquire(timeout=60), "no traffic"
        traffic.up.clear()
        service.end(signal.SIGKILL)
        service.start()
        traffic.up.set()
    traffic.over.set()
    for client in clients:
        client.join()
        assert client.connection is not None
        client.connection.close()
    return clients


def wait_until_decided(path: Path) -> None:
    """Wait until no application is in review any more."""
    with closing(sqlite3.connect(path)) as database:
        for _ in range(3000):
            if not database.execute("SELECT count(*) FROM applications WHERE desk IS NOT NULL").fetchone()[0]:
                return
            threading.Event().wait(0.01)
    raise AssertionError("the clerks did not finish")


def test_a_service_that_is_killed_loses_nothing_and_does_nothing_twice(service: Service) -> None:
    """Each application that was confirmed is in the database once, with its fee, its papers and its decisions."""
    clients = play(service, random.Random(5))
    path = service.folder / "data" / "service.sqlite"
    wait_until_decided(path)
    service.end(signal.SIGTERM)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)

        def rows(sql: str) -> list[Any]:
            return database.execute(sql).fetchall()

        enrolled = set().union(*(client.enrolled for client in clients))
        assert {row[0] for row in rows("SELECT id FROM applications")} == enrolled
        submitted = [item for client in clients for item in client.submitted.items()]
        assert sorted(rows("SELECT application, round FROM submissions")) == sorted(submitted)
        paid = sorted(application for client in clients for application in client.paid)
        assert sorted(row[0] for row in rows("SELECT application FROM payments WHERE outcome = 'paid'")) == paid
        # Handed in = approved + returned + rejected, as nothing is in review any more.
        ends = dict(rows("SELECT status, count(*) FROM applications GROUP BY status"))
        assert set(ends) <= {"approved", "returned", "rejected"}
        assert sum(ends.values()) == len(submitted) > 0
        passes = "SELECT application FROM decisions WHERE desk = 'second' AND verdict = 'pass' ORDER BY 1"
        assert rows(passes) == rows("SELECT id FROM applications WHERE status = 'approved' ORDER BY 1")
        refunds = "SELECT application FROM payments WHERE outcome = 'refunded' ORDER BY 1"
        assert rows(refunds) == rows("SELECT id FROM applications WHERE status = 'rejected' ORDER BY 1")
        papers = rows("SELECT application, checksum FROM papers")
    assert len(papers) == len(PAPERS) * len(submitted)
    for _, checksum in papers:
        content = (service.folder / "data" / "papers" / checksum[:2] / checksum).read_bytes()
        assert hashlib.sha256(content).hexdigest() == checksum
    assert not (service.folder / "said.txt").read_text()


def test_what_goes_wrong_is_logged_without_what_was_sent(service: Service) -> None:
    """A paper that cannot be stored is an answer and a line of the log, without name, number, password or token."""
    service.start()
    traffic = Traffic()
    traffic.up.set()
    client = Families(1, service.port, traffic)
    account = {"name": client.name, "password": PASSWORD}
    client.ask("POST", "/accounts", {**account, "telephone": "15400000000"})
    client.token = json.loads(client.ask("POST", "/sessions", account)[1])["token"]
    form = {"name": "Li Xiaoming", "number": "A990000001", "guardian": "Li Gang"}
    client.ask("POST", "/applications", form)
    (service.folder / "data" / "papers").write_text("in the way")
    status, _ = client.ask("PUT", "/applications/1/papers/photo", b"picture", allowed=(503,))
    assert status == 503
    assert client.connection is not None
    client.connection.close()
    service.end(signal.SIGINT)
    assert service.process is not None
    assert service.process.returncode == 0
    said = (service.folder / "said.txt").read_text()
    assert said == "upload_paper: the paper could not be stored: Not a directory\n" + STOPPED


STOPPED = "stopped; all that was confirmed is stored\n"
