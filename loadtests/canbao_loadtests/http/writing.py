"""Writes a request as bytes."""

from __future__ import annotations

from collections.abc import Sequence

from canbao_loadtests.http.messages import Headers, Request, TransportError

__all__ = ["written"]

_HAS_BODY = {"POST", "PUT", "PATCH"}
_THE_BROWSERS = {"content-length", "cookie", "transfer-encoding"}
_SMALL = 16_384


def written(request: Request, authority: str, path: str, defaults: Headers, cookies: str) -> Sequence[bytes]:
    """Give the bytes of a request, in one piece, or in two if the body is large.

    Parameters
    ----------
    request
        What is asked; its headers go before the defaults.
    authority, path
        Where.
    defaults
        Headers that it has unless it says otherwise.
    cookies
        The browser's.

    Raises
    ------
    TransportError
        `garbage`, if a header has a line break, or the path a blank: what a deployment once gave must not become
        another header.
    """
    own = {name.lower(): value for name, value in request.headers}
    if "cookie" in own:
        cookies = f"{cookies}; {own['cookie']}" if cookies else own["cookie"]
    lines = [f"{request.method} {path} HTTP/1.1"]
    if "host" not in own:
        lines.append(f"Host: {authority}")
    lines += [f"{name}: {value}" for name, value in defaults if name.lower() not in own]
    lines += [f"{name}: {value}" for name, value in request.headers if name.lower() not in _THE_BROWSERS]
    if cookies:
        lines.append(f"Cookie: {cookies}")
    if request.body or request.method in _HAS_BODY:
        lines.append(f"Content-Length: {len(request.body)}")
    head = "\r\n".join(lines) + "\r\n\r\n"
    if head.count("\n") != len(lines) + 1 or head.count("\r") != len(lines) + 1 or " " in path:
        raise TransportError(
            "garbage", f"a line break or a blank in the path or a header of {request.operation or path!r}"
        )
    data = head.encode("utf-8", "surrogateescape")
    return (data + request.body,) if len(request.body) < _SMALL else (data, request.body)
