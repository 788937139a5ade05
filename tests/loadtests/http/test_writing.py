"""Writing requests: frames write what writing line by line does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canbao_loadtests.http.messages import Headers, Request, TransportError
from canbao_loadtests.http.writing import Writer

DEFAULTS = (("Accept", "*/*"), ("User-Agent", "100 % test"))
NAMES = st.sampled_from(
    ["Accept", "accept", "Authorization", "Content-Type", "Content-Length", "Cookie", "COOKIE", "Host", "X-%s", "X-1"]
)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), max_size=20) | st.just("%s %d %%")
HEADERS = st.lists(st.tuples(NAMES, TEXTS), max_size=5)


def _line_by_line(request: Request, path: str, cookies: str) -> bytes:
    """Write a request as somebody would who has time."""
    own = {name.lower(): value for name, value in request.headers}
    if "cookie" in own:
        cookies = f"{cookies}; {own['cookie']}" if cookies else own["cookie"]
    lines = [f"{request.method} {path} HTTP/1.1"]
    if "host" not in own:
        lines.append("Host: there:80")
    lines += [f"{name}: {value}" for name, value in DEFAULTS if name.lower() not in own]
    browsers = {"content-length", "cookie", "transfer-encoding"}
    lines += [f"{name}: {value}" for name, value in request.headers if name.lower() not in browsers]
    if cookies:
        lines.append(f"Cookie: {cookies}")
    if request.body or request.method == "POST":
        lines.append(f"Content-Length: {len(request.body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape") + request.body


@given(
    st.lists(st.tuples(st.sampled_from(["GET", "POST"]), HEADERS, st.sampled_from(["", "a=b"])), max_size=4),
    st.sampled_from([b"", b"body", b"x" * 20_000]),
)
def test_frames_write_what_writing_line_by_line_does(asked: list[tuple[str, Headers, str]], body: bytes) -> None:
    """Whatever the headers, percent signs in them included, and whatever was written before."""
    writer = Writer("there:80", DEFAULTS)
    for method, headers, cookies in asked * 2:
        request = Request(method, "/", headers, body)
        assert b"".join(writer.written(request, "/a%20b?c=%s", cookies)) == _line_by_line(
            request, "/a%20b?c=%s", cookies
        )


@pytest.mark.parametrize(
    ("headers", "path", "cookies"),
    [
        ((("X", "a\r\nY: b"),), "/", ""),
        ((("X\r\nY", "a"),), "/", ""),
        ((("X", "a\nb"),), "/", ""),
        ((), "/a b", ""),
        ((), "/\r\nX: y", ""),
        ((), "/", "a=b\r\nX: y"),
    ],
)
def test_nothing_becomes_another_line(headers: Headers, path: str, cookies: str) -> None:
    """A line break or a blank is refused wherever it stands, and a frame that was made before makes no difference."""
    writer = Writer("there:80", DEFAULTS)
    writer.written(Request("GET", "/", (("X", "fine"),)), "/", "")
    for _ in range(2):
        with pytest.raises(TransportError, match="garbage"):
            writer.written(Request("GET", path, headers), path, cookies)
