"""Where load may go."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canbao.errors import InputError
from canbao_loadtests.http.client import Client
from canbao_loadtests.http.messages import Request
from canbao_loadtests.http.safety import Ceiling, Safety, allowed_hosts, is_governmental


def book(**hosts: str | list[str]) -> Callable[..., Any]:
    """Give a resolver that knows these hosts (dots as underscores), and addresses."""

    def resolve(host: str, port: int, **_: Any) -> Any:
        known = hosts.get(host.replace(".", "_"), host)
        for address in [known] if isinstance(known, str) else known:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            try:
                socket.inet_pton(family, address)
            except OSError:
                raise socket.gaierror(-2, "Name or service not known") from None
        return [(socket.AF_INET, 1, 6, "", (a, port)) for a in ([known] if isinstance(known, str) else known)]

    return resolve


def may_go(host: str, *allow_hosts: str, max_rate: float = 0.0, **hosts: str | list[str]) -> bool:
    """Tell whether load may go to a host."""
    try:
        Safety(allow_hosts, max_rate, book(**hosts)).addresses(host, 80)
    except InputError:
        return False
    return True


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
def test_this_machine_may_always_be_loaded(host: str) -> None:
    """All addresses of loopback, in both versions of IP."""
    assert may_go(host)


@pytest.mark.parametrize(
    "host", ["192.168.0.1", "10.0.0.1", "0.0.0.0", "8.8.8.8", "2001:db8::1", "::ffff:8.8.8.8", "fe80::1%eth0"]
)
def test_other_machines_may_not(host: str) -> None:
    """Private addresses are other people's machines too."""
    assert not may_go(host)


@pytest.mark.parametrize("host", ["localhost", "localhost.example", "127.0.0.1.example"])
def test_a_name_is_what_it_resolves_to(host: str) -> None:
    """Whatever a host is called, its addresses count, and all of them."""
    key = host.replace(".", "_")
    assert may_go(host, **{key: "127.0.0.1"})
    assert not may_go(host, **{key: "192.0.2.1"})
    assert not may_go(host, **{key: ["127.0.0.1", "192.0.2.1"]})


def test_another_machine_needs_a_name_and_a_limit() -> None:
    """One of both is not enough."""
    known = {"try_example_org": "192.0.2.1"}
    assert may_go("try.example.org", "try.example.org", max_rate=5, **known)
    assert may_go("Try.Example.Org.", "try.example.org", max_rate=5, **known)
    assert not may_go("try.example.org", "try.example.org", **known)
    assert not may_go("try.example.org", max_rate=5, **known)
    assert not may_go("try.example.org", "example.org", max_rate=5, **known)


def test_a_star_stands_for_all_hosts_below() -> None:
    """`*.example.org` is not example.org itself, nor anotherexample.org."""
    known = {"a_example_org": "192.0.2.1", "example_org": "192.0.2.1", "anexample_org": "192.0.2.1"}
    assert may_go("a.example.org", "*.example.org", max_rate=5, **known)
    assert not may_go("example.org", "*.example.org", max_rate=5, **known)
    assert not may_go("anexample.org", "*.example.org", max_rate=5, **known)


GOVERNMENTS = [
    "www.gov.cn", "gov.cn", "ybj.beijing.gov.cn", "www.nhsa.gov", "service.gov.uk", "www.e-tax.nta.go.jp",
    "ameli.gouv.fr", "gob.mx", "x.gub.uy", "www.gv.at", "service.govt.nz", "canada.ca", "a.gc.ca", "x.admin.ch",
    "x.bund.de", "ec.europa.eu", "army.mil", "测试.政务", "www.gov.hk", "gov.taipei", "WWW.GOV.CN.",
]  # fmt: skip
OTHERS = [
    "example.org",
    "governor.example",
    "go.dev",
    "go.example.org",
    "localhost",
    "gouvernail.fr",
    "127.0.0.1",
    "::1",
    "cargo.jp",
]


@pytest.mark.parametrize("host", GOVERNMENTS)
def test_a_governments_host_needs_its_full_name(host: str) -> None:
    """A star does not do, nor that it happens to be this machine."""
    assert is_governmental(host)
    name = allowed_hosts([host])[0]
    assert may_go(host, name, max_rate=5, **{name.replace(".", "_"): "192.0.2.1"})
    below = "*." + name.partition(".")[2]
    assert not may_go(host, below, max_rate=5, **{name.replace(".", "_"): "192.0.2.1"})
    assert not may_go(host, **{name.replace(".", "_"): "127.0.0.1"})


@pytest.mark.parametrize("host", OTHERS)
def test_other_hosts_are_no_governments(host: str) -> None:
    """Words that only look alike."""
    assert not is_governmental(host)


def test_a_file_alone_does_not_allow_a_governments_host() -> None:
    """Whoever starts the load test has to type it."""
    assert allowed_hosts(["A.example"], ["b.example", "*.c.example"]) == ("a.example", "b.example", "*.c.example")
    with pytest.raises(InputError, match=r"--allow-host x\.gov\.cn"):
        allowed_hosts(["a.example"], ["x.gov.cn"])
    assert allowed_hosts(["x.gov.cn"], ["x.gov.cn"]) == ("x.gov.cn",)


@pytest.mark.parametrize("host", ["", "*", "http://a.example", "a.example:80", "a.*.example", "a b", "*."])
def test_what_is_no_host_name_is_refused(host: str) -> None:
    """With what it should look like."""
    with pytest.raises(InputError, match=r"enrol\.example\.org"):
        allowed_hosts([host])


def test_a_refusal_says_what_to_do() -> None:
    """The remedy is a command line that can be copied."""
    with pytest.raises(InputError, match=r"try\.example \(at 192\.0\.2\.1\).*--allow-host try\.example --max-rate"):
        Safety(resolve=book(try_example="192.0.2.1")).addresses("try.example", 80)
    with pytest.raises(InputError, match="--max-rate"):
        Safety(["try.example"], resolve=book(try_example="192.0.2.1")).addresses("try.example", 80)
    with pytest.raises(InputError, match="nowhere is not known"):
        Safety(resolve=book()).addresses("nowhere", 80)


@pytest.mark.parametrize("url", ["", "127.0.0.1:80", "ftp://127.0.0.1", "http://", "http://127.0.0.1:99999"])
def test_a_url_that_is_none_is_refused(url: str) -> None:
    """Before anything is sent, with an example."""
    with pytest.raises(InputError, match=r"http://127\.0\.0\.1:8780"):
        Client(url, Safety())


def test_a_client_of_another_machine_is_refused_at_once() -> None:
    """Not only when the first family comes."""
    with pytest.raises(InputError, match="not this machine"):
        Client("http://192.0.2.1", Safety())


def test_what_was_checked_is_what_is_connected_to(faulty: Any) -> None:
    """The name is asked once; a second answer, another address, gets nothing."""
    answers = iter(["127.0.0.1"])
    port = int(faulty.url.rpartition(":")[2])

    def resolve(host: str, port: int, **_: Any) -> Any:
        return book(name_example=next(answers))(host, port)

    client = Client(f"http://name.example:{port}", Safety(resolve=resolve))
    for _ in range(3):
        response = client.browser({}, lambda _: None).send(Request("GET", "/"))
        assert f"name.example:{port}".encode() in response.body
    client.close()


@given(st.floats(1, 1000), st.floats(1, 50), st.lists(st.floats(0, 0.5), min_size=1, max_size=100))
def test_a_ceiling_is_never_exceeded(rate: float, burst: float, pauses: list[float]) -> None:
    """In no interval are there more requests than its length x rate, and the burst; nobody waits without need."""
    now, sent = 0.0, []

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    ceiling = Ceiling(rate, burst=burst, now=lambda: now, sleep=sleep)
    for pause in pauses:
        now += pause
        before, waited = now, ceiling.delayed_s
        ceiling.wait()
        assert now - before == pytest.approx(ceiling.delayed_s - waited)
        sent.append(now)
    for first in range(len(sent)):
        for last in range(first, len(sent)):
            assert last - first + 1 <= (sent[last] - sent[first]) * rate + burst + 1e-6
    if len(pauses) <= burst:
        assert ceiling.delayed == 0


def test_families_wait_for_the_ceiling_side_by_side(faulty: Any) -> None:
    """Twelve requests at once at 20 a second, two of them early, take half a second; those that waited are counted."""
    client = Client(faulty.url, Safety(max_rate=20.0))
    browsers = [client.browser({}, lambda _: None) for _ in range(12)]
    begun = time.monotonic()
    gevent.joinall([gevent.spawn(b.send, Request("GET", "/")) for b in browsers], raise_error=True)
    assert time.monotonic() - begun >= 0.49
    assert 1 <= client.ceiling.delayed <= 10
    client.close()


def test_no_ceiling_delays_nobody() -> None:
    """A rate of 0 is none."""
    ceiling = Ceiling(0.0, now=lambda: 0.0, sleep=lambda _: pytest.fail("slept"))
    for _ in range(1000):
        ceiling.wait()
    assert ceiling.delayed == 0
