"""Families for people who simply run Locust: its web UI, its tags, its statistics.

    locust -f loadtests/locustfile.py --host http://127.0.0.1:8000 --web-host 127.0.0.1
    locust -f loadtests/locustfile.py --host http://127.0.0.1:8000 --headless -u 20 -r 5 -t 1m --tags enrol --csv answer

Without --web-host the web UI listens on every address of the machine, and whoever finds it can start a test.

Each user takes one invented family after the other through the deployment. This is a closed load: whoever waits for an
answer asks for nothing else, so a slow deployment gets fewer families, and the slowest moments are hardly in Locust's
percentiles. `canbao load` keeps the arrivals of a scenario; see docs/coordinated-omission.md.

What can be said in the environment:

CANBAO_TARGET        the folder of a target; the reference service's if not given
CANBAO_SCENARIO      a scenario file whose families come; families without a past if not given
CANBAO_ALLOW_HOSTS   hosts other than this machine that may get load, with commas between them
CANBAO_MAX_RATE      requests a second that each process never exceeds; needed for those hosts
"""

from __future__ import annotations

import datetime as dt
import os
import secrets
from collections import deque
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from locust import User, between, events, tag, task
from locust.exception import StopUser
from locust.runners import MasterRunner

from canbao.calendar import Horizon
from canbao.columns import Column
from canbao.errors import CanbaoError
from canbao.plugins import load_plugins
from canbao_loadtests.applicants import Applicants
from canbao_loadtests.http.client import Client
from canbao_loadtests.http.exchange import Exchange
from canbao_loadtests.http.safety import Safety, allowed_hosts
from canbao_loadtests.targets import Session, find_target, read_settings

TARGET = Path(os.environ.get("CANBAO_TARGET") or Path(__file__).parent / "targets" / "reference")
BEFORE = ("register", "log_in", "enrol")
AFTER = ("choose_payment", "pay", "submit")
WAY = "alipay"
TRIES = 3
"""How often a family tries a debit that is declined."""
DECLINED = 402
PAPER_BYTES = 200_000
IN_LOCUST = "with Locust, CANBAO_ALLOW_HOSTS and CANBAO_MAX_RATE in the environment say so"


class Deployment:
    """What all users of a process share: the target, who comes, and the connections."""

    def __init__(self, host: str) -> None:
        plugins = load_plugins(None)
        settings = read_settings(TARGET)
        self.target = find_target(str(TARGET), plugins)
        typed = [name for name in os.environ.get("CANBAO_ALLOW_HOSTS", "").split(",") if name]
        rates = [rate for rate in (float(os.environ.get("CANBAO_MAX_RATE") or 0), settings.max_rate) if rate]
        safety = Safety(allowed_hosts(typed, settings.allow_hosts), min(rates, default=0.0))
        self.client = Client(host or settings.host, safety)
        self.applicants = self._applicants(plugins)
        self.applicants.prepare(self.target.papers)
        self.families = self._families()

    def _applicants(self, plugins: Any) -> Applicants:
        """Give who comes; accounts of another run are others."""
        columns, horizon = _population(plugins)
        self._many = max((len(column) for column in columns.values()), default=0)
        return Applicants(columns, horizon, 1, run=secrets.token_hex(4), paper_bytes=PAPER_BYTES)

    def _families(self) -> Iterator[int]:
        return (number % self._many if self._many else number for number in count())


def _population(plugins: Any) -> tuple[dict[str, Column], Horizon]:
    """Give what is known of families, and the dates."""
    from canbao.assembly import make_district
    from canbao.scenario.scenario import load_scenario

    path = os.environ.get("CANBAO_SCENARIO")
    if not path:
        today = dt.date.today()
        return {}, Horizon(today, today)
    file = load_scenario(path, plugins)
    return dict(make_district(file, file.scenario.seed).columns), file.horizon


DEPLOYMENTS: dict[str, Deployment | CanbaoError] = {}
"""Of this process, by host, or why there is none; the web UI can name another one for each test."""


def prepare(environment: Any, **more: Any) -> None:
    """Read the target and draw papers before a test begins: it takes seconds, in which no user could do anything."""
    host = environment.host or ""
    if isinstance(environment.runner, MasterRunner) or isinstance(DEPLOYMENTS.get(host), Deployment):
        return
    try:
        DEPLOYMENTS[host] = Deployment(host)
    except CanbaoError as error:
        DEPLOYMENTS[host] = error
        if environment.parsed_options and environment.parsed_options.headless:
            raise SystemExit(f"{error} ({IN_LOCUST})") from error


events.init.add_listener(prepare)  # type: ignore[no-untyped-call]
events.test_start.add_listener(prepare)  # type: ignore[no-untyped-call]


class Family(User):
    """A user who takes one invented family after the other through the deployment."""

    wait_time = between(0.5, 1.5)

    def on_start(self) -> None:
        """Know the deployment; families that have handed in are looked after by this user.

        Where there is none, the web UI says why among its exceptions, and nothing is sent.
        """
        found = DEPLOYMENTS[self.environment.host or ""]
        if isinstance(found, CanbaoError):
            problem = DeploymentError(f"{found} ({IN_LOCUST})")
            events.user_error.fire(user_instance=self, exception=problem, tb=None)  # type: ignore[no-untyped-call]
            raise StopUser
        self.deployment = found
        self.handed_in: deque[tuple[int, Session]] = deque(maxlen=50)

    @task(1)
    @tag("enrol")
    def enrol(self) -> None:
        """Take a new family from its account to the submission, as far as the target knows the steps."""
        family = next(self.deployment.families)
        browser = self.deployment.client.browser({}, self._record)
        session = self.deployment.target.session(browser, {})
        papers = self.deployment.target.papers
        calls: list[tuple[str, dict[str, Any]]] = [
            *((step, {}) for step in BEFORE),
            *(("upload_paper", self._paper(name)) for name in papers),
            *((step, {}) for step in AFTER),
        ]
        if all(self._call(session, family, step, **more) for step, more in calls):  # up to the first that fails
            self.handed_in.append((family, session))

    @task(3)
    @tag("progress")
    def progress(self) -> None:
        """Ask how the application of one of the families stands; where there is none, hand one in first."""
        if not self.handed_in:
            self.enrol()
        if not self.handed_in:
            return
        family, session = self.handed_in[0]
        self.handed_in.rotate()
        self._call(session, family, "progress")

    def _call(self, session: Session, family: int, step: str, **more: Any) -> bool:
        """Take a step; tell Locust, beside the requests, if it did not end as it should."""
        if step not in self.deployment.target.steps:
            return True
        for _ in range(TRIES):
            given = {"payment_way": WAY, "idempotency_key": f"{step}-{family}-{secrets.token_hex(8)}"}
            answer = session.call(step, {**self.deployment.applicants.of(family), **given, **more})
            if answer.outcome != "declined":
                break
        if answer.outcome == "failed":
            events.user_error.fire(user_instance=self, exception=StepError(f"{step}: {answer.reason}"), tb=None)  # type: ignore[no-untyped-call]
        return answer.outcome == "done"

    def _paper(self, name: str) -> dict[str, Any]:
        image, kind, file = self.deployment.applicants.paper(self.deployment.target.papers[name])
        return {"paper": name, "paper_image": image, "paper_type": kind, "paper_name": file}

    def _record(self, exchange: Exchange) -> None:
        """Tell Locust of a request, unless the end of the test cut it off."""
        if exchange.trouble == "stopped":
            return
        refused = exchange.status >= 400 and exchange.status != DECLINED
        wrong = exchange.trouble or (f"status {exchange.status}" if refused else None)
        self.environment.events.request.fire(
            request_type="HTTP",
            name=exchange.operation,
            response_time=1000.0 * (exchange.ended - exchange.began),
            response_length=exchange.received,
            exception=None if wrong is None else RequestError(wrong),
            context={},
        )


class DeploymentError(Exception):
    """A deployment that must not get load, or a target that cannot be read."""


class StepError(Exception):
    """A step of the flow that failed."""


class RequestError(Exception):
    """A request without the answer that was wanted."""
