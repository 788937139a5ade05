"""A job: all that the process which carries a load test out has to be told."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from canbao.errors import StorageError

__all__ = ["JOB", "Job", "read_job"]

JOB = "job.json"
"""The file of the job in the folder of its run."""

_TUPLES = ("allow_hosts", "channels")


@dataclass(frozen=True)
class Job:
    """What one process has to do; the scenario, its inputs, the target and the schedule lie in the folder of the run.

    Parameters
    ----------
    folder
        The folder of the run.
    seed
        All luck follows from it.
    start_s, end_s
        The period of the scenario whose families come, in seconds since the first midnight of the horizon.
    until_s
        The moment of the scenario at which nobody looks any more how applications stand.
    speed
        Seconds of the scenario in a real second.
    drain_s
        Real seconds for which decisions are waited for when it goes on.
    target
        The name of the target; its documents are in `target/` of the run, if it is not a plugin's.
    plugins_dir
        The folder of single-file plugins, if there is one.
    channels
        The channels whose families come.
    host
        The deployment, as `http://127.0.0.1:8780`; told when all is ready, if it is empty.
    origin
        The real time at which the period begins, in seconds since 1970; told when all is ready, if it is None.
    limit
        How many families may be in a session at once.
    when_full
        What becomes of a family that comes then: it waits for its turn, or it is lost and counted.
    timeout_s
        Real seconds after which a request has failed.
    poll_s
        Real seconds between two looks at an application in review.
    stop_s
        Real seconds for which what is in flight may finish after a stop.
    dispatch_budget_s
        The delay of the generator itself, 99th percentile, over which a run says nothing.
    error_budget
        The share of failed requests over which it stops; 1 never stops it.
    error_window_s
        Over how many real seconds that share is looked at.
    allow_hosts
        Hosts other than loopback that may get requests.
    max_rate
        Requests a real second that it never exceeds; 0 where nothing limits them.
    paper_bytes
        The size of a picture of a paper.
    reviewers
        Who reviews: the deployment by itself, or people over HTTP, played by the load test.
    part, parts
        Which part of the schedule is this process's: the arrivals part, part + parts, part + 2 parts ...
    resume
        Whether it goes on with what is in the journal, instead of beginning.
    bind
        Where a master waits for workers of other machines, as `0.0.0.0:5557`; empty where workers are started here.
    prometheus_port
        Where live figures can be read by Prometheus; 0 where nobody does.
    """

    folder: str
    seed: int
    start_s: float
    end_s: float
    until_s: float
    speed: float
    target: str
    plugins_dir: str | None = None
    channels: tuple[str, ...] = ()
    host: str = ""
    origin: float | None = None
    limit: int = 1_000
    when_full: Literal["queue", "drop"] = "queue"
    timeout_s: float = 30.0
    poll_s: float = 5.0
    drain_s: float = 300.0
    stop_s: float = 5.0
    dispatch_budget_s: float = 0.05
    error_budget: float = 0.5
    error_window_s: float = 10.0
    allow_hosts: tuple[str, ...] = ()
    max_rate: float = 0.0
    paper_bytes: int = 200_000
    reviewers: Literal["deployment", "people"] = "deployment"
    part: int = 0
    parts: int = 1
    resume: bool = False
    bind: str = ""
    prometheus_port: int = 0

    @property
    def duration_s(self) -> float:
        """How long the period takes, in real seconds."""
        return (self.end_s - self.start_s) / self.speed

    def told(self, origin: float, host: str, until_s: float | None = None) -> Job:
        """Give the job with what is only known when all is ready; without `until_s` it lasts as long as before."""
        return replace(self, origin=origin, host=host, until_s=self.until_s if until_s is None else until_s)

    def to_json(self) -> str:
        """Write it."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Job:
        """Read it.

        Raises
        ------
        ValueError, TypeError
            When it is none.
        """
        found: dict[str, Any] = json.loads(text)
        return cls(**{**found, **{name: tuple(found[name]) for name in _TUPLES if name in found}})


def read_job(path: str | Path) -> Job:
    """Read a job from its file.

    Raises
    ------
    StorageError
        When there is none, or it is damaged.
    """
    try:
        return Job.from_json(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}; begin the load test anew") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise StorageError(f"{path} is damaged: it is no job ({error}); begin the load test anew") from error
