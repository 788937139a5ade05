"""Families, fees and papers are conserved, whatever channels and failures a city has."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from canbao.assembly import scenario_plan
from canbao.assembly.formalities import ENROLLED
from canbao.assembly.review import INTAKE
from canbao.engines.compiled_engine import CompiledEngine
from canbao.measures.laws import check_laws
from canbao.measures.money import fees, fees_law, ledger, papers_law
from canbao.plugins import load_plugins
from canbao.testing import small_scenario

PLUGINS = load_plugins(environment={"CANBAO_NO_PLUGINS": "1"})

shares = st.sampled_from([0.0, 0.05, 0.3, 0.7])
staff = st.integers(1, 3)


@st.composite
def sites(draw: st.DrawFn) -> dict[str, Any]:
    """Draw one place or two, with few people, small rooms and closing times of both sorts."""
    names = ["east", "west"][: draw(st.integers(1, 2))]
    room = draw(st.sampled_from([{}, {"room": 3}]))
    closing = draw(st.sampled_from(["serve", "send home"]))
    return {name: {"staff": draw(staff), "closing": closing, **room} for name in names}


@st.composite
def channels(draw: st.DrawFn) -> dict[str, Any]:
    """Draw an office and any of the other channels, with failures of any rate."""
    lists = [{"opens": dt.date(2025, 12, 1), "closes": dt.date(2025, 12, 10)}]
    built: dict[str, Any] = {
        "office": {"kind": "office", "sites": draw(sites()), "incomplete": draw(shares)},
        "portal": {
            "kind": "portal",
            "slots": draw(st.integers(1, 3)),
            "backlog": draw(st.integers(0, 3)),
            "incomplete": draw(shares),
            "locked_out": draw(shares),
            "outages": draw(st.sampled_from([[], [{"start": dt.datetime(2025, 12, 4, 9), "lasts": "85 min"}]])),
        },
        "app": {"kind": "app", "slots": 2, "maintenance": ["00:00-06:00"]},
        "bank": {
            "kind": "bank",
            "sites": draw(sites()),
            "own_cards_only": draw(st.booleans()),
            "registers": draw(st.booleans()),
        },
        "community": {"kind": "community", "sites": draw(sites()), "hand_over": {"every": "3 working days"}},
        "hospital": {"kind": "hospital", "sites": draw(sites()), "hasty": draw(shares), "undecided": draw(shares)},
        "hotline": {"kind": "hotline", "staff": draw(staff)},
        "school": {
            "kind": "school",
            "sites": {"primary": {"staff": draw(staff)}},
            "lists": lists,
            "incomplete": draw(shares),
        },
    }
    chosen = draw(st.sets(st.sampled_from([name for name in built if name != "office"])))
    return {name: built[name] for name in built if name == "office" or name in chosen}


@st.composite
def formalities(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a payment before or after the review with all that can go wrong, and sometimes a card and a bill."""
    built: dict[str, Any] = {
        "payment": {
            "kind": "payment",
            "place": draw(st.sampled_from(["before review", "after review"])),
            "not_registered": draw(shares),
            "not_visible": draw(shares),
            "tries": draw(st.integers(0, 3)),
            "alipay": {"debit_failed": draw(shares), "locked": draw(shares)},
            "bank_counter": {"sites": draw(sites())},
            "closed_after": draw(st.sampled_from([10, 25, 31])),
        },
        "card": {"kind": "card", "sites": draw(sites()), "held": draw(shares), "lost": draw(shares)},
        "settlement": {"kind": "settlement", "falls_ill": draw(shares), "suspended": draw(shares)},
    }
    more = draw(st.sets(st.sampled_from(["card", "settlement"])))
    return {name: built[name] for name in built if name == "payment" or name in more}


reviews = st.fixed_dictionaries(
    {
        **dict.fromkeys(("incomplete", "mismatch", "refused", "duplicate", "drop_out"), shares),
        "corrections": st.integers(0, 3),
        **{name: st.fixed_dictionaries({"staff": staff}) for name in ("acceptance", "first", "second")},
    }
)


@settings(max_examples=40)
@given(channels(), formalities(), reviews, st.integers(0, 3))
def test_nothing_is_lost_in_any_mix_of_channels_and_failures(
    ways: dict[str, Any], besides: dict[str, Any], review: dict[str, Any], seed: int
) -> None:
    """Every family is somewhere, every paper decided or in process, every yuan insures, is in process or came back."""
    changes = {
        "population": {"residents": 250},
        "policy": {"kind": "region", "region": "national-2026", "start": dt.date(2025, 12, 1)},
        "channels": ways,
        "formalities": besides,
        "review": review,
    }
    plan = scenario_plan(small_scenario(changes, PLUGINS), seed)
    trace = CompiledEngine().run(plan)
    book = ledger(trace)
    family = np.asarray(trace.families["family"])
    laws = (*check_laws(trace, plan), papers_law(trace, INTAKE), fees_law(book, family))
    assert [law for law in laws if not law.holds] == []
    said: Any = fees(trace, book)
    kept = [said[f"{name}_yuan"] for name in ("refunded", "held_for_insured", "held_in_process")]
    assert said["paid_yuan"] == sum(kept)
    outcome: Any = trace.families["outcome"]
    finished = ~np.isnan(np.asarray(trace.families["finished"]))
    assert (outcome.has("inside") == ~finished).all()
    assert book.insured[outcome.has(ENROLLED) if ENROLLED in outcome.labels else []].all()
