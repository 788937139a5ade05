"""The reference service as a load test starts it by itself: on the run's own data, its clock in step with the test's.

`python -m canbao_loadtests.load.embedded RUN` reads scenario and job of a run, says that it is ready, is told on stdin
when its clock starts, says where it listens, and serves until it is told to end or whoever started it is gone.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from canbao.errors import CanbaoError

if TYPE_CHECKING:
    from canbao_loadtests.job import Job
    from canbao_loadtests.service.serving import Settings

__all__ = ["DATA", "main"]

DATA = "service"
"""The folder of the service's data, in the folder of a run."""

_DAY_S = 86_400.0
_PASSWORD_COST = 1
"""The work of a log-in: as little as there is, because one at the usual cost takes 40 ms of a core."""


def main(arguments: list[str]) -> int:
    """Serve; give the exit code."""
    try:
        _serve(Path(arguments[0]))
    except CanbaoError as error:
        print(f"the reference service cannot start: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


def _serve(run: Path) -> None:
    from canbao_loadtests.job import JOB, read_job
    from canbao_loadtests.service.serving import serve

    job = read_job(run / JOB)
    settings = _settings(run, job)
    _say({"event": "ready"})
    told = sys.stdin.readline()
    if not told:
        return
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from dataclasses import replace

    settings = replace(settings, origin=float(json.loads(told)["origin"]))
    serve(settings, "127.0.0.1", 0, lambda there: _say({"event": "listening", **there._asdict()}))


def _settings(run: Path, job: Job) -> Settings:
    from canbao.plugins import load_plugins
    from canbao.runs.run import SCENARIO
    from canbao.scenario.scenario import load_scenario
    from canbao_loadtests.service.operations import Limits
    from canbao_loadtests.service.rules import rules_of
    from canbao_loadtests.service.serving import REVIEWER_CODE, Settings, Speed

    plugins = load_plugins(None if job.plugins_dir is None else Path(job.plugins_dir))
    file = load_scenario(run / SCENARIO, plugins)
    # Where families of the scenario never pay, nothing must wait for a fee.
    pays = any(getattr(formality, "kind", "") == "payment" for formality in file.scenario.formalities.values())
    return Settings(
        rules=rules_of(file, pay=None if pays else "after review"),
        folder=run / DATA,
        speed=Speed(_DAY_S / job.speed, "all"),
        start=job.start_s,
        reviews="people" if job.reviewers == "people" else "clerks",
        limits=Limits(password_cost=_PASSWORD_COST),
        reviewer_code=os.environ.get(REVIEWER_CODE),
    )


def _say(event: dict[str, Any]) -> None:
    print(json.dumps(event), flush=True)


def _end_with_parent() -> None:
    """End when stdin is closed: whoever started this process does so at the end, or is gone."""
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGINT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
