"""Cases with one station: the formulas of Erlang, and of Pollaczek and Khinchine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from canbao import theory
from canbao.arrivals import Poisson
from canbao.disciplines import Discipline
from canbao.distributions import Constant, Distribution, Erlang, Exponential, Gamma, Lognormal
from canbao.network import Journey, Network, Station, Stream, Visit
from canbao.verification import stays
from canbao.verification.controls import bracket, inputs
from canbao.verification.peers import fifo_peer
from canbao.verification.trials import Case, Quantity

__all__ = ["CASES"]

_PYWORKFORCE = "pyworkforce, documentation of its Erlang C and Erlang A"
_ARENA = "Rossetti, Simulation Modeling and Arena"
_KSL = "Rossetti, Simulation Modeling using the Kotlin Simulation Library"
_CIW = "Ciw, documentation and tests"

_POLLACZEK = "Pollaczek (1930), Khinchine (1932)"
_ANY_SERVICE = "Sevastyanov (1957): Erlang B holds for any service"

_DESK = "office/desk"


@dataclass(frozen=True)
class _Line:
    """One station with Poisson arrivals, first come, first served unless it says otherwise.

    `memory` is the relaxation time of the queue, counted in customers. Five of them are cut off at both ends, so that
    the start with an empty station makes a difference of less than 0.01 %.
    """

    name: str
    source: str
    quantities: Sequence[Quantity]
    rate: float
    service: Exponential | Lognormal | Gamma | Constant
    servers: int = 1
    patience: float | Distribution = math.inf
    room: float = math.inf
    discipline: Discipline = "fifo"
    memory: float = 50
    customers: int = 7_000
    """How many come in a run, on average."""

    def case(self) -> Case:
        """Make the case."""
        visit = Visit("desk", service=self.service, patience=self.patience, luck=f"{self.name}: service")
        network = Network(
            stations=[Station("desk", servers=self.servers, room=self.room, discipline=self.discipline)],
            journeys=[Journey("office", [visit])],
            streams=[Stream("office", Poisson(self.rate), name=self.name)],
        )
        controls = [inputs(network)]
        if self.servers > 1 and isinstance(self.service, Exponential):
            controls.append(bracket(self.rate, self.service.mean, self.servers))
        return Case(
            name=self.name,
            source=self.source,
            network=network,
            until=self.customers / self.rate,
            window=(5 * self.memory / self.rate, (self.customers - 5 * self.memory) / self.rate),
            quantities=tuple(self.quantities),
            runs=2,
            peer=fifo_peer,
            controls=tuple(controls),
        )


# --- many servers -----------------------------------------------------------------------------------------------------


def _erlang_c() -> Case:
    """100 calls in 30 minutes, 3 minutes each; limit 20 seconds. Time in minutes."""
    rate, mean, servers = 100 / 30, 3.0, 14
    state = theory.mmc(rate, mean, servers)
    within = theory.mmc_wait_within(20 / 60, rate, mean, servers)
    quantities = [
        Quantity("P(wait)", state.p_wait, stays.share_waiting(_DESK)),
        Quantity("P(wait < 20 s)", within, stays.share_within(_DESK, 20 / 60)),
        Quantity("occupancy", state.occupancy, stays.occupancy(_DESK, servers)),
    ]
    source = f"Erlang (1917); {_PYWORKFORCE}"
    return _Line("M/M/14, Erlang C", source, quantities, rate=rate, service=Exponential(mean), servers=servers).case()


def _erlang_a(servers: int, rate: float = 100 / 30, mean: float = 3.0, patience: float = 5.0) -> Case:
    state = theory.erlang_a(rate, mean, servers, patience)
    quantities = [
        Quantity("P(wait)", state.p_wait, stays.share_waiting(_DESK)),
        Quantity("P(abandon)", state.p_lost, stays.share_lost(_DESK)),
        Quantity("mean wait", state.wait, stays.mean_wait(_DESK)),
    ]
    return _Line(
        f"M/M/{servers}+M, Erlang A, load {rate * mean:g}",
        f"Palm (1957); {_PYWORKFORCE}",
        quantities,
        rate=rate,
        service=Exponential(mean),
        servers=servers,
        patience=Exponential(patience),
    ).case()


def _erlang_b(servers: int, load: float, service: Exponential | Lognormal | Constant, name: str, source: str) -> Case:
    """Make a case of lost customers, with an hour as the unit of time."""
    share = theory.erlang_b(servers, load)
    rate = load / service.mean
    quantities = [
        Quantity("P(lost)", share, stays.share_lost(_DESK)),
        Quantity("lost an hour", rate * share, stays.lost_rate(_DESK)),
    ]
    return _Line(name, source, quantities, rate=rate, service=service, servers=servers, room=servers).case()


def _four_inside(servers: int) -> Case:
    share = theory.mmc_at_least(4, 0.5, 1.75, servers)
    quantity = Quantity("P(N >= 4)", share, stays.share_at_least(_DESK, 4))
    memory = 400 if servers == 1 else 20
    name = f"M/M/{servers}, share of time with 4 or more inside"
    return _Line(name, _ARENA, [quantity], rate=0.5, service=Exponential(1.75), servers=servers, memory=memory).case()


def _bank(servers: int) -> Case:
    quantity = Quantity("mean wait", theory.mmc(0.2, 10.0, servers).wait, stays.mean_wait(_DESK))
    name = f"M/M/{servers}, a bank"
    return _Line(
        name, f"Erlang (1917); {_CIW}", [quantity], rate=0.2, service=Exponential(10.0), servers=servers
    ).case()


def _office() -> Case:
    state = theory.mmc(0.1207, 1 / 0.156, 2)
    quantities = [
        Quantity("mean number waiting", state.queue, stays.mean_queue(_DESK)),
        Quantity("mean number inside", state.number, stays.mean_number(_DESK)),
    ]
    source = "Erlang (1917); a university's office, published in 2015"
    return _Line("M/M/2, an office", source, quantities, rate=0.1207, service=Exponential(1 / 0.156), servers=2).case()


def _branch(servers: int, published: float, memory: float, customers: int) -> Case:
    wait = stays.mean_wait(_DESK)
    quantities = [
        Quantity("mean wait, h", theory.mmc(43, 1 / 23, servers).wait, wait),
        Quantity("mean wait, h", published, wait, "published"),
    ]
    return _Line(
        f"M/M/{servers}, a bank's branch",
        "Erlang (1917); a bank's branch, published in 2026",
        quantities,
        rate=43.0,
        service=Exponential(1 / 23),
        servers=servers,
        memory=memory,
        customers=customers,
    ).case()


# --- one server -------------------------------------------------------------------------------------------------------


def _long_run() -> Case:
    tail = theory.mm1_time_tail(4.0, 1.0, 0.7)
    wait, late = stays.mean_wait(_DESK), stays.share_longer(_DESK, 4.0)
    quantities = [
        Quantity("mean wait", theory.mmc(1.0, 0.7, 1).wait, wait),
        Quantity("P(time in system > 4)", tail, late),
        Quantity("mean wait", 1.6392, wait, "published", 0.0097),
        Quantity("P(time in system > 4)", 0.1806, late, "published", 0.0013),
    ]
    return _Line("M/M/1, a long run", _KSL, quantities, rate=1.0, service=Exponential(0.7)).case()


def _pollaczek_khinchine(name: str, service: Lognormal | Gamma | Constant, cv: float, customers: int = 7_000) -> Case:
    wait = theory.pollaczek_khinchine(0.6, 1.0, cv)
    quantity = Quantity("mean wait", wait, stays.mean_wait(_DESK))
    return _Line(name, _POLLACZEK, [quantity], rate=0.6, service=service, customers=customers).case()


def _another_order(name: str, discipline: Discipline) -> Case:
    """Serve in another order: who waits how long changes, how many wait does not."""
    queue = 0.6 * theory.pollaczek_khinchine(0.6, 1.0, 0.0)
    quantity = Quantity("mean number waiting", queue, stays.mean_queue(_DESK))
    return _Line(name, _POLLACZEK, [quantity], rate=0.6, service=Constant(1.0), discipline=discipline).case()


def _small_room() -> Case:
    state = theory.mmck(0.8, 1.0, 1, 5)
    quantities = [
        Quantity("P(lost)", state.p_lost, stays.share_lost(_DESK)),
        Quantity("mean wait", state.wait, stays.mean_wait(_DESK)),
        Quantity("mean number inside", state.number, stays.mean_number(_DESK)),
    ]
    source = "Gross and Harris, Fundamentals of Queueing Theory, 2.5"
    return _Line("M/M/1/5, a finite room", source, quantities, rate=0.8, service=Exponential(1.0), room=5).case()


CASES: tuple[Case, ...] = (
    _erlang_c(),
    _erlang_a(14),
    _erlang_a(13),
    _erlang_a(5, rate=6.0, mean=1.0, patience=0.5),
    _erlang_b(10, 40.0, Exponential(1.0), "M/M/10/10, Erlang B", f"Erlang (1917); {_ARENA}"),
    _erlang_b(17, 10.0, Exponential(1.0), "M/M/17/17, Erlang B", f"Erlang (1917); {_ARENA}"),
    _erlang_b(3, 4.0, Lognormal(1.0, 1.5), "M/G/3/3, lognormal service", _ANY_SERVICE),
    _erlang_b(3, 4.0, Constant(1.0), "M/D/3/3", _ANY_SERVICE),
    *(_four_inside(servers) for servers in (1, 2, 3, 4)),
    _bank(3),
    _bank(4),
    _office(),
    _branch(2, 0.30095, 850, 30_000),
    _branch(3, 0.01481, 30, 7_000),
    _long_run(),
    _pollaczek_khinchine("M/G/1, lognormal service", Lognormal(1.0, 0.6), 0.6),
    # Quantiles of the gamma distribution are slow.
    _pollaczek_khinchine("M/G/1, Erlang service", Erlang(1.0, 3), 1 / math.sqrt(3), customers=4000),
    _pollaczek_khinchine("M/D/1", Constant(1.0), 0.0),
    _another_order("M/D/1, last come, first served", "lifo"),
    _another_order("M/D/1, served at random", "random"),
    _small_room(),
)
