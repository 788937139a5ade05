"""Journeys of eight posts as canbao's injector makes them, or as Locust users; for `bench_load.py`.

    python tests/bench/load_journeys.py canbao|canbao-own|locust URL --journeys 2000 --rate 300 [--limit 100]

`canbao` shares connections between families, `canbao-own` gives each its own, `locust` starts one FastHttpUser for each
arrival. All record every request. It prints JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import time
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


def locust(url: str) -> Begin:
    """Give journeys by Locust users, with Locust's own statistics."""
    from locust import FastHttpUser
    from locust.env import Environment

    class Family(FastHttpUser):
        host = url

        def walk(self) -> None:
            """Post eight times."""
            for _ in range(POSTS):
                if self.client.post("/", data=BODY.decode(), headers={"Content-Type": JSON}).status_code != 200:
                    raise SystemExit("the server did not answer 200")

    environment = Environment(user_classes=[Family])
    environment.create_local_runner()

    def begin(family: int, over: Over) -> None:
        user = Family(environment)
        user.walk()
        user.client.client.close()
        over()

    return begin


def inject(kind: str, url: str, journeys: int, rate: float, limit: int) -> dict[str, Any]:
    """Inject Poisson arrivals, and tell what came of them."""
    recorder, clock = Recorder(), steady_time()
    begin = locust(url) if kind == "locust" else canbao(url, recorder, clock, shared=kind == "canbao")
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
    parser.add_argument("kind", choices=["canbao", "canbao-own", "locust"])
    parser.add_argument("url")
    parser.add_argument("--journeys", type=int, default=2000)
    parser.add_argument("--rate", type=float, default=300.0)
    parser.add_argument("--limit", type=int, default=100)
    given = parser.parse_args()
    print(json.dumps(inject(given.kind, given.url, given.journeys, given.rate, given.limit)))


if __name__ == "__main__":
    main()
