"""Browsers of families: their requests on shared connections, with cookies, redirects and a limit of time.

Sockets of gevent and llhttp's parser (httptools), and no library of requests between them, since what the generator
spends here it cannot send. A JSON post costs, in microseconds of a core, the lowest of five runs in turn with 64
families at once, the server on the other core and both of them busy: the bare sockets with the parser 26, this client
43, geventhttpclient 139, Locust's FastHttpSession 285. It also says what they hide: how many bytes went each way, what
kind of trouble it was, and that a request that may have been carried out is not sent again.
"""

from __future__ import annotations

import time as clocks
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gevent import Timeout

from canbao.errors import InputError
from canbao_loadtests.http.answers import AnswerReader, Limits
from canbao_loadtests.http.connections import Site
from canbao_loadtests.http.cookies import Cookies
from canbao_loadtests.http.deadlines import Deadlines
from canbao_loadtests.http.exchange import Exchange, OnRequest
from canbao_loadtests.http.messages import Browser, Request, Response, TransportError, Trouble
from canbao_loadtests.http.redirects import redirected, without_secrets
from canbao_loadtests.http.safety import Ceiling, Safety
from canbao_loadtests.http.ways import Origin, Ways, split_url

__all__ = ["Client", "Settings"]

_MOST_REDIRECTS = 10
_DEFAULTS = (("Accept", "*/*"), ("Accept-Encoding", "gzip, deflate"))


@dataclass(frozen=True)
class Settings:
    """How a client goes about it.

    Parameters
    ----------
    connect_timeout_s
        Seconds for a connection, and again for TLS's handshake.
    ca_file
        The certificate of an authority (PEM) to trust instead of those of the system.
    limits
        How large an answer may be.
    shared
        Whether browsers share connections, which is cheap; or each has its own, as families have.
    user_agent
        How requests call themselves.
    """

    connect_timeout_s: float = 10.0
    ca_file: str | Path | None = None
    limits: Limits = field(default_factory=Limits)
    shared: bool = True
    user_agent: str = "canbao load test"


class Client:
    """What the browsers of one deployment share: connections, limits, and where they may go.

    Proxies of the environment are not used: load goes where it was checked to go.

    Parameters
    ----------
    base_url
        The deployment, `http://127.0.0.1:8780`; a path behind it comes before the path of each request.
    safety
        What may be connected to.
    timeout_s
        Seconds for an answer with all its redirects, connecting included; waiting for the rate ceiling is not.
    time
        The clock of what is recorded.
    settings
        The rest.

    Raises
    ------
    InputError
        When the URL is none, its host is not known, or load may not go there.
    """

    def __init__(
        self,
        base_url: str,
        safety: Safety,
        *,
        timeout_s: float = 30.0,
        time: Callable[[], float] = clocks.time,
        settings: Settings | None = None,
    ) -> None:
        self.home, path = split_url(base_url)
        self.prefix = path.rstrip("/")
        self.timeout_s, self.time, self.settings = timeout_s, time, settings or Settings()
        self.defaults = (*_DEFAULTS, ("User-Agent", self.settings.user_agent))
        self.ceiling = Ceiling(safety.max_rate)
        self.is_stopped = False
        self.deadlines = Deadlines()
        """Those of requests; who uses the client may have some here too."""
        self._ways = Ways(safety, self.settings.connect_timeout_s, self.settings.ca_file)
        self._ways.see(self.home)
        self._sites: dict[Origin, Site] = {}

    def browser(self, cookies: Mapping[str, str], on_request: OnRequest) -> Browser:
        """Open a browser for a family.

        Parameters
        ----------
        cookies
            Those of an earlier browser of the same family (`Browser.cookies`).
        on_request
            Is told each exchange.
        """
        sites = self._sites if self.settings.shared else {}
        return _Browser(self, sites, Cookies(cookies, self.home.host), on_request)

    def site(self, sites: dict[Origin, Site], origin: Origin) -> Site:
        """Give the site at an origin, one of these or a new one.

        Raises
        ------
        TransportError
            `forbidden host`, when load may not go there.
        """
        found = sites.get(origin)
        if found is None:
            found = sites[origin] = Site(origin, self._ways, self.defaults)
        return found

    def stop(self) -> None:
        """Send nothing more: whoever wants to gets the trouble `stopped`. What is in flight may finish."""
        self.is_stopped = True

    def close(self) -> None:
        """Close the connections that are idle."""
        _close(self._sites)


class _ExpiredError(BaseException):
    """A request has taken too long; like a `Timeout` of gevent it is nobody else's to catch."""


class _Browser:
    """One family's requests, one at a time."""

    __slots__ = ("_client", "_cookies", "_home", "_on_request", "_sites")

    def __init__(self, client: Client, sites: dict[Origin, Site], cookies: Cookies, on_request: OnRequest) -> None:
        self._client, self._sites, self._cookies, self._on_request = client, sites, cookies, on_request
        self._home = client.site(sites, client.home)

    def send(self, request: Request) -> Response:
        """Send a request, follow where its answer points, and give the last answer."""
        site, path = self._place(request.path)
        left_s = self._client.timeout_s
        for _ in range(_MOST_REDIRECTS + 1):
            self._client.ceiling.wait()
            if self._client.is_stopped:
                raise TransportError("stopped", "the load test sends nothing more")
            began = self._client.time()
            response = self._answer(request, site, path, began, left_s)
            further = redirected(request, response) if request.follow and response.status >= 300 else None
            if further is None:
                return response
            request, last = further, site
            site, path = self._place(request.path)
            if site is not last:
                request = without_secrets(request)
            left_s -= self._client.time() - began
        raise TransportError("redirects", f"more than {_MOST_REDIRECTS}, the last to {request.path}")

    def cookies(self) -> dict[str, str]:
        """Give the cookies of the deployment by name."""
        return self._cookies.by_name(self._client.home.host) if self._cookies.kept else {}

    def close(self) -> None:
        """Close the connections of one's own, if there are any."""
        if not self._client.settings.shared:
            _close(self._sites)

    def _place(self, path: str) -> tuple[Site, str]:
        if path.startswith("/"):
            return self._home, self._client.prefix + path
        try:
            origin, path = split_url(path)
        except InputError as error:
            raise TransportError("forbidden host", str(error)) from None
        return self._client.site(self._sites, origin), path

    def _answer(self, request: Request, site: Site, path: str, began: float, left_s: float) -> Response:
        """Exchange one request for its answer, and record it whatever happens."""
        client = self._client
        parts = site.write(request, path, self._sent_cookies(site, path, began) if self._cookies.kept else "")
        reader = AnswerReader(request.method, client.settings.limits)
        trouble: Trouble | None = "stopped"  # that is left if this greenlet is killed
        deadline = client.deadlines.set(max(left_s, 0.001), _ExpiredError)
        try:
            site.carry(request.method, parts, reader)
            trouble = None
        except (_ExpiredError, Timeout) as expired:
            trouble = "timeout"
            if expired is not deadline.error:
                raise
            raise TransportError("timeout", f"{site.url}: no whole answer within {client.timeout_s:g} s") from None
        except TransportError as error:
            trouble = error.trouble
            raise
        finally:
            deadline.clear()
            status = reader.status if trouble is None else 0
            sent = sum(map(len, parts))
            self._on_request(Exchange(request.operation, began, client.time(), status, sent, reader.received, trouble))
        for cookie in reader.headers.named(b"set-cookie"):
            self._cookies.take(cookie, site.origin.host, path.partition("?")[0], began)
        return Response(status, reader.headers, reader.body, f"{site.url}{path}", self.cookies())

    def _sent_cookies(self, site: Site, path: str, now: float) -> str:
        return self._cookies.header(site.origin.host, path.partition("?")[0], site.is_private, now)


def _close(sites: Mapping[Origin, Site]) -> None:
    for site in sites.values():
        site.close()
