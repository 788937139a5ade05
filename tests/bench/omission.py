"""What load tests say of services whose truth is known: canbao's open arrivals, and Locust's closed users.

    python tests/bench/omission.py [--out docs/figures/coordinated-omission.json] [--seconds 20]

Three services, each in a process of its own:

- queues with two slots and exponential service, whose waits M/M/c gives, at a load of 0.5, 0.8 and 0.9;
- a service that freezes once for 3 s of 20;
- a service that stalls for 1 s in every 5, at 200 requests a second.

`tests/bench/omission_figure.py` draws what is kept.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from canbao.arrays import FloatArray
from canbao.statistics import t_interval
from canbao.theory import erlang_c, mmc
from omission_server import SHARES, Queue

HERE = Path(__file__).parent
LEVEL = 0.99
"""Of each interval: six are looked at together."""
SLOTS, MEAN_S, LOADS, QUEUES = 2, 0.1, (0.5, 0.8, 0.9), 12
FREEZE_AT_S, FREEZE_S, FREEZE_RUN_S, FREEZE_RATE = 8.0, 3.0, 20.0, 100.0
STALL_S, STALL_EVERY_S, STALL_RUN_S, STALL_RATE = 1.0, 5.0, 23.5, 200.0
USERS = 10


@contextmanager
def server(*options: str) -> Iterator[str]:
    """Run a service, give its URL."""
    command = [sys.executable, str(HERE / "omission_server.py"), *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()


def injected(url: str, out: Path, *options: str) -> subprocess.Popen[str]:
    """Start open arrivals."""
    command = [sys.executable, str(HERE / "omission_open.py"), url, "--out", str(out), *options]
    return subprocess.Popen(command, text=True)


def closed(url: str, rate: float, seconds: float) -> subprocess.Popen[str]:
    """Start a closed test with Locust that could ask `rate` times a second."""
    command = [sys.executable, str(HERE / "omission_closed.py"), url, "--users", str(USERS)]
    command += ["--rate", str(rate / USERS), "--seconds", str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def path_of(load: float, number: int) -> str:
    """Name a queue."""
    return f"{SLOTS}/{load}/{number}"


def measure(seconds: float, only: str = "") -> dict[str, Any]:
    """Measure all at once, or what is named."""
    options = [
        word
        for load in LOADS
        for n in range(QUEUES)
        for word in ("--queue", f"{path_of(load, n)}:{load * SLOTS / MEAN_S}")
    ]
    freeze = ["--freeze", str(FREEZE_AT_S), str(FREEZE_S)]
    stall = ["--freeze", "0", str(STALL_S), "--every", str(STALL_EVERY_S)]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        work = {}
        if only in ("", "queues"):
            url = stack.enter_context(server("--mean", str(MEAN_S)))
            work["queues"] = injected(url, folder / "queues.npz", "--seconds", str(seconds), *options)
        for name, frozen, rate, length in (
            ("freeze", freeze, FREEZE_RATE, FREEZE_RUN_S),
            ("stall", stall, STALL_RATE, STALL_RUN_S),
        ):
            if only in ("", name, "frozen"):
                url = stack.enter_context(server(*frozen))
                work[name] = injected(
                    url, folder / f"{name}.npz", "--rate", str(rate), "--seconds", str(length), "--seed", "11"
                )
                work[f"{name} closed"] = closed(stack.enter_context(server(*frozen)), rate, length)
        said = {name: process.communicate()[0] for name, process in work.items()}
        failed = [name for name, process in work.items() if process.returncode]
        if failed:
            raise SystemExit(f"failed: {', '.join(failed)}")
        found: dict[str, Any] = {}
        for name in ("queues", "freeze", "stall"):
            if name in work:
                times = np.load(folder / f"{name}.npz")
                found[name] = (
                    queues(times) if name == "queues" else omitted(name, times, json.loads(said[f"{name} closed"]))
                )
                late = [times[key] - times[key.replace("started", "intended")] for key in times if "started" in key]
                found[f"{name} dispatch p99 s"] = float(np.percentile(np.concatenate(late), 99))
        return found


def waits_of(path: str, arrivals: FloatArray) -> FloatArray:
    """Give the exact waits of those who come to a queue at these times: the queue's own luck, and arithmetic."""
    queue = Queue(f"/{path}", MEAN_S, float(arrivals[0]))
    left = [queue.come(float(arrival)) for arrival in arrivals]
    return np.array([leave - service for leave, service in left]) - arrivals


def theory(load: float) -> tuple[float, float]:
    """Give mean and 95th percentile of the wait in M/M/c."""
    offered = load * SLOTS
    p95 = max(0.0, math.log(erlang_c(SLOTS, offered) / 0.05) * MEAN_S / (SLOTS - offered))
    return mmc(offered / MEAN_S, MEAN_S, SLOTS).wait, p95


def queues(times: Mapping[str, FloatArray]) -> list[dict[str, float]]:
    """Hold measured waits against exact ones and against theory."""
    rows = []
    for load in LOADS:
        measured, exact = [], []
        for number in range(QUEUES):
            path = path_of(load, number)
            intended, finished, service = (times[f"{path}:{name}"] for name in ("intended", "finished", "service"))
            measured.append(finished - intended - service)
            exact.append(waits_of(path, intended))
        mean, p95 = theory(load)
        row = {"load": load, "arrivals": sum(map(len, measured)), "theory_mean_s": mean, "theory_p95_s": p95}
        for name, waits in (("measured", measured), ("exact", exact)):
            together = np.concatenate(waits)
            row |= {f"{name}_mean_s": float(together.mean()), f"{name}_p95_s": float(np.percentile(together, 95))}
        for name, statistic in (("mean", np.mean), ("p95", lambda waits: np.percentile(waits, 95))):
            row[f"{name}_half_width_s"] = t_interval([float(statistic(waits)) for waits in measured], LEVEL).half_width
        row["extra_median_s"] = float(np.median(np.concatenate(measured) - np.concatenate(exact)))
        rows.append(row)
    return rows


def omitted(name: str, times: Mapping[str, FloatArray], locust: Mapping[str, Any]) -> dict[str, Any]:
    """Hold the truth, open arrivals and closed users against each other."""
    intended = times["intended"]
    since = intended - times["started"][0]  # the first request sets the server's clock
    if name == "freeze":
        truth = np.where((since >= FREEZE_AT_S) & (since < FREEZE_AT_S + FREEZE_S), FREEZE_AT_S + FREEZE_S - since, 0.0)
    else:
        truth = np.maximum(STALL_S - since % STALL_EVERY_S, 0.0)
    scheduled = {"freeze": FREEZE_RATE * FREEZE_RUN_S, "stall": STALL_RATE * STALL_RUN_S}[name]
    return {
        "truth": percentiles(truth),
        "open": percentiles(times["finished"] - intended),
        "open from the start": percentiles(times["finished"] - times["started"]),
        "closed": locust["percentiles_s"],
        "open requests": len(intended),
        "closed requests": locust["requests"],
        "scheduled requests": scheduled,
    }


def percentiles(seconds: FloatArray) -> dict[str, float]:
    """Give percentiles by name."""
    return {f"{share:g}": float(np.percentile(seconds, share)) for share in SHARES}


def main() -> None:
    """Measure, and print or keep it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long the queues are measured")
    parser.add_argument("--only", choices=["queues", "freeze", "stall", "frozen"], default="")
    given = parser.parse_args()
    text = json.dumps(measure(given.seconds, given.only), indent=1) + "\n"
    if given.out:
        given.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
