"""The ways to a deployment: which addresses its hosts have, whether load may go there, and whom TLS trusts."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from gevent.ssl import SSLContext

from canbao.errors import InputError
from canbao_loadtests.http.messages import TransportError
from canbao_loadtests.http.safety import Address, Safety

__all__ = ["Origin", "Ways", "split_url"]

_KNOWN_FOR_S = 60.0
_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """Where requests go: scheme, host and port."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """Give what the header `Host` says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


def split_url(url: str) -> tuple[Origin, str]:
    """Give where a URL leads: its origin, and the path with the query.

    Raises
    ------
    InputError
        When it is no URL of http or https.
    """
    try:
        found = urlsplit(url.strip())
        port = found.port
    except ValueError as error:
        raise InputError(f"{url!r} is no URL: {error}; give one as http://127.0.0.1:8780") from None
    if found.scheme not in _PORTS or not found.hostname:
        raise InputError(f"{url!r} is no URL of http or https; give one as http://127.0.0.1:8780")
    path = (found.path or "/") + (f"?{found.query}" if found.query else "")
    return Origin(found.scheme, found.hostname, port or _PORTS[found.scheme]), path


class Ways:
    """Says how origins are reached.

    Parameters
    ----------
    safety
        What may be connected to.
    connect_timeout_s
        Seconds for a connection, and again for TLS's handshake.
    ca_file
        The certificate of an authority (PEM) to trust instead of those of the system.
    """

    def __init__(self, safety: Safety, connect_timeout_s: float, ca_file: str | Path | None) -> None:
        self.connect_timeout_s = connect_timeout_s
        self._safety, self._ca_file = safety, ca_file
        self._known: dict[Origin, tuple[float, Sequence[Address]]] = {}
        self._context: SSLContext | None = None

    def see(self, origin: Origin) -> None:
        """See whether load may go to an origin.

        Raises
        ------
        InputError
            When it may not, its host is not known, or there is no such certificate.
        """
        self._resolved(origin)
        if origin.scheme == "https":
            self.context()

    def addresses(self, origin: Origin) -> Sequence[Address]:
        """Give the addresses of an origin; asked anew now and then, since a load test may take days.

        Raises
        ------
        TransportError
            `forbidden host`, when load may not go there or its name is not known.
        """
        until, addresses = self._known.get(origin, (0.0, ()))
        if monotonic() < until:
            return addresses
        try:
            return self._resolved(origin)
        except InputError as error:
            raise TransportError("forbidden host", str(error)) from None

    def context(self) -> Any:
        """Give what checks certificates, of every host alike."""
        if self._context is None:
            context = SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks the chain and the host's name
            try:
                if self._ca_file is None:
                    context.load_default_certs()
                else:
                    context.load_verify_locations(str(self._ca_file))
            except OSError as error:
                raise InputError(f"{self._ca_file} holds no certificate that can be read (PEM): {error}") from None
            self._context = context
        return self._context

    def _resolved(self, origin: Origin) -> Sequence[Address]:
        addresses = self._safety.addresses(origin.host, origin.port)
        self._known[origin] = (monotonic() + _KNOWN_FOR_S, addresses)
        return addresses
