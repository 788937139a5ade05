"""The way through a portal or an app: a session, the notice of the result, corrections.

Every page is a request on the same slots. A page without trouble is a visit and time to think; an error page, a page
that does not load, maintenance and an outage have their ways from there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import canbao
from canbao.calendar import Calendar, daily
from canbao.columns import Column
from canbao.district import (
    APPROVED,
    CORRECT,
    ELSEWHERE,
    GIVE_UP,
    HAND_IN,
    NOTICE,
    RESUBMIT,
    RESULT,
    District,
    Part,
    failed,
)
from canbao_plugins.online.chances import finishes, has_account, hears, logs_in, papers_pass
from canbao_plugins.online.outages import down_s, slots_over_time
from canbao_plugins.online.settings import CORRECTION, CREDENTIAL, REGISTER, STATUS, Online
from canbao_plugins.referral import ADVISED, gives_advice, way_to

__all__ = ["build_online"]

_FORM, _PAPERS = ("enrol",), ("upload_paper",)
_BEGIN, _IN, _STOPS, _CLOSED = "session: begins", "session: in", "session: stops", "session: closed"


def build_online(settings: Online, name: str, district: District) -> Part:
    """Give the request slots of a portal or an app, and the way through it."""
    calendar, stations = _places(settings, name, district)
    columns: dict[str, Column] = {
        f"_{name} finishes": finishes(settings, district),
        f"_{name} account": has_account(settings, name, district),
        f"_{name} logs in": logs_in(settings, district),
        f"_{name} papers": papers_pass(settings, district),
        **{f"_{name} hears by {way}": hears(share, name, way, district) for way, share in settings.notices.items()},
    }
    steps = list(_Journey(settings, name, district).steps())
    return Part(stations, steps, queue=name, calendars={name: calendar}, columns=columns)


def _places(settings: Online, name: str, district: District) -> tuple[Calendar, list[canbao.Station]]:
    """Give the hours, and the stations: the slots, one for each notice, and one that tells outages from maintenance."""
    days = district.horizon.days
    up = Calendar.always(days).without(down_s(settings.outages, district.horizon))
    calendar = up.without(daily(settings.maintenance, range(days)))
    slots = canbao.Station(
        name,
        servers=slots_over_time(settings.slots, settings.outages, district.horizon),
        doors=calendar.to_schedule(),
        closing="send home",
        room=settings.slots + settings.backlog,
    )
    notices = [canbao.Station(f"{NOTICE}.{name}.{way}", math.inf, group=NOTICE) for way in settings.notices]
    if not settings.outages:
        return calendar, [slots, *notices]
    # Before the slots: at one moment doors close in this order, and those who are sent home look at the status at once.
    status = canbao.Station(f"{NOTICE}.{name}.{STATUS}", math.inf, doors=up.to_schedule(), group=NOTICE)
    return calendar, [status, slots, *notices]


@dataclass(frozen=True)
class _Journey:
    """One portal or app while its steps are written."""

    settings: Online
    name: str
    district: District

    def steps(self) -> Iterator[canbao.Step]:
        yield from self._session()
        yield from self._upload()
        yield from self._stopping()
        yield from self._closed(_CLOSED, back=self.settings.pages[0], leaves=True)
        yield from self._result()
        yield from self._correction()

    # --- a session ---

    def _session(self) -> Iterator[canbao.Step]:
        """Register at the first time, log in, and go on page by page."""
        log_in, *more = self.settings.pages
        yield canbao.Check(f"_{self.name} finishes", name=_BEGIN, failed="session: wanders off")
        yield canbao.Check(
            f"_{self.name} account", name="session: account", passed=log_in, failed=REGISTER, limit=1, exceeded=log_in
        )
        yield from self._page(REGISTER, calls=("register",))
        yield from self._page(log_in, calls=("log_in", *(() if more else _FORM + _PAPERS)))
        yield canbao.Check(
            f"_{self.name} logs in",
            name="session: logs in",
            passed=_IN,
            failed="session: locked out",
            limit=1,
            exceeded=_IN,
        )
        key = f"channels.{self.name}.helped_by"
        help_at = way_to(self.settings.helped_by, self.district, key=key, otherwise=GIVE_UP)
        yield canbao.Go(help_at, name="session: locked out")
        yield canbao.Go(more[0] if more else "upload: sent", name=_IN)
        for page in more:
            yield from self._page(page, calls=_calls_of(page, more))

    def _page(
        self, page: str, stuck: str = _STOPS, closed: str = _CLOSED, *, calls: tuple[str, ...]
    ) -> Iterator[canbao.Step]:
        """One request, tried again when it fails, and the time spent on the page."""
        trouble, later, thinking = f"{page}: trouble", f"{page}: later", f"{page}: thinking"
        yield from self._request(page, loaded=thinking, trouble=trouble, closed=closed, calls=calls)
        yield canbao.Check(
            1 - self.settings.retry,
            name=trouble,
            passed=stuck,
            failed=later,
            limit=self.settings.retries,
            exceeded=stuck,
        )
        yield canbao.Delay(self.settings.retry_after.build(), name=later, effort=True, then=page)
        yield canbao.Delay(self.settings.think.build(), name=thinking, effort=True)

    def _request(
        self, page: str, *, loaded: str, trouble: str, closed: str, calls: tuple[str, ...]
    ) -> Iterator[canbao.Step]:
        """One request."""
        full = f"{page}: full"
        yield canbao.Visit(
            self.name,
            self.settings.request.build(),
            name=page,
            patience=self.settings.patience.build(),
            served=loaded,
            abandoned=trouble,
            full=full,
            closed=closed,
            calls=calls,
        )
        yield failed("portal full", label=full, then=trouble)

    def _upload(self) -> Iterator[canbao.Step]:
        """See that the papers are there and can be read; whoever lacks one fetches it and comes back to the page."""
        page = self.settings.pages[-1]
        check = canbao.Check(
            f"_{self.name} papers",
            name="upload: check",
            passed=HAND_IN,
            failed="upload: incomplete",
            limit=1,
            exceeded=HAND_IN,
        )
        if gives_advice(self.district):
            yield canbao.Marked(ADVISED, name="upload: sent", yes=HAND_IN, no="upload: check")
        else:
            yield canbao.Go("upload: check", name="upload: sent")
        yield check
        yield failed("incomplete papers", label="upload: incomplete")
        yield canbao.Delay(self.settings.fetch.build(), name="upload: fetches", then=page)

    def _stopping(self) -> Iterator[canbao.Step]:
        yield canbao.Delay(self.settings.think.build(), name="session: wanders off", effort=True)
        yield canbao.Check(1 - self.settings.silent, name=_STOPS, passed=GIVE_UP, failed="session: silent")
        yield canbao.End("left silently", name="session: silent")

    # --- maintenance and outages ---

    def _closed(self, label: str, *, back: str, leaves: bool) -> Iterator[canbao.Step]:
        """Tell maintenance from an outage; come back when it is over, or in an outage go elsewhere.

        Everybody comes back in the hours after it, not in its last second.
        """
        shut, down = f"{label} for maintenance", f"{label} in an outage"
        if not self.settings.outages:
            yield canbao.Go(shut, name=label)
        else:
            yield canbao.Visit(f"{NOTICE}.{self.name}.{STATUS}", 0.0, name=label, served=shut, closed=down)
            yield from self._outage(down, back=back, leaves=leaves)
        yield failed("maintenance", label=shut)
        yield canbao.Await(self.name, at=canbao.Uniform(0.0, 0.3), name=f"{shut}: waits", then=back)

    def _outage(self, label: str, *, back: str, leaves: bool) -> Iterator[canbao.Step]:
        """Wait until it is over, or go elsewhere."""
        waits = f"{label}: waits" if leaves else label
        if leaves:
            # At most once an outage: two channels that are down send nobody to and fro.
            limit = len(self.settings.outages)
            stays = 1 - self.settings.divert
            yield canbao.Check(stays, name=label, passed=waits, failed=ELSEWHERE, limit=limit, exceeded=waits)
        yield canbao.Await(self.name, name=waits)
        yield canbao.Delay(self.settings.back_after.build(), name=f"{label}: over", then=back)

    # --- after the review ---

    def _result(self) -> Iterator[canbao.Step]:
        """Learn that the application was approved; get the credential, where nothing else has to be done for it."""
        formalities = self.district.formalities.values()
        if not self.settings.credential or any(formality.place == "after review" for formality in formalities):
            yield from self._told(RESULT, then=APPROVED)
            return
        yield from self._told(RESULT, then=CREDENTIAL)
        closed = f"{CREDENTIAL}: closed"
        yield from self._page(CREDENTIAL, stuck=APPROVED, closed=closed, calls=("credential",))
        yield canbao.Go(APPROVED)
        yield from self._closed(closed, back=CREDENTIAL, leaves=False)

    def _correction(self) -> Iterator[canbao.Step]:
        """Learn what was returned and correct it on one page; whoever came so far tries until it works."""
        corrects, closed = f"{CORRECTION}: begins", f"{CORRECTION}: closed"
        yield from self._told(CORRECT, then=corrects)
        yield canbao.Delay(self.settings.correct.build(), name=corrects)
        yield from self._page(CORRECTION, stuck=corrects, closed=closed, calls=("correct", *_PAPERS))
        yield canbao.Go(RESUBMIT)
        yield from self._closed(closed, back=CORRECTION, leaves=False)

    def _told(self, label: str, then: str) -> Iterator[canbao.Step]:
        """Hear of a decision: by one of the notices, else by looking at the progress now and again."""
        ways, progress = list(self.settings.notices), f"{label}: progress"
        later = f"{label}: later" if ways else label
        asks = [label, *(f"{label}: or by {way}" for way in ways[1:])]
        for way, ask, otherwise in zip(ways, asks, [*asks[1:], later], strict=False):
            hears_by = f"_{self.name} hears by {way}"
            yield canbao.Check(hears_by, name=ask, passed=f"{label}: by {way}", failed=otherwise)
        for way in ways:
            yield canbao.Visit(f"{NOTICE}.{self.name}.{way}", 0.0, name=f"{label}: by {way}", served=then)
        yield canbao.Delay(self.settings.look.build(), name=later)
        shut = f"{progress}: closed"
        yield from self._request(progress, loaded=then, trouble=later, closed=shut, calls=("progress",))
        yield from self._closed(shut, back=progress, leaves=False)


def _calls_of(page: str, more: list[str]) -> tuple[str, ...]:
    """Name what a page behind the log-in asks a deployment for: the form is sent on the first, papers on the last."""
    return (*(_FORM if page == more[0] else ()), *(_PAPERS if page == more[-1] else ()))
