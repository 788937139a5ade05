"""The service as an ASGI application: routes from operations, refusals and failures as problems (RFC 9457)."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from pydantic_core import to_json
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from canbao.errors import StorageError
from canbao_loadtests.service.asking import RequestError, checked_call
from canbao_loadtests.service.clerks import Clerks
from canbao_loadtests.service.enrolment import RefusalError
from canbao_loadtests.service.openapi import PROBLEM, document
from canbao_loadtests.service.operations import Operation, State
from canbao_loadtests.service.routes import OPERATIONS

__all__ = ["make_app"]

_LOG = logging.getLogger("canbao.service")
_STATUS = {"absent": 404, "conflict": 409, "unknown": 401, "forbidden": 403}
_LONGEST_WAIT_S = 86_400.0


def make_app(state: State, clerks: Clerks | None = None) -> Starlette:
    """Make the application; its storage is open already. With clerks, they work as long as it runs."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        if clerks is None:
            yield
            return
        await clerks.begin(state)
        at_work = asyncio.create_task(clerks.work(state))
        at_work.add_done_callback(_gone)
        yield
        at_work.cancel()
        await asyncio.gather(at_work, return_exceptions=True)

    described = to_json(document(OPERATIONS, state.limits))

    async def openapi(_: Request) -> Response:
        return Response(described, media_type="application/json")

    routes = [Route("/openapi.json", openapi), *_routes(state)]
    return Starlette(
        routes=routes,
        lifespan=lifespan,
        exception_handlers={HTTPException: _unknown, Exception: _failed},
    )


def _routes(state: State) -> list[Route]:
    """Give one route for each path, with all its methods, so that others are answered with 405 and what is allowed."""
    by_path: dict[str, dict[str, Operation]] = {}
    for operation in OPERATIONS:
        by_path.setdefault(operation.path, {})[operation.method] = operation
    return [Route(path, _endpoint(methods, state), methods=list(methods)) for path, methods in by_path.items()]


def _endpoint(methods: Mapping[str, Operation], state: State) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        operation = methods["GET" if request.method == "HEAD" else request.method]
        try:
            answer = await operation.handler(await checked_call(operation, state, request))
        except RequestError as misfit:
            return _problem(misfit.status, misfit.code, misfit.detail, misfit.faults)
        except RefusalError as refusal:
            return _refused(refusal, state)
        except StorageError as error:
            _LOG.error("%s: %s", operation.name, error)
            return _problem(503, "storage failed", "the database could not do it; nothing was changed")
        content_type = answer.content_type if answer.body is not None else None
        return Response(answer.content(), answer.status, dict(answer.headers), content_type)

    return endpoint


def _refused(refusal: RefusalError, state: State) -> Response:
    response = _problem(_STATUS[refusal.kind], refusal.code, refusal.detail)
    if refusal.ready is not None:
        wait = state.clock.real_s(state.now(), refusal.ready)
        response.headers["Retry-After"] = str(max(math.ceil(min(wait, _LONGEST_WAIT_S)), 1))
    return response


def _problem(status: int, code: str, detail: str, faults: Sequence[dict[str, str]] = ()) -> Response:
    said: dict[str, Any] = {
        "type": f"urn:canbao:problem:{code.replace(' ', '-')}",
        "title": code,
        "status": status,
        "detail": detail,
    }
    headers = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "1"}}.get(status)
    return Response(to_json(said | ({"faults": list(faults)} if faults else {})), status, headers, PROBLEM)


async def _unknown(_: Request, error: Exception) -> Response:
    """Answer a path or a method that there is not."""
    assert isinstance(error, HTTPException)
    response = _problem(error.status_code, error.detail.lower(), "see /openapi.json for what there is")
    response.headers.update(error.headers or {})
    return response


async def _failed(_: Request, error: Exception) -> Response:
    """Answer what should not have happened; where it did goes to the log, what was sent does not."""
    return _problem(500, "failed", f"the service failed unexpectedly: {type(error).__name__}")


def _gone(at_work: asyncio.Task[None]) -> None:
    if not at_work.cancelled() and (error := at_work.exception()) is not None:
        _LOG.critical("the clerks are gone: %s", type(error).__name__, exc_info=error)
