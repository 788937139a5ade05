"""The client against a server that answers well and badly."""

from __future__ import annotations

import gzip
import json
import socket
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest

from canbao_loadtests.http import connections, transports
from canbao_loadtests.http.answers import Limits
from canbao_loadtests.http.client import Client, Settings
from canbao_loadtests.http.exchange import Exchange
from canbao_loadtests.http.messages import Browser, Request, Response, TransportError
from canbao_loadtests.http.safety import Safety
from canbao_loadtests.http.transports import Plain

Open = Callable[..., Browser]
OK = "HTTP/1.1 200 OK\r\n"


@pytest.fixture
def exchanges() -> list[Exchange]:
    """Give what is recorded."""
    return []


@pytest.fixture
def open_browser(faulty: Any, exchanges: list[Exchange]) -> Iterator[Open]:
    """Give what opens a browser of the faulty server; all share one client unless settings differ."""
    clients: dict[Any, Client] = {}

    def open_(cookies: dict[str, str] | None = None, **more: Any) -> Browser:
        key = repr(sorted(more.items()))
        if key not in clients:
            timeout_s = more.pop("timeout_s", 10.0)
            path = more.pop("path", "")
            clients[key] = Client(faulty.url + path, Safety(), timeout_s=timeout_s, settings=Settings(**more))
        return clients[key].browser(cookies or {}, exchanges.append)

    yield open_
    for client in clients.values():
        client.close()


def get(browser: Browser, path: str = "/", **more: Any) -> Response:
    """Ask for a page."""
    return browser.send(Request("GET", path, operation="look", **more))


def post(browser: Browser, path: str = "/form", body: bytes = b"a=1", **more: Any) -> Response:
    """Send a form."""
    return browser.send(Request("POST", path, (("Content-Type", "text/plain"),), body, operation="send", **more))


def echo(response: Response) -> dict[str, Any]:
    """Give what the server got."""
    found: dict[str, Any] = json.loads(response.body)
    return found


def sent_headers(response: Response) -> dict[str, str]:
    """Give the headers that the server got."""
    return {name.lower(): value for name, value in echo(response)["headers"]}


def trouble_of(browser: Browser, request: Request | None = None) -> str:
    """Give the trouble of a request that must have one."""
    with pytest.raises(TransportError) as raised:
        browser.send(request or Request("GET", "/", operation="look"))
    return raised.value.trouble


def test_a_request_arrives_as_it_was_meant(open_browser: Open) -> None:
    """Method, path, headers and body come through, with host and length."""
    response = post(open_browser(), "/a/b?c=%20d", "参保".encode())
    got = echo(response)
    assert (response.status, got["method"], got["path"]) == (200, "POST", "/a/b?c=%20d")
    assert got["body"].encode("latin-1").decode() == "参保"
    headers = sent_headers(response)
    assert headers["host"] == response.url.split("/")[2]
    assert headers["content-length"] == "6"
    assert headers["content-type"] == "text/plain"
    assert headers["accept-encoding"] == "gzip, deflate"


def test_a_path_of_the_base_url_comes_before_each_path(open_browser: Open) -> None:
    """A deployment may live below a path."""
    assert echo(get(open_browser(path="/api/v1/"), "/x"))["path"] == "/api/v1/x"


def test_browsers_share_kept_connections(open_browser: Open, faulty: Any) -> None:
    """One after another, a hundred families need one connection."""
    numbers = {echo(post(open_browser()))["connection"] for _ in range(100)}
    assert len(numbers) == 1


def test_browsers_have_connections_of_their_own_if_they_shall(open_browser: Open) -> None:
    """With `shared=False` each family comes over its own connection, and keeps it."""
    first, second = open_browser(shared=False), open_browser(shared=False)
    seen = [(echo(get(browser))["connection"], browser) for browser in (first, second, first, second)]
    for browser in (first, second):
        browser.close()
    assert seen[0][0] == seen[2][0] != seen[1][0] == seen[3][0]


def test_families_wait_side_by_side(open_browser: Open, faulty: Any) -> None:
    """Fifty requests to a server that takes 0.3 s each are under way at once."""
    faulty.faults({"delay_s": 0.3, "times": None})
    browsers = [open_browser() for _ in range(50)]
    with gevent.Timeout(10):  # one after another they need 15 s
        done = gevent.joinall([gevent.spawn(get, browser) for browser in browsers], raise_error=True)
    assert len({echo(greenlet.value)["connection"] for greenlet in done}) == 50


def test_nothing_waits_for_nagle(faulty: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every connection sends at once: with Nagle's delay a request after an upload may wait 40 ms for nothing."""
    taken: list[bool] = []

    class Remembered(Plain):
        def __init__(self, connected: Any) -> None:
            taken.append(bool(connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
            super().__init__(connected)

    monkeypatch.setattr(connections, "Plain", Remembered)
    client = Client(faulty.url, Safety())
    assert get(client.browser({}, lambda _: None)).status == 200
    assert taken == [True]
    client.close()


def test_a_large_upload_arrives_whole(open_browser: Open) -> None:
    """Two megabytes that the socket does not take at once."""
    body = bytes(range(256)) * 8192
    assert echo(post(open_browser(), body=body))["body"].encode("latin-1") == body


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (OK + "Content-Length: 5\r\n\r\nhello", b"hello"),
        (OK + "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: t\r\n\r\n", b"hello"),
        (OK + "\r\nuntil the end", b"until the end"),
        ("HTTP/1.0 200 OK\r\n\r\nold", b"old"),
        ("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nold", b"old"),
        (OK + "Connection: close\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
        ("HTTP/1.1 100 Continue\r\n\r\n" + OK + "Content-Length: 2\r\n\r\nhi", b"hi"),
        ("HTTP/1.1 103 Early Hints\r\nSet-Cookie: a=b\r\nLink: x\r\n\r\n" + OK + "Content-Length: 2\r\n\r\nhi", b"hi"),
        (OK + "Content-Length: 0\r\n\r\n", b""),
        ("HTTP/1.1 204 No Content\r\n\r\n", b""),
        ("HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
    ],
)
def test_every_kind_of_body_is_read_whole(open_browser: Open, faulty: Any, raw: str, body: bytes) -> None:
    """Lengths, chunks, the end of the connection; HTTP/1.0; interim answers before."""
    faulty.raw(raw)
    response = get(open_browser())
    assert response.status in {200, 204}
    assert response.body == body
    assert response.cookies == {}
    assert get(open_browser()).status == 200, "the next request has a connection that works"


@pytest.mark.parametrize("then", ["close", "keep"])
def test_bytes_in_pieces_make_the_same_answer(open_browser: Open, faulty: Any, then: str) -> None:
    """What follows the whole answer on the wire is nobody's, and spoils no later request."""
    faulty.raw(OK + "Content-Length: 2\r\n\r\nhi" + OK + "Content-Length: 9\r\n\r\nforgotten", then)
    browser = open_browser()
    assert get(browser).body == b"hi"
    assert echo(get(browser, "/next"))["path"] == "/next"


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b"paper" * 1000)),
        ("gzip", gzip.compress(b"paper" * 600) + gzip.compress(b"paper" * 400)),
        ("deflate", zlib.compress(b"paper" * 1000)),
        ("deflate", zlib.compress(b"paper" * 1000)[2:-4]),
        ("deflate, gzip", gzip.compress(zlib.compress(b"paper" * 1000))),
        ("identity", b"paper" * 1000),
    ],
)
def test_compressed_bodies_are_unpacked(open_browser: Open, faulty: Any, encoding: str, packed: bytes) -> None:
    """Gzip, also of several members; deflate with zlib's header and without it; one in the other."""
    head = f"{OK}Content-Encoding: {encoding}\r\nContent-Length: {len(packed)}\r\n\r\n"
    faulty.raw(head + packed.decode("latin-1"))
    assert get(open_browser()).body == b"paper" * 1000


def test_a_head_has_no_body(open_browser: Open, faulty: Any) -> None:
    """The length that it tells is not waited for."""
    faulty.raw(OK + "Content-Length: 100\r\n\r\n", "keep")
    browser = open_browser()
    assert browser.send(Request("HEAD", "/")).body == b""
    assert get(browser).status == 200


@pytest.mark.parametrize(
    ("raw", "then", "trouble"),
    [
        ("\x00\xff\xfe no HTTP at all", "close", "garbage"),
        (OK + "Content-Length: many\r\n\r\nx", "close", "garbage"),
        (OK + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", "close", "garbage"),
        (OK + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", "close", "garbage"),
        (OK + "Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope", "close", "garbage"),
        (OK + "Content-Encoding: br\r\nContent-Length: 4\r\n\r\nnope", "close", "garbage"),
        ("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n", "close", "garbage"),
        (OK + "X: " + "y" * 200_000 + "\r\n\r\n", "close", "garbage"),
        (OK + "Content-Length: 100\r\n\r\nhalf", "close", "reset"),
        (OK + "Transfer-Encoding: chunked\r\n\r\n5\r\nhel", "close", "reset"),
        (OK + "Content-Len", "close", "reset"),
        (OK + "Content-Length: 100\r\n\r\nhalf", "reset", "reset"),
        ("", "close", "reset"),
        ("", "reset", "reset"),
        ("HTTP/1.1 100 Continue\r\n\r\n", "close", "reset"),
    ],
)
def test_what_is_no_answer_is_trouble_of_its_kind(
    open_browser: Open, faulty: Any, exchanges: list[Exchange], raw: str, then: str, trouble: str
) -> None:
    """Garbage, half an answer, a reset: named, recorded without a status, and the next request works."""
    faulty.raw(raw, then)
    browser = open_browser()
    assert trouble_of(browser, Request("POST", "/", operation="send")) == trouble
    assert [(e.operation, e.status, e.trouble) for e in exchanges] == [("send", 0, trouble)]
    assert post(browser).status == 200


def test_an_answer_that_unpacks_beyond_the_limit_is_garbage(open_browser: Open, faulty: Any) -> None:
    """A few bytes that become a gigabyte are not unpacked."""
    bomb = gzip.compress(bytes(5_000_000)).decode("latin-1")
    faulty.raw(f"{OK}Content-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n{bomb}")
    assert trouble_of(open_browser(limits=Limits(body=1_000_000))) == "garbage"


def test_an_answer_beyond_the_limit_is_garbage(open_browser: Open, faulty: Any) -> None:
    """A body of more than the limit is not kept in memory."""
    faulty.raw(f"{OK}Content-Length: 300000\r\n\r\n{'x' * 300_000}")
    assert trouble_of(open_browser(limits=Limits(body=100_000))) == "garbage"


def test_nobody_there_is_refused(open_browser: Open, exchanges: list[Exchange]) -> None:
    """A port at which nobody listens."""
    client = Client("http://127.0.0.1:9", Safety())
    assert trouble_of(client.browser({}, exchanges.append)) == "refused"
    assert exchanges[0].trouble == "refused"


@pytest.mark.parametrize("fault", [{"delay_s": 5.0}, {"raw": OK + "Content-Length: 9\r\n\r\nhalf", "then": "keep"}])
def test_an_answer_that_does_not_end_is_given_up(
    open_browser: Open, faulty: Any, exchanges: list[Exchange], fault: dict[str, Any]
) -> None:
    """The limit of time holds for the whole answer, not from one byte to the next."""
    faulty.faults(fault)
    assert trouble_of(open_browser(timeout_s=0.2)) == "timeout"
    assert exchanges[0].trouble == "timeout"
    assert 0.2 <= exchanges[0].ended - exchanges[0].began < 5.0


def test_somebody_elses_timeout_goes_through(open_browser: Open, faulty: Any, exchanges: list[Exchange]) -> None:
    """A limit of the caller's own is raised as it is, and the exchange is recorded."""
    faulty.faults({"delay_s": 5.0})
    with pytest.raises(gevent.Timeout) as raised, gevent.Timeout(0.1) as mine:
        get(open_browser())
    assert raised.value is mine
    assert exchanges[0].trouble == "timeout"


def test_a_killed_greenlet_leaves_a_record(open_browser: Open, faulty: Any, exchanges: list[Exchange]) -> None:
    """What was in flight when a run was cut is recorded as stopped, and its connection is not used again."""
    faulty.faults({"delay_s": 5.0})
    greenlet = gevent.spawn(get, open_browser())
    with gevent.Timeout(10):
        while not faulty.seen():
            gevent.sleep(0.01)
    greenlet.kill()
    assert [e.trouble for e in exchanges] == ["stopped"]
    assert get(open_browser()).status == 200


def test_a_stopped_client_sends_nothing(faulty: Any, exchanges: list[Exchange]) -> None:
    """After `stop` nothing reaches the server."""
    client = Client(faulty.url, Safety())
    browser = client.browser({}, exchanges.append)
    client.stop()
    assert trouble_of(browser) == "stopped"
    assert (faulty.seen(), exchanges) == ([], [])


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_connection_that_was_closed_while_idle_is_replaced(open_browser: Open, faulty: Any, method: str) -> None:
    """A server may close what is idle at any time; no family notices, and nothing is sent twice."""
    browser = open_browser()
    get(browser)
    faulty.close_idle()
    assert browser.send(Request(method, "/again")).status == 200
    assert faulty.seen().count(f"{method} /again") == 1


def test_a_get_on_a_kept_connection_that_dies_at_once_is_sent_again(open_browser: Open, faulty: Any) -> None:
    """Nothing came back and nothing was changed: once more, on a new connection."""
    browser = open_browser()
    first = echo(get(browser))["connection"]
    faulty.raw("", "reset")
    assert echo(get(browser))["connection"] != first


def test_a_post_that_may_have_been_done_is_not_sent_again(open_browser: Open, faulty: Any) -> None:
    """A server that dies after it got a request may have done it; the family hears of it."""
    browser = open_browser()
    get(browser)
    faulty.raw("", "reset")
    assert trouble_of(browser, Request("POST", "/once")) == "reset"
    assert faulty.seen().count("POST /once") == 1


def test_a_post_after_a_long_idle_time_is_sent_again(
    open_browser: Open, faulty: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server ends connections that were idle for long, and may do so in the very moment of the next request."""
    monkeypatch.setattr(connections, "_LONG_IDLE_S", 0.0)
    browser = open_browser()
    get(browser)
    faulty.raw("", "reset")
    assert browser.send(Request("POST", "/once")).status == 200
    assert faulty.seen().count("POST /once") == 2


def test_a_request_is_sent_again_once_at_most(open_browser: Open, faulty: Any) -> None:
    """A server that resets everything is a reset, after two attempts."""
    browser = open_browser()
    get(browser)
    faulty.raw("", "reset", times=None)
    assert trouble_of(browser) == "reset"
    assert faulty.seen() == ["GET /"] * 3


def test_an_answer_before_the_upload_is_through_is_heard(open_browser: Open, faulty: Any) -> None:
    """A server that refuses a large upload by its head, and closes: the family learns why."""
    faulty.raw("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    assert post(open_browser(), body=bytes(3_000_000)).status == 413


def test_an_exchange_says_what_was_on_the_wire(open_browser: Open, faulty: Any, exchanges: list[Exchange]) -> None:
    """Bytes of head and body, both ways; times of one clock."""
    raw = OK + "Content-Length: 5\r\n\r\nhello"
    faulty.raw(raw)
    post(open_browser(), body=b"12345")
    (exchange,) = exchanges
    assert (exchange.operation, exchange.status, exchange.trouble) == ("send", 200, None)
    assert exchange.received == len(raw)
    assert exchange.sent > len("POST /form HTTP/1.1\r\n\r\n12345")
    assert exchange.began <= exchange.ended


def test_what_a_deployment_said_cannot_become_a_header(open_browser: Open, faulty: Any) -> None:
    """A line break in a value that came from elsewhere stops the request."""
    for request in (Request("GET", "/", (("X", "a\r\nEvil: yes"),)), Request("GET", "/ HTTP/1.1\r\nEvil: yes")):
        assert trouble_of(open_browser(), request) == "garbage"
    assert faulty.seen() == []


def test_a_system_that_sends_one_piece_at_a_time_and_cannot_poll_does_the_same(
    open_browser: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Windows there is neither: large bodies arrive whole all the same, and connections are used again."""
    monkeypatch.setattr(transports, "_GATHERS", False)
    monkeypatch.delattr(transports.select, "poll")
    browser, body = open_browser(), bytes(range(256)) * 1024
    seen = [echo(post(browser, body=body)) for _ in range(3)]
    assert {one["body"].encode("latin-1") for one in seen} == {body}
    assert len({one["connection"] for one in seen}) == 1
