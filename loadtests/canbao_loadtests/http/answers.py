"""Reads one answer from the bytes of a connection: llhttp's parser (httptools), with limits."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httptools
from httptools import HttpParserError, HttpParserUpgrade

from canbao_loadtests.http.messages import TransportError

__all__ = ["AnswerHeaders", "AnswerReader", "Limits"]

_WINDOWS = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}


@dataclass(frozen=True)
class Limits:
    """How large an answer may be before it counts as garbage.

    Parameters
    ----------
    head
        Bytes up to the end of the headers.
    body
        Bytes of the body, as it came and after decompression.
    """

    head: int = 65_536
    body: int = 16_777_216


class AnswerHeaders(Sequence[tuple[str, str]]):
    """The headers of an answer, read only when somebody asks for one: of most answers nobody does.

    Parameters
    ----------
    pieces
        The bytes of the answer as they came, with the head in them, and interim answers before it.
    """

    __slots__ = ("_pieces", "_said", "_small")

    def __init__(self, pieces: Sequence[bytes] = ()) -> None:
        self._pieces = pieces
        self._small: bytes | None = None
        self._said: Sequence[tuple[str, str]] | None = None

    def named(self, name: bytes) -> list[str]:
        """Give what the headers of a name say; the name in small letters."""
        if self._small is None:
            self._small = b"".join(self._pieces).lower()
        if name not in self._small:
            return []
        wanted = name.decode("latin-1")
        return [value for key, value in self if key.lower() == wanted]

    def __len__(self) -> int:
        return len(self._all())

    def __getitem__(self, place: Any) -> Any:
        return self._all()[place]

    def _all(self) -> Sequence[tuple[str, str]]:
        if self._said is None:
            self._said = [(key.decode("latin-1"), _text(value)) for key, value in _HeadReader(self._pieces).found]
        return self._said


class _HeadReader:
    """Reads the headers of the first answer that is no interim one, by the same parser that has read it before."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self.found: list[tuple[bytes, bytes]] = []
        self._is_whole = False
        self._parser = httptools.HttpResponseParser(self)
        with suppress(HttpParserError, HttpParserUpgrade):  # of what stands behind the head
            for piece in pieces:
                self._parser.feed_data(piece)
        del self._parser

    def on_message_begin(self) -> None:
        """Forget the headers of an interim answer."""
        if not self._is_whole:
            self.found.clear()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; what comes behind the body (a trailer) is not looked at."""
        if not self._is_whole:
            self.found.append((name, value))

    def on_headers_complete(self) -> None:
        """See the end of a head."""
        self._is_whole = self._is_whole or self._parser.get_status_code() >= 200


def _text(value: bytes) -> str:
    # Lossless: what is no UTF-8 comes out again as the same bytes, when a cookie or an address is sent back.
    return value.decode("utf-8", "surrogateescape")


class AnswerReader:
    """Takes bytes until one answer is whole; interim answers (100, 103) are passed over.

    The methods `on_...` are called by the parser.

    Parameters
    ----------
    method
        Of the request: the answer to a HEAD has no body, whatever its headers say.
    limits
        How large the answer may be.
    """

    __slots__ = (
        "_head",
        "_in_body",
        "_limits",
        "_method",
        "_parser",
        "_pieces",
        "body",
        "done",
        "headers",
        "received",
        "reusable",
        "status",
    )

    def __init__(self, method: str, limits: Limits) -> None:
        self._method, self._limits = method, limits
        self._parser = httptools.HttpResponseParser(self)
        self._head: list[bytes] = []
        self._pieces: list[bytes] = []
        self._in_body = False
        self.headers = AnswerHeaders()
        self.body = b""
        self.status = 0
        self.received = 0
        self.done = False
        self.reusable = False
        """Whether the connection can carry another request."""

    def feed(self, data: bytes) -> None:
        """Take bytes. What comes behind the whole answer is nobody's, and ends the use of its connection.

        Raises
        ------
        TransportError
            `garbage`, if this is no HTTP, or more of it than the limits allow.
        """
        self.received += len(data)
        if not self._in_body:
            self._head.append(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            if self.done:
                self.reusable = False
                return
            raise TransportError("garbage", str(error) or "an upgrade that nobody asked for") from None
        if self.received > self._limits.head:
            self._see_limits()

    def end(self) -> None:
        """Take the end of the connection: the end of a body without a length, or of half an answer.

        Raises
        ------
        TransportError
            `reset`, if the answer is not whole.
        """
        named = self.headers.named
        if not self._in_body or named(b"content-length") or named(b"transfer-encoding"):
            raise TransportError("reset", f"closed after {self.received} bytes, before the answer was whole")
        self.done = True

    def unpack(self) -> None:
        """Put the body together, and decompress it; nothing can be fed any more.

        Raises
        ------
        TransportError
            `garbage`, if it is not what its headers say.
        """
        del self._parser  # it knows its reader, who knows it: a circle that would wait for the garbage collector
        pieces = self._pieces
        self.body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if self.body and (encodings := self.headers.named(b"content-encoding")):
            self.body = _decoded(self.body, encodings, self._limits.body)

    def on_message_begin(self) -> None:
        """See another answer behind the one that was asked for."""
        if self.done:
            self.reusable = False

    def on_headers_complete(self) -> None:
        """Begin with the body."""
        if self.done:
            return
        self._in_body, self.status = True, self._parser.get_status_code()
        self.headers = AnswerHeaders(_up_to_the_body(self._head))
        if self._method == "HEAD":
            self.on_message_complete()

    def on_body(self, piece: bytes) -> None:
        """Keep a piece of the body."""
        if not self.done:
            self._pieces.append(piece)

    def on_message_complete(self) -> None:
        """End; after an interim answer begin anew."""
        if self.done:
            return
        if self.status >= 200:
            self.done, self.reusable = True, self._parser.should_keep_alive()
        elif self.status != 101:
            self._in_body, self.status = False, 0

    def _see_limits(self) -> None:
        if not self._in_body:
            raise TransportError("garbage", f"headers of more than {self._limits.head} bytes")
        if self.received > self._limits.head + self._limits.body:
            raise TransportError("garbage", f"an answer of more than {self._limits.body} bytes")


def _up_to_the_body(pieces: Sequence[bytes]) -> Sequence[bytes]:
    """Leave the body out, where the head came as one piece with no interim answer before it, as it mostly does."""
    if len(pieces) == 1 and pieces[0].startswith(b"HTTP/1.1 2"):
        head, end, _ = pieces[0].partition(b"\r\n\r\n")
        return (head + end,)
    return tuple(pieces)


def _decoded(body: bytes, encodings: Sequence[str], limit: int) -> bytes:
    for encoding in reversed(",".join(encodings).lower().split(",")):
        word = encoding.strip()
        if word in _WINDOWS:
            body = _inflated(body, word, limit)
        elif word not in {"", "identity"}:
            raise TransportError("garbage", f"the encoding {word}, which was not offered")
    return body


def _inflated(body: bytes, encoding: str, limit: int) -> bytes:
    window = _WINDOWS[encoding]
    if encoding == "deflate" and (body[0] & 0x0F) != 8:  # some servers leave zlib's header (RFC 1950) out
        window = -zlib.MAX_WBITS
    pieces, room = [], limit
    while body:  # a gzip body may have several members (RFC 1952, section 2.2)
        inflating = zlib.decompressobj(window)
        try:
            pieces.append(inflating.decompress(body, room + 1))
        except zlib.error as error:
            raise TransportError("garbage", f"a body that is no {encoding}: {error}") from None
        room -= len(pieces[-1])
        if room < 0:
            raise TransportError("garbage", f"a body of more than {limit} bytes, decompressed")
        if not inflating.eof:
            raise TransportError("garbage", f"half a body in {encoding}")
        body = inflating.unused_data
    return b"".join(pieces)
