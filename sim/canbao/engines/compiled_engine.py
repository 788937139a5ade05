"""The compiled engine: the same plan through a kernel of machine code, and the same trace, to the last bit.

The kernel runs until it needs something: room, families, values that only Python can draw. This module gives it that,
takes what it has written down, and says in words what is wrong where something is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from canbao import plan as p
from canbao.arrays import IntArray
from canbao.counters import Watch
from canbao.engines import Progress
from canbao.engines.collecting import Collected
from canbao.engines.counting import Counted, Counting
from canbao.engines.growing import with_more_slots
from canbao.engines.tables import Tables, start_world
from canbao.errors import EngineError, NetworkError
from canbao.kernel import loop
from canbao.kernel.compiling import ENTRIES, cache_folder
from canbao.kernel.drawing import BAD_DRAW, BLOCK
from canbao.kernel.handle import JIT, handle
from canbao.kernel.machine import build, code_file
from canbao.kernel.state import COMING, WIDE, World, records
from canbao.kernel.walking import NO_CHANNEL
from canbao.plan import Plan
from canbao.trace import Trace

__all__ = ["CompiledEngine"]

_LONGEST = "loop.advance"
"""The function that takes longer to compile than all others together."""

_BUDGET = 200_000
"""Events between two chances for Python to do something: to tell progress, to stop."""

_ROWS = 1 << 15
"""Visits that the kernel writes down before Python takes them, at least."""

_CHUNK = 1 << 14
"""Families that are given to the kernel at once: few enough to stay in the processor's cache."""


class CompiledEngine:
    """Runs every plan that is made of numbers alone."""

    name = "compiled"

    def supports(self, plan: Plan) -> str:
        """Say which part of a plan is a function of somebody's own, which only Python can call."""
        for number, step in enumerate(plan.steps):
            if isinstance(step, p.CustomStep):
                return f"step {plan.step_names[number]!r} is a SimPy process of its own ({_called(step.process)})"
            if isinstance(step, p.ChooseStep) and callable(step.rule):
                return f"step {plan.step_names[number]!r} chooses by a function of its own ({_called(step.rule)})"
        for station in plan.stations:
            if callable(station.discipline):
                order = _called(station.discipline)
                return f"station {station.name!r} has a queue discipline that is a function ({order})"
        return ""

    def ready(self) -> bool:
        """Tell whether the machine code is there already."""
        return not JIT or not self._missing()

    def prepare(self) -> None:
        """Compile what was not compiled before, which takes some seconds."""
        if JIT and (missing := self._missing()):
            longest = [name for name in missing if name == _LONGEST]
            build(longest, [name for name in missing if name != _LONGEST], folder=cache_folder())

    def _missing(self) -> list[str]:
        return [name for name in ENTRIES if not code_file(cache_folder(), name).exists()]

    def run(self, plan: Plan, progress: Progress | None = None) -> Trace:
        """Run the plan to its horizon and give the trace.

        Raises
        ------
        EngineError
            When a family goes round in a circle in which no time passes, or a part of the plan is not supported.
        NetworkError
            When a quantity that must be 0 or more is less.
        """
        self._need(plan)
        collected = Collected(plan)
        world = Simulation(plan).run(collected, progress)
        return collected.trace(world.stations)

    def count(self, plan: Plan, watch: Watch, progress: Progress | None = None, *, families: bool = True) -> Counted:
        """Run the plan and count its visits instead of keeping them.

        Parameters
        ----------
        plan
            What is run.
        watch
            What has to be known beforehand to count what a trace would tell later.
        progress
            Is told now and then which share is done.
        families
            Whether the fate of each family is kept; without, memory does not grow with what happens.

        Raises
        ------
        EngineError, NetworkError
            As `run`.
        """
        self._need(plan)
        counting = Counting(plan, watch, families=families)
        world = Simulation(plan).run(counting, progress)
        return counting.result(world.stations)

    def _need(self, plan: Plan) -> None:
        reason = self.supports(plan)
        if reason:
            raise EngineError(f"the compiled engine cannot run this plan: {reason}; the SimPy engine can")


def _called(function: Callable[..., object]) -> str:
    return f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', type(function).__name__)}"


class Simulation:
    """One run of the kernel."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.world, self.tables = start_world(plan)
        self.order = _by_arrival(plan)
        self.given = 0
        self.world.run.more = 1
        self._seen: Any = None

    def run(self, rows: Collected | Counting, progress: Progress | None) -> World:
        """Run to the end of the horizon; `rows` takes what is written down."""
        # Without a compiler, numpy would warn of the overflow that the luck is made of.
        with np.errstate(over="ignore"):
            self._start()
            while (status := loop.advance(self._handle())) != loop.DONE:
                self._serve(status, rows, progress)
            self._close(rows)
        if progress is not None:
            progress(1.0)
        return self.world

    def _handle(self) -> Any:
        """Give the world as the kernel takes it, as it is now."""
        self._seen = handle(self.world, self._seen)
        return self._seen

    def _start(self) -> None:
        loop.begin(self._handle())
        for number, batch in enumerate(self.plan.batches):
            for time in batch.releases:
                loop.plan_release(self._handle(), number, float(time))

    def _serve(self, status: int, rows: Collected | Counting, progress: Progress | None) -> None:
        """Give the kernel what it needs."""
        run = self.world.run[0]
        if status == loop.PAUSED:
            run.budget = _BUDGET
            if progress is not None:
                progress(float(run.now / self.plan.until))
        elif status == loop.MORE:
            self._send_families()
        elif status == loop.FLUSH:
            self._flush(rows)
        elif status == loop.GROW:
            self.world = with_more_slots(self.world)
        elif status == loop.NEED:
            self._draw_outside()
        elif status == loop.WIDEN:
            self.world = self.world._replace(counts=self.world.counts.astype(WIDE))
        else:
            raise _fault(self.plan, self.tables, self.world)

    def _close(self, rows: Collected | Counting) -> None:
        slot = 0
        while slot < len(self.world.slots):
            slot = loop.close(self._handle(), slot)
            self._flush(rows)

    def _flush(self, rows: Collected | Counting) -> None:
        """Take what was written down; give room for more where the kernel needs it for one thing that happens."""
        run = self.world.run[0]
        room = max(_ROWS, 4 * int(run.members) + BLOCK)
        self.world = self.world._replace(**rows.take(self.world, room))
        run.rows = run.left = 0

    def _send_families(self) -> None:
        """Let the kernel have the next families to come."""
        who = self.order[self.given : self.given + _CHUNK]
        self.given += len(who)
        coming = records(len(who), COMING, zero=False)
        coming.time, coming.family, coming.step = self.plan.arrival[who], who, self.plan.first_step[who]
        self.world = self.world._replace(coming=coming)
        run = self.world.run[0]
        run.coming, run.expected, run.more = 0, len(who), self.given < len(self.order)

    def _draw_outside(self) -> None:
        """Draw values for a block of families from a distribution that the kernel does not know."""
        run, at, values = self.world.run[0], self.world.table_at, self.world.values
        table, attempt, block = int(run.fault_at), int(run.fault_attempt), int(run.fault_family)
        if attempt >= at.shape[1]:
            more = np.full((len(at), 2 * attempt + 1, at.shape[2]), -1, dtype=np.int64)
            more[:, : at.shape[1]] = at
            at = more
        first = block * BLOCK
        count = min(BLOCK, self.plan.families - first)
        drawn = self.tables.tabled[table].values(self.plan.luck, count, first=first, attempt=attempt)
        at[table, attempt, block] = len(values)
        self.world = self.world._replace(table_at=at, values=np.concatenate([values, drawn]))


def _by_arrival(plan: Plan) -> IntArray:
    """Give the families that come, in their order; those who come at the same moment by their number."""
    came = np.flatnonzero(plan.arrival < plan.until)
    arrival = plan.arrival[came]
    order = np.argsort(arrival)
    times = arrival[order]
    if (times[1:] == times[:-1]).any():  # the sorting that keeps their order takes four times as long
        order = np.argsort(arrival, kind="stable")
    return came[order]


def _fault(plan: Plan, tables: Tables, world: World) -> Exception:
    """Say in words what is wrong."""
    run = world.run[0]
    if run.fault == BAD_DRAW:
        draw = next(draw for draw, number in tables.numbers.items() if number == run.fault_at)
        given = draw.distribution or "its column"
        return NetworkError(f"{draw.purpose}: {given} gave {run.fault_value}, but it must be a number >= 0")
    if run.fault == NO_CHANNEL:
        name = plan.step_names[run.fault_at]
        return EngineError(f"step {name!r} returns to a channel, but the family has used none")
    slot = world.slots[run.fault_at]
    return EngineError(
        f"family {slot.family} goes round in a circle in which no time passes, "
        f"at step {plan.step_names[slot.place]!r}; put a Delay into it, or a limit on a Check"
    )
