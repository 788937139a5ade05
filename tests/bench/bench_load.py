"""How many journeys a second one core injects: canbao's injector, and Locust with one FastHttpUser for each arrival.

    python tests/bench/bench_load.py [--journeys 3000] [--rounds 3]

A journey is eight posts of JSON. The server has one core (nginx, where it is installed, else a small server on uvloop),
the generator the other. All requests and journeys are recorded; the kinds take turns, so that ratios are of one run.

`canbao load` as a whole is run as well, against nginx, and a Locust script that sends what its families send: an
account, a log-in, the form, four papers and the hand-in. Both have the same limit of families at once, and each round's
ratio is that of two runs one after the other.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).parent
SCENARIO = HERE.parents[1] / "scenarios" / "deadline-rush.toml"
CORES = sorted(os.sched_getaffinity(0))
KINDS = {"canbao": "canbao, shared connections", "canbao-own": "canbao, one connection each", "locust": "FastHttpUser"}
SCRIPTS = {"locust-family": "FastHttpUser, what a family sends", "locust": "FastHttpUser, eight posts"}
_CROWD = 800
"""Families a second that no generator here can do."""
TOO_MANY = 100_000.0
LIMIT = 20
"""Journeys at once, of every kind: as many as open arrivals have in a generator that is busy for 95 % of its time.

A generator works at all its journeys in turn, a server that is shared (M/G/1-PS): rho / (1 - rho) of them on average.
"""
_LONGER = 10
"""Journeys are so many times as many where the delay is looked at: one stall of the machine is to be a small part."""
_MORE = 5
"""Rounds are so many times as many, and half as long, where `canbao load` is compared."""
SHARE = 0.6
"""Of its own capacity at which the generator's delay is looked at."""

NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/errors.txt;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000; tcp_nodelay on;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/a; fastcgi_temp_path {folder}/b;
  uwsgi_temp_path {folder}/c; scgi_temp_path {folder}/d;
  server {{ listen 127.0.0.1:{port} backlog=4096; default_type application/json;
            location / {{ return 200 '{{"token": "t", "application": "A1", "status": "approved"}}'; }} }}
}}
"""


def free_port() -> int:
    """Give a port of loopback that nobody has."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def server() -> Iterator[tuple[str, str]]:
    """Run a server on the first core; give its name and URL."""
    port, nginx = free_port(), shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    with tempfile.TemporaryDirectory() as folder:
        if nginx:
            config = Path(folder, "nginx.conf")
            config.write_text(NGINX.format(folder=folder, port=port))
            command = [nginx, "-c", str(config), "-p", folder, "-e", f"{folder}/errors.txt"]
        else:
            command = [sys.executable, str(HERE / "load_server.py"), str(port)]
        process = subprocess.Popen(command, preexec_fn=lambda: os.sched_setaffinity(0, {CORES[0]}))  # noqa: PLW1509
        try:
            _wait(port)
            yield "nginx" if nginx else "uvloop", f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def _wait(port: int) -> None:
    import socket

    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("the server does not start")


def inject(kind: str, url: str, journeys: int, rate: float) -> dict[str, Any]:
    """Inject on the last core."""
    command = [
        sys.executable,
        str(HERE / "load_journeys.py"),
        kind,
        url,
        "--journeys",
        str(journeys),
        "--rate",
        str(rate),
        "--limit",
        str(LIMIT),
    ]
    done = subprocess.run(
        command,
        check=True,
        stdout=subprocess.PIPE,
        preexec_fn=lambda: os.sched_setaffinity(0, {CORES[-1]}),
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def whole(url: str, families: int) -> float:
    """Run `canbao load` with the reference service's target against a server that agrees to everything.

    Plan, target, journal, families' luck and recording are all in it, looks at applications in review too. A family's
    requests are about eight and not always, so it is told by eight requests: microseconds of a core.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "canbao", "load", str(SCENARIO), "--host", url, "--out", folder, "--quiet"]
        # Faster than it can do them, as for the others: with time between two requests each costs more.
        command += ["--families", str(families), "--duration", f"{families / _CROWD:g} s"]
        command += [
            "--set",
            "load.paper_kb=1",
            "--set",
            "load.drain='4 s'",
            "--set",
            "load.poll='1 s'",
            "--set",
            f"load.limit={LIMIT}",
        ]
        subprocess.run(
            command,
            check=False,  # what it finds is not asked here: families are agreed with at once
            stdout=subprocess.DEVNULL,
            preexec_fn=lambda: os.sched_setaffinity(0, {CORES[-1]}),
        )
        (end,) = (json.loads(path.read_text()) for path in Path(folder).glob("*/*/parts/0/end.json"))
        return 8e6 * float(end["core_s"]) / float(end["requests"] + end["looks"])


def _script(kind: str, url: str, journeys: int) -> float:
    took: float = inject(kind, url, journeys, TOO_MANY)["core_us_a_journey"]
    return took


def compare_whole(url: str, families: int, rounds: int) -> None:
    """Run `canbao load` and a Locust script with the same requests in turn, and print what each takes.

    Rounds are many and short, and every second one goes backwards: the machine's speed changes within minutes.
    """
    kinds: list[Callable[[], float]] = [partial(whole, url, families)]
    kinds += [partial(_script, kind, url, families) for kind in SCRIPTS]
    found = []
    for number in range(rounds):
        order = list(enumerate(kinds))[:: -1 if number % 2 else 1]
        took = {place: measure() for place, measure in order}
        found.append([took[place] for place in range(len(kinds))])
    ours, *theirs = (median(column) for column in zip(*found, strict=True))
    print(f"  {'canbao load, families of a scenario':37} {ours:14,.0f} µs of a core for 8 requests")
    for place, (title, core) in enumerate(zip(SCRIPTS.values(), theirs, strict=True), 1):
        ratios = sorted(row[place] / row[0] for row in found)
        ratio = f"{median(ratios):5.2f} times as much ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        print(f"  {title:37} {core:14,.0f} µs of a core for 8 requests, {ratio}", flush=True)


def delays(url: str, journeys: int, rate: float, rounds: int) -> None:
    """Print how late the generator is at a rate, and for how long other machines had its core meanwhile."""
    print(f"  canbao at {SHARE:.0%} of that, {rate:,.0f} a second: how late, 99th percentile of each round")
    late = []
    for _ in range(rounds):
        before = stolen_s()
        late.append(1e3 * inject("canbao", url, journeys, rate)["dispatch_p99_s"])
        print(f"    {late[-1]:6.1f} ms; the core was taken away for {1e3 * (stolen_s() - before):4.0f} ms", flush=True)
    print(f"    {median(late):6.1f} ms, median")


def stolen_s() -> float:
    """Give the seconds in which the machine that this one runs on gave the generator's core to others."""
    lines = Path("/proc/stat").read_text().splitlines()
    (times,) = (line.split()[1:] for line in lines if line.startswith(f"cpu{CORES[-1]} "))
    return int(times[7]) / os.sysconf("SC_CLK_TCK")


def recorded_ns(samples: int = 200_000, at_once: int = 1_000) -> float:
    """Give the nanoseconds that it costs to record a request, packing included."""
    from canbao_loadtests.driving.recorder import Recorder
    from canbao_loadtests.http.exchange import Exchange

    recorder = Recorder()
    exchanges = [Exchange("enrol", 1.5 + number, 2.5 + number, 200, 400, 300) for number in range(at_once)]
    start = time.process_time()
    for _ in range(samples // at_once):
        for exchange in exchanges:
            recorder.request(exchange)
        recorder.pack()
    return 1e9 * (time.process_time() - start) / samples


def main() -> int:
    """Measure each kind in turn."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--journeys", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    print(f"{len(CORES)} cores, load of the machine before: {os.getloadavg()[0]:.2f}")
    print(f"recording a request, packing included: {min(recorded_ns() for _ in range(5)):.0f} ns")
    with server() as (name, url):
        print(f"journeys of 8 posts against {name}, {given.journeys} each, median of {given.rounds} rounds")
        rounds: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
        for _ in range(given.rounds):
            for kind, found in rounds.items():
                found.append(inject(kind, url, given.journeys, TOO_MANY))
        capacity = {kind: median(one["journeys_s"] for one in found) for kind, found in rounds.items()}
        for kind, title in KINDS.items():
            core = median(one["core_us_a_journey"] for one in rounds[kind])
            ratios = sorted(
                mine["journeys_s"] / theirs["journeys_s"]
                for mine, theirs in zip(rounds[kind], rounds["locust"], strict=True)
            )
            ratio = f"{median(ratios):5.2f} times FastHttpUser ({ratios[0]:.2f} to {ratios[-1]:.2f})"
            print(f"  {title:30} {capacity[kind]:7,.0f} a second, {core:6,.0f} µs of a core each, {ratio}", flush=True)
        if name == "nginx":
            compare_whole(url, given.journeys // 2, _MORE * given.rounds)
        delays(url, _LONGER * given.journeys, SHARE * capacity["canbao"], given.rounds)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
