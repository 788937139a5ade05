"""Start the service: settings in, a running server out."""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from starlette.applications import Starlette

from canbao.calendar import Calendar
from canbao.errors import InputError, StorageError
from canbao_loadtests.service.app import make_app
from canbao_loadtests.service.clerks import Clerks
from canbao_loadtests.service.clock import Clock
from canbao_loadtests.service.operations import Limits, State
from canbao_loadtests.service.passwords import Tokens
from canbao_loadtests.service.rules import Rules
from canbao_loadtests.service.storage import Storage, Transaction, open_storage
from canbao_loadtests.service.storage.papers import PaperFolder
from canbao_loadtests.service.storage.schema import FORMAT

__all__ = ["REVIEWER_CODE", "Listening", "Settings", "Speed", "opened", "serve"]

REVIEWER_CODE = "CANBAO_REVIEWER_CODE"
"""The environment variable with the code that lets reviewers open an account."""

_DAY_S = 86_400.0
_KEEP_ALIVE_S = 75
"""Real seconds for which an idle connection stays open, as nginx has it: families think between two requests."""
_BACKLOG = 2048


@dataclass(frozen=True)
class Speed:
    """How fast the clock runs: how long a day takes in real time.

    Parameters
    ----------
    day_s
        Real seconds for a day.
    days
        `all`: a day of 24 hours, nights and weekends included. `working`: a working day; whatever is between two of
        them takes no time.
    """

    day_s: float = 60.0
    days: Literal["all", "working"] = "working"

    def clock(self, rules: Rules, start: float | None, origin: float) -> Clock:
        """Give the clock; `start` is the first opening of the review if not given."""
        hours = rules.hours
        if not len(hours.open_days):
            raise InputError("no desk of the review ever opens, so that there is no working day")
        begin = hours.next_open(0.0) if start is None else start
        if self.days == "all":
            return Clock(rules.horizon, Calendar.always(rules.horizon.days), _DAY_S / self.day_s, begin, origin)
        open_s = hours.open_s(0.0, rules.horizon.end_s) / len(hours.open_days)
        return Clock(rules.horizon, hours, open_s / self.day_s, begin, origin)


@dataclass(frozen=True)
class Settings:
    """What a service is started with.

    Parameters
    ----------
    rules
        What holds in the district.
    folder
        Where papers are kept, and the database if it is a file.
    database
        URL of PostgreSQL; a file in the folder if not given.
    synchronous
        Of SQLite: `FULL` or `NORMAL`.
    speed
        How fast the clock runs.
    start
        The moment at which the clock starts; the first opening of the review if not given.
    reviews
        `clerks`: the service's own. `people`: reviewers over HTTP.
    limits
        What it puts up with.
    reviewer_code
        What reviewers must know; None keeps them out.
    real_time
        Gives the seconds since 1970.
    origin
        The real time at which the clock starts, if it is not now; until then it shows `start`.
    """

    rules: Rules
    folder: Path
    database: str | None = None
    synchronous: Literal["FULL", "NORMAL"] = "FULL"
    speed: Speed = field(default_factory=Speed)
    start: float | None = None
    reviews: Literal["clerks", "people"] = "clerks"
    limits: Limits = field(default_factory=Limits)
    reviewer_code: str | None = None
    real_time: Callable[[], float] = time.time
    origin: float | None = None


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[tuple[Starlette, State]]:
    """Open the storage and give the application; close it at the end."""
    storage = open_storage(settings.database or settings.folder / "service.sqlite", settings.synchronous)
    await storage.open()
    try:
        facts = await storage.write(lambda tx: _facts(tx, settings))
        clerks = Clerks() if settings.reviews == "clerks" else None
        state = _state(settings, storage, facts, clerks)
        yield make_app(state, clerks), state
    finally:
        await storage.close()


def _state(settings: Settings, storage: Storage, facts: Mapping[str, str], clerks: Clerks | None) -> State:
    origin, start = float(facts["origin"]), float(facts["start"])
    return State(
        storage=storage,
        papers=PaperFolder(settings.folder / "papers"),
        rules=settings.rules,
        clock=settings.speed.clock(settings.rules, start, origin),
        tokens=Tokens(bytes.fromhex(facts["secret"]), settings.limits.token_s),
        limits=settings.limits,
        reviewer_code=settings.reviewer_code,
        time=settings.real_time,
        **({"handed_in": clerks.hand_in} if clerks else {}),
    )


async def _facts(tx: Transaction, settings: Settings) -> dict[str, str]:
    """Give what a database keeps from its first start on: when its clock began, and the secret of its tokens."""
    origin = settings.real_time() if settings.origin is None else settings.origin
    clock = settings.speed.clock(settings.rules, settings.start, origin)
    lasting = {
        "format": FORMAT,
        "horizon": f"{settings.rules.horizon.start} to {settings.rules.horizon.end}",
        "day": f"{settings.speed.day_s:g} s for a day, {settings.speed.days} days",
    }
    first = {"origin": repr(clock.origin), "start": repr(clock.start), "secret": secrets.token_hex(32)}
    await tx.run_many(
        "INSERT INTO facts (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING",
        list((lasting | first).items()),
    )
    facts = {row["name"]: row["value"] for row in await tx.all("SELECT name, value FROM facts")}
    for name, value in lasting.items():
        if facts[name] != value:
            raise InputError(
                f"the database was begun with another {name}: {facts[name]}, and now it is {value}; "
                "start it as then, or with another --data or --database"
            )
    return facts


class Listening(NamedTuple):
    """A service that answers."""

    url: str
    now: str
    """What its clock shows."""
    left_s: float
    """Real seconds until the clock stands still, at the end of the horizon."""


def serve(settings: Settings, host: str, port: int, ready: Callable[[Listening], None]) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is called when requests are answered."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(settings, host, port, ready))


async def _serve(settings: Settings, host: str, port: int, ready: Callable[[Listening], None]) -> None:
    import uvicorn

    async with opened(settings) as (app, state):
        listening = _listen(host, port)
        config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_keep_alive=_KEEP_ALIVE_S)
        name = f"[{host}]" if ":" in host else host
        clock, now = state.clock, state.now()
        url = f"http://{name}:{listening.getsockname()[1]}"
        ready(Listening(url, clock.text(now), clock.real_s(now, clock.horizon.end_s)))
        await uvicorn.Server(config).serve(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise StorageError(
            f"{host}:{port} cannot be listened on: {error.strerror}; --port 0 takes a free one"
        ) from error


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Give the faster event loop where it is installed."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
