"""What is asked next when an answer points elsewhere (RFC 9110, section 15.4)."""

from __future__ import annotations

from urllib.parse import quote, urldefrag, urljoin

from canbao_loadtests.http.messages import Request, Response, TransportError

__all__ = ["redirected", "without_secrets"]

_CHANGES_TO_GET = {301, 302, 303}
_KEEPS_METHOD = {307, 308}
_OF_THE_BODY = ("content-", "transfer-encoding", "expect")
_SECRET = {"authorization", "cookie", "host", "proxy-authorization"}
_ANYTHING = "!#$%&'()*+,/:;=?@[]~"


def redirected(request: Request, response: Response) -> Request | None:
    """Give the next request, with its whole URL; None if the answer is the last one.

    As browsers do, a POST becomes a GET after 301, 302 and 303, and stays what it is after 307 and 308.

    Raises
    ------
    TransportError
        `garbage`, if what it points to is no URL.
    """
    if response.status not in _CHANGES_TO_GET | _KEEPS_METHOD:
        return None
    location = response.header("location")
    if not location:
        return None
    safe = quote(location.encode("utf-8", "surrogateescape"), safe=_ANYTHING)
    try:
        url = urldefrag(urljoin(response.url, safe)).url
    except ValueError as error:
        raise TransportError("garbage", f"a redirect to {safe!r}: {error}") from None
    method, headers, body = request.method, request.headers, request.body
    if response.status in _CHANGES_TO_GET and (method == "POST" or (response.status == 303 and method != "HEAD")):
        method, body = "GET", b""
        headers = tuple((name, value) for name, value in headers if not name.lower().startswith(_OF_THE_BODY))
    return Request(method, url, headers, body, operation=request.operation)


def without_secrets(request: Request) -> Request:
    """Give a request as another site may see it."""
    kept = tuple((name, value) for name, value in request.headers if name.lower() not in _SECRET)
    return request._replace(headers=kept)
