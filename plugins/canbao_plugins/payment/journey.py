"""Payment as a piece of the network.

Every method goes the same way: the family spends its time on it, the payment service is asked, the child must be known
there, the bank must answer, the debit must work, and the fee is in the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import canbao
from canbao.arrays import FloatArray, np
from canbao.calendar import Calendar, Interval, daily
from canbao.district import ELSEWHERE, PAID, District, Part, failed, pay_fee, return_fee
from canbao_plugins.halls import Halls, Window
from canbao_plugins.payment.methods import BankCounter, Online, Transfer, days_of
from canbao_plugins.payment.rates import failing, method_shares, preferred

if TYPE_CHECKING:
    from canbao_plugins.payment.methods import Method
    from canbao_plugins.payment.settings import Payment

__all__ = ["PAYABLE", "build", "refund"]

PAYABLE = "payable"
"""The event that the payment system knows the child."""

_DAY_S = 86_400.0


def build(payment: Payment, name: str, district: District, onward: str) -> Part:
    """Give stations, steps, calendars and columns of a payment."""
    way = _Way(payment, name, district, onward)
    stations, calendars = way.places()
    return Part(stations, list(way.steps()), calendars=calendars, columns=way.columns())


def refund(payment: Payment, name: str, onward: str) -> Iterator[canbao.Step]:
    """Return the fee to a family that has paid."""
    yield canbao.Marked(PAID, name=f"{name} paid", no=onward)
    yield canbao.Delay(
        days_of(payment.refund_working_days),
        name=f"{name} refund",
        unit="working days",
        calendar=f"{name}.working days",
    )
    yield from return_fee(label=f"{name} returned", then=onward)


@dataclass(frozen=True)
class _Way:
    """The way through a payment while it is written."""

    payment: Payment
    name: str
    district: District
    onward: str

    @cached_property
    def methods(self) -> dict[str, Method]:
        return self.payment.methods()

    @cached_property
    def halls(self) -> Halls | None:
        """The bank branches, if somebody pays there."""
        counter = self.methods.get("counter")
        if not isinstance(counter, BankCounter):
            return None
        return Halls(f"{self.name}.counter", counter.sites, self.district)

    # --- what is there ---

    def places(self) -> tuple[list[canbao.Station], dict[str, Calendar]]:
        """Give the stations: one for each method, the payment service, and one that knows the closed days."""
        days = Calendar.always(self.district.horizon.days).without(self._closed_days())
        service = days.without(daily(self.payment.maintenance, range(days.days)))
        at = self.name
        stations = [canbao.Station(f"{at}.{method}", np.inf) for method in self.methods if method != "counter"]
        stations += [
            canbao.Station(
                f"{at}.service", self.payment.slots or np.inf, doors=service.to_schedule(), closing="send home"
            ),
            canbao.Station(f"{at}.days", np.inf, doors=days.to_schedule()),
        ]
        working = [(day * _DAY_S, (day + 1) * _DAY_S) for day in np.flatnonzero(self.district.working).tolist()]
        calendars = {
            f"{at}.service": service,
            f"{at}.by day": service.without(self._nights()),
            f"{at}.working days": Calendar.from_intervals(working, days.days),
        }
        if self.halls is None:
            return stations, calendars
        branches, hours = self.halls.stations()
        return [*stations, *branches], calendars | hours

    def _closed_days(self) -> list[Interval]:
        last = self.payment.closed_after
        dates = enumerate(self.district.horizon.dates())
        return [(day * _DAY_S, (day + 1) * _DAY_S) for day, date in dates if last is not None and date.day > last]

    def _nights(self) -> list[Interval]:
        """Give the hours at which nobody comes back."""
        whole = Calendar.always(1).without(self.payment.by_day)
        hours = tuple(zip(whole.opens.tolist(), whole.closes.tolist(), strict=True))
        return daily(hours, range(self.district.horizon.days))

    def columns(self) -> dict[str, FloatArray]:
        """Give each family's ways to pay, and the probability that all goes well with each."""
        payment, district, at = self.payment, self.district, self.name
        shares, typical = method_shares(self.methods, payment.skill_effect, district)
        first = preferred(shares, district.luck.uniforms(f"{at}:method", district.families))
        columns = {f"_{at} by {method}": share for method, share in shares.items()}
        columns |= {f"_{at} begins by {method}": begins for method, begins in first.items()}
        for method, settings in self.methods.items():
            columns[f"_{at} debit by {method}"] = 1.0 - failing(
                settings.debit_failed, payment.mistakes, typical[method], district
            )
        columns[f"_{at} registered"] = 1.0 - failing(payment.not_registered, payment.mistakes, 1.0, district)
        columns[f"_{at} owes"] = self._owes()
        return columns if self.halls is None else columns | self.halls.columns()

    def _owes(self) -> FloatArray:
        if "fee_yuan" not in self.district.columns:
            return np.ones(self.district.families)
        return (self.district.number("fee_yuan") > 0).astype(np.float64)

    # --- the way ---

    def steps(self) -> Iterator[canbao.Step]:
        """Pay, unless it is paid already or nothing is owed."""
        yield canbao.Marked(PAID, name="due", yes=self.onward)
        yield canbao.Check(f"_{self.name} owes", name="owes", failed=self.onward)
        yield self._choose("begins by", name="method")
        for method, settings in self.methods.items():
            yield from self._method(method, settings)
        yield from self._unknown()
        yield from self._again()
        # A debit in the last second before the service closes is booked when it opens again.
        yield canbao.Await(f"{self.name}.service", name="book")
        if self.payment.place == "before review":
            yield canbao.Before("deadline_s", name="in time", late="too late")
        yield from pay_fee(then=self.onward)
        yield canbao.End("too late", name="too late")
        yield canbao.End("not paid", name="not paid")

    def _choose(self, by: str, name: str) -> canbao.Step:
        options = [canbao.Option(method, weight=f"_{self.name} {by} {method}") for method in self.methods]
        return canbao.Choose(options, name=name)

    def _method(self, method: str, settings: Method) -> Iterator[canbao.Step]:
        """Pay by one method."""
        if isinstance(settings, Online):
            yield from self._online(method, settings)
        elif isinstance(settings, BankCounter):
            yield from self._counter(method, settings)
        elif isinstance(settings, Transfer):
            yield from self._transfer(method, settings)

    def _online(self, method: str, settings: Online) -> Iterator[canbao.Step]:
        yield canbao.Visit(f"{self.name}.{method}", settings.time.build(), name=method)
        yield self._service(method)
        yield from self._known(method, then=f"{method}: bank")
        yield canbao.Check(1 - settings.locked, name=f"{method}: bank", failed=f"{method}: locked")
        yield self._debit(method)
        yield failed("payment locked", label=f"{method}: locked")
        yield canbao.Delay(self.payment.unlocked_after, name=f"{method}: unlocked", then=f"{method}: service")
        yield from self._shut(method)

    def _counter(self, method: str, settings: BankCounter) -> Iterator[canbao.Step]:
        halls = self.halls
        assert halls is not None  # somebody pays at a counter
        window = Window(settings.service.build(), settings.patience.build(), luck=f"{self.name}:counter")
        yield halls.choose("arrive", name=method)
        for site in settings.sites:
            yield from halls.visit(site, "arrive", "window", window, gives_up="another day")
            yield canbao.Go(f"{method}: service")
        yield self._service(method)
        yield from self._known(method, then=f"{method}: debit")
        yield self._debit(method)
        yield from self._shut(method)

    def _transfer(self, method: str, settings: Transfer) -> Iterator[canbao.Step]:
        yield canbao.Visit(f"{self.name}.{method}", settings.time.build(), name=method)
        yield from self._known(method, then=f"{method}: on its way")
        yield self._working_days(settings.arrives_after_working_days, name=f"{method}: on its way")
        yield self._debit(method)

    def _service(self, method: str) -> canbao.Step:
        return canbao.Visit(
            f"{self.name}.service",
            self.payment.request.build(),
            name=f"{method}: service",
            patience=self.payment.patience.build(),
            abandoned="try again",
            closed=f"{method}: shut",
        )

    def _shut(self, method: str) -> Iterator[canbao.Step]:
        """Find the service closed, for the night or for the day, and come back when it is open."""
        closed, maintenance, later = f"{method}: closed day", f"{method}: maintenance", f"{method}: later"
        yield canbao.Visit(f"{self.name}.days", 0.0, name=f"{method}: shut", served=maintenance, closed=closed)
        yield failed("maintenance", label=maintenance, then=later)
        yield failed("closed payment day", label=closed, then=later)
        yield self._by_day(name=later, then=method)

    def _known(self, method: str, then: str) -> Iterator[canbao.Step]:
        """Go on if the payment system knows the child; a family that has seen this once need not ask again."""
        yield canbao.Marked(PAYABLE, name=f"{method}: known", yes=then)
        if self.payment.place == "before review":
            yield canbao.Check(f"_{self.name} registered", name=f"{method}: registered", failed="not registered")
        yield canbao.Check(
            1 - self.payment.not_visible,
            name=f"{method}: visible",
            failed="not visible",
            luck=f"{self.name}:visible",  # drawn once, whichever method the family begins with
        )
        yield canbao.Mark(PAYABLE, name=f"{method}: found", then=then)

    def _debit(self, method: str) -> canbao.Step:
        return canbao.Check(
            f"_{self.name} debit by {method}",
            name=f"{method}: debit",
            passed="book",
            failed="debit failed",
            calls=("choose_payment", "pay"),
        )

    # --- what goes wrong with every method ---

    def _unknown(self) -> Iterator[canbao.Step]:
        """Wait until the child is registered or visible, or register through another channel."""
        payment = self.payment
        if payment.place == "before review":
            yield failed("not registered yet", label="not registered")
            yield canbao.Check(
                payment.registers_elsewhere, name="registers elsewhere", passed=ELSEWHERE, failed="registration"
            )
            yield self._working_days(payment.registered_after_working_days, name="registration", then="visible")
        yield failed("registration not visible", label="not visible")
        yield self._working_days(payment.visible_after_working_days, name="until visible")
        yield canbao.Mark(PAYABLE, name="visible")
        yield self._by_day(name="later", then="method")

    def _again(self) -> Iterator[canbao.Step]:
        """Try again, perhaps by another method; after so many tries go to a counter, or leave it."""
        payment, counter = self.payment, self.halls is not None
        last = "no more tries" if counter else "not paid"
        yield canbao.Delay(payment.another_day.build(), name="another day", then="tries")
        yield failed("debit failed", label="debit failed")
        yield canbao.Delay(payment.try_again.build(), name="try again")
        yield canbao.Check(0.0, name="tries", failed="another try", limit=payment.tries, exceeded=last)
        yield self._choose("by", name="another try")
        if counter:
            yield canbao.Check(payment.to_counter, name="no more tries", failed="not paid")
            yield canbao.Check(0.0, name="to a counter", failed="counter", limit=1, exceeded="not paid")

    def _working_days(self, days: list[float], name: str, then: str | None = None) -> canbao.Step:
        calendar = f"{self.name}.working days"
        return canbao.Delay(days_of(days), name=name, unit="working days", calendar=calendar, then=then)

    def _by_day(self, name: str, then: str) -> canbao.Step:
        # Everybody comes in the hours after it opens, not in the first second.
        return canbao.Await(f"{self.name}.by day", at=canbao.Uniform(0.0, 0.3), name=name, then=then)
