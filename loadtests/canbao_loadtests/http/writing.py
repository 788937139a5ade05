"""Writes requests as bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from canbao_loadtests.http.messages import Headers, Request, TransportError

__all__ = ["Writer"]

_HAS_BODY = {"POST", "PUT", "PATCH"}
_THE_BROWSERS = {"content-length", "cookie", "transfer-encoding"}
_SMALL = 16_384
_MOST_FRAMES = 1_000


class _Frame(NamedTuple):
    text: str
    has_cookie: bool


class Writer:
    """Writes the requests to one site.

    Requests with headers of the same names have the same head but for some values: it is made once, as a frame with
    places for these, which takes a quarter of the time of writing it line by line.

    Parameters
    ----------
    authority
        The site, as the header `Host` says it.
    defaults
        Headers that a request has unless it says otherwise.
    """

    def __init__(self, authority: str, defaults: Headers) -> None:
        self._authority, self._defaults = authority, defaults
        self._frames: dict[tuple[str, ...], _Frame] = {}

    def written(self, request: Request, path: str, cookies: str) -> Sequence[bytes]:
        """Give the bytes of a request, in one piece, or in two if the body is large.

        Parameters
        ----------
        request
            What is asked; its headers go before the defaults.
        path
            Where, with the query.
        cookies
            The browser's.

        Raises
        ------
        TransportError
            `garbage`, if a header has a line break, or the path a blank: what a deployment once gave must not become
            another header.
        """
        key = (request.method, *[name for name, _ in request.headers])
        frame, has_cookie = self._frames.get(key) or self._frame(key)
        values = [value for _, value in request.headers]
        if has_cookie:
            own = [value for name, value in request.headers if name.lower() == "cookie"]
            cookies = f"{cookies}; {own[-1]}" if cookies else own[-1]
        if " " in path or _breaks("".join([path, cookies, *values])):
            raise TransportError(
                "garbage", f"a line break or a blank in the path or a header of {request.operation or path!r}"
            )
        head = frame % (path, *values)
        if cookies:
            head += f"Cookie: {cookies}\r\n"
        if request.body or request.method in _HAS_BODY:
            head += f"Content-Length: {len(request.body)}\r\n"
        data = f"{head}\r\n".encode("utf-8", "surrogateescape")
        return (data + request.body,) if len(request.body) < _SMALL else (data, request.body)

    def _frame(self, key: tuple[str, ...]) -> _Frame:
        """Make the frame of a method with names of headers."""
        if _breaks("".join(key)):
            raise TransportError("garbage", f"a line break in the name of a header: {', '.join(map(repr, key[1:]))}")
        method, *names = (part.replace("%", "%%") for part in key)
        own = {name.lower() for name in names}
        lines = [f"{method} %s HTTP/1.1"]
        if "host" not in own:
            lines.append(f"Host: {self._authority}")
        lines += [f"{name}: {value}".replace("%", "%%") for name, value in self._defaults if name.lower() not in own]
        kept = [name for name in names if name.lower() not in _THE_BROWSERS]
        frame = "".join(f"{line}\r\n" for line in lines)
        # `%.0s` takes a value and writes nothing: the browser has a word of its own for it.
        frame += "".join(f"{name}: %s\r\n" if name in kept else "%.0s" for name in names)
        if len(self._frames) >= _MOST_FRAMES:
            self._frames.clear()
        found = self._frames[key] = _Frame(frame, "cookie" in own)
        return found


def _breaks(text: str) -> bool:
    """Whether there is a line break in a text."""
    return "\n" in text or "\r" in text
