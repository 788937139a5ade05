"""Journeys of eight requests as canbao's injector makes them, or as Locust users; for `bench_load.py`.

    python tests/bench/load_journeys.py canbao|canbao-own|locust|locust-family URL --journeys 2000 --rate 300

`canbao` shares connections between families, `canbao-own` gives each its own, `locust` starts one FastHttpUser for each
arrival; theirs are posts of the same JSON. `locust-family` sends what a family sends to the reference service: it opens
an account, logs in, fills in the form, uploads four papers and hands in. All record every request. It prints JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"

import gevent
import numpy as np

from canbao_loadtests.driving.agenda import Agenda, steady_time
from canbao_loadtests.driving.arrivals import Arrivals, Begin, Over
from canbao_loadtests.driving.recorder import Journeys, Recorder
from canbao_loadtests.driving.schedule import Schedule

POSTS = 8
BODY = json.dumps({"name": "Li Xiaoming", "number": "999999201901010011", "guardian": "Li Gang"}).encode()
JSON = "application/json"
_AHEAD_S = 0.2


def canbao(url: str, recorder: Recorder, time: Any, *, shared: bool) -> Begin:
    """Give journeys by canbao's client."""
    from canbao_loadtests.http.client import Client, Settings
    from canbao_loadtests.http.messages import Request
    from canbao_loadtests.http.safety import Safety

    client = Client(url, Safety(), time=time, settings=Settings(shared=shared))
    request = Request("POST", "/", (("Content-Type", JSON),), BODY, operation="post")

    def begin(family: int, over: Over) -> None:
        browser = client.browser({}, recorder.request)
        for _ in range(POSTS):
            if browser.send(request).status != 200:
                raise SystemExit("the server did not answer 200")
        browser.close()
        over()

    return begin


def _post(client: Any, family: int) -> None:
    """Post eight times."""
    for _ in range(POSTS):
        if client.post("/", data=BODY.decode(), headers={"Content-Type": JSON}).status_code != 200:
            raise SystemExit("the server did not answer 200")


def _enrol() -> Callable[[Any, int], None]:
    """Give what sends the requests of a family, eight of them, as a script does that knows the service."""
    pictures = _pictures()

    def enrol(client: Any, family: int) -> None:
        account = {"name": f"family-{family}", "password": f"A7secret{family}"}
        client.post("/accounts", json={**account, "telephone": f"154{family:08d}"})
        token = client.post("/sessions", json=account).json()["token"]
        mine = {"Authorization": f"Bearer {token}"}
        child = {"name": "Li Xiaoming", "number": f"99999920190101{family:04d}", "guardian": "Li Gang"}
        there = "/applications/" + client.post("/applications", json=child, headers=mine).json()["application"]
        for paper, picture in pictures.items():
            headers = {**mine, "Content-Type": "image/png"}
            client.put(f"{there}/papers/{paper}", data=picture, headers=headers, name="/applications/[id]/papers")
        headers = {**mine, "Idempotency-Key": f"submit-{family}"}
        done = client.post(f"{there}/submission", headers=headers, name="/applications/[id]/submission")
        if done.status_code != 200:
            raise SystemExit("the server did not answer 200")

    return enrol


def _pictures() -> dict[str, bytes]:
    """Give the papers that a family of `canbao load` uploads in `bench_load.whole`."""
    import datetime as dt

    from canbao.calendar import Horizon
    from canbao_loadtests.applicants import Applicants
    from canbao_loadtests.targets import load_target

    folder = Path(__file__).parents[2] / "loadtests" / "targets" / "reference"
    applicants = Applicants({}, Horizon(dt.date(2025, 12, 1), dt.date(2025, 12, 31)), 1, paper_bytes=1_000)
    return {word: applicants.paper(picture)[0] for word, picture in load_target(folder).papers.items()}


def locust(url: str, walk: Callable[[Any, int], None]) -> Begin:
    """Give journeys by Locust users that run their one task and stop, with Locust's own statistics."""
    from locust import FastHttpUser, task
    from locust.env import Environment
    from locust.exception import StopUser

    class Family(FastHttpUser):
        host = url
        number = -1

        @task
        def enrol(self) -> None:
            walk(self.client, self.number)
            raise StopUser

    environment = Environment(user_classes=[Family], catch_exceptions=False)
    environment.create_local_runner()

    def begin(family: int, over: Over) -> None:
        user = Family(environment)
        user.number = family
        user.run()  # type: ignore[no-untyped-call]  # in the greenlet of the arrival, where `start` would spawn another
        user.client.client.close()
        over()

    return begin


def inject(kind: str, url: str, journeys: int, rate: float, limit: int) -> dict[str, Any]:
    """Inject Poisson arrivals, and tell what came of them."""
    recorder, clock = Recorder(), steady_time()
    if kind.startswith("locust"):
        begin = locust(url, _enrol() if kind == "locust-family" else _post)
    else:
        begin = canbao(url, recorder, clock, shared=kind == "canbao")
    moments = np.cumsum(np.random.default_rng(1).exponential(1.0 / rate, journeys))
    schedule = Schedule(np.arange(journeys), moments)
    agenda = Agenda(clock, recorder.late)
    arrivals = Arrivals(agenda, Journeys(schedule, clock() + _AHEAD_S + moments), begin, limit, late=recorder.late)
    arrivals.start()
    agenda.start()
    before = time.process_time()
    while not arrivals.over:
        gevent.sleep(0.1)
        recorder.pack()
    if agenda.failures:
        raise SystemExit(str(agenda.failures))
    times = arrivals.journeys
    took = float(times.finished.max() - times.started.min())
    late = np.asarray(recorder.delays()["delay"])
    return {
        "journeys_s": journeys / took,
        "core_us_a_journey": 1e6 * (time.process_time() - before) / journeys,
        "dispatch_p99_s": float(np.percentile(late, 99)),
        "response_p99_s": float(np.percentile(times.finished - times.intended, 99)),
        "recorded": recorder.sizes[0],
    }


def main() -> None:
    """Inject and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("kind", choices=["canbao", "canbao-own", "locust", "locust-family"])
    parser.add_argument("url")
    parser.add_argument("--journeys", type=int, default=2000)
    parser.add_argument("--rate", type=float, default=300.0)
    parser.add_argument("--limit", type=int, default=100)
    given = parser.parse_args()
    print(json.dumps(inject(given.kind, given.url, given.journeys, given.rate, given.limit)))


if __name__ == "__main__":
    main()
