"""Cookies: which go where, and until when."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canbao_loadtests.http.client import Client
from canbao_loadtests.http.cookies import Cookies
from canbao_loadtests.http.messages import Request
from canbao_loadtests.http.safety import Safety

NOW = 1_800_000_000.0  # 15 January 2027


def taken(*headers: str, path: str = "/app/page") -> Cookies:
    """Give a browser's cookies after an answer from a page."""
    cookies = Cookies({}, "here")
    for header in headers:
        cookies.take(header, "here", path, NOW)
    return cookies


def header(
    cookies: Cookies, path: str = "/app/page", *, host: str = "here", secure: bool = False, at: float = NOW
) -> str:
    """Give what would be sent."""
    return cookies.header(host, path, secure, at)


@pytest.mark.parametrize(
    ("said", "path", "goes"),
    [
        ("a=1; Path=/", "/", True),
        ("a=1; Path=/app", "/app", True),
        ("a=1; Path=/app", "/app/x", True),
        ("a=1; Path=/app", "/apple", False),
        ("a=1; Path=/app/", "/app", False),
        ("a=1; Path=/other", "/app", False),
        ("a=1", "/app/else", True),
        ("a=1", "/else", False),
        ("a=1; Path=nonsense", "/app/else", True),
    ],
)
def test_a_cookie_goes_to_its_path(said: str, path: str, goes: bool) -> None:
    """To the path that it names, or to the folder of the page that set it, and below (RFC 6265, section 5.1.4)."""
    assert header(taken(said), path) == ("a=1" if goes else "")


def test_a_cookie_goes_to_no_other_host() -> None:
    """Neither to a stranger nor to a host below."""
    cookies = taken("a=1; Path=/; Domain=here")
    assert header(cookies) == "a=1"
    assert header(cookies, host="there") == header(cookies, host="www.here") == ""


def test_a_cookie_for_somebody_else_is_not_taken() -> None:
    """An answer cannot set the cookies of another domain."""
    assert header(taken("a=1; Path=/; Domain=there.example")) == ""


@pytest.mark.parametrize(
    ("said", "lives_s"),
    [
        ("a=1; Max-Age=60", 60),
        ("a=1; Max-Age=0", 0),
        ("a=1; Max-Age=-5", 0),
        ("a=1; Expires=Fri, 15 Jan 2027 08:01:00 GMT", 60),
        ("a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", 60),
        ("a=1; Expires=whenever", float("inf")),
        ("a=1; Max-Age=soon", float("inf")),
        ("a=1", float("inf")),
    ],
)
def test_a_cookie_lives_as_long_as_it_says(said: str, lives_s: float) -> None:
    """Max-Age goes before Expires; what cannot be read is no limit."""
    cookies = taken(said)
    assert header(cookies, at=NOW) == ("a=1" if lives_s > 0 else "")
    assert header(cookies, at=NOW + lives_s - 0.1) == ("a=1" if lives_s > 0 else "")
    assert header(cookies, at=NOW + lives_s + 0.1) == ("a=1" if lives_s == float("inf") else "")


def test_a_cookie_is_replaced_and_deleted() -> None:
    """The last word of its name and path counts."""
    cookies = taken("a=1; Path=/", "b=2; Path=/", "a=3; Path=/")
    assert sorted(header(cookies).split("; ")) == ["a=3", "b=2"]
    cookies.take("a=; Path=/; Max-Age=0", "here", "/", NOW)
    assert header(cookies) == "b=2"


def test_longer_paths_come_first() -> None:
    """Two cookies of one name: the nearer one comes first (RFC 6265, section 5.4), and is the one that is told."""
    cookies = taken("a=far; Path=/", "a=near; Path=/app")
    assert header(cookies) == "a=near; a=far"
    assert cookies.by_name("here") == {"a": "near"}


def test_secure_cookies_need_tls() -> None:
    """Without TLS it is kept back."""
    cookies = taken("a=1; Path=/; Secure; HttpOnly; SameSite=Lax")
    assert (header(cookies), header(cookies, secure=True)) == ("", "a=1")


@pytest.mark.parametrize("said", ["", ";", "=1", "novalue", "; Path=/"])
def test_nonsense_sets_nothing(said: str) -> None:
    """A faulty header is ignored."""
    assert header(taken(said)) == ""


NAMES = st.text("abcXYZ-_09", min_size=1, max_size=8)
VALUES = st.text(
    st.characters(codec="ascii", exclude_characters='; ",\\', exclude_categories=("Cc", "Zs")), max_size=20
)


@given(st.dictionaries(NAMES, VALUES, max_size=5))
def test_kept_cookies_make_the_same_browser_again(found: dict[str, str]) -> None:
    """What is kept of a family by name is sent by its next browser."""
    cookies = taken(*(f"{name}={value}; Path=/" for name, value in found.items()))
    kept = cookies.by_name("here")
    assert kept == found
    again = Cookies(kept, "here")
    assert sorted(header(again).split("; ")) == sorted(header(cookies).split("; "))


def test_a_cookie_of_ones_own_is_added(faulty: Any) -> None:
    """A mapping may say a cookie itself; those of the browser are sent beside it, `Secure` ones too on this machine."""
    client = Client(faulty.url, Safety())
    browser = client.browser({"kept": "0"}, lambda _: None)
    faulty.faults({"headers": {"Set-Cookie": "session=1; Secure; Path=/"}})
    browser.send(Request("GET", "/"))
    got = json.loads(browser.send(Request("GET", "/", (("Cookie", "mine=2"),))).body)
    client.close()
    assert ["Cookie", "kept=0; session=1; mine=2"] in got["headers"]
    assert browser.cookies() == {"kept": "0", "session": "1"}
