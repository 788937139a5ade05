"""The reviewer's side: take the next application, look at its papers, decide with all reasons at once."""

from __future__ import annotations

from typing import Any

from canbao_loadtests.service.enrolment import RefusalError, Step
from canbao_loadtests.service.enrolment.applications import papers_of
from canbao_loadtests.service.enrolment.review import Ruling, backlog, decide, in_hand, take_next
from canbao_loadtests.service.models import Backlog, Decided, Decision, Desk, Pass, Problem, Task
from canbao_loadtests.service.operations import Answer, Call, State, operation, operations_in
from canbao_loadtests.service.storage import Row

__all__ = ["OPERATIONS"]


@operation("GET", "/review", "reviewer", {200: Backlog})
async def show_backlog(call: Call) -> Answer:
    """Count the applications at each desk."""
    return Answer(200, await call.read(backlog))


@operation("POST", "/review/{desk}/next", "reviewer", {200: Task, 204: None})
async def take(call: Call) -> Answer:
    """Take the next application of a desk; status 204 says that there is none.

    Whoever has one in hand at this desk gets the same again. The second review is by another person than the first.
    """
    real, desk = call.state.time(), Desk(call.path["desk"])

    async def work(step: Step) -> tuple[Row, list[str]] | None:
        row = await take_next(step, desk, real, real + call.state.limits.take_s)
        return None if row is None else (row, await papers_of(step, row["id"]))

    taken = await call.write(work)
    return Answer(204) if taken is None else Answer(200, _task(*taken, call.state))


@operation("GET", "/review/applications/{application}", "reviewer", {200: Task, 404: Problem})
async def look(call: Call) -> Answer:
    """Look at an application in hand."""

    async def work(step: Step) -> tuple[Row, list[str]]:
        return await in_hand(step, call.application), await papers_of(step, call.application)

    return Answer(200, _task(*await call.read(work), call.state))


@operation("GET", "/review/applications/{application}/papers/{paper}", "reviewer", {200: "*/*", 404: Problem})
async def look_at_paper(call: Call) -> Answer:
    """Look at a paper of an application in hand."""

    async def work(step: Step) -> Row | None:
        await in_hand(step, call.application)
        return await step.tx.one(
            "SELECT * FROM papers WHERE application = ?1 AND kind = ?2", call.application, call.path["paper"]
        )

    row = await call.read(work)
    if row is None:
        raise RefusalError("no such paper", "the application has no paper of this kind", "absent")
    return Answer(200, call.state.papers.read(row["checksum"]), row["content_type"])


@operation("POST", "/review/applications/{application}/decision", "reviewer", {200: Decided, 404: Problem}, Decision)
async def decide_application(call: Call) -> Answer:
    """Decide on an application in hand: pass it on, return it with all reasons at once, or reject it."""
    given = call.body.root
    reasons = [] if isinstance(given, Pass) else [reason.model_dump() for reason in given.reasons]
    row = await call.write(lambda step: decide(step, call.application, Ruling(given.verdict, reasons)))
    told = {"application": row["id"], "verdict": given.verdict, "status": row["status"], "desk": row["desk"]}
    return Answer(200, told)


def _task(row: Row, papers: list[str], state: State) -> dict[str, Any]:
    return {
        "application": row["id"],
        "desk": row["desk"],
        "round": row["round"],
        "child": {"name": row["child"], "number": row["number"], "guardian": row["guardian"]},
        "papers": papers,
        "handed_in": state.clock.text(row["since"]),
    }


OPERATIONS = operations_in(globals())
"""The operations of this side."""
