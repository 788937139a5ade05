"""An open load test with canbao's own injector: Poisson arrivals that come whatever the server does.

    python tests/bench/omission_open.py URL --rate 100 --seconds 20 [--queue 2/a:16 --queue 2/b:18] --out FILE.npz

Each arrival is one request. What is kept of it: `intended`, `started`, `finished` in seconds since the start, and the
`service` that the server said it took.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import gevent
import numpy as np

from canbao_loadtests.driving.agenda import Agenda, steady_time
from canbao_loadtests.driving.arrivals import Arrivals, Over
from canbao_loadtests.driving.recorder import Journeys, Recorder
from canbao_loadtests.driving.schedule import Schedule
from canbao_loadtests.http.client import Client
from canbao_loadtests.http.messages import Request
from canbao_loadtests.http.safety import Safety

_AHEAD_S = 0.3
_ENOUGH_S = 30.0


def poisson(rate: float, seconds: float, seed: int) -> Schedule:
    """Draw open arrivals."""
    luck = np.random.default_rng(seed)
    moments = np.cumsum(luck.exponential(1.0 / rate, int(rate * seconds * 1.5) + 50))
    moments = moments[moments < seconds]
    return Schedule(np.arange(len(moments)), moments)


def inject(url: str, path: str, schedule: Schedule, origin: float) -> tuple[Arrivals, Any]:
    """Begin a load; give its arrivals, and the services that fill as it goes on."""
    time, recorder = steady_time(), Recorder()
    client = Client(url, Safety(), time=time, timeout_s=_ENOUGH_S)
    browser = client.browser({}, recorder.request)
    services = np.full(len(schedule), np.nan)

    def ask(family: int, over: Over) -> None:
        services[family] = float(browser.send(Request("GET", path)).header("X-Service") or 0.0)
        over()

    agenda = Agenda(time, recorder.late)
    journeys = Journeys(schedule, origin + schedule.moments)
    arrivals = Arrivals(agenda, journeys, ask, limit=10_000, late=recorder.late)
    arrivals.start()
    agenda.start()
    return arrivals, services


def measured(arrivals: Arrivals, services: Any, origin: float) -> dict[str, Any]:
    """Wait until all is over, and give the times."""
    while not arrivals.over:
        gevent.sleep(0.05)
    if arrivals.agenda.failures:
        raise SystemExit(str(arrivals.agenda.failures))
    journeys = arrivals.journeys
    return {
        "intended": journeys.intended - origin,
        "started": journeys.started - origin,
        "finished": journeys.finished - origin,
        "service": services,
    }


def main() -> None:
    """Run it, all queues at once, and write what came."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("url")
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--queue", action="append", default=[], metavar="PATH:RATE")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    loads = {f"/{path}": float(rate) for path, _, rate in (text.partition(":") for text in given.queue)}
    origin = steady_time()() + _AHEAD_S
    begun = {
        path: inject(given.url, path, poisson(rate, given.seconds, given.seed + number), origin)
        for number, (path, rate) in enumerate((loads or {"/": given.rate}).items())
    }
    found = {}
    for path, (arrivals, services) in begun.items():
        for name, column in measured(arrivals, services, origin).items():
            found[f"{path.strip('/')}:{name}" if loads else name] = column
    np.savez(given.out, **found)


if __name__ == "__main__":
    main()
