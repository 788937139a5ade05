"""Reading answers: whatever the pieces in which bytes come, and whatever the bytes."""

from __future__ import annotations

from itertools import pairwise
from typing import TypeAlias

from hypothesis import example, given
from hypothesis import strategies as st

from canbao_loadtests.http.answers import AnswerReader, Limits
from canbao_loadtests.http.messages import TransportError

LIMITS = Limits(head=2_000, body=5_000)
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\nSet-Cookie: a=b\r\n\r\nhello world"
CHUNKS = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x\r\n world\r\n0\r\nT: t\r\n\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + LENGTH
TO_THE_END = b"HTTP/1.0 200 OK\r\nX: 1\r\n\r\nhello world"
WELL = [LENGTH, CHUNKS, INTERIM, TO_THE_END]

Read: TypeAlias = tuple[int, tuple[tuple[str, str], ...], bytes] | str


def read(pieces: list[bytes]) -> Read:
    """Give status, headers and body of an answer in pieces, with the end of the connection behind; or the trouble."""
    reader = AnswerReader("GET", LIMITS)
    try:
        for piece in pieces:
            if not reader.done:
                reader.feed(piece)
        if not reader.done:
            reader.end()
        reader.unpack()
    except TransportError as error:
        return error.trouble
    return reader.status, tuple(reader.headers), reader.body


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Cut bytes into pieces."""
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(edges) if b > a]


@given(st.sampled_from(WELL), st.lists(st.integers(0, 500), max_size=20))
def test_an_answer_is_the_same_in_any_pieces(data: bytes, places: list[int]) -> None:
    """One byte at a time or all at once."""
    found = read(cut(data, places))
    assert found == read([data])
    assert not isinstance(found, str)
    assert found[0] in {200, 201}
    assert found[2] == b"hello world"
    assert ("Link", "x") not in found[1]


@given(st.sampled_from([LENGTH, CHUNKS, INTERIM]), st.integers(0, 500))
def test_half_an_answer_is_a_reset(data: bytes, place: int) -> None:
    """Wherever it is cut off."""
    assert read([data[: place % len(data)]]) == "reset"


@given(st.sampled_from(WELL), st.integers(0, 500), st.binary(max_size=30), st.lists(st.integers(0, 500), max_size=3))
@example(LENGTH, 0, b"", [])
def test_spoilt_bytes_are_an_answer_or_trouble_and_nothing_else(
    data: bytes, place: int, spoilt: bytes, places: list[int]
) -> None:
    """Whatever is put into an answer, reading it raises nothing but trouble of its kinds."""
    at = place % (len(data) + 1)
    found = read(cut(data[:at] + spoilt + data[at:], places))
    assert not isinstance(found, str) or found in {"reset", "garbage"}


@given(st.binary(max_size=200))
def test_any_bytes_are_an_answer_or_trouble(data: bytes) -> None:
    """Noise too."""
    found = read([data])
    assert not isinstance(found, str) or found in {"reset", "garbage"}


@given(st.sampled_from([LENGTH, CHUNKS]), st.binary(min_size=1, max_size=50))
def test_what_follows_an_answer_changes_nothing_but_ends_its_connection(data: bytes, more: bytes) -> None:
    """Bytes that nobody asked for could be the answer to somebody else."""
    reader = AnswerReader("GET", LIMITS)
    reader.feed(data + more)
    assert reader.done
    reader.unpack()
    assert (reader.status, tuple(reader.headers), reader.body) == read([data])
    if more.strip(b"\r\n"):
        assert not reader.reusable
