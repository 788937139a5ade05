"""Redirects: what is asked next, and where it never goes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from canbao_loadtests.http.client import Client
from canbao_loadtests.http.exchange import Exchange
from canbao_loadtests.http.messages import Browser, Request, TransportError
from canbao_loadtests.http.safety import Safety

Redirect = Callable[..., None]


@pytest.fixture
def exchanges() -> list[Exchange]:
    """Give what is recorded."""
    return []


@pytest.fixture
def browser(faulty: Any, exchanges: list[Exchange]) -> Iterator[Browser]:
    """Give a browser of the faulty server."""
    client = Client(faulty.url, Safety())
    yield client.browser({}, exchanges.append)
    client.close()


@pytest.fixture
def redirect(faulty: Any) -> Redirect:
    """Give what lets the next request be answered by a redirect."""

    def to(location: str, status: int = 302, **headers: str) -> None:
        faulty.faults({"status": status, "headers": {"Location": location, **headers}})

    return to


FORM = Request("POST", "/a/form", (("Content-Type", "text/x"), ("X-Mine", "1")), b"body", operation="send")


@pytest.mark.parametrize(
    ("status", "method", "body"),
    [(301, "GET", ""), (302, "GET", ""), (303, "GET", ""), (307, "POST", "body"), (308, "POST", "body")],
)
def test_a_form_goes_on_as_in_browsers(
    browser: Browser, redirect: Redirect, status: int, method: str, body: str
) -> None:
    """After 301, 302 and 303 a POST becomes a GET without a body; after 307 and 308 it stays."""
    redirect("/b?x=1", status)
    response = browser.send(FORM)
    got = json.loads(response.body)
    headers = {name.lower() for name, _ in got["headers"]}
    assert (got["method"], got["path"], got["body"]) == (method, "/b?x=1", body)
    assert ("content-type" in headers) == (method == "POST")
    assert "x-mine" in headers
    assert response.url.endswith("/b?x=1")


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("b", "/a/b"),
        ("../b", "/b"),
        ("?x=1", "/a/form?x=1"),
        ("/b#part", "/b"),
        ("/b c", "/b%20c"),
        ("/参保".encode().decode("latin-1"), "/%E5%8F%82%E4%BF%9D"),
    ],
)
def test_where_it_points_is_read_as_a_browser_does(
    browser: Browser, redirect: Redirect, location: str, path: str
) -> None:
    """Relative to the page, without the fragment, encoded where it was not."""
    redirect(location)
    assert json.loads(browser.send(FORM).body)["path"] == path


def test_cookies_of_a_redirect_go_with_the_next_request(
    browser: Browser, redirect: Redirect, exchanges: list[Exchange]
) -> None:
    """A log-in that answers with a cookie and a redirect; each hop is recorded under the same name."""
    redirect("/home", 302, **{"Set-Cookie": "session=1; Path=/"})
    response = browser.send(FORM)
    assert ["Cookie", "session=1"] in json.loads(response.body)["headers"]
    assert response.cookies == browser.cookies() == {"session": "1"}
    assert [(e.operation, e.status) for e in exchanges] == [("send", 302), ("send", 200)]


def test_a_redirect_need_not_be_followed(browser: Browser, redirect: Redirect) -> None:
    """With `follow=False` the redirect is the answer."""
    redirect("/b")
    response = browser.send(Request("POST", "/a", follow=False))
    assert (response.status, response.header("location")) == (302, "/b")


def test_a_redirect_to_nowhere_is_the_answer(browser: Browser, faulty: Any) -> None:
    """Without a `Location` there is nothing to follow."""
    faulty.faults({"status": 302})
    assert browser.send(FORM).status == 302


def test_going_round_in_circles_ends(browser: Browser, faulty: Any, exchanges: list[Exchange]) -> None:
    """After ten redirects it is trouble."""
    faulty.faults({"status": 302, "headers": {"Location": "/a"}, "times": None})
    with pytest.raises(TransportError, match="redirects"):
        browser.send(FORM)
    assert len(exchanges) == 11


@pytest.mark.parametrize("location", ["http://192.0.2.1/", "ftp://127.0.0.1/", "https:"])
def test_a_deployment_cannot_lead_load_elsewhere(browser: Browser, redirect: Redirect, location: str) -> None:
    """A redirect to another machine, or out of HTTP, is not followed: nothing is sent there."""
    redirect(location)
    with pytest.raises(TransportError) as raised:
        browser.send(FORM)
    assert raised.value.trouble == "forbidden host"


def test_a_redirect_to_nonsense_is_garbage(browser: Browser, redirect: Redirect) -> None:
    """What is no URL cannot be followed."""
    redirect("http://[::bad/")
    with pytest.raises(TransportError, match="garbage"):
        browser.send(FORM)


def test_secrets_stay_with_the_site_that_they_are_for(
    browser: Browser, redirect: Redirect, start_faulty: Callable[[], Any]
) -> None:
    """Another site on this machine may be gone to, without the token and the cookies of the first."""
    other = start_faulty()
    redirect(other.url + "/b", 307, **{"Set-Cookie": "session=1; Path=/"})
    secret = Request("POST", "/a", (("Authorization", "Bearer x"), ("Cookie", "mine=1"), ("X-Mine", "1")))
    got = json.loads(browser.send(secret).body)
    headers = {name.lower(): value for name, value in got["headers"]}
    assert headers["host"] == other.url.removeprefix("http://")
    assert headers["x-mine"] == "1"
    assert "authorization" not in headers
    assert "mine" not in headers.get("cookie", "")
