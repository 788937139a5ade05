"""A closed load test with Locust: so many users, each asks again when it has its answer and its pace says so.

    python tests/bench/omission_closed.py URL --users 10 --rate 20 --seconds 20

It prints Locust's own statistics as JSON; times in seconds.
"""

from __future__ import annotations

import argparse
import json
import os
from typing import Any

os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"

import gevent
from locust import FastHttpUser, constant_pacing, task
from locust.env import Environment

from omission_server import SHARES


def run(url: str, users: int, rate: float, seconds: float) -> dict[str, Any]:
    """Run it, and give what Locust says."""

    class Asking(FastHttpUser):
        host = url
        wait_time = constant_pacing(1.0 / rate)

        @task
        def ask(self) -> None:
            """Ask once."""
            self.client.get("/")

    environment = Environment(user_classes=[Asking])
    runner = environment.create_local_runner()
    runner.start(users, spawn_rate=1000)
    gevent.sleep(seconds)
    runner.stop()
    total = environment.stats.total
    shares = {f"{share:g}": total.get_response_time_percentile(share / 100) / 1000 for share in SHARES}
    return {"requests": total.num_requests, "failures": total.num_failures, "percentiles_s": shares}


def main() -> None:
    """Run it and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("url")
    parser.add_argument("--users", type=int, default=10)
    parser.add_argument("--rate", type=float, default=20.0, help="requests a second of each user")
    parser.add_argument("--seconds", type=float, default=20.0)
    given = parser.parse_args()
    print(json.dumps(run(given.url, given.users, given.rate, given.seconds)))


if __name__ == "__main__":
    main()
