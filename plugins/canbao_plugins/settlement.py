"""The first settlement: a bill at a designated hospital, of which the insurance pays a part.

Only who falls ill comes here, some time after the enrolment. The account may be suspended or frozen, or the data
wrong; that is put right in a hall or by phone, and the family settles again, or claims by hand. Events: `billed`, at
last `settled`; `account_suspended`, `account_frozen`; `bill_uncovered` for a bill that came before the cover began.
Failure: `data mismatch`.

The columns `<name>_bill_yuan` and `<name>_reimbursed_yuan` say what the bill is and what the insurance pays of it, nan
for families without a bill. They are drawn for everybody beforehand: money has flowed only where `settled` stands.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar, Literal, NamedTuple, Self

from pydantic import Field, model_validator

import canbao
from canbao.arrays import FloatArray, np
from canbao.calendar import Calendar
from canbao.district import District, Part, failed
from canbao.scenario.durations import RandomDuration, lognormal
from canbao.scenario.models import ESTIMATE, Settings
from canbao.scenario.quantities import Count, MisfitError, PositiveAmount, Share, Span, WorkingSpan
from canbao_plugins.desks import Desks, back_office, span_delay
from canbao_plugins.halls import Halls, Site, Window, complete_papers

__all__ = ["Settlement"]

_DAY_S = 86_400.0


class Settlement(Settings):
    """The first bill that is settled with the insurance."""

    place: ClassVar[Literal["afterwards"]] = "afterwards"

    kind: Literal["settlement"]
    sites: dict[str, Site] = Field(
        {}, description="Settlement desks of hospitals, by name; without one nobody queues there.", max_length=200
    )
    halls: dict[str, Site] = Field(
        {},
        description="Halls where accounts and data are put right and claims are made by hand, by name; without one "
        "such an errand is a way and no queue.",
        max_length=200,
    )

    # --- the bill ---
    falls_ill: Share = Field(
        0.1, description="Share of families that have a bill to settle.", json_schema_extra=ESTIMATE
    )
    after: RandomDuration = Field(
        default_factory=lambda: lognormal(45 * _DAY_S, 1.0),
        description="Time from the enrolment, or the formality before this one, to the first bill.",
        json_schema_extra=ESTIMATE,
    )
    bill_yuan: PositiveAmount = Field(1_200.0, description="Mean of a bill.", json_schema_extra=ESTIMATE)
    bill_cv: PositiveAmount = Field(
        1.5, description="Standard deviation of a bill divided by its mean.", json_schema_extra=ESTIMATE, le=100
    )
    lowest_rate: Share = Field(
        0.45, description="The lowest share of a bill that is reimbursed.", json_schema_extra={"grade": "C"}
    )
    highest_rate: Share = Field(
        0.65, description="The highest; every share between the two alike.", json_schema_extra={"grade": "C"}
    )

    # --- what goes wrong ---
    suspended: Share = Field(
        0.02, description="Share of accounts that are found suspended.", json_schema_extra=ESTIMATE
    )
    frozen: Share = Field(0.005, description="Share of accounts that are found frozen.", json_schema_extra=ESTIMATE)
    mismatch: Share = Field(
        0.01,
        description="Share of settlements that find wrong data; first those of families that lack a paper.",
        json_schema_extra=ESTIMATE,
    )
    by_phone: Share = Field(
        0.6,
        description="Share that calls to have this put right; the others go to a hall.",
        json_schema_extra=ESTIMATE,
    )
    call: RandomDuration = Field(
        default_factory=lambda: lognormal(600.0, 0.8), description="Time on the phone.", json_schema_extra=ESTIMATE
    )
    reinstatement: WorkingSpan = Field(
        Span(3.0, "working days"), description="Time to lift a suspension.", json_schema_extra=ESTIMATE
    )
    unfreezing: WorkingSpan = Field(
        Span(5.0, "working days"), description="Time to unfreeze an account.", json_schema_extra=ESTIMATE
    )
    correction: WorkingSpan = Field(
        Span(5.0, "working days"), description="Time to correct wrong data.", json_schema_extra=ESTIMATE
    )
    by_hand: Share = Field(
        0.3,
        description="Share that then claims the money by hand; the others settle again at the hospital.",
        json_schema_extra=ESTIMATE,
    )
    claim: WorkingSpan = Field(
        Span(20.0, "working days"), description="Time to decide a claim by hand.", json_schema_extra=ESTIMATE
    )

    # --- at a desk ---
    service: RandomDuration = Field(
        default_factory=lambda: lognormal(240.0, 0.6), description="Time at the desk.", json_schema_extra=ESTIMATE
    )
    errand: RandomDuration = Field(
        default_factory=lambda: lognormal(600.0, 0.6),
        description="Time at a window of a hall.",
        json_schema_extra=ESTIMATE,
    )
    travel: RandomDuration = Field(
        default_factory=lambda: lognormal(1500.0, 0.5),
        description="The way to a hall where none is given.",
        json_schema_extra=ESTIMATE,
    )
    patience: RandomDuration = Field(
        default_factory=lambda: lognormal(2400.0 * math.sqrt(1.25), 0.5),
        description="How long a family waits before it leaves.",
        json_schema_extra=ESTIMATE,
    )
    come_back: RandomDuration = Field(
        default_factory=lambda: lognormal(3 * _DAY_S, 0.8),
        description="Time until it comes again.",
        json_schema_extra=ESTIMATE,
    )
    tries: Count = Field(
        4, description="How often it comes again at most, on each kind of errand.", json_schema_extra=ESTIMATE
    )

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.suspended + self.frozen > 1.0 + 1e-9:
            total = f"{self.suspended + self.frozen:g}"
            raise MisfitError(
                "leaves no room beside those suspended", allowed=f"a sum up to 1; it is {total}", below=("frozen",)
            )
        if self.highest_rate < self.lowest_rate:
            raise MisfitError("is below the lowest", allowed="a share at or above lowest_rate", below=("highest_rate",))
        return self

    def build(self, name: str, district: District, onward: str) -> Part:
        """Give the desks and halls, and the way from the enrolment to a settled bill."""
        hospitals, halls = self._desks(name, self.sites, district), self._desks(f"{name} hall", self.halls, district)
        calendars = {_office(name): back_office(district)}
        columns = self._families(name, district)
        stations: list[canbao.Station] = []
        for desks in (hospitals, halls):
            if desks is not None:
                more, hours = desks.halls.stations()
                stations += more
                calendars |= hours
                columns |= desks.halls.columns()
        cover = _cover(name, district)
        if cover:
            calendars[_months(name)] = _first_days(district)
        steps = list(_Way(self, name, hospitals, halls, self._way(district), bool(cover), onward).steps())
        return Part(stations, steps, calendars=calendars, columns={**columns, **cover})

    def _desks(self, name: str, sites: dict[str, Site], district: District) -> Desks | None:
        if not sites:
            return None
        window = Window(service=0.0, patience=self.patience.build(), luck=f"{name}:desk")
        return Desks(Halls(name, sites, district), window, self.come_back.build(), self.tries)

    def _way(self, district: District) -> canbao.Quantity:
        """Give the time of the way to a hall that is not in the scenario; in the country it is longer."""
        travel = self.travel.build()
        return canbao.Scaled(travel, "way_factor") if "way_factor" in district.columns else travel

    def _families(self, name: str, district: District) -> dict[str, FloatArray]:
        """Give who falls ill, what the bill is, and what is paid of it, to the fen."""
        ill = district.share(self.falls_ill, f"{name}:ill")
        luck, count = district.luck, district.families
        bill = canbao.Lognormal(self.bill_yuan, self.bill_cv).ppf(luck.uniforms(f"{name}:bill", count))
        rate = self.lowest_rate + (self.highest_rate - self.lowest_rate) * luck.uniforms(f"{name}:rate", count)
        return {
            f"_{name} ill": ill.astype(np.float64),
            f"_{name} matches": complete_papers(self.mismatch, district),
            f"{name}_bill_yuan": np.where(ill, np.round(bill, 2), math.nan),
            f"{name}_reimbursed_yuan": np.where(ill, np.round(bill * rate, 2), math.nan),
        }


def _office(name: str) -> str:
    """Name the calendar of those who put things right."""
    return f"{name} office"


def _months(name: str) -> str:
    """Name the calendar on which the first day of each month is open."""
    return f"{name} first of the month"


def _first_days(district: District) -> Calendar:
    days = [number for number, date in enumerate(district.horizon.dates()) if date.day == 1]
    intervals = [(day * _DAY_S, (day + 1) * _DAY_S) for day in days]
    return Calendar.from_intervals(intervals, district.horizon.days)


def _cover(name: str, district: District) -> dict[str, FloatArray]:
    """Give when each family's cover begins at the latest, where the policy says when it begins; else nothing.

    A policy tells it from the moment of payment, which only the run knows. So a newborn is taken to be paid for at
    birth, which is right inside its window; who enrols behind it waits for the first day of the next month in a step.
    All others are taken to pay at the end of the collection period: no bill is paid before the cover begins, though
    for those who wait because they missed a season it may begin earlier.
    """
    begins = getattr(district.policy, "cover_from_s", None)
    if begins is None:
        return {}
    window = np.asarray(district.columns["newborn_until_s"], dtype=np.float64)
    newborn = ~np.isnan(window)
    birth = district.number("birth_s") if "birth_s" in district.columns else np.zeros(district.families)
    paid = np.where(newborn, birth, district.policy.period_s(district.horizon)[1])
    cover = np.asarray(begins(district.columns, paid, district.horizon), dtype=np.float64)
    # A bill at the very moment at which cover begins is covered.
    return {
        f"_{name} not covered until": np.nextafter(cover, -math.inf),
        f"_{name} window": np.where(newborn, window, math.inf),
    }


class _Way(NamedTuple):
    """The way to a settled bill while its steps are written."""

    settlement: Settlement
    name: str
    hospitals: Desks | None
    halls: Desks | None
    way: canbao.Quantity
    cover: bool
    onward: str

    def steps(self) -> Iterator[canbao.Step]:
        """Fall ill, have a bill, settle it; put right first what is in the way."""
        yield canbao.Check(f"_{self.name} ill", name="falls ill", passed="well so far", failed=self.onward)
        yield from self._bill()
        yield from self._desk("bill", done="account")
        yield from self._account()
        yield from self._data()
        yield from self._errand("claim", done="decision")
        yield self._span(self.settlement.claim, "decision", then="settled")
        yield canbao.Mark("settled", name="settled", then=self.onward, calls=("settle",))

    def _bill(self) -> Iterator[canbao.Step]:
        """Wait for the first bill; one from before the cover is the family's own, and another will come."""
        illness = canbao.Delay(self.settlement.after.build(), name="well so far")
        if not self.cover:
            yield illness
        else:
            yield canbao.Before(f"_{self.name} window", name="well so far", then="well", late="next month")
            yield canbao.Await(_months(self.name), day=1, name="next month")
            yield replace(illness, name="well")
            yield canbao.Before(f"_{self.name} not covered until", name="covered", then="pays itself", late="is billed")
            yield canbao.Mark("bill_uncovered", name="pays itself")
            yield canbao.Delay(_DAY_S, name="well again", then="well")
        yield canbao.Mark("billed", name="is billed")

    def _account(self) -> Iterator[canbao.Step]:
        """Look at the state of the account; have it put right if it is not normal, and come again."""
        own = self.settlement
        normal = max(0.0, 1.0 - own.suspended - own.frozen)
        states = {"data": normal, "suspended": own.suspended, "frozen": own.frozen}
        yield canbao.Choose([canbao.Option(to, weight=share) for to, share in states.items()], name="account")
        yield canbao.Mark("account_suspended", name="suspended")
        yield from self._put_right("reinstatement", own.reinstatement, then="account is normal")
        yield canbao.Mark("account_frozen", name="frozen")
        yield from self._put_right("unfreezing", own.unfreezing, then="account is normal")
        yield canbao.Check(own.by_hand, name="account is normal", passed="claim", failed="second settlement")
        yield from self._desk("second settlement", done="data")

    def _data(self) -> Iterator[canbao.Step]:
        """Compare the data; have them corrected if they do not match, and come again."""
        own = self.settlement
        yield canbao.Check(f"_{self.name} matches", name="data", passed="settled", failed="mismatch")
        yield failed("data mismatch", label="mismatch")
        yield from self._put_right("correction", own.correction, then="data are right")
        yield canbao.Check(own.by_hand, name="data are right", passed="claim", failed="last settlement")
        yield from self._desk("last settlement", done="settled")

    def _put_right(self, label: str, span: Span, then: str) -> Iterator[canbao.Step]:
        """Call or go, and wait until it is done."""
        call, errand, work = f"{label}: call", f"{label}: hall", f"{label}: work"
        yield canbao.Check(self.settlement.by_phone, name=label, passed=call, failed=errand)
        yield canbao.Delay(self.settlement.call.build(), name=call, effort=True, then=work)
        yield from self._errand(errand, done=work)
        yield self._span(span, work, then)

    # --- at a desk ---

    def _desk(self, label: str, done: str) -> Iterator[canbao.Step]:
        """Go to the hospital's desk, if it has one; who leaves its queue too often claims by hand."""
        if self.hospitals is None:
            yield canbao.Go(done, name=label)
        else:
            service = self.settlement.service.build()
            yield from self.hospitals.errand(label, service, done=done, stops="claim")

    def _errand(self, label: str, done: str) -> Iterator[canbao.Step]:
        """Go to a hall; without one it is a way in office hours; who leaves its queue too often gives up the money."""
        if self.halls is None:
            yield canbao.Await(_office(self.name), name=label)
            yield canbao.Delay(self.way, name=f"{label}: way", trip=True, then=done)
        else:
            yield from self.halls.errand(label, self.settlement.errand.build(), done=done, stops=self.onward)

    def _span(self, span: Span, label: str, then: str) -> canbao.Delay:
        return span_delay(span, _office(self.name), label, then)
