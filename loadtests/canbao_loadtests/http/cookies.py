"""The cookies of one browser (RFC 6265), kept for the host that set them and no other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import NamedTuple

__all__ = ["Cookies"]


class _Key(NamedTuple):
    host: str
    path: str
    name: str


@dataclass(frozen=True, slots=True)
class _Cookie:
    value: str
    expires: float | None
    secure: bool


class Cookies:
    """Cookies by host, path and name.

    `Domain` widens nothing: a cookie goes back to the host that set it.

    Parameters
    ----------
    kept
        Cookies of an earlier browser, by name; they are for the whole of the host.
    host
        That host.
    """

    __slots__ = ("_found", "_next_expiry", "kept")

    def __init__(self, kept: Mapping[str, str], host: str) -> None:
        self.kept = {_Key(host, "/", name): _Cookie(value, None, False) for name, value in kept.items()}
        """All there are; most families of a deployment with tokens have none."""
        self._found: dict[tuple[str, str, bool], str] = {}
        self._next_expiry = float("inf")

    def header(self, host: str, path: str, secure: bool, now: float) -> str:
        """Give what a request says in its header `Cookie`; empty if there is none."""
        if not self.kept:
            return ""
        if now >= self._next_expiry:
            self._expire(now)
        asked = (host, path, secure)
        if asked not in self._found:
            self._found[asked] = "; ".join(f"{name}={value}" for name, value in self._for(host, path, secure))
        return self._found[asked]

    def take(self, header: str, host: str, path: str, now: float) -> None:
        """Take a header `Set-Cookie` of an answer from this host and path; a faulty one is ignored, as browsers do."""
        pair, *attributes = header.split(";")
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not equals or not name:
            return
        said = {key.strip().lower(): given.strip() for key, _, given in (a.partition("=") for a in attributes)}
        if not _belongs(said.get("domain", ""), host):
            return
        where = said["path"] if said.get("path", "").startswith("/") else _folder(path)
        expires = _expiry(said, now)
        self._found.clear()
        if expires is not None and expires <= now:
            self.kept.pop(_Key(host, where, name), None)
            return
        self.kept[_Key(host, where, name)] = _Cookie(value, expires, "secure" in said)
        self._next_expiry = min(self._next_expiry, float("inf") if expires is None else expires)

    def by_name(self, host: str) -> dict[str, str]:
        """Give the cookies of a host by name; of two with one name, the one with the longer path."""
        if not self.kept:
            return {}
        mine = sorted((key.path, key.name, cookie.value) for key, cookie in self.kept.items() if key.host == host)
        return {name: value for _, name, value in sorted(mine, key=lambda found: len(found[0]))}

    def _for(self, host: str, path: str, secure: bool) -> list[tuple[str, str]]:
        found = [
            (key, cookie.value)
            for key, cookie in self.kept.items()
            if key.host == host and _is_below(path, key.path) and (secure or not cookie.secure)
        ]
        found.sort(key=lambda item: -len(item[0].path))  # longer paths first (RFC 6265, section 5.4)
        return [(key.name, value) for key, value in found]

    def _expire(self, now: float) -> None:
        self.kept = {key: c for key, c in self.kept.items() if c.expires is None or c.expires > now}
        self._next_expiry = min((c.expires for c in self.kept.values() if c.expires is not None), default=float("inf"))
        self._found.clear()


def _belongs(domain: str, host: str) -> bool:
    domain = domain.lstrip(".").lower()
    return not domain or host == domain or host.endswith("." + domain)


def _folder(path: str) -> str:
    """Give the path that a cookie has if it says none (RFC 6265, section 5.1.4)."""
    return path[: path.rfind("/")] or "/"


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder if folder.endswith("/") else folder + "/")


def _expiry(said: Mapping[str, str], now: float) -> float | None:
    """Give when it expires: Max-Age, which goes before Expires; None for never."""
    try:
        if "max-age" in said:
            return now + int(said["max-age"])
        if "expires" in said:
            return parsedate_to_datetime(said["expires"]).timestamp()
    except (ValueError, OverflowError):
        pass
    return None
