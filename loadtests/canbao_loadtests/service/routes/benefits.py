"""The family's side, from the decision on: notices, credential, card, first bill."""

from __future__ import annotations

import asyncio
import json
from html import escape
from typing import Any

from canbao_loadtests.service.enrolment.benefits import (
    activate_card,
    card_of,
    collect_card,
    credential,
    notices_of,
    order_card,
    settle,
)
from canbao_loadtests.service.models import Activation, Bill, Card, Notices, Problem, Settlement
from canbao_loadtests.service.operations import Answer, Call, State, operation, operations_in
from canbao_loadtests.service.passwords import hash_password
from canbao_loadtests.service.storage import Row
from canbao_plugins.families.identities import mask

__all__ = ["OPERATIONS"]

_SVG = "image/svg+xml"


@operation("GET", "/notices", "family", {200: Notices})
async def read_notices(call: Call) -> Answer:
    """Read the notices that have arrived."""
    state = call.state
    rows = await call.read(notices_of)
    return Answer(200, {"notices": [_notice(row, state) for row in rows]})


@operation("GET", "/applications/{application}/credential", "family", {200: _SVG, 404: Problem, 409: Problem})
async def download_credential(call: Call) -> Answer:
    """Download the electronic credential, a picture to be printed."""
    row = await call.read(lambda step: credential(step, call.application))
    return Answer(200, _credential(row).encode(), _SVG)


@operation("POST", "/applications/{application}/card", "family", {200: Card, 201: Card, 404: Problem, 409: Problem})
async def order(call: Call) -> Answer:
    """Order the card; there is one for each child, and to order again gives it."""
    state = call.state
    row, new = await call.write(lambda step: order_card(step, call.application))
    return Answer(201 if new else 200, _card(row, state))


@operation("GET", "/applications/{application}/card", "family", {200: Card, 404: Problem})
async def card(call: Call) -> Answer:
    """Ask how the card stands."""
    row = await call.read(lambda step: card_of(step, call.application))
    return Answer(200, _card(row, call.state))


@operation("POST", "/applications/{application}/card/collection", "family", {200: Card, 404: Problem, 409: Problem})
async def collect(call: Call) -> Answer:
    """Collect a card that is ready."""
    row = await call.write(lambda step: collect_card(step, call.application))
    return Answer(200, _card(row, call.state))


@operation(
    "POST", "/applications/{application}/card/activation", "family", {200: Card, 404: Problem, 409: Problem}, Activation
)
async def activate(call: Call) -> Answer:
    """Activate a collected card and give it its password."""
    hashed = await asyncio.to_thread(hash_password, call.body.password, call.state.limits.password_cost)
    row = await call.write(lambda step: activate_card(step, call.application, hashed))
    return Answer(200, _card(row, call.state))


@operation(
    "POST", "/applications/{application}/settlement", "family", {200: Settlement, 404: Problem, 409: Problem}, Bill
)
async def settle_bill(call: Call) -> Answer:
    """Settle the first medical bill with an active card; the same bill again gives the same answer."""
    state = call.state
    row = await call.write(lambda step: settle(step, call.application, call.body.yuan))
    told = {key: row[key] for key in ("application", "bill_yuan", "reimbursed_yuan")}
    return Answer(200, told | {"at": state.clock.text(row["at"])})


def _notice(row: Row, state: State) -> dict[str, Any]:
    told = {"notice": row["id"], "application": row["application"], "about": row["about"]}
    return told | {"at": state.clock.text(row["at"]), "reasons": json.loads(row["reasons"])}


def _card(row: Row, state: State) -> dict[str, Any]:
    return {
        "application": row["application"],
        "status": _status(row, state.now()),
        "ordered": state.clock.text(row["ordered"]),
        "ready_from": state.clock.text(row["ready"]),
    }


def _status(row: Row, now: float) -> str:
    if row["activated"] is not None:
        return "activated"
    if row["collected"] is not None:
        return "collected"
    return "ready" if now >= row["ready"] else "making"


def _credential(row: Row) -> str:
    lines = ("医保电子凭证", row["child"], mask(row["number"]), f"No. {row['id']}", "样本 SAMPLE")
    texts = "".join(f'<text x="20" y="{40 * n}">{escape(line)}</text>' for n, line in enumerate(lines, 1))
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="340" height="220" font-size="20">{texts}</svg>'


OPERATIONS = operations_in(globals())
"""The operations of this side."""
