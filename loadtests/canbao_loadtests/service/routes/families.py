"""The family's side, up to the decision: enrol, upload papers, pay, hand in, ask, correct."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from canbao_loadtests.service.enrolment import Step
from canbao_loadtests.service.enrolment.answers import Said, once
from canbao_loadtests.service.enrolment.applications import add_paper, all_of, correct, enrol, find, hand_in
from canbao_loadtests.service.enrolment.benefits import credential_from
from canbao_loadtests.service.enrolment.payments import choose_way, pay
from canbao_loadtests.service.models import (
    Application,
    Applications,
    Child,
    PaperKind,
    Payment,
    PaymentChoice,
    Problem,
    Submission,
)
from canbao_loadtests.service.operations import Answer, Call, State, operation, operations_in
from canbao_loadtests.service.storage import Row
from canbao_plugins.families.identities import mask

__all__ = ["IMAGES", "OPERATIONS"]

IMAGES = ("image/png", "image/jpeg")
"""What papers may be."""


@operation("POST", "/applications", "family", {200: Application, 201: Application, 409: Problem}, Child)
async def enrol_child(call: Call) -> Answer:
    """Fill in the enrolment form for a child.

    To enrol the same child again gives the application that is there, with status 200.
    """

    async def work(step: Step) -> tuple[Row, list[str], bool]:
        number, new = await enrol(step, call.body)
        return *await find(step, number), new

    row, papers, new = await call.write(work)
    return Answer(201 if new else 200, _told(row, papers, call.state))


@operation("GET", "/applications", "family", {200: Applications})
async def list_applications(call: Call) -> Answer:
    """List the applications of this account."""
    found = await call.read(all_of)
    return Answer(200, {"applications": [_told(row, papers, call.state) for row, papers in found]})


@operation("GET", "/applications/{application}", "family", {200: Application, 404: Problem})
async def progress(call: Call) -> Answer:
    """Ask how an application stands."""
    row, papers = await call.read(lambda step: find(step, call.application))
    return Answer(200, _told(row, papers, call.state))


@operation("PUT", "/applications/{application}/child", "family", {200: Application, 404: Problem, 409: Problem}, Child)
async def correct_child(call: Call) -> Answer:
    """Correct the enrolment form of a draft or a returned application."""

    async def work(step: Step) -> tuple[Row, list[str]]:
        await correct(step, call.application, call.body)
        return await find(step, call.application)

    return Answer(200, _told(*await call.write(work), call.state))


@operation(
    "PUT",
    "/applications/{application}/papers/{paper}",
    "family",
    {200: None, 201: None, 404: Problem, 409: Problem},
    IMAGES,
)
async def upload_paper(call: Call) -> Answer:
    """Upload a paper, or put another in its place."""
    kind = PaperKind(call.path["paper"])
    papers = call.state.papers
    checksum = papers.find(call.body)
    if checksum is None:
        checksum = await asyncio.to_thread(papers.keep, call.body)
    paper = (checksum, call.content_type, len(call.body))
    new = await call.write(lambda step: add_paper(step, call.application, kind, paper))
    return Answer(201 if new else 200)


@operation(
    "PUT",
    "/applications/{application}/payment-choice",
    "family",
    {204: None, 404: Problem, 409: Problem},
    PaymentChoice,
)
async def choose_payment(call: Call) -> Answer:
    """Choose a way to pay."""
    await call.write(lambda step: choose_way(step, call.application, call.body.way))
    return Answer(204)


@operation(
    "POST",
    "/applications/{application}/payment",
    "family",
    {201: Payment, 402: Payment, 404: Problem, 409: Problem},
    idempotent=True,
)
async def pay_fee(call: Call) -> Answer:
    """Pay the fee.

    Status 402 says that the debit failed; another try needs another Idempotency-Key.
    """

    async def deed(step: Step) -> Said:
        outcome, yuan = await pay(step, call.application)
        at = call.state.clock.text(step.now)
        said = {"application": call.application, "outcome": outcome, "yuan": yuan, "at": at}
        return Said(201 if outcome == "paid" else 402, json.dumps(said))

    return await _once(call, "pay", deed)


@operation(
    "POST",
    "/applications/{application}/submission",
    "family",
    {201: Submission, 404: Problem, 409: Problem},
    idempotent=True,
)
async def submit(call: Call) -> Answer:
    """Hand the application in, for the first time or corrected; it goes to the review by itself."""
    latest: list[Row] = []

    async def deed(step: Step) -> Said:
        row = await hand_in(step, call.application)
        latest[:] = [row]
        told = {"application": row["id"], "round": row["round"], "status": row["status"]}
        return Said(201, json.dumps(told | {"handed_in": call.state.clock.text(step.now)}))

    answer = await _once(call, "submit", deed)
    for row in latest:
        if row["desk"] is not None:
            call.state.handed_in(row)
    return answer


async def _once(call: Call, name: str, deed: Callable[[Step], Awaitable[Said]]) -> Answer:
    """Do what has an Idempotency-Key; what is answered a second time says so in a header."""
    request = f"{name} {call.application}"
    said, again = await call.write(lambda step: once(step, request, call.key, deed))
    return Answer(said.status, said.body, headers={"Idempotency-Replayed": "true"} if again else {})


def _told(row: Row, papers: list[str], state: State) -> dict[str, Any]:
    """Give an application as its family sees it."""
    return {
        "application": row["id"],
        "status": row["status"],
        "desk": row["desk"],
        "round": row["round"],
        "child": row["child"],
        "number": mask(row["number"]),
        "papers": papers,
        "pay_with": row["pay_with"],
        "paid": row["paid"],
        "fee_yuan": row["fee_yuan"],
        "enrolled": state.clock.text(row["enrolled"]),
        "handed_in": _moment(row["handed_in"], state),
        "reviewed": _moment(row["reviewed"], state),
        "reasons": json.loads(row["reasons"]),
        "credential_from": _moment(credential_from(row, state.rules), state),
    }


def _moment(moment: float | None, state: State) -> str | None:
    return None if moment is None else state.clock.text(moment)


OPERATIONS = operations_in(globals())
"""The operations of this side."""
