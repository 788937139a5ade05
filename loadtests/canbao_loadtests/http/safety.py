"""Where load may go: to this machine, and elsewhere only where somebody said so."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import gevent
from gevent.socket import getaddrinfo

from canbao.errors import InputError

__all__ = ["Address", "Ceiling", "Safety", "allowed_hosts", "is_governmental", "is_loopback"]

Address: TypeAlias = tuple[int, Any]
"""The family of a socket, and what it is to be connected to: an IP address and a port."""

Resolve: TypeAlias = Callable[..., Sequence[Any]]

_OFFICIAL = {"gov", "govt", "government", "gob", "gouv", "gub", "guv", "mil", "xn--zfr164b"}  # the last: 政务
_OFFICIAL_IN_A_COUNTRY = {"go", "gv", "gc", "gok"}  # go.jp, go.kr, gv.at, gc.ca, gok.pk
_OFFICIAL_DOMAINS = ("admin.ch", "bund.de", "canada.ca", "europa.eu", "nhs.uk", "政务.cn".encode("idna").decode())


def is_governmental(host: str) -> bool:
    """Tell whether a host name looks like a government's: gov.cn, gov, go.jp, gouv.fr, gov.uk and their like.

    It rather takes too many: for those it asks for no more than the full name.
    """
    name = _plain(host)
    labels = name.split(".")
    if _OFFICIAL.intersection(labels):
        return True
    if len(labels) > 1 and labels[-2] in _OFFICIAL_IN_A_COUNTRY and len(labels[-1]) == 2:
        return True
    return any(name == domain or name.endswith("." + domain) for domain in _OFFICIAL_DOMAINS)


def allowed_hosts(typed: Collection[str], in_file: Collection[str] = ()) -> tuple[str, ...]:
    """Give the hosts that may get load: those of the command line, and those of the target's file.

    Each is a host name, or `*.example.org` for all below it.

    Raises
    ------
    InputError
        When one is no host name, or the file names a government's host that nobody typed in full.
    """
    for host in (*typed, *in_file):
        _see_name(host)
    known = {_plain(host) for host in typed}
    for host in in_file:
        if is_governmental(host) and _plain(host) not in known:
            raise InputError(
                f"the target's file allows the host {host}, which looks like a government's; such a host gets "
                f"load only if its full name is typed as well: --allow-host {host.removeprefix('*.')}"
            )
    return tuple(dict.fromkeys(_plain(host) for host in (*typed, *in_file)))


@dataclass(frozen=True)
class Safety:
    """What may be connected to.

    Parameters
    ----------
    allow_hosts
        Hosts besides loopback: a name, or `*.example.org` for all below it (`allowed_hosts`).
    max_rate
        Requests a second that are never exceeded; 0 for no such limit, which only loopback may have.
    resolve
        How names become addresses: `socket.getaddrinfo`.
    """

    allow_hosts: Collection[str] = ()
    max_rate: float = 0.0
    resolve: Resolve = getaddrinfo

    def addresses(self, host: str, port: int) -> list[Address]:
        """Give the addresses of a host that may be connected to; these and no others are what counts.

        Raises
        ------
        InputError
            When the host may not get load, or its name is not known.
        """
        name = _plain(host)
        hosts = [_plain(given) for given in self.allow_hosts]
        if is_governmental(name) and name not in hosts:
            raise InputError(
                f"{host} looks like a government's host and gets no load; if it is your own deployment, "
                f"say its full name: --allow-host {name} --max-rate 10"
            )
        found = self._resolved(name, port)
        elsewhere = [str(address[0]) for _, address in found if not is_loopback(str(address[0]))]
        if elsewhere and not any(_covers(given, name) for given in hosts):
            at = "" if elsewhere[0] == name else f" (at {elsewhere[0]})"
            raise InputError(
                f"{host}{at} is not this machine; load goes to loopback only, unless a host is allowed by name and "
                f"with a limit: --allow-host {name} --max-rate 10 (requests a second), or both in target.toml"
            )
        if elsewhere and self.max_rate <= 0:
            raise InputError(
                f"{host} is allowed, but without a limit; give one, in requests a second: --max-rate 10, or in the "
                "target's target.toml"
            )
        return found

    def _resolved(self, host: str, port: int) -> list[Address]:
        try:
            found = self.resolve(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise InputError(f"the host {host} is not known: {error}; is its name right?") from error
        return [(int(family), address) for family, _, _, _, address in found]


class Ceiling:
    """A limit of requests a second: a bucket of tokens that fills at this rate; who finds none waits for one.

    Parameters
    ----------
    rate
        Tokens a second; 0 for no limit.
    burst
        How many it holds; a tenth of a second's, at least one, if none is given.
    now, sleep
        The clock and how one waits; of gevent.
    """

    def __init__(
        self,
        rate: float,
        *,
        burst: float | None = None,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Any] = gevent.sleep,
    ) -> None:
        self._apart = 1 / rate if rate > 0 else 0.0
        self._early = (max(1.0, rate / 10) if burst is None else burst) * self._apart - self._apart
        self._now, self._sleep = now, sleep
        self._next = -float("inf")
        self.delayed = 0
        """Requests that had to wait."""
        self.delayed_s = 0.0
        """Seconds that they waited in all."""

    def wait(self) -> None:
        """Take a token, or wait until there is one; first come, first served."""
        if not self._apart:
            return
        now = self._now()
        # The tokens' times are a line of their own: each is `_apart` after the last, and may be taken `_early`.
        token = max(self._next, now)
        self._next = token + self._apart
        pause = token - self._early - now
        if pause > 0:
            self.delayed += 1
            self.delayed_s += pause
            self._sleep(pause)


def _covers(given: str, name: str) -> bool:
    return name == given or (given.startswith("*.") and name.endswith(given[1:]))


def _plain(host: str) -> str:
    name = host.strip().rstrip(".").lower()
    try:
        return name if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        return name


def _see_name(host: str) -> None:
    bare = host.removeprefix("*.")
    if not bare or any(letter in bare for letter in "/*@ ") or (":" in bare and not _is_address(bare)):
        raise InputError(
            f"--allow-host {host!r} is no host name; give the name alone, as enrol.example.org, or *.example.org for "
            "all below it"
        )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_loopback(text: str) -> bool:
    """Tell whether an IP address is this machine's own."""
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
