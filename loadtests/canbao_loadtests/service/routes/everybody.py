"""What everybody may do: register, log in, ask whether the service is up."""

from __future__ import annotations

import asyncio
import hmac

from canbao_loadtests.service.enrolment import RefusalError
from canbao_loadtests.service.enrolment.accounts import find_account, open_account
from canbao_loadtests.service.models import Account, Health, LogIn, NewAccount, NewReviewer, Problem, Session
from canbao_loadtests.service.operations import Answer, Call, operation, operations_in
from canbao_loadtests.service.passwords import hash_password, is_password

__all__ = ["OPERATIONS"]


@operation("GET", "/health", "everybody", {200: Health})
async def health(call: Call) -> Answer:
    """Tell that the service is up, and what its clock shows."""
    clock = call.state.clock
    return Answer(200, {"status": "ok", "now": clock.text(call.state.now()), "seconds_per_second": clock.speed})


@operation("POST", "/accounts", "everybody", {201: Account, 409: Problem}, NewAccount)
async def register(call: Call) -> Answer:
    """Open a family's account."""
    new: NewAccount = call.body
    hashed = await asyncio.to_thread(hash_password, new.password, call.state.limits.password_cost)
    await call.write(lambda step: open_account(step, new.name, hashed, "family", new.telephone))
    return Answer(201, {"name": new.name})


@operation("POST", "/reviewers", "everybody", {201: Account, 403: Problem, 409: Problem}, NewReviewer)
async def register_reviewer(call: Call) -> Answer:
    """Open a reviewer's account.

    Needs the code that the service was started with, in the environment variable CANBAO_REVIEWER_CODE; without one
    nobody can.
    """
    new: NewReviewer = call.body
    code = call.state.reviewer_code
    if not code or not hmac.compare_digest(new.code.encode(), code.encode()):
        raise RefusalError("wrong code", "this is not the code that the service was started with", "forbidden")
    hashed = await asyncio.to_thread(hash_password, new.password, call.state.limits.password_cost)
    await call.write(lambda step: open_account(step, new.name, hashed, "reviewer"))
    return Answer(201, {"name": new.name})


@operation("POST", "/sessions", "everybody", {201: Session, 401: Problem}, LogIn)
async def log_in(call: Call) -> Answer:
    """Log in: a token for name and password."""
    state, given = call.state, call.body
    found = await call.read(lambda step: find_account(step, given.name))
    if found is None:
        # It takes as long as a wrong password, so that nobody learns which names there are.
        await asyncio.to_thread(hash_password, given.password, state.limits.password_cost)
    if found is None or not await asyncio.to_thread(is_password, given.password, found[1]):
        raise RefusalError("wrong password", "there is no account of this name with this password", "unknown")
    token = state.tokens.give(found[0], state.time())
    return Answer(201, {"token": token, "expires_in_s": int(state.tokens.life_s)})


OPERATIONS = operations_in(globals())
"""The operations of this side."""
