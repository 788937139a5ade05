"""Passwords, kept as scrypt hashes (RFC 7914), and the tokens that stand for them after logging in.

A hash holds its own parameters, so that another cost can be chosen later. The cost is the work of one log-in: 2 to
the power of it blocks of 1 KiB. 14 is what its author recommends for interactive log-ins (Percival 2009, section 5: N
= 2^14, r = 8, p = 1), 40 to 80 ms of a core here. A load test of anything but logging in will want less.

A token says whose it is and until when, signed with a secret of this service (HMAC-SHA256): to check one needs no
look into the database.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from base64 import b64decode, b64encode
from typing import Literal, NamedTuple

__all__ = ["Owner", "Side", "Tokens", "hash_password", "is_password"]

_BLOCK, _LANES = 8, 1

Side = Literal["family", "reviewer"]


def hash_password(password: str, cost: int) -> str:
    """Give the hash of a password, with a salt of its own; `cost` is the logarithm of N to the base 2."""
    salt = os.urandom(16)
    digest = _scrypt(password, salt, cost)
    return f"scrypt${cost}${b64encode(salt).decode()}${b64encode(digest).decode()}"


def is_password(password: str, stored: str) -> bool:
    """Tell whether a password is the one that was hashed."""
    _, cost, salt, digest = stored.split("$")
    return hmac.compare_digest(_scrypt(password, b64decode(salt), int(cost)), b64decode(digest))


def _scrypt(password: str, salt: bytes, cost: int) -> bytes:
    memory = 128 * _BLOCK * (2**cost + 64)  # 128 r N bytes, and some room
    return hashlib.scrypt(password.encode(), salt=salt, n=2**cost, r=_BLOCK, p=_LANES, maxmem=memory, dklen=32)


class Owner(NamedTuple):
    """Whose a token is."""

    account: int
    side: Side


class Tokens:
    """Gives out tokens and checks them.

    Parameters
    ----------
    secret
        What they are signed with.
    life_s
        Real seconds for which a token is good.
    """

    def __init__(self, secret: bytes, life_s: float) -> None:
        self._secret = secret
        self.life_s = life_s

    def give(self, owner: Owner, now: float) -> str:
        """Give a token to an owner; `now` is real time."""
        said = f"{owner.account}.{owner.side}.{int(now + self.life_s)}"
        return f"{said}.{self._sign(said)}"

    def owner(self, token: str, now: float) -> Owner | None:
        """Say whose a token is; None if it is not ours or has expired."""
        said, _, signature = token.rpartition(".")
        if not token.isascii() or not hmac.compare_digest(signature, self._sign(said)):
            return None
        account, side, until = said.split(".")
        if now >= int(until):
            return None
        return Owner(int(account), "reviewer" if side == "reviewer" else "family")

    def _sign(self, said: str) -> str:
        return hmac.digest(self._secret, said.encode(), "sha256").hex()
