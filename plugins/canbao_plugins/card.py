"""The card: ordered, made, collected at a desk and activated; or the electronic credential in its place.

A child is insured without a card, so this comes behind the enrolment and never takes it back. What happens is told by
events: `credential`, or `card_ordered`, `card_ready`, `card` (held in the hand for the first time), `activated`,
`card_lost`, `card_replaced`; `card_uncollected` for a card that nobody comes for any more. Failures: `card held`,
`wrong channel`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar, Literal, NamedTuple

from pydantic import Field

import canbao
from canbao.arrays import FloatArray, np
from canbao.district import District, Part, failed
from canbao.scenario.durations import RandomDuration, lognormal
from canbao.scenario.models import ESTIMATE, Settings
from canbao.scenario.quantities import Amount, Count, Duration, Share, Span, WorkingSpan
from canbao_plugins.desks import Desks, back_office, span_delay
from canbao_plugins.halls import Halls, Site, Window, complete_papers, time_by_children
from canbao_plugins.skill import skill_of, with_mean

__all__ = ["Card", "CardDesk"]

_DAY_S = 86_400.0


class CardDesk(Site):
    """A desk at which cards are collected; it serves its own cards only."""

    instant: bool = Field(False, description="Whether it makes cards on the spot.")


class Card(Settings):
    """The social security card of a child, or the electronic credential."""

    place: ClassVar[Literal["afterwards"]] = "afterwards"

    kind: Literal["card"]
    sites: dict[str, CardDesk] = Field(
        description="The desks at which cards are collected, by name.", min_length=1, max_length=200
    )

    # --- card or credential ---
    wants: Share = Field(
        0.4,
        description="Share of families that want a card; the others use the electronic credential.",
        json_schema_extra=ESTIMATE,
    )
    skill_effect: Amount = Field(
        3.0,
        description="How strongly digital skill decides who does without a card, and whose download and activation "
        "succeed: the log odds between skill 0 and skill 1.",
        json_schema_extra=ESTIMATE,
        le=50,
    )
    download: RandomDuration = Field(
        default_factory=lambda: lognormal(600.0, 0.8),
        description="Time to download the credential, once.",
        json_schema_extra=ESTIMATE,
    )
    download_fails: Share = Field(
        0.08, description="Share of downloads that fail; more at low digital skill.", json_schema_extra=ESTIMATE
    )
    download_retry: RandomDuration = Field(
        default_factory=lambda: lognormal(_DAY_S, 1.0),
        description="Time until a family tries the download again.",
        json_schema_extra=ESTIMATE,
    )
    download_retries: Count = Field(
        2, description="How often it tries again before it orders a card instead.", json_schema_extra=ESTIMATE
    )

    # --- production ---
    production: WorkingSpan = Field(
        Span(12.0, "working days"), description="Time to make a card.", json_schema_extra={"grade": "C"}
    )
    urgent: WorkingSpan = Field(
        Span(5.0, "working days"), description="Time to make an urgent card.", json_schema_extra={"grade": "C"}
    )
    urgent_share: Share = Field(0.15, description="Share of cards that are urgent.", json_schema_extra=ESTIMATE)
    instant_share: Share = Field(
        0.3,
        description="Share of those who want a card that go where cards are made on the spot, if any desk does it.",
        json_schema_extra=ESTIMATE,
    )
    held: Share = Field(
        0.01,
        description="Share of cards that are held when they are made, because the identity does not match the base "
        "data; first those of families that lack a paper.",
        json_schema_extra=ESTIMATE,
    )
    gather: RandomDuration = Field(
        default_factory=lambda: lognormal(1.5 * _DAY_S, 0.8),
        description="Time until a family sets out with the papers for which a held card waits.",
        json_schema_extra=ESTIMATE,
    )
    made_again: Share = Field(
        0.5,
        description="Share of held cards that are made again when the papers were shown; the others are released.",
        json_schema_extra=ESTIMATE,
    )
    notice: WorkingSpan = Field(
        Span(600.0, "s"),
        description="Time until a family learns that its card is ready or held.",
        json_schema_extra=ESTIMATE,
    )

    # --- at the desk ---
    sets_out: RandomDuration = Field(
        default_factory=lambda: lognormal(4 * _DAY_S, 1.0),
        description="Time from that notice until a family sets out for a card that is ready.",
        json_schema_extra=ESTIMATE,
    )
    service: RandomDuration = Field(
        default_factory=lambda: lognormal(720.0, 0.6),
        description="Time at the desk to be handed a new card, for a family with one child.",
        json_schema_extra=ESTIMATE,
    )
    each_further_child: Share = Field(
        0.6, description="Part of that time that each further child adds.", json_schema_extra=ESTIMATE
    )
    errand: RandomDuration = Field(
        default_factory=lambda: lognormal(300.0, 0.6),
        description="Time at the desk for anything else: to show papers, set a password, report a loss, or be sent on.",
        json_schema_extra=ESTIMATE,
    )
    patience: RandomDuration = Field(
        default_factory=lambda: lognormal(2400.0 * math.sqrt(1.25), 0.5),
        description="How long a family waits at a desk before it leaves.",
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
    wrong_desk: Share = Field(
        0.03,
        description="Share that goes to another bank's desk first, which does not have its card.",
        json_schema_extra=ESTIMATE,
    )
    uncollected: Share = Field(0.02, description="Share of cards that nobody sets out for.", json_schema_extra=ESTIMATE)
    stop_after: Duration = Field(
        8 * 7 * _DAY_S,
        description="Time after which such a card is no longer waited for.",
        json_schema_extra=ESTIMATE,
    )

    # --- at home ---
    activation_after: RandomDuration = Field(
        default_factory=lambda: lognormal(_DAY_S, 1.0),
        description="Time from having the card to activating it with a password.",
        json_schema_extra=ESTIMATE,
    )
    activation_fails: Share = Field(
        0.1,
        description="Share of activations that fail the first time; more at low digital skill.",
        json_schema_extra=ESTIMATE,
    )
    by_phone: Share = Field(
        0.5,
        description="Share of those that is helped on the phone; the others go back to the desk.",
        json_schema_extra=ESTIMATE,
    )
    call: RandomDuration = Field(
        default_factory=lambda: lognormal(600.0, 0.8), description="Time on the phone.", json_schema_extra=ESTIMATE
    )
    lost: Share = Field(0.02, description="Share of cards that are lost.", json_schema_extra=ESTIMATE)
    lost_after: RandomDuration = Field(
        default_factory=lambda: lognormal(45 * _DAY_S, 1.0),
        description="Time until a lost card is missed; whoever misses it after the horizon does not count.",
        json_schema_extra=ESTIMATE,
    )

    def build(self, name: str, district: District, onward: str) -> Part:
        """Give a station for each desk, and the way to the credential or to an activated card."""
        halls = Halls(name, self.sites, district)
        window = Window(service=0.0, patience=self.patience.build(), luck=f"{name}:desk")
        desks = Desks(halls, window, self.come_back.build(), self.tries)
        stations, calendars = halls.stations()
        calendars[f"{name} production"] = back_office(district)
        columns = {**self._chances(name, district), **halls.columns(), **self._other_desks(halls)}
        return Part(stations, list(_Way(self, name, desks, onward).steps()), calendars=calendars, columns=columns)

    def instant_sites(self) -> dict[str, CardDesk]:
        """Give the desks that make cards on the spot."""
        return {name: site for name, site in self.sites.items() if site.instant}

    def _chances(self, name: str, district: District) -> dict[str, FloatArray]:
        instant = self.instant_share if self.instant_sites() else 0.0
        return {
            f"_{name} credential": self._by_skill(1.0 - self.wants, district),
            f"_{name} downloads": self._by_skill(1.0 - self.download_fails, district),
            f"_{name} activates": self._by_skill(1.0 - self.activation_fails, district),
            f"_{name} matches": complete_papers(self.held, district),
            f"_{name} time": time_by_children(self.each_further_child, district),
            # For good: whoever is in a hurry is so again when the card is lost.
            f"_{name} urgent": district.share(self.urgent_share, f"{name}:urgent").astype(np.float64),
            f"_{name} instant": district.share(instant, f"{name}:instant").astype(np.float64),
        }

    def _by_skill(self, share: float, district: District) -> FloatArray:
        """Give probabilities that rise with digital skill; their mean over typical families is `share`."""
        typical, skill = skill_of(district.typical), skill_of(district.columns)
        return with_mean(share, self.skill_effect * typical, self.skill_effect * skill)

    def _other_desks(self, halls: Halls) -> dict[str, FloatArray]:
        """Give the weights of the desks to which a family goes by mistake, and of those that make cards at once."""
        name, near = halls.name, halls.columns()
        mine = {site: near[f"_{name} near {site}"] for site in self.sites}
        wrong = {f"_{name} other {site}": self.sites[site].catchment * (1.0 - own) for site, own in mine.items()}
        instant = self.instant_sites()
        if not instant:
            return wrong
        # Whose own desk makes them goes there, the others to one of those that do, always the same.
        served = np.sum([mine[site] for site in instant], axis=0) > 0
        drawn = Halls(f"{name} instant", instant, halls.district).columns()
        keys = {site: f"_{name} instant near {site}" for site in instant}
        return wrong | {key: np.where(served, mine[site], drawn[key]) for site, key in keys.items()}


class _Way(NamedTuple):
    """The way to a card while its steps are written."""

    card: Card
    name: str
    desks: Desks
    onward: str

    def steps(self) -> Iterator[canbao.Step]:
        """Card or credential; order, collect, activate; and once more if it is lost."""
        yield canbao.Check(f"_{self.name} credential", name="card or credential", passed="download", failed="order")
        yield from self._credential()
        yield canbao.Mark("card_ordered", first=True, name="order", calls=("order_card",))
        yield canbao.Check(f"_{self.name} instant", name="on the spot", passed="made on the spot", failed="production")
        yield from self._on_the_spot("made on the spot", done="card")
        yield from self._production("production", then="matches")
        yield from self._held()
        yield from self._collection()
        yield canbao.Mark("card", first=True, name="card", calls=("collect_card",))
        yield from self._activation("activation", then="keeps it")
        yield from self._replacement()
        yield canbao.Delay(self.card.stop_after, name="nobody comes")
        yield canbao.Mark("card_uncollected", name="stops", then=self.onward)

    def _credential(self) -> Iterator[canbao.Step]:
        """Download it; after some failures order a card instead."""
        card = self.card
        yield canbao.Delay(card.download.build(), name="download", effort=True)
        yield canbao.Check(
            f"_{self.name} downloads",
            name="downloaded",
            passed="credential",
            failed="download later",
            limit=card.download_retries,
            exceeded="order",
        )
        yield canbao.Delay(card.download_retry.build(), name="download later", then="download")
        yield canbao.Mark("credential", name="credential", then=self.onward, calls=("credential",))

    def _production(self, label: str, then: str) -> Iterator[canbao.Step]:
        yield canbao.Check(f"_{self.name} urgent", name=label, passed=f"{label}: urgent", failed=f"{label}: ordinary")
        yield self._span(self.card.urgent, f"{label}: urgent", then)
        yield self._span(self.card.production, f"{label}: ordinary", then)

    def _held(self) -> Iterator[canbao.Step]:
        """Match the identity with the base data; hold the card until papers were shown, and perhaps make it again."""
        card = self.card
        yield canbao.Check(f"_{self.name} matches", name="matches", passed="ready", failed="held")
        yield failed("card held", label="held")
        yield self._span(card.notice, "notice: held")
        yield canbao.Delay(card.gather.build(), name="gathers papers")
        yield from self._errand("papers", done="papers shown")
        yield canbao.Check(card.made_again, name="papers shown", passed="production again", failed="ready")
        yield from self._production("production again", then="ready")

    def _collection(self) -> Iterator[canbao.Step]:
        """Learn that it is ready, and go for it, some to a wrong desk first, some never."""
        card = self.card
        yield self._span(card.notice, "ready")
        yield canbao.Mark("card_ready")
        yield canbao.Check(1.0 - card.uncollected, name="comes", passed="sets out", failed="nobody comes")
        yield canbao.Delay(card.sets_out.build(), name="sets out")
        yield canbao.Check(1.0 - card.wrong_desk, name="which desk", passed="collection", failed="other desk")
        yield from self._other_desk("other desk", done="sent on")
        yield failed("wrong channel", label="sent on", then="collection")
        yield from self._handing_over("collection", done="card")

    def _replacement(self) -> Iterator[canbao.Step]:
        """Lose it, report that at the desk, wait for a new one, collect and activate that."""
        card = self.card
        yield canbao.Check(1.0 - card.lost, name="keeps it", passed=self.onward, failed="loses it")
        yield canbao.Delay(card.lost_after.build(), name="loses it")
        yield canbao.Mark("card_lost")
        yield canbao.Check(
            f"_{self.name} instant", name="replacement", passed="replaced on the spot", failed="loss reported"
        )
        yield from self._on_the_spot("replaced on the spot", done="replaced")
        yield from self._errand("loss reported", done="production of another")
        yield from self._production("production of another", then="another is ready")
        yield self._span(card.notice, "another is ready")
        yield canbao.Delay(card.sets_out.build(), name="sets out again")
        yield from self._handing_over("second collection", done="replaced")
        yield canbao.Mark("card_replaced", name="replaced")
        yield from self._activation("second activation", then=self.onward)

    def _activation(self, label: str, then: str) -> Iterator[canbao.Step]:
        """Set a password; who fails is helped on the phone or at the desk."""
        card, done, fails = self.card, f"{label}: done", f"{label}: fails"
        yield canbao.Delay(card.activation_after.build(), name=label)
        yield canbao.Check(f"_{self.name} activates", name=f"{label}: password", passed=done, failed=fails)
        yield canbao.Check(card.by_phone, name=fails, passed=f"{label}: call", failed=f"{label}: back")
        yield canbao.Delay(card.call.build(), name=f"{label}: call", effort=True, then=done)
        yield from self._errand(f"{label}: back", done=done, stops=then)
        yield canbao.Mark("activated", first=True, name=done, then=then, calls=("activate_card",))

    # --- at the desk ---

    def _errand(self, label: str, done: str, stops: str = "stops") -> Iterator[canbao.Step]:
        yield from self.desks.errand(label, self.card.errand.build(), done=done, stops=stops)

    def _handing_over(self, label: str, done: str) -> Iterator[canbao.Step]:
        yield from self.desks.errand(label, self._service(), done=done, stops="stops")

    def _on_the_spot(self, label: str, done: str) -> Iterator[canbao.Step]:
        weights = {site: f"_{self.name} instant near {site}" for site in self.card.instant_sites()}
        if weights:
            yield from self.desks.errand(label, self._service(), done=done, stops="stops", weights=weights)
        else:  # nobody comes here
            yield canbao.Go(done, name=label)

    def _other_desk(self, label: str, done: str) -> Iterator[canbao.Step]:
        """Stand in the queue of another desk; with one desk it is one outside this scenario, a way in vain."""
        weights = {site: f"_{self.name} other {site}" for site in self.card.sites}
        if len(weights) > 1:
            service = self.card.errand.build()
            yield from self.desks.errand(label, service, done=done, stops="collection", weights=weights)
        else:
            (only,) = self.card.sites
            yield canbao.Await(f"{self.name}.{only}", name=label)
            yield canbao.Delay(self.desks.halls.way(only), name=f"{label}: way", trip=True, then=done)

    def _service(self) -> canbao.Quantity:
        return canbao.Scaled(self.card.service.build(), f"_{self.name} time")

    def _span(self, span: Span, label: str, then: str | None = None) -> canbao.Delay:
        return span_delay(span, f"{self.name} production", label, then)
